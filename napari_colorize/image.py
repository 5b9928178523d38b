"""Arrays in, lightness out: dtype, intensity window and alpha are settled here.

A picture becomes a :class:`Plane`. An intensity window maps its raw values linearly to 0…1, values
outside it to the nearer end; that number is read as an sRGB grey code, exactly as a viewer
shows it, and its CIE 1976 lightness L* is what the method sees and what the result keeps.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.parameters import checked_window

LOW_PERCENTILE, HIGH_PERCENTILE = 0.1, 99.9
"""The automatic window of grey data that is not 8-bit: the darkest and the brightest thousandth
of the finite pixels lie outside. Pictures of fewer than a thousand pixels keep all their range."""

SAMPLED_PIXELS = 1 << 22
"""Percentiles of larger pictures are taken from an even grid of about so many pixels."""

BAND_PIXELS = 1 << 19
"""Float work is done in bands of rows of about so many pixels, to keep memory low."""

RGB_TOLERANCE = 1e-3
"""How far floating-point RGB may leave 0…1, as interpolation does, and still be taken for it."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Plane:
    """One picture as lightness, and how it was obtained.

    Parameters
    ----------
    luma : (H, W) array
        uint8: sRGB grey codes, the input's own; or float32: L*, 0…100.
    alpha : (H, W) float32 array or None
        Opacity, 0…1.
    window : (low, high)
        Raw values that became black and white.
    window_mode : {"automatic", "explicit"}
        Who chose the window.
    kind : {"grey", "rgb"}
        What the input was; of RGB, the L* is used.
    shape, dtype
        Of the input.
    nan_count : int
        Pixels that held NaN; they are treated as the low end of the window.
    outside_window : float
        Share of pixels (0…1) that the window cut to black or white; NaN is not counted.
    """

    luma: NDArray[Any]
    alpha: NDArray[np.float32] | None
    window: tuple[float, float]
    window_mode: str
    kind: str
    shape: tuple[int, ...]
    dtype: str
    nan_count: int = 0
    outside_window: float = 0.0

    def lightness(self) -> NDArray[np.float32]:
        """Return L* (0…100) as an (H, W) float32 array."""
        if self.luma.dtype == np.uint8:
            return lightness_of_codes()[self.luma]
        return self.luma


def read_plane(image: Any, window: tuple[float, float] | None = None) -> Plane:
    """Turn any picture into a plane of lightness.

    Parameters
    ----------
    image : array-like
        (H, W) grey, or (H, W, 3) RGB, or (H, W, 4) RGB with alpha, of any real dtype: NumPy
        array, torch tensor, or anything with ``__array__``. RGB is sRGB-coded: uint8, uint16 over
        their whole range, floats 0…1; other ranges need an explicit window, which then
        applies to every channel.
    window : (low, high), optional
        Raw values for black and white. By default: bool and uint8 their whole range; other
        grey pictures the range between their 0.1 and 99.9 percentiles, NaN and infinities left
        out. A constant picture becomes black (0), itself (up to 1) or mid-grey.

    Returns
    -------
    Plane

    Raises
    ------
    TypeError, ValueError
        Not a picture of real numbers, or not a single plane; the sentence says what to do.
    """
    array = as_array(image)
    explicit = checked_window(window)
    colour = _is_rgb(array)
    pixels = array[..., :3] if colour else array
    if explicit is None:
        used = _rgb_window(pixels) if colour else automatic_window(pixels)
    else:
        used = explicit
    luma, nan_count, outside = _lightness(pixels, used)
    return Plane(
        luma=luma,
        alpha=_opacity(array) if colour and array.shape[-1] == 4 else None,
        window=used,
        window_mode="automatic" if explicit is None else "explicit",
        kind="rgb" if colour else "grey",
        shape=array.shape,
        dtype=array.dtype.name,
        nan_count=nan_count,
        outside_window=outside / luma.size,
    )


def as_array(image: Any) -> NDArray[Any]:
    """Return a picture as a NumPy array of bool, integers or floats with at least one pixel.

    Raises
    ------
    TypeError
        A path, or values that are not real numbers.
    ValueError
        No pixels at all.
    """
    if isinstance(image, (str, bytes)) or hasattr(image, "__fspath__"):
        raise TypeError(
            f"The image is a path, {image!r}; colorize takes pixels. Read the file first: "
            "napari_colorize.files.read(path)[0].pixels."
        )
    if hasattr(image, "detach"):  # a torch tensor, perhaps on a GPU or with gradients
        image = image.detach().cpu()
        if str(image.dtype) == "torch.bfloat16":
            image = image.float()
    array = np.asarray(image)
    if array.dtype.kind == "c":
        raise TypeError(
            f"The image holds complex numbers ({array.dtype}); take what you want to see first, "
            "for example abs(image) or image.real."
        )
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"The image holds {array.dtype} values; pixels must be bool, integer or "
            "floating-point numbers."
        )
    if array.size == 0:
        raise ValueError(f"The image has no pixels: its shape is {array.shape}.")
    return array


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


def row_bands(height: int, width: int) -> Iterator[slice]:
    """Yield slices of rows that cover a picture from top to bottom in moderate pieces."""
    rows = max(1, BAND_PIXELS // max(1, width))
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))


