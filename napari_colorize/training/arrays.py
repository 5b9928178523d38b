"""Pictures in memory to learn from: RGB arrays of any kind in, 8-bit RGB out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_colorize.pipeline.image import as_array


class Reference(Protocol):
    """A colour picture that can be read when it is wanted."""

    @property
    def name(self) -> str:
        """What messages and the record call it."""

    def read(self) -> NDArray[np.uint8]:
        """Return (H, W, 3) uint8 RGB; ``ValueError`` if it cannot be read."""


@dataclass(frozen=True, eq=False)
class ArrayReference:
    """A picture in memory, such as an RGB layer of a viewer."""

    rgb: NDArray[np.uint8]
    name: str

    @classmethod
    def of(cls, picture: Any, name: str) -> ArrayReference:
        """Take an RGB or RGBA array.

        Parameters
        ----------
        picture
            (H, W, 3) or (H, W, 4): uint8, uint16 over its whole range, or floats 0…1. What is
            transparent becomes white.
        name
            What messages and the record call it.

        Raises
        ------
        TypeError, ValueError
            Not a colour picture of one of these kinds.
        """
        array = as_array(picture)
        if array.ndim != 3 or array.shape[-1] not in (3, 4):
            raise ValueError(
                f"{name} has shape {array.shape}; colour is learnt from RGB pictures of shape "
                "(height, width, 3) or (height, width, 4). Give one plane of a stack at a time."
            )
        share = _as_share(array, name)
        if share.shape[-1] == 4:
            share = share[..., :3] * share[..., 3:] + (1 - share[..., 3:])
        return cls(np.rint(share * 255).astype(np.uint8), name)

    def read(self) -> NDArray[np.uint8]:
        """Return the picture."""
        return self.rgb


def fingerprint_of_arrays(references: Sequence[ArrayReference]) -> str:
    """SHA-256 over names, shapes and pixels: two trainings with the same saw the same."""
    digest = hashlib.sha256()
    for reference in references:
        digest.update(f"{reference.name}\t{reference.rgb.shape}\n".encode())
        digest.update(np.ascontiguousarray(reference.rgb).tobytes())
    return digest.hexdigest()


def _as_share(array: NDArray[Any], name: str) -> NDArray[np.float32]:
    if array.dtype in (np.uint8, np.uint16):
        return array.astype(np.float32) / np.float32(np.iinfo(array.dtype).max)
    if array.dtype.kind == "f":
        if not np.isfinite(array).all() or array.min() < -1e-3 or array.max() > 1 + 1e-3:
            raise ValueError(
                f"{name} holds values outside 0…1; RGB of type {array.dtype} must be within. "
                "Divide it by its largest possible value first."
            )
        return array.astype(np.float32).clip(0, 1)
    raise TypeError(f"{name} is {array.dtype}; RGB is taken as uint8, uint16 or floats 0…1.")
