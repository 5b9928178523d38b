"""Which part of a plane is on the canvas. No Qt, no colour."""

import math
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from napari_colorize.widgets.layers.planes import Plane, slider_position, spatial_shape

if TYPE_CHECKING:
    from napari.components import Dims, ViewerModel
    from napari.layers import Image


def part_in_view(
    layer: "Image", plane: Plane, dims: "Dims", canvas: np.ndarray | None = None
) -> Plane:
    """Return the part of a plane that is on the canvas, in pixels of level 0.

    Of a rotated layer it is the box around what is visible.

    Parameters
    ----------
    layer : napari.layers.Image
    plane : Plane
    dims : napari.components.Dims
    canvas : (2, 2) array, optional
        From :func:`canvas_corners`. Of a pyramid, napari cuts out more than is visible, and goes on
        with it when somebody zooms in; without the canvas it is taken as it was cut out.

    Raises
    ------
    ValueError
        Nothing of it is visible; a viewer without a window shows nothing. Or the display is 3-D.
    """
    if dims.ndisplay != 2:
        raise ValueError(
            "In 3-D display no slice is in view. Switch to 2-D display, or untick 'Only what is "
            "in view'."
        )
    full = spatial_shape(layer)
    own = spatial_shape(layer, layer.data_level)
    part = []
    for axis in plane.shown:
        first, last = (int(corner[axis]) for corner in layer.corner_pixels)
        times = full[axis] / own[axis]
        start, stop = int(first * times), min(math.ceil((last + 1) * times), full[axis])
        if canvas is not None and layer.multiscale:
            seen = _seen_of(layer, dims, canvas)[:, axis]
            start, stop = max(start, math.floor(seen[0])), min(stop, math.ceil(seen[1]) + 1)
        if start >= stop or (first == last and own[axis] > 1):
            raise ValueError(
                f"Nothing of layer '{layer.name}' is in view; move there, or colour all of the "
                "slice."
            )
        part.append((start, stop))
    return replace(plane, part=(part[0], part[1]))


def canvas_corners(viewer: "ViewerModel") -> np.ndarray | None:
    """Return where the canvas begins and ends in the world, down and across, (2, 2).

    ``None`` for older napari, whose model does not know the size of its canvas.
    """
    size = getattr(getattr(viewer, "canvas", None), "viewbox_size", None)
    if size is None:
        return None
    camera = getattr(viewer, "scene", viewer).camera
    half = np.asarray(size(viewer.layers), float) / 2 / camera.zoom
    centre = np.asarray(camera.center[-2:], float)
    return np.stack([centre - half, centre + half])


def _seen_of(layer: "Image", dims: "Dims", canvas: np.ndarray) -> np.ndarray:
    """Return the first and the last index of a layer under the canvas, (2, ndim), not rounded."""
    corners = []
    for down, across in product(*canvas.T):
        point = list(dims.point)
        point[dims.order[-2]], point[dims.order[-1]] = down, across
        corners.append(layer.world_to_data(slider_position(layer, dims, point)))
    return np.stack([np.min(corners, axis=0), np.max(corners, axis=0)])