def lightness_of_codes() -> NDArray[np.float32]:
    """Return the L* of the 256 sRGB grey codes, float32."""
    codes = np.arange(256, dtype=np.uint8)[:, None].repeat(3, axis=1)
    return _lab_lightness(codes)


def _lab_lightness(rgb: NDArray[Any]) -> NDArray[np.float32]:
    """Return L*, 0…100 in spite of rounding, of (…, 3) sRGB: uint8 or float32 0…1."""
    import torch

    from napari_colorize import ops

    lab = ops.rgb_to_lab(torch.from_numpy(np.require(rgb, requirements=["C", "W"])))
    return np.ascontiguousarray(lab[..., 0].clamp(0, 100).numpy())


def _lightness(pixels: NDArray[Any], window: tuple[float, float]) -> tuple[NDArray[Any], int, int]:
    """Return luma, the number of NaN pixels and the number of pixels outside the window."""
    whole_range = {"uint8": (0, 255), "bool": (0, 1)}.get(pixels.dtype.name) == window
    if whole_range and pixels.ndim == 2:
        codes = pixels if pixels.dtype == np.uint8 else pixels.astype(np.uint8) * np.uint8(255)
        return codes, 0, 0
    luma = np.empty(pixels.shape[:2], dtype=np.float32)
    nan_count = outside_count = 0
    for rows in row_bands(*pixels.shape[:2]):
        band = pixels[rows]
        if whole_range and band.dtype == np.uint8:
            luma[rows] = _lab_lightness(band)
            continue
        shown, missing, outside = _windowed(band, window)
        nan_count, outside_count = nan_count + missing, outside_count + outside
        grey = shown[..., None].repeat(3, axis=-1) if pixels.ndim == 2 else shown
        luma[rows] = _lab_lightness(grey)
    return luma, nan_count, outside_count


def _windowed(
    band: NDArray[Any], window: tuple[float, float]
) -> tuple[NDArray[np.float32], int, int]:
    """Map raw values to 0…1; also count the pixels that are NaN and those outside the window."""
    low, high = (float(end) for end in window)
    values = band.astype(np.float64)
    missing = np.isnan(values)
    values[missing] = low
    outside = (values < low) | (values > high)
    np.clip(values, low, high, out=values)  # first, so that infinities do no harm
    halves = 0.5 if np.isinf(high - low) else 1.0  # a span beyond float64 is taken by halves
    shown = (values * halves - low * halves) / (high * halves - low * halves)
    return shown.astype(np.float32), _pixels_with(missing), _pixels_with(outside)


def _pixels_with(mask: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(mask.any(axis=-1) if mask.ndim == 3 else mask))


def _is_rgb(array: NDArray[Any]) -> bool:
    """Tell RGB(A) from grey by shape; refuse everything that is not a single picture."""
    if array.ndim == 2:
        return False
    if array.ndim == 3 and array.shape[-1] in (3, 4):
        return True
    accepted = "A picture is (height, width), or (height, width, 3 or 4) for RGB(A)"
    if array.ndim == 3 and array.shape[-1] == 1:
        advice = "drop the last axis: image[..., 0]"
    elif array.ndim == 3 and array.shape[0] in (3, 4):
        advice = (
            "if the first axis holds the colour channels, move it: np.moveaxis(image, 0, -1); "
            "if it counts planes, pick one: image[0]"
        )
    elif array.ndim >= 3:
        leading = ", ".join("0" for _ in range(array.ndim - 2))
        advice = (
            f"this looks like a stack: pick one plane, image[{leading}], or colour each in turn"
        )
    else:
        advice = "reshape it to two dimensions"
    raise ValueError(f"The image has shape {array.shape}. {accepted}; {advice}.")


def _rgb_window(pixels: NDArray[Any]) -> tuple[float, float]:
    """Return the values that are black and white in RGB of this dtype."""
    if pixels.dtype == bool:
        return 0, 1
    if pixels.dtype in (np.uint8, np.uint16):
        return 0, int(np.iinfo(pixels.dtype).max)
    if pixels.dtype.kind != "f":
        raise ValueError(
            f"RGB of type {pixels.dtype} has no agreed range. Convert it to uint8 or uint16, or "
            "give the values of black and white, for example window=(0, 255)."
        )
    low, high = np.nanmin(pixels, initial=0.0), np.nanmax(pixels, initial=1.0)
    if low < -RGB_TOLERANCE or high > 1 + RGB_TOLERANCE:
        raise ValueError(
            f"Floating-point RGB must lie in 0…1; this image spans {low:g}…{high:g}. Divide it by "
            "its maximum, or give the values of black and white, for example window=(0, 255)."
        )
    return 0, 1


def _opacity(array: NDArray[Any]) -> NDArray[np.float32]:
    """Return the fourth channel as 0…1; integers over their type's range, NaN is transparent."""
    alpha = array[..., 3]
    if alpha.dtype.kind in "iu":
        return (alpha / np.iinfo(alpha.dtype).max).clip(0, 1).astype(np.float32)
    return np.nan_to_num(alpha.astype(np.float32), nan=0.0).clip(0, 1)


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
