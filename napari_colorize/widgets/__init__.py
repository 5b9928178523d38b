"""The napari panel and its parts. Nothing here computes a colour; see :mod:`napari_colorize.api`.

Importing this package imports neither Qt nor torch, so ``python -m napari_colorize.widgets.launch``
can load torch before Qt, which Windows needs.
"""
