"""What a run was asked to do, taken from a layer, and what comes of it: arrays and layers.

A job holds the layer itself only by a weak reference: what happens to the layer after the
click cannot change or break the run.
"""

import math
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorize.parameters import ColorizeParameters
from napari_colorize.sequences.parameters import StackParameters
from napari_colorize.widgets.colorize.hold import Hold, is_lazy
from napari_colorize.widgets.layers.choice import RECORD_KEY, prefer_our_writers
from napari_colorize.widgets.layers.placement import mask_of, part_in_view, placement_of
from napari_colorize.widgets.layers.planes import (
    Plane,
    as_projected,
    at_level,
    choose_level,
    plane_on_screen,
    spatial_shape,
)
from napari_colorize.widgets.shared.preferences import preferences

if TYPE_CHECKING:
    from napari.components import Dims
    from napari.layers import Image, Layer


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is common to all runs: the source, how to colour it, and where the result will lie.

    Parameters
    ----------
    layer : weak reference to napari.layers.Image
    name : str
        The layer's name at the click.
    path : str or None
        The file it was opened from.
    rgb : bool
        Whether the last axis of the layer's arrays is colour.
    window : (float, float) or None
        The layer's contrast limits; ``None`` for an RGB layer.
    gamma : float
        The layer's gamma; 1 for an RGB layer.
    plane : Plane
        That on screen.
    shape : tuple of int
        Of the result, the colour axis left out.
    placement : dict
        See :func:`placement_of`.
    parameters : ColorizeParameters
        Its window and gamma are the layer's.
    uncertainty, clipped : bool
        Which maps to keep beside the colour.
    region : array, "inside border" or None
        Where to colour, as the library takes it.
    """

    layer: weakref.ref
    name: str
    path: str | None
    rgb: bool
    window: tuple[float, float] | None
    gamma: float
    plane: Plane
    shape: tuple[int, ...]
    placement: dict[str, Any]
    parameters: ColorizeParameters
    uncertainty: bool = False
    clipped: bool = False
    region: Any = None


@dataclass(frozen=True, kw_only=True)
class PlaneJob(Job):
    """The plane on screen, or the part of it that is in view; its result has length 1 elsewhere.

    Parameters
    ----------
    data : array-like
        The layer's array, or the chosen level of its pyramid; not read yet.
    level : int
        That level; 0 for a plain layer.
    """

    data: Any
    level: int = 0


@dataclass(frozen=True, kw_only=True)
class StackJob(Job):
    """All planes parallel to the one on screen.

    Parameters
    ----------
    levels : tuple of array-like
        The layer's array, or all levels of its pyramid; not read yet.
    pyramid : bool
        Whether the layer is a pyramid.
    hold : Hold
        How the planes hang together.
    lazy : bool
        Whether planes are to be coloured when somebody looks at them.
    """

    levels: tuple[Any, ...]
    pyramid: bool
    hold: Hold
    lazy: bool


def plan(
    layer: "Image",
    dims: "Dims",
    parameters: ColorizeParameters,
    *,
    hold: Hold | None = None,
    view: bool = False,
    canvas: np.ndarray | None = None,
    uncertainty: bool = False,
    clipped: bool = False,
    max_pixels: int | None = None,
) -> PlaneJob | StackJob:
    """Take from a layer everything that a run needs; reads no pixel.

    Parameters
    ----------
    layer : napari.layers.Image
        Grey or RGB(A), two dimensions or more, plain or a pyramid.
    dims : napari.components.Dims
        The viewer's sliders: they say which plane.
    parameters : ColorizeParameters
        Window and gamma are replaced by the layer's.
    hold : Hold, optional
        Colour all planes parallel to the one on screen, which hang together like this.
    view : bool
        Of a single plane, colour only what is in view.
    canvas : (2, 2) array, optional
        Where the canvas is; see :func:`part_in_view`.
    uncertainty, clipped : bool
        Which maps to keep.
    max_pixels : int, optional
        Of a pyramid, colour the finest level whose plane has at most this many pixels; see
        :func:`choose_level`.

    Raises
    ------
    ValueError
        Nothing of the layer is on screen, and a single plane was asked for; or what is in view
        in 3-D display.
    """
    plane = plane_on_screen(layer, dims, nearest=hold is not None)
    plane = as_projected(layer, plane, dims)
    window = _window_of(layer)
    common: dict[str, Any] = {
        "layer": weakref.ref(layer),
        "name": layer.name,
        "path": layer.source.path,
        "rgb": bool(layer.rgb),
        "window": window,
        "gamma": 1.0 if layer.rgb else float(layer.gamma),
        "uncertainty": uncertainty,
        "clipped": clipped,
    }
    parameters = parameters.changed(window=window, gamma=common["gamma"])
    if hold is not None:
        return _stack_job(layer, plane, hold, parameters, common)
    if view:
        plane = part_in_view(layer, plane, dims, canvas)
    level = choose_level(layer, plane, max_pixels)
    shape = spatial_shape(layer, level)
    factors = [full / own for full, own in zip(spatial_shape(layer), shape, strict=True)]
    plane = at_level(plane, factors, shape)
    return PlaneJob(
        **common,
        data=layer.data[level] if layer.multiscale else layer.data,
        level=level,
        plane=plane,
        shape=plane.shape_in(shape),
        placement=placement_of(layer, plane.offset, factors),
        parameters=parameters,
    )


def with_region(job: Any, region: Any) -> Any:
    """Return a job that colours in a region alone.

    Parameters
    ----------
    job : PlaneJob or StackJob
    region : napari.layers.Shapes, napari.layers.Labels, "inside border" or None
        See :func:`mask_of`; ``None`` changes nothing.

    Raises
    ------
    ValueError
        The region cannot be used here.
    """
    source = job.layer()
    if region is None or source is None:
        return job
    if isinstance(job, StackJob) and job.lazy:
        raise ValueError(
            "A region is not kept to in planes that are coloured when they are looked at; choose "
            "'The whole picture', or single planes."
        )
    if isinstance(region, str):
        return replace(job, region=region)
    mask = mask_of(region, source, job.plane)
    if isinstance(job, StackJob):
        if mask.ndim > 2 and job.hold.channel is not None:
            raise ValueError("Of several channels, paint the region in labels of a single plane.")
        return replace(job, region=mask)
    full, own = spatial_shape(source), spatial_shape(source, job.level)
    for axis, index in job.plane.at if mask.ndim > 2 else ():
        mask = mask[min(index * full[axis] // own[axis], full[axis] - 1)]
    for side, axis in enumerate(job.plane.shown):  # of a pyramid's level, the nearest pixels
        rows = np.arange(own[axis]) * full[axis] // own[axis]
        part = job.plane.part[side] if job.plane.part is not None else (0, len(rows))
        mask = mask.take(rows[slice(*part)], axis=side)
    return replace(job, region=mask)


def _stack_job(
    layer: "Image", plane: Plane, hold: Hold, parameters: ColorizeParameters, common: dict[str, Any]
) -> StackJob:
    asked = StackParameters.from_dict(
        {**parameters.to_dict(), "consistency": hold.consistency, "window": parameters.window}
    )
    return StackJob(
        **common,
        levels=tuple(layer.data) if layer.multiscale else (layer.data,),
        pyramid=bool(layer.multiscale),
        plane=plane,
        hold=hold,
        lazy=is_lazy(layer),
        shape=spatial_shape(layer),
        placement=placement_of(layer),
        parameters=asked,
    )


def _window_of(layer: "Image") -> tuple[float, float] | None:
    if layer.rgb:
        return None
    low, high = (float(limit) for limit in layer.contrast_limits)
    return (low, high) if np.isfinite([low, high]).all() and low < high else None


@dataclass
class Outcome:
    """The arrays of a finished run, in the source's axes, its record, and a small picture of it.

    Of a lazy run they are dask arrays, of a pyramid lists of them. The small picture is (h, w, 3)
    uint8.
    """

    job: Job
    rgb: Any
    uncertainty: Any
    clipped: Any
    record: dict[str, Any] = field(default_factory=dict)
    thumbnail: np.ndarray | None = None


def is_lazy_run(job: Job) -> bool:
    """Whether planes are coloured when somebody looks at them."""
    return isinstance(job, StackJob) and job.lazy


def build_layers(job: Job, outcome: Outcome) -> list["Layer"]:
    """Return the layers of a run, lowest first: colour, uncertainty, clipped colours.

    Uncertainty lies on top of the colour, with its colour bar: who asked for it wants to see it.
    Lazy ones are not visible yet: napari would colour the first plane of a visible layer as soon as
    it is made, wherever the sliders stand. Show them once they are in a viewer.

    Built here, and not left to napari's converters, because those overwrite a layer of the same
    name, guess what is RGB, and lose scale, units or axis labels.
    """
    from napari.layers import Image, Labels

    prefer_our_writers()
    method = job.parameters.method
    common = {
        "metadata": {RECORD_KEY: outcome.record},
        "multiscale": isinstance(job, StackJob) and job.pyramid,
        "visible": not is_lazy_run(job),
        **job.placement,
    }
    layers: list[Layer] = [
        Image(outcome.rgb, rgb=True, name=preferences().name_of(job.name, method), **common)
    ]
    if outcome.uncertainty is not None:
        uncertainty = Image(
            outcome.uncertainty,
            rgb=False,
            name=f"{job.name} (uncertainty, {method})",
            colormap="magma",
            contrast_limits=(0, 1),
            **common,
        )
        if hasattr(uncertainty, "colorbar"):  # since napari 0.7
            uncertainty.colorbar.visible = True
        layers.append(uncertainty)
    if outcome.clipped is not None:
        layers.append(
            Labels(
                _as_labels(outcome.clipped),
                name=f"{job.name} (clipped colours, {method})",
                **common,
            )
        )
    return layers


def _as_labels(clipped: Any) -> Any:
    if isinstance(clipped, list):
        return [level.astype(np.uint8) for level in clipped]
    return clipped.astype(np.uint8)


LAZY = "The layer is there. Planes are coloured when you come to them, the next ones meanwhile."
ONE_SHADE = (
    "Under these contrast limits all of it is of one shade; there is nothing to tell colours by."
)


def told_of(job: Job, record: Mapping[str, Any], seconds: float) -> str:
    """Return what to say of a finished run.

    Parameters
    ----------
    job : Job
    record : mapping
        Of its result.
    seconds : float
        How long it took.
    """
    if is_lazy_run(job):
        return " ".join([LAZY, *_said_of_axis(job), *_said_of_slab(job)])
    said = [f"Done in {seconds:.1f} s.", *_said_of_input(job, record["input"])]
    share = record["output"]["clipped_share"]
    if share >= 0.0005:  # less is shown as 0.0%
        said.append(f"{share:.1%} of the pixels are paler than predicted: sRGB has no such colour.")
    if job.uncertainty:
        mean = record["output"]["mean_uncertainty"]
        said.append(f"Mean uncertainty {mean:.2f} of 1; its map lies on top of the colour.")
    said += [*_said_of_axis(job), *_said_of_slab(job)]
    return " ".join([*said, *record.get("memory", [])])


def _said_of_input(job: Job, given: Mapping[str, Any]) -> list[str]:
    """Warn where there was little or nothing to be seen."""
    missing, pixels = given["nan_count"], math.prod(job.shape)
    if missing == pixels:
        return ["All of it is missing (NaN); the result is black."]
    said = [ONE_SHADE] if given["one_shade"] else []
    if missing:
        many = "1 pixel is" if missing == 1 else f"{missing} pixels are"
        said.append(f"{many} missing (NaN) and black.")
    return said


def _said_of_axis(job: Job) -> list[str]:
    """Say that colour was held along an axis of which nobody has said what it is."""
    if not isinstance(job, StackJob) or job.hold.along is None or job.hold.axes:
        return []
    planes = job.shape[job.hold.along]
    return [f"Colour is held along an axis of {planes} planes that was guessed; see Axes."]


def _said_of_slab(job: Job) -> list[str]:
    """Say what became of a thick slice."""
    plane = job.plane
    if not plane.projection:
        return []
    if isinstance(job, StackJob):
        return ["The slice on screen is thick; all planes were coloured one by one, as if thin."]
    return [f"What was coloured is {said_of_projection(plane)}, as on screen."]


def said_of_projection(plane: Plane) -> str:
    """Return what a thick slice shows: *the max projection of planes 1 to 3*."""
    ends = [f"{first} to {behind - 1}" for _, (first, behind) in plane.slab if behind - first > 1]
    return f"the {plane.projection} projection of planes {' and '.join(ends)}"
