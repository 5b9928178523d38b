"""One look at what a run would give: the plane on screen, small enough to follow a slider.

Knows no Qt.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorize.parameters import ColorizeParameters
from napari_colorize.widgets.colorize.job import Job, plan
from napari_colorize.widgets.layers.placement import placement_of
from napari_colorize.widgets.layers.planes import Plane, into_plane, read_plane, spatial_shape
from napari_colorize.widgets.shared.preflight import load_torch

if TYPE_CHECKING:
    from napari.components import Dims
    from napari.layers import Image

MAX_PIXELS = 2**20
"""Larger planes are reduced: a preview must keep up with a hand, and a screen has hardly more."""


@dataclass(frozen=True)
class Look:
    """What to preview, taken from a layer.

    Parameters
    ----------
    job : Job
        A run on the plane on screen.
    size : (int, int)
        Height and width of the preview, as on screen.
    placement : dict
        Where it lies; see :func:`placement_of`.
    reduction : float
        How many pixels of the layer one pixel of the preview spans along an axis; 1: all are seen.
    """

    job: Job
    size: tuple[int, int]
    placement: dict[str, Any]
    reduction: float


@dataclass(frozen=True)
class Preview:
    """A finished look: sRGB in the layer's axes, of length 1 where it was sliced."""

    look: Look
    rgb: np.ndarray


def plan_preview(
    layer: "Image",
    dims: "Dims",
    parameters: ColorizeParameters,
    *,
    view: bool = False,
    canvas: np.ndarray | None = None,
) -> Look:
    """Take from a layer what a preview of the plane on screen needs; reads no pixel.

    Parameters and errors are those of :func:`napari_colorize.widgets.colorize.job.plan`.
    """
    seen: dict[str, Any] = {"view": view, "canvas": canvas}
    job = plan(layer, dims, parameters.changed(dtype="uint8"), **seen, max_pixels=MAX_PIXELS)
    down, across = job.plane.shown
    sides = job.shape[down], job.shape[across]
    times = max(1, math.ceil(math.sqrt(sides[0] * sides[1] / MAX_PIXELS)))
    size = -(-sides[0] // times), -(-sides[1] // times)
    full, own = spatial_shape(layer), spatial_shape(layer, job.level)
    factors = [a / b for a, b in zip(full, own, strict=True)]
    offset: list[float] = list(job.plane.offset)
    for axis, side, pixels in zip(job.plane.shown, sides, size, strict=True):
        factors[axis] *= side / pixels
        offset[axis] *= pixels / side
    placement = placement_of(layer, offset, factors)
    return Look(job, size, placement, max(factors[down], factors[across]))


def preview(
    look: Look, progress: Callable[[float | None, str], None], should_stop: Callable[[], bool]
) -> Preview:
    """Read, reduce and colour a look; runs in the inference thread."""
    from napari_colorize import api

    load_torch()
    job = look.job
    picture = reduced(read_plane(job.data, job.plane), look.size)
    result = api.colorize(picture, parameters=job.parameters, should_stop=should_stop)
    plane = Plane(job.plane.shown, tuple((axis, 0) for axis, _ in job.plane.at))
    shape = [1] * len(job.shape)
    for axis, side in zip(plane.shown, look.size, strict=True):
        shape[axis] = side
    rgb = np.empty((*shape, result.rgb.shape[-1]), result.rgb.dtype)
    into_plane(rgb, plane, result.rgb)
    return Preview(look, rgb)


def reduced(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return a picture averaged to a smaller size, of the same type.

    Parameters
    ----------
    picture : (H, W) or (H, W, C) array
        Any real dtype.
    size : (height, width)
        Not larger than the picture.
    """
    if picture.shape[:2] == size:
        return picture
    import cv2

    native = picture.dtype in (np.uint8, np.uint16, np.int16, np.float32, np.float64)
    given = np.ascontiguousarray(picture if native else picture.astype(np.float32))
    small = cv2.resize(given, size[::-1], interpolation=cv2.INTER_AREA)
    small = small.reshape(*size, *picture.shape[2:])
    if native:
        return small
    return (np.rint(small) if picture.dtype.kind in "biu" else small).astype(picture.dtype)
