"""Arrays in, lightness out: dtype, intensity window and alpha are settled here.

A picture becomes a :class:`Plane`. An intensity window and a gamma (window.py) map its raw values
to 0…1; that number is read as an sRGB grey code, and its CIE 1976 lightness L* (lightness.py) is
what the method sees and what the result keeps.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.parameters import checked_window
from napari_colorize.pipeline.lightness import (
    lightness_of_codes,
    lightness_within,
    look_up,
    row_bands,
)
from napari_colorize.pipeline.resample import narrow_codes, resize, resize_codes
from napari_colorize.pipeline.window import automatic_window, placeholders, rgb_window

ALL_MISSING = (
    "All pixels of the image are missing (NaN, masked or without data); there is nothing to be "
    "coloured. Check the file, or choose another plane."
)


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
        Pixels that are missing: NaN, masked, or of a value that stands for it (see
        :func:`napari_colorize.pipeline.window.placeholders`). They are treated as the low end of
        the window.
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

    @property
    def one_shade(self) -> bool:
        """Whether all pixels are of the same lightness, so that there is nothing to be seen."""
        first = self.luma[0, 0]
        return all(bool((self.luma[rows] == first).all()) for rows in row_bands(*self.luma.shape))

    def lightness(self, rows: slice = slice(None)) -> NDArray[np.float32]:
        """Return L* (0…100) of these rows as an (H, W) float32 array."""
        if self.luma.dtype == np.uint8:
            return look_up(self.luma[rows], lightness_of_codes())
        return self.luma[rows]

    def lightness_at(self, shape: tuple[int, int]) -> NDArray[np.float32]:
        """Return L* (0…100) brought to another size without aliasing, (height, width) float32.

        Of grey codes, no full-size plane of lightness is made. Columns come first and rows after
        them, so that a plane which is read in bands of rows comes out the same.
        """
        height, width = self.luma.shape
        if self.luma.shape == shape:
            return self.lightness()
        if shape[1] > width and shape[0] <= height:  # rows would grow before columns shrink
            if self.luma.dtype == np.uint8:
                return resize_codes(self.luma, lightness_of_codes(), shape)
            return resize(self.luma, shape)
        return resize(self.narrowed(shape[1]), shape)

    def narrowed(self, width: int) -> NDArray[np.float32]:
        """Return L* (0…100) with another number of columns, not aliased: (H, width) float32."""
        if self.luma.dtype == np.uint8:
            return narrow_codes(self.luma, lightness_of_codes(), width)
        return resize(self.luma, (self.luma.shape[0], width))


def read_plane(
    image: Any,
    window: tuple[float, float] | None = None,
    gamma: float = 1.0,
    window_mode: str | None = None,
) -> Plane:
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
    gamma : float
        Exponent on what the window gives, as viewers have it; of RGB, in every channel.
    window_mode : {"automatic", "explicit"}, optional
        Who chose the window that is given, such as one for all planes of a stack. By default it
        is explicit where it is given.

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
        used = rgb_window(pixels) if colour else automatic_window(_masked_like(image, pixels))
    else:
        used = explicit
    missing = _missing(image, pixels, explicit is None)
    if missing is not None:
        pixels = _filled(pixels, missing, used[0])
    luma, nan_count, outside = lightness_within(pixels, used, gamma)
    if missing is not None:
        nan_count += int(np.count_nonzero(missing))
    return Plane(
        luma=luma,
        alpha=_opacity(array) if colour and array.shape[-1] == 4 else None,
        window=used,
        window_mode=window_mode or ("automatic" if explicit is None else "explicit"),
        kind="rgb" if colour else "grey",
        shape=array.shape,
        dtype=array.dtype.name,
        nan_count=nan_count,
        outside_window=outside / luma.size,
    )


def read_lazily(plane: Any) -> NDArray[Any]:
    """Return a plane as NumPy; dask computes it in this thread, so that tasks may ask for it."""
    if hasattr(plane, "dask") and hasattr(plane, "compute"):
        plane = plane.compute(scheduler="synchronous")
    array = as_array(plane)
    mask = np.ma.getmask(plane)  # what is masked is missing, and stays so
    return array if mask is np.ma.nomask else np.ma.masked_array(array, mask)


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
    if hasattr(image, "has_transparency_data") and hasattr(image, "getbands"):  # of Pillow
        from napari_colorize.decoders.pillow import pixels_of

        image = pixels_of(image)[0]
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


def _masked_like(image: Any, pixels: NDArray[Any]) -> NDArray[Any]:
    """Return the pixels with the mask that came with them."""
    masked = isinstance(image, np.ma.MaskedArray) and pixels.ndim == 2
    return np.ma.masked_array(pixels, np.ma.getmask(image)) if masked else pixels


def _missing(image: Any, pixels: NDArray[Any], automatic: bool) -> NDArray[np.bool_] | None:
    """Return where a picture has no data though its values are numbers; None where nowhere."""
    mask = np.ma.getmask(image)
    missing = None
    if mask is not np.ma.nomask and mask.any():
        missing = np.asarray(mask[..., :3].any(axis=-1) if mask.ndim == 3 else mask)
    if automatic and pixels.ndim == 2:
        for value in placeholders(_masked_like(image, pixels)):
            found = pixels == value
            missing = found if missing is None else missing | found
    return missing


def _filled(pixels: NDArray[Any], missing: NDArray[np.bool_], low: float) -> NDArray[Any]:
    """Return the pixels with the low end of the window where they are missing."""
    filled = pixels.copy()
    if pixels.dtype.kind in "iu":  # a window of fractions begins between two whole numbers
        ends = np.iinfo(pixels.dtype)
        low = int(np.clip(np.ceil(low), ends.min, ends.max))
    filled[missing] = low
    return filled


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


def _opacity(array: NDArray[Any]) -> NDArray[np.float32]:
    """Return the fourth channel as 0…1; integers over their type's range, NaN is transparent."""
    alpha = array[..., 3]
    opacity = np.empty(alpha.shape, dtype=np.float32)
    if alpha.dtype.kind in "iu":
        np.divide(alpha, np.iinfo(alpha.dtype).max, out=opacity, casting="same_kind")
    else:
        opacity[...] = alpha
        np.nan_to_num(opacity, copy=False, nan=0.0)
    return np.clip(opacity, 0.0, 1.0, out=opacity)
