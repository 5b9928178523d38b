"""Sizes and resizing: what the network gets to see, and planes averaged to coarser grids."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.pipeline.lightness import look_up, row_bands

MULTIPLE = 32
"""The network's input sides are multiples of this, its coarsest stride."""

MAX_ENLARGEMENT = 4.0
"""Small pictures are enlarged for the network at the most so much: beyond that there is nothing
more to recognise, only blur."""

MAX_AREA = 4
"""Long, thin pictures: the network's input has at the most ``MAX_AREA · network_size²`` pixels."""


def network_shape(height: int, width: int, network_size: int) -> tuple[int, int]:
    """Return the size at which the network sees a picture.

    The short side becomes ``network_size``, both sides multiples of 32. Pictures are enlarged at
    the most fourfold (but never below 32 pixels a side), and the area is bounded by
    ``4 · network_size²``, so that a strip of 20 × 30 000 pixels costs no more than four squares.

    Parameters
    ----------
    height, width : int
        Size of the picture, ≥ 1.
    network_size : int
        Wanted short side in pixels.

    Returns
    -------
    (height, width) : tuple of int
    """
    area = MAX_AREA * max(network_size, MULTIPLE) ** 2
    scale = min(
        network_size / min(height, width),
        MAX_ENLARGEMENT,
        (area / (height * width)) ** 0.5,
    )
    short = _rounded(scale * min(height, width))
    long = min(_rounded(scale * max(height, width)), area // short // MULTIPLE * MULTIPLE)
    return (short, long) if height <= width else (long, short)


def resize(plane: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Resize a plane without aliasing: area average where it shrinks, bilinear where it grows.

    Pixel centres are kept aligned (``align_corners=False``). Each axis is treated on its own. A
    plane that has the size already is returned itself.

    Parameters
    ----------
    plane : (H, W) or (H, W, C) float32 array
    shape : (height, width)
        Size wanted.

    Returns
    -------
    (height, width) or (height, width, C) float32 array
    """
    height, width = shape
    shrinks = height <= plane.shape[0], width <= plane.shape[1]
    if shrinks[0] == shrinks[1]:
        return _resized(plane, shape, shrinks[0])
    # The axis that shrinks comes first, so that what lies between is never the larger.
    between = (height, plane.shape[1]) if shrinks[0] else (plane.shape[0], width)
    return _resized(_resized(plane, between, True), shape, False)


def resize_codes(
    codes: NDArray[np.uint8], table: NDArray[np.float32], shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Resize the plane ``table[codes]`` without making it: see :func:`resize`.

    Parameters
    ----------
    codes : (H, W) uint8 array
    table : (256,) float32 array
        What each code stands for.
    shape : (height, width)
        Size wanted.

    Returns
    -------
    (height, width) float32 array
    """
    height, width = codes.shape
    if shape[1] > width and shape[0] <= height:  # rows would grow before columns shrink
        return np.ascontiguousarray(resize_codes(codes.T, table, shape[::-1]).T)
    return resize(narrow_codes(codes, table, shape[1]), shape)


def narrow_codes(
    codes: NDArray[np.uint8], table: NDArray[np.float32], columns: int
) -> NDArray[np.float32]:
    """Bring the plane ``table[codes]`` to another number of columns: see :func:`resize`.

    Parameters
    ----------
    codes : (H, W) uint8 array
    table : (256,) float32 array
        What each code stands for.
    columns : int
        Width wanted.

    Returns
    -------
    (H, columns) float32 array
    """
    height, width = codes.shape
    narrow = np.empty((height, columns), dtype=np.float32)
    bands = list(row_bands(height, width))
    # One for all bands: memory that is new each time takes longer than what is done with it.
    band = np.empty((bands[0].stop, width), dtype=np.float32)
    for rows in bands:
        found = look_up(codes[rows], table, out=band[: rows.stop - rows.start])
        narrow[rows] = resize(found, (found.shape[0], columns))
    return narrow


def no_finer_than(grid: tuple[int, int], shape: tuple[int, int]) -> tuple[int, int]:
    """Return the chroma grid that a picture of ``shape`` can carry: never finer than its pixels."""
    return min(grid[0], shape[0]), min(grid[1], shape[1])


def _rounded(side: float) -> int:
    return max(MULTIPLE, round(side / MULTIPLE) * MULTIPLE)


def _resized(plane: NDArray[Any], shape: tuple[int, int], shrinks: bool) -> NDArray[Any]:
    if plane.shape[:2] == shape:
        return plane
    import cv2

    # OpenCV's INTER_AREA is the exact area average only where no axis grows.
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    channels = plane.shape[2:]
    resized = cv2.resize(plane, shape[::-1], interpolation=method)
    return np.asarray(resized).reshape(*shape, *channels)
