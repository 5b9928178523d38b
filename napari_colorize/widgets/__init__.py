"""The napari panel and its parts. Nothing here computes a colour; see :mod:`napari_colorize.api`.

Importing this package imports neither Qt nor torch, so ``napari-colorize napari``
can load torch before Qt, which Windows needs.
"""
