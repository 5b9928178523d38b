"""Colour conversions for grading: scikit-image's, not the graded package's own operators.

A method that colours through :mod:`napari_colorize.ops` must not be graded by the same formulas,
or an error in them would cancel. So evaluation converts with scikit-image (sRGB, CIE L*a*b*, D65,
2° observer), in float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np

LUMINANCE = np.array([0.212671, 0.715160, 0.072169])
"""Share of linear red, green and blue in CIE Y (D65), the row scikit-image uses."""


def as_rgb8(picture: Any, what: str = "the picture") -> np.ndarray:
    """Return an 8-bit RGB picture, refusing anything else with a sentence.

    Parameters
    ----------
    picture : array_like
        ``(H, W, 3)`` or ``(H, W, 4)`` uint8; a fourth channel (alpha) is left out.
    what : str
        How an error calls the picture.

    Returns
    -------
    numpy.ndarray
        ``(H, W, 3)`` uint8.

    Raises
    ------
    TypeError, ValueError
        Not uint8, not an RGB picture, or empty.

    Examples
    --------
    >>> import numpy as np
    >>> as_rgb8(np.zeros((2, 3, 3), np.uint8)).shape
    (2, 3, 3)
    """
    array = np.asarray(picture)
    if array.ndim != 3 or array.shape[2] not in (3, 4) or array.size == 0:
        raise ValueError(
            f"{what} has shape {array.shape}; grading takes (height, width, 3), RGB, not empty."
        )
    if array.dtype != np.uint8:
        raise TypeError(f"{what} is {array.dtype}; grading takes uint8 sRGB, 0 to 255.")
    return array[..., :3]


def to_lab(rgb: np.ndarray) -> np.ndarray:
    """Return CIE L*a*b* (D65) of 8-bit sRGB.

    Parameters
    ----------
    rgb : numpy.ndarray
        ``(H, W, 3)`` uint8.

    Returns
    -------
    numpy.ndarray
        ``(H, W, 3)`` float32; L 0…100, a and b in Lab units.

    Examples
    --------
    >>> import numpy as np
    >>> to_lab(np.full((1, 1, 3), 255, np.uint8)).round().tolist()
    [[[100.0, -0.0, 0.0]]]
    """
    from skimage.color import rgb2lab

    return rgb2lab(as_rgb8(rgb).astype(np.float32) / np.float32(255))


def grey_of(rgb: np.ndarray) -> np.ndarray:
    """Return the grey picture that a method is shown: the sRGB grey of the same L*.

    L* depends on luminance Y alone, and a grey pixel's Y is its linearised code, so the grey code
    is the sRGB encoding of Y, rounded. This is not the weighted sum of coded channels (Rec. 601)
    that image libraries call "convert to grey".

    Parameters
    ----------
    rgb : numpy.ndarray
        ``(H, W, 3)`` uint8.

    Returns
    -------
    numpy.ndarray
        ``(H, W)`` uint8; its L* is that of ``rgb`` within the rounding to 8 bits.

    Examples
    --------
    >>> import numpy as np
    >>> grey_of(np.full((1, 2, 3), (255, 0, 0), np.uint8)).tolist()
    [[127, 127]]
    """
    luminance = _LINEAR[as_rgb8(rgb)] @ LUMINANCE.astype(np.float32)
    luminance = np.clip(luminance, 0, 1)
    coded = np.where(
        luminance <= 0.0031308, 12.92 * luminance, 1.055 * luminance ** (1 / 2.4) - 0.055
    )
    return np.rint(coded * 255).astype(np.uint8)


def _linear_table() -> np.ndarray:
    code = np.arange(256) / 255
    linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)


_LINEAR = _linear_table()
