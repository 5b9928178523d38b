"""What the panel was asked to do: everything one run needs, taken from a layer. Knows no Qt.

A :class:`Job` holds the layer itself only by a weak reference: what happens to the layer after the
click cannot change or break the run.
"""

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorize.parameters import ColorizeParameters
from napari_colorize.widgets._placement import placement_of
from napari_colorize.widgets._planes import (
    Plane,
    all_planes,
    at_level,
    choose_level,
    plane_on_screen,
    spatial_shape,
)

if TYPE_CHECKING:
    from napari.components import Dims
    from napari.layers import Image


@dataclass(frozen=True)
class Job:
    """What to colour, how, and where the result will lie.

    Parameters
    ----------
    layer : weak reference to napari.layers.Image
    name : str
        The layer's name at the click.
    path : str or None
        The file it was opened from.
    data : array-like
        The layer's array, or the chosen level of its pyramid; not read yet.
    level : int
        That level.
    window : (float, float) or None
        The layer's contrast limits; ``None`` for an RGB layer.
    gamma : float
        The layer's gamma; 1 for an RGB layer.
    planes : tuple of Plane
        Read from ``data`` one after another.
    shape : tuple of int
        Of the result, the colour axis left out: 1 along the sliced axes of a single plane.
    placement : dict
        See :func:`placement_of`.
    parameters : ColorizeParameters
        ``parameters.window`` is ``window``.
    uncertainty, clipped : bool
        Which maps to keep beside the colour.
    """

    layer: weakref.ref
    name: str
    path: str | None
    data: Any
    level: int
    window: tuple[float, float] | None
    gamma: float
    planes: tuple[Plane, ...]
    shape: tuple[int, ...]
    placement: dict[str, Any]
    parameters: ColorizeParameters
    uncertainty: bool = False
    clipped: bool = False


def plan(
    layer: "Image",
    dims: "Dims",
    parameters: ColorizeParameters,
    *,
    every_plane: bool = False,
    uncertainty: bool = False,
    clipped: bool = False,
) -> Job:
    """Take from a layer everything that a run needs; reads no pixel.

    Parameters
    ----------
    layer : napari.layers.Image
        Grey or RGB(A), two dimensions or more, plain or a pyramid.
    dims : napari.components.Dims
        The viewer's sliders: they say which plane.
    parameters : ColorizeParameters
        The window is replaced by the layer's contrast limits.
    every_plane : bool
        Colour all planes parallel to the one on screen, not only that one.
    uncertainty, clipped : bool
        Which maps to keep.

    Raises
    ------
    ValueError
        Nothing of the layer is on screen.
    """
    plane = plane_on_screen(layer, dims)
    level = choose_level(layer, plane)
    shape = spatial_shape(layer, level)
    factors = [full / own for full, own in zip(spatial_shape(layer), shape, strict=True)]
    plane = at_level(plane, factors, shape)
    planes = tuple(all_planes(shape, plane)) if every_plane else (plane,)
    sliced = [] if every_plane else [axis for axis, _ in plane.at]
    window = _window_of(layer)
    return Job(
        layer=weakref.ref(layer),
        name=layer.name,
        path=layer.source.path,
        data=layer.data[level] if layer.multiscale else layer.data,
        level=level,
        window=window,
        gamma=1.0 if layer.rgb else float(layer.gamma),
        planes=planes,
        shape=tuple(1 if axis in sliced else n for axis, n in enumerate(shape)),
        placement=placement_of(layer, () if every_plane else plane.offset, factors),
        parameters=parameters.changed(window=window),
        uncertainty=uncertainty,
        clipped=clipped,
    )


def _window_of(layer: "Image") -> tuple[float, float] | None:
    if layer.rgb:
        return None
    low, high = (float(limit) for limit in layer.contrast_limits)
    return (low, high) if np.isfinite([low, high]).all() and low < high else None
