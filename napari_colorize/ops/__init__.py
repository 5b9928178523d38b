"""The compiled operations, one documented Python function each.

Each is also an operator of ``torch.ops.napari_colorize``, for use inside TorchScript and exported
graphs; those of `edge_aware` are plain torch and are not. The names load on first use: importing
this package imports no torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
