"""What the panel *Evaluate* was asked to compare, taken from two layers. Knows no Qt.

An :class:`EvaluationJob` holds the layers only by weak references: what happens to them after the
click cannot change or break the comparison.
"""

import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorize.widgets.layers.placement import placement_of
from napari_colorize.widgets.layers.planes import (
    Plane,
    all_planes,
    at_level,
    into_plane,
    plane_on_screen,
    read_plane,
    spatial_shape,
)

if TYPE_CHECKING:
    from napari.components import Dims
    from napari.layers import Image

    from napari_colorize.evaluation.comparison import Comparison


@dataclass(frozen=True)
class EvaluationJob:
    """Which planes to compare, and where the map of the error will lie.

    Parameters
    ----------
    layers : (weak reference, weak reference)
        The coloured layer and the true one.
    names : (str, str)
        Their names at the click.
    pictures : (array-like, array-like)
        Their arrays, or the levels of their pyramids; not read yet.
    planes : tuple of (Plane, Plane)
        Of the coloured and of the true array, compared one after another.
    shape : tuple of int
        Of the map: that of the coloured array, 1 along the sliced axes of a single plane.
    placement : dict
        See :func:`placement_of`.
    aligned : bool
        Whether the two planes lie over each other in the world.
    """

    layers: tuple[weakref.ref, weakref.ref]
    names: tuple[str, str]
    pictures: tuple[Any, Any]
    planes: tuple[tuple[Plane, Plane], ...]
    shape: tuple[int, ...]
    placement: dict[str, Any]
    aligned: bool


@dataclass(frozen=True)
class Evaluated:
    """A finished comparison and its map, in the axes of the coloured layer."""

    job: EvaluationJob
    comparison: "Comparison"
    error: np.ndarray


@dataclass(frozen=True)
class _Part:
    """One level of a layer, and the plane of it that is on screen."""

    level: int
    factors: tuple[float, ...]
    shape: tuple[int, ...]
    plane: Plane

    @property
    def seen(self) -> tuple[int, int]:
        """Height and width of the plane as it is on screen."""
        down, across = self.plane.shown
        return self.shape[down], self.shape[across]


def plan_evaluation(
    coloured: "Image", truth: "Image", dims: "Dims", *, every_plane: bool = False
) -> EvaluationJob:
    """Take from two layers everything that a comparison needs; reads no pixel.

    Parameters
    ----------
    coloured, truth : napari.layers.Image
        RGB(A) layers; of pyramids the finest levels of the same size are compared.
    dims : napari.components.Dims
        The viewer's sliders: they say which plane.
    every_plane : bool
        Compare all planes parallel to the one on screen, by their indices.

    Raises
    ------
    ValueError
        A layer is not RGB or not on screen, or the sizes differ.
    """
    if coloured is truth:
        raise ValueError(f"Both are layer '{coloured.name}'; choose another one as ground truth.")
    for layer in (coloured, truth):
        if not layer.rgb:
            raise ValueError(f"Layer '{layer.name}' is grey; choose an RGB layer.")
    one, other = _matching(coloured, truth, dims)
    planes: tuple[tuple[Plane, Plane], ...] = ((one.plane, other.plane),)
    if every_plane:
        if one.shape != other.shape or one.plane.shown != other.plane.shown:
            raise ValueError(
                f"'{coloured.name}' has shape {one.shape} and '{truth.name}' {other.shape}; all "
                "planes can only be compared of layers of the same shape. Compare the current "
                "slice instead."
            )
        parallel = all_planes(one.shape, one.plane)
        planes = tuple((plane, plane) for plane in parallel)
    sliced = [] if every_plane else [axis for axis, _ in one.plane.at]
    return EvaluationJob(
        layers=(weakref.ref(coloured), weakref.ref(truth)),
        names=(coloured.name, truth.name),
        pictures=(_data(coloured, one.level), _data(truth, other.level)),
        planes=planes,
        shape=tuple(1 if axis in sliced else n for axis, n in enumerate(one.shape)),
        placement=placement_of(coloured, () if every_plane else one.plane.offset, one.factors),
        aligned=np.allclose(_corners(coloured, one), _corners(truth, other), rtol=1e-5, atol=1e-6),
    )


def evaluate(
    job: EvaluationJob,
    progress: Callable[[float | None, str], None],
    should_stop: Callable[[], bool],
) -> Evaluated:
    """Compare the planes of a job; runs in the inference thread."""
    from napari_colorize.evaluation.comparison import compare_planes

    several = len(job.planes) > 1

    def note(share: float, text: str) -> None:
        # Of a single plane there is no share to show, only that it goes on.
        progress(share if several else None, f"{text[:1].upper()}{text[1:]}…")

    comparison = compare_planes(
        _pairs(job), count=len(job.planes), progress=note, should_stop=should_stop
    )
    error = np.zeros(job.shape, np.float32)
    for (plane, _), picture in zip(job.planes, comparison.errors, strict=True):
        lone = Plane(plane.shown, tuple((axis, 0) for axis, _ in plane.at))
        into_plane(error, plane if several else lone, picture)
    return Evaluated(job, comparison, error)


def _pairs(job: EvaluationJob) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    coloured, truth = job.pictures
    for one, other in job.planes:
        yield read_plane(coloured, one), read_plane(truth, other)


def _matching(coloured: "Image", truth: "Image", dims: "Dims") -> tuple[_Part, _Part]:
    parts, others = _parts(coloured, dims), _parts(truth, dims)
    for one in parts:
        for other in others:
            if one.seen == other.seen:
                return one, other
    sizes = [" × ".join(map(str, found[0].seen)) for found in (parts, others)]
    raise ValueError(
        f"'{coloured.name}' shows {sizes[0]} pixels and '{truth.name}' {sizes[1]}; choose layers "
        "of the same size."
    )


def _parts(layer: "Image", dims: "Dims") -> list[_Part]:
    """Return the levels of a layer, finest first; a plain layer is its only level."""
    plane, whole = plane_on_screen(layer, dims), spatial_shape(layer)
    parts = []
    for level in range(len(layer.data) if layer.multiscale else 1):
        shape = spatial_shape(layer, level)
        factors = tuple(full / own for full, own in zip(whole, shape, strict=True))
        parts.append(_Part(level, factors, shape, at_level(plane, factors, shape)))
    return parts


def _data(layer: "Image", level: int) -> Any:
    return layer.data[level] if layer.multiscale else layer.data


def _corners(layer: "Image", part: _Part) -> np.ndarray:
    """Return where the plane's first and last pixel lie in the world, along the shown axes."""
    first = np.array(part.plane.offset, dtype=float)
    last = first.copy()
    for axis in part.plane.shown:
        last[axis] = part.shape[axis] - 1
    spans = np.array(part.factors)
    points = [(corner + 0.5) * spans - 0.5 for corner in (first, last)]
    shown = [axis - layer.ndim for axis in part.plane.shown]  # as napari aligns layers: at the end
    return np.array([np.asarray(layer.data_to_world(point))[shown] for point in points])
