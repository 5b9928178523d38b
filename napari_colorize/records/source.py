"""Where a picture came from, as a record holds it."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

READABLE = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
"""Suffixes, in small letters, of the files that :mod:`napari_colorize.files` reads: where a record
names one, the Python code made from it reads the picture itself."""


def describe_source(source: Any) -> dict[str, Any] | None:
    """Return where a picture came from as a JSON-able dict.

    A path (``os.PathLike``) becomes ``{"path": …}``, a string ``{"name": …}``; mappings, such as
    ``files.Page.source`` with its ``path`` and ``page``, pass.

    Raises
    ------
    TypeError
        Something else was given.
    """
    if source is None:
        return None
    if isinstance(source, Mapping):
        return {str(key): _plain(value) for key, value in source.items()}
    if isinstance(source, os.PathLike):
        return {"path": os.fspath(source)}
    if isinstance(source, str):
        return {"name": source}
    raise TypeError(f"source is {source!r}; give a path, the name of a layer, or a mapping.")


def _plain(value: Any) -> Any:
    """Return paths and NumPy scalars as what JSON can hold."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return value.item() if isinstance(value, np.generic) else value
