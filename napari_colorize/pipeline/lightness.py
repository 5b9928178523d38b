"""CIE 1976 lightness L* of grey codes, of windowed grey values and of RGB.

A number 0…1 is read as an sRGB grey code, exactly as a viewer shows it. All is done in bands of
rows, so that beside a picture and its lightness no further plane of its size is held.
"""

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
