"""Which colours count as clipped: those that had room in sRGB, and still did not fit.

Next to black and next to white sRGB has hardly a colour, so that there nearly every prediction is
moved towards grey, whatever it is: the dark ground of a fluorescence picture would be marked all
over, though nothing that anybody could see has changed. Those pixels are left out.
"""

import numpy as np
from numpy.typing import NDArray

from napari_colorize.image import Plane
from napari_colorize.lightness import lightness_of_codes, row_bands

DARKEST, LIGHTEST = 5.0, 95.0
"""L* between which a moved colour counts as clipped; 8-bit grey codes 17 to 240."""


def clipped_colours(moved: NDArray[np.bool_], plane: Plane) -> NDArray[np.bool_]:
    """Return which of the colours that were moved into sRGB count as clipped.

    Parameters
    ----------
    moved : (H, W) bool array
        Where the predicted colour was outside sRGB and was moved towards grey, however little.
    plane : Plane
        The picture.

    Returns
    -------
    (H, W) bool array
        ``moved`` where the picture's L* is between 5 and 95, both included.
    """
    darkest, lightest = DARKEST, LIGHTEST
    if plane.luma.dtype == np.uint8:  # grey codes rise with lightness
        known = np.flatnonzero(
            (lightness_of_codes() >= DARKEST) & (lightness_of_codes() <= LIGHTEST)
        )
        darkest, lightest = known[0], known[-1]
    clipped = np.empty_like(moved)
    for rows in row_bands(*moved.shape):
        light = plane.luma[rows]
        np.logical_and(light >= darkest, light <= lightest, out=clipped[rows])
        clipped[rows] &= moved[rows]
    return clipped
