"""Weights and what is known about them: registry, safe loading, download and import.

Nothing here builds pixels. torch is imported when weights are read, not before.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
