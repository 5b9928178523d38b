"""Which raw values become black and white: the intensity window of a picture.

A window maps raw values linearly to 0…1, values outside it to the nearer end; a gamma other than 1
bends what lies between.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOW_PERCENTILE, HIGH_PERCENTILE = 0.1, 99.9
"""The automatic window of grey data that is not 8-bit: the darkest and the brightest thousandth
of the finite pixels lie outside. Pictures of fewer than a thousand pixels keep all their range."""

SAMPLED_PIXELS = 1 << 22
"""Percentiles of larger pictures are taken from an even grid of about so many pixels."""

SAMPLED_PLANES = 16
"""The window that planes share is chosen from at most so many, evenly spread over the stack."""

RGB_TOLERANCE = 1e-3
"""How far floating-point RGB may leave 0…1, as interpolation does, and still be taken for it."""


def automatic_window(pixels: NDArray[Any]) -> tuple[float, float]:
    """Choose the window of a grey picture from its dtype and values.

    bool and uint8 are shown over their whole range, (0, 1) and (0, 255). Of all others it is
    the range between the percentiles 0.1 and 99.9 of the finite values, both ends values that
    occur; where these coincide (a few bright spots on a constant ground), the whole finite range;
    where that is one value c, (0, 1) if it lies in there and else (0, 2c), which makes it mid-grey.
    """
    if pixels.dtype == bool:
        return 0, 1
    if pixels.dtype == np.uint8:
        return 0, 255
    sample = _even_sample(pixels)
    low = np.percentile(sample, LOW_PERCENTILE, method="lower") if sample.size else 0
    high = np.percentile(sample, HIGH_PERCENTILE, method="higher") if sample.size else 1
    if not low < high:
        finite = pixels[np.isfinite(pixels)]
        low, high = finite.min(), finite.max()
    if low < high:
        return _number(low), _number(high)
    return _window_of_constant(_number(low))


def rgb_window(pixels: NDArray[Any]) -> tuple[float, float]:
    """Return the values that are black and white in RGB of this dtype.

    Raises
    ------
    ValueError
        The dtype has no agreed range, or floats lie outside 0…1.
    """
    if pixels.dtype == bool:
        return 0, 1
    if pixels.dtype in (np.uint8, np.uint16):
        return 0, int(np.iinfo(pixels.dtype).max)
    if pixels.dtype.kind != "f":
        raise ValueError(
            f"RGB of type {pixels.dtype} has no agreed range. Convert it to uint8 or uint16; in "
            "Python the values of black and white may be given instead, for example "
            "window=(0, 255)."
        )
    low, high = np.nanmin(pixels, initial=0.0), np.nanmax(pixels, initial=1.0)
    if low < -RGB_TOLERANCE or high > 1 + RGB_TOLERANCE:
        raise ValueError(
            f"Floating-point RGB must lie in 0…1; this image spans {low:g}…{high:g}. Bring it "
            "there, for example by image / image.max(); in Python the values of black and white "
            "may be given instead, for example window=(0, 255)."
        )
    return 0, 1


def shared_window(
    read: Callable[[int], NDArray[Any]], count: int, rgb: bool | None = None
) -> tuple[float, float] | None:
    """Choose one intensity window for all planes of a stack, or all pages of a file.

    It is the automatic window of a single picture of the pixels of up to 16 planes together,
    spread evenly from the first to the last, and of each an even grid. Of bool and 8-bit planes,
    and of colour, it follows from the type. Planes of one value are left out unless there are no
    others: their window would be made up. Where types differ, it spans the windows of each.

    Parameters
    ----------
    read : callable
        Gives a plane for its number, (Y, X) or (Y, X, 3 or 4).
    count : int
        Planes there are, 1 or more.
    rgb : bool, optional
        Whether planes are colour. ``None``: told page by page by the number of axes, and colour
        needs no shared window, for the range of its type is the same on every page.

    Returns
    -------
    (low, high) : tuple of float, or None
        Raw values that become black and white; ``None`` where all pages are colour.

    Raises
    ------
    ValueError
        As :func:`rgb_window`.
    """
    chosen = sampled_planes(count)
    share = max(1, SAMPLED_PIXELS // len(chosen))
    samples: dict[str, list[NDArray[Any]]] = {}
    for number in chosen:
        plane = read(number)
        if rgb is None and plane.ndim == 3:
            continue
        if rgb is not None and window_is_known(plane, rgb):
            return rgb_window(plane[..., :3]) if rgb else automatic_window(plane)
        step = max(1, math.ceil(math.sqrt(plane.shape[0] * plane.shape[1] / share)))
        pixels = plane[::step, ::step, :3] if rgb else plane[::step, ::step]
        samples.setdefault(plane.dtype.name, []).append(pixels.reshape(1, -1))
    if not samples:
        return None
    if rgb:
        windows = [rgb_window(np.concatenate(planes, axis=1)) for planes in samples.values()]
    else:
        some = [plane for planes in samples.values() for plane in planes if not _is_blank(plane)]
        windows = [
            automatic_window(np.concatenate(kept, axis=1))
            for planes in samples.values()
            if (kept := [plane for plane in planes if not some or not _is_blank(plane)])
        ]
    lows, highs = zip(*windows, strict=True)
    return min(lows), max(highs)


def window_of_type(plane: NDArray[Any], rgb: bool) -> tuple[float, float]:
    """Return the window of planes that cannot be read twice: it must follow from their type.

    Raises
    ------
    ValueError
        It does not.
    """
    if rgb or window_is_known(plane, rgb):
        return rgb_window(plane[..., :3]) if rgb else automatic_window(plane)
    raise ValueError(
        f"The planes hold {plane.dtype} values and come out of a generator, so one window for all "
        "cannot be chosen from them. Give the values of black and white, for example "
        "window=(0, 4095)."
    )


def window_is_known(plane: NDArray[Any], rgb: bool) -> bool:
    """Return whether the type of a plane alone says which values are black and white."""
    return plane.dtype in (np.bool_, np.uint8) or (rgb and plane.dtype.kind != "f")


def sampled_planes(count: int) -> list[int]:
    """Return the numbers of the planes that a shared window is chosen from."""
    spread = np.linspace(0, count - 1, min(count, SAMPLED_PLANES))
    return [int(number) for number in np.unique(spread.round())]


def windowed(
    values: NDArray[Any], window: tuple[float, float], gamma: float = 1.0
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
    """Map raw values to 0…1.

    Parameters
    ----------
    values : array
        Of any real dtype and shape.
    window : (low, high)
        Raw values that become 0 and 1, low < high.
    gamma : float
        Exponent on what the window gives, as viewers have it; more than 0.

    Returns
    -------
    shown : float32 array
        0…1; NaN is taken for the low end.
    missing, outside : bool arrays
        Where the value is NaN, and where it lies outside the window.
    """
    low, high = (float(end) for end in window)
    exact = values.astype(np.float64)
    missing = np.isnan(exact)
    exact[missing] = low
    outside = (exact < low) | (exact > high)
    np.clip(exact, low, high, out=exact)  # first, so that infinities do no harm
    halves = 0.5 if np.isinf(high - low) else 1.0  # a span beyond float64 is taken by halves
    shown = (exact * halves - low * halves) / (high * halves - low * halves)
    if gamma != 1:
        np.power(shown, gamma, out=shown)
    return shown.astype(np.float32), missing, outside


def _is_blank(pixels: NDArray[Any]) -> bool:
    finite = pixels[np.isfinite(pixels)]
    return finite.size == 0 or finite.min() == finite.max()


def _even_sample(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return the finite values on an even grid of at most a few million pixels."""
    step = max(1, int(np.ceil(np.sqrt(pixels.size / SAMPLED_PIXELS))))
    sample = pixels[::step, ::step]
    return sample[np.isfinite(sample)]


def _window_of_constant(value: float) -> tuple[float, float]:
    if 0 <= value <= 1:
        return 0, 1
    # NaN-free by construction; the largest doubles have no double of their own.
    far = value * 2 if np.isfinite(float(value) * 2) else value
    return (0, far) if value > 0 else (far, 0)


def _number(value: Any) -> float:
    """Return a NumPy scalar as an int or a float, so that a record shows it as it was."""
    return value.item() if isinstance(value, np.generic) else value
