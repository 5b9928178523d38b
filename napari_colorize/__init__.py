"""Plausible colour for grey images: napari plugin, library and compiled torch operators.

The public names load on first use, so ``import napari_colorize`` costs nothing: torch is
imported when something is coloured, Qt and napari only by the plugin's panels. Which names there
are, and in which module, stands in ``__init__.pyi``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
