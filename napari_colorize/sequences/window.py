"""The intensity window that all planes of a stack share."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.pipeline.window import SAMPLED_PIXELS, automatic_window, rgb_window
from napari_colorize.sequences.planes import read_lazily

SAMPLED_PLANES = 16
"""The automatic window is chosen from at most so many planes, evenly spread over the stack."""


def shared_window(read: Callable[[int], Any], count: int, rgb: bool) -> tuple[float, float]:
    """Choose one intensity window for all planes of a stack from a sample of them.

    It is the automatic window of a single picture (see ``window.py``) of the pixels of up to
    16 planes, spread evenly from the first to the last, and of each an even grid. Of bool and
    8-bit planes, and of colour, it follows from the type.

    Parameters
    ----------
    read : callable
        Gives a plane for its number.
    count : int
        Planes there are.
    rgb : bool
        Whether planes are (Y, X, 3 or 4).

    Returns
    -------
    (low, high) : tuple of float
        Raw values that become black and white.
    """
    chosen = sampled_planes(count)
    share = max(1, SAMPLED_PIXELS // len(chosen))
    samples = []
    for number in chosen:
        plane = read_lazily(read(number))
        if _is_known(plane, rgb):
            return rgb_window(plane[..., :3]) if rgb else automatic_window(plane)
        step = max(1, math.ceil(math.sqrt(plane.shape[0] * plane.shape[1] / share)))
        pixels = plane[::step, ::step, :3] if rgb else plane[::step, ::step]
        samples.append(pixels.reshape(1, -1))
    pixels = np.concatenate(samples, axis=1)
    return rgb_window(pixels) if rgb else automatic_window(pixels)


def window_of_type(plane: NDArray[Any], rgb: bool) -> tuple[float, float]:
    """Return the window of planes that cannot be read twice: it must follow from their type.

    Raises
    ------
    ValueError
        It does not.
    """
    if rgb or _is_known(plane, rgb):
        return rgb_window(plane[..., :3]) if rgb else automatic_window(plane)
    raise ValueError(
        f"The planes hold {plane.dtype} values and come out of a generator, so one window for all "
        "cannot be chosen from them. Give the values of black and white, for example "
        "window=(0, 4095)."
    )


def _is_known(plane: NDArray[Any], rgb: bool) -> bool:
    return plane.dtype in (np.bool_, np.uint8) or (rgb and plane.dtype.kind != "f")


def sampled_planes(count: int) -> list[int]:
    """Return the numbers of the planes that the window is chosen from."""
    spread = np.linspace(0, count - 1, min(count, SAMPLED_PLANES))
    return [int(number) for number in np.unique(spread.round())]
