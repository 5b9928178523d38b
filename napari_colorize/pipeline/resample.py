"""Lightness of codes and values, and the size at which the network sees it, without aliasing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.pipeline.window import windowed

BAND_PIXELS = 1 << 18
"""Work on floats is done in bands of rows of about so many pixels: they stay in the cache."""

MOST_CODES = 1 << 16
"""Integers of so many different values are looked up in a table: each value is worked out once."""


def row_bands(height: int, width: int) -> Iterator[slice]:
    """Yield slices of rows that cover a picture from top to bottom in moderate pieces."""
    rows = max(1, BAND_PIXELS // max(1, width))
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))


def lightness_of_codes() -> NDArray[np.float32]:
    """Return the L* of the 256 sRGB grey codes, float32."""
    codes = np.arange(256, dtype=np.uint8)[:, None].repeat(3, axis=1)
    return _lightness_of_rgb(codes)


def look_up(
    codes: NDArray[np.uint8], table: NDArray[np.float32], out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Return ``table[codes]``, in `out` if given; of 256 entries, faster than indexing."""
    import cv2

    found = cv2.LUT(np.ascontiguousarray(codes), table, out)
    return np.asarray(found, dtype=np.float32).reshape(codes.shape)


def lightness_within(
    pixels: NDArray[Any], window: tuple[float, float], gamma: float = 1.0
) -> tuple[NDArray[Any], int, int]:
    """Return the lightness of a picture as an intensity window shows it.

    Parameters
    ----------
    pixels : (H, W) or (H, W, 3) array
        Grey or RGB of any real dtype.
    window : (low, high)
        Raw values for black and white, low < high; of RGB, in every channel.
    gamma : float
        Exponent on what the window gives, as viewers have it; more than 0.

    Returns
    -------
    luma : (H, W) array
        uint8 sRGB grey codes where these are the pixels themselves (8-bit or bool grey over its
        whole range, gamma 1; 8-bit pixels are not copied), else float32 L*, 0…100.
    nan_count, outside_count : int
        Pixels that hold NaN, and pixels with a value outside the window.
    """
    grey = pixels.ndim == 2
    whole_range = {"uint8": (0, 255), "bool": (0, 1)}.get(
        pixels.dtype.name
    ) == window and gamma == 1
    if whole_range and grey:
        codes = pixels if pixels.dtype == np.uint8 else pixels.astype(np.uint8) * np.uint8(255)
        return codes, 0, 0
    if whole_range and pixels.dtype == np.uint8:
        return _in_bands(pixels, lambda band: (_lightness_of_rgb(band), 0, 0))
    if grey and _has_few_values(pixels):
        return _by_table(pixels, window, gamma)
    return _in_bands(pixels, lambda band: _shown(band, window, gamma))


def _in_bands(
    pixels: NDArray[Any], work: Callable[[NDArray[Any]], tuple[NDArray[np.float32], int, int]]
) -> tuple[NDArray[np.float32], int, int]:
    """Collect what `work` makes of each band of rows: L*, NaN pixels, pixels outside."""
    height, width = pixels.shape[:2]
    luma = np.empty((height, width), dtype=np.float32)
    missing = outside = 0
    for rows in row_bands(height, width):
        luma[rows], missing_here, outside_here = work(pixels[rows])
        missing, outside = missing + missing_here, outside + outside_here
    return luma, missing, outside


def _shown(
    band: NDArray[Any], window: tuple[float, float], gamma: float
) -> tuple[NDArray[np.float32], int, int]:
    shown, missing, outside = windowed(band, window, gamma)
    rgb = np.repeat(shown[..., None], 3, axis=-1) if band.ndim == 2 else shown
    return _lightness_of_rgb(rgb), _pixels_with(missing), _pixels_with(outside)


def _has_few_values(pixels: NDArray[Any]) -> bool:
    """Tell whether a table of all values of this dtype is less work than the pixels."""
    few = pixels.dtype.kind in "biu" and pixels.dtype.itemsize <= 2
    return few and pixels.size > MOST_CODES


def _by_table(
    pixels: NDArray[Any], window: tuple[float, float], gamma: float
) -> tuple[NDArray[np.float32], int, int]:
    """Work out every value that the integers can have, then look the pixels up."""
    first, last = (0, 1) if pixels.dtype == bool else _ends(pixels.dtype)
    values = np.arange(first, last + 1, dtype=np.int32)[:, None]
    # A negative value counts from the table's end, which is where rolling puts it.
    table = np.roll(_shown(values, window, gamma)[0][:, 0], first)
    low, high = math.ceil(window[0]), math.floor(window[1])

    def work(band: NDArray[Any]) -> tuple[NDArray[np.float32], int, int]:
        outside = np.count_nonzero(band < low) + np.count_nonzero(band > high)
        return np.take(table, band, mode="wrap"), 0, int(outside)

    return _in_bands(pixels, work)


def _ends(dtype: np.dtype[Any]) -> tuple[int, int]:
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


def _pixels_with(mask: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(mask.any(axis=-1) if mask.ndim == 3 else mask))


def _lightness_of_rgb(rgb: NDArray[Any]) -> NDArray[np.float32]:
    """Return L*, 0…100 in spite of rounding, of (…, 3) sRGB: uint8 or float32 0…1."""
    import torch

    from napari_colorize import ops

    lab = ops.rgb_to_lab(torch.from_numpy(np.require(rgb, requirements=["C", "W"])))
    return np.ascontiguousarray(lab[..., 0].clamp(0, 100).numpy())


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
