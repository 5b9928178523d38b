"""The pictures to learn from: files or arrays in, 8-bit RGB and lightness at one size out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_colorize.pipeline.image import as_array, read_plane
from napari_colorize.pipeline.resample import network_shape, resize

SMALLEST_SIZE, LARGEST_SIZE = 64, 320
"""Bounds of the size that is chosen from the pictures themselves, px."""

_LOOKED_AT = 50
_NEARLY_GREY = 6
"""Largest spread of R, G and B, in 8-bit codes, of a picture without colour."""


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


@dataclass(frozen=True, eq=False)
class Seen:
    """A picture as the networks see it and as they should colour it.

    Parameters
    ----------
    lightness
        (h, w) float32 L*, 0…100; made as `napari_colorize.colorize` makes it.
    rgb
        (h, w, 3) float32, 0…1: the area-averaged truth.
    """

    lightness: NDArray[np.float32]
    rgb: NDArray[np.float32]


def seen_at(picture: NDArray[np.uint8], size: int) -> Seen:
    """Bring (H, W, 3) uint8 RGB to the size at which a network of short side `size` sees it."""
    shape = network_shape(picture.shape[0], picture.shape[1], size)
    lightness = np.asarray(read_plane(picture).lightness(), np.float32)
    rgb = np.asarray(picture, np.float32) / np.float32(255)
    return Seen(resize(lightness, shape), resize(rgb, shape).clip(0, 1))


def has_colour(picture: NDArray[np.uint8]) -> bool:
    """Whether any pixel of an uint8 RGB picture is plainly not grey."""
    return bool(int((picture.max(-1) - picture.min(-1)).max(initial=0)) > _NEARLY_GREY)


def usual_size(references: Sequence[Reference]) -> int:
    """Return the median short side of (up to 50 of) the pictures, 64…320 px.

    Descriptors look at 7 to 29 pixels, so they mean most at the size where the structures that
    carry colour are about as large: that of the pictures themselves, unless they are huge.
    """
    step = max(1, len(references) // _LOOKED_AT)
    sides = []
    for reference in references[::step]:
        try:
            sides.append(min(reference.read().shape[:2]))
        except ValueError:
            continue
    if not sides:
        raise ValueError(
            f"None of {len(references)} pictures can be read; is the disk still there?"
        )
    return int(np.clip(np.median(sides), SMALLEST_SIZE, LARGEST_SIZE))


def thumbnail(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Cut the largest central square of an RGB picture and bring it to (side, side, 3)."""
    height, width = picture.shape[:2]
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    square = picture[top : top + short, left : left + short]
    method = cv2.INTER_AREA if short >= side else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(square, (side, side), interpolation=method), np.uint8)


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
