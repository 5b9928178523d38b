"""Which colours count as clipped: those that had room in sRGB, and still did not fit.

Next to black and next to white sRGB has hardly a colour, so that there nearly every prediction is
moved towards grey, whatever it is: the dark ground of a fluorescence picture would be marked all
over, though nothing that anybody could see has changed. Those pixels are left out.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from napari_colorize.pipeline.image import Plane
from napari_colorize.pipeline.resample import lightness_of_codes, row_bands

DARKEST, LIGHTEST = 5.0, 95.0
"""L* between which a moved colour counts as clipped; 8-bit grey codes 17 to 240."""


def clipped_colours(moved: NDArray[np.bool_], plane: Plane) -> NDArray[np.bool_]:
    """Leave only those of the colours that were moved into sRGB that count as clipped.

    Parameters
    ----------
    moved : (H, W) bool array
        Where the predicted colour was outside sRGB and was moved towards grey, however little.
        Changed in place.
    plane : Plane
        The picture.

    Returns
    -------
    (H, W) bool array
        ``moved``, False now where the picture's L* is not between 5 and 95, both included.
    """
    has_room = _of_codes if plane.luma.dtype == np.uint8 else _of_lightness
    for rows in row_bands(*moved.shape):
        moved[rows] &= has_room(plane.luma[rows])
    return moved


def _of_lightness(light: NDArray[np.float32]) -> NDArray[np.bool_]:
    return (light >= DARKEST) & (light <= LIGHTEST)


def _of_codes(codes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    import cv2

    return np.asarray(cv2.LUT(np.ascontiguousarray(codes), _table())).view(np.bool_)


@cache
def _table() -> NDArray[np.uint8]:
    """Return what `_of_lightness` says of each grey code."""
    return _of_lightness(lightness_of_codes()).view(np.uint8)
