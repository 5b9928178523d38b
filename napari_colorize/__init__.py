"""Plausible colour for grey images: napari plugin, library and compiled torch operators.

The public names load on first use, so ``import napari_colorize`` costs nothing: torch is
imported when something is coloured, Qt and napari only by the plugin's panels. Which names there
are, and in which module, stands in ``__init__.pyi``.
"""

import os

import lazy_loader

# Before torch loads OpenMP: threads that wait for work are not to keep a core busy. Beside other
# work, two threads that spin take ten times as long over a small picture as one does.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
