"""Where a result lies in the world, and which part of a plane is on the canvas. Knows no Qt."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorize.widgets.layers.planes import Plane, slider_position, spatial_shape

if TYPE_CHECKING:
    from napari.components import Dims, ViewerModel
    from napari.layers import Image, Layer


def placement_of(
    layer: "Layer", offset: Sequence[float] = (), factors: Sequence[float] = ()
) -> dict[str, Any]:
    """Return the keyword arguments that place a new layer over (a part of) ``layer``.

    Scale, rotate, shear, affine, units and axis labels are the source's own. A part keeps all the
    source's axes, with length 1 where it was sliced, so that it lies in the plane that it was cut
    from, even if that plane is tilted or the viewer shows another pair of axes.

    Parameters
    ----------
    layer : napari.layers.Layer
        The source; not kept.
    offset : sequence of float, optional
        The source pixel under the part's first pixel, one number an axis. Default: 0.
    factors : sequence of float, optional
        Source pixels that one pixel of the result spans, for a coarser pyramid level; ``offset``
        then names a pixel of the level. Outer edges stay where they are. Default: 1.

    Returns
    -------
    dict
        For :class:`napari.layers.Image` or :class:`napari.layers.Labels`.
    """
    from napari.utils.transforms import Affine

    spans = np.asarray(factors, dtype=float) if len(factors) else np.ones(layer.ndim)
    start = np.asarray(offset, dtype=float) if len(offset) else np.zeros(layer.ndim)
    centre = (start + 0.5) * spans - 0.5  # of the first result pixel, in source pixels
    own = Affine(
        scale=layer.scale,
        translate=layer.translate,
        rotate=layer.rotate,
        shear=layer.shear,
        ndim=layer.ndim,
    )
    return {
        "scale": np.asarray(layer.scale) * spans,
        "translate": np.asarray(layer.translate) + own.linear_matrix @ centre,
        "rotate": np.array(layer.rotate),
        "shear": np.array(layer.shear),
        "affine": np.array(layer.affine.affine_matrix),
        "units": tuple(layer.units),
        "axis_labels": tuple(layer.axis_labels),
    }


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


def mask_of(layer: Any, source: "Image", plane: Plane) -> np.ndarray:
    """Return where a Shapes or Labels layer covers an image, as the image lies on the screen.

    Parameters
    ----------
    layer : napari.layers.Shapes or napari.layers.Labels
        Outlines hold for all planes of the image, wherever they were drawn. Labels must have the
        image's shape, or that of its plane on screen, and then hold for all planes, too.
    source : napari.layers.Image
    plane : Plane
        On screen, in pixels of level 0.

    Returns
    -------
    bool array
        (H, W), or (…, H, W) of Labels with the image's own shape: behind the screen, then down and
        across.

    Raises
    ------
    ValueError
        The labels have another shape, or nothing is drawn.
    """
    from napari.layers import Labels

    shape, (down, across) = spatial_shape(source), plane.shown
    sides = shape[down], shape[across]
    if isinstance(layer, Labels):
        labels = np.asarray(layer.data[0] if layer.multiscale else layer.data)
        flat = sides if plane.upright else sides[::-1]
        if labels.shape == shape and len(shape) > 2:
            mask = labels.transpose(*(axis for axis, _ in plane.at), down, across) != 0
        elif labels.shape == flat:
            mask = (labels if plane.upright else labels.T) != 0
        else:
            raise ValueError(
                f"The labels of '{layer.name}' have the shape {labels.shape} and '{source.name}' "
                f"{shape}; paint in a Labels layer of the same size."
            )
    else:
        mask = np.zeros(sides, bool)
        for outline in _outlines(layer):
            points = [source.world_to_data(layer.data_to_world(point)) for point in outline]
            mask |= _filled(np.asarray(points)[:, [down, across]], sides)
    if not mask.any():
        raise ValueError(f"Nothing of '{source.name}' is inside '{layer.name}'; draw there first.")
    return mask


def _outlines(layer: Any) -> "Iterator[np.ndarray]":
    """Yield the corners of closed shapes; of an ellipse, so many that nobody sees them."""
    for kind, corners in zip(layer.shape_type, layer.data, strict=True):
        if kind in ("polygon", "rectangle"):
            yield np.asarray(corners)
        elif kind == "ellipse":
            box = np.asarray(corners, float)
            turn = np.linspace(0, 2 * np.pi, 128, endpoint=False)[:, None]
            one, other = (box[1] - box[0]) / 2, (box[3] - box[0]) / 2
            yield box.mean(axis=0) + np.cos(turn) * one + np.sin(turn) * other


def _filled(corners: np.ndarray, sides: tuple[int, int]) -> np.ndarray:
    """Return the pixels whose centres are inside a polygon."""
    from skimage.draw import polygon2mask

    return np.asarray(polygon2mask(sides, corners), bool)
