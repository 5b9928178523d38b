"""Pictures as *Deep Colorization* sees them: 8-bit RGB in, lightness and truth at one size out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_colorize.pipeline.image import read_plane
from napari_colorize.pipeline.resample import network_shape, resize
from napari_colorize.training.arrays import Reference

SMALLEST_SIZE, LARGEST_SIZE = 64, 320
"""Bounds of the size that is chosen from the pictures themselves, px."""

_LOOKED_AT = 50
_NEARLY_GREY = 6
"""Largest spread of R, G and B, in 8-bit codes, of a picture without colour."""


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
