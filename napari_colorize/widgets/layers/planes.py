"""Which 2-D plane of an n-D layer is on screen, and how to read it. No Qt, no colour."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari.components import Dims
    from napari.layers import Image

MAX_LEVEL_PIXELS = 64 * 2**20
"""Of a pyramid, the finest level whose plane has at most this many pixels is coloured."""


@dataclass(frozen=True)
class Plane:
    """One 2-D plane of an array, as somebody looks at it.

    Parameters
    ----------
    shown : (int, int)
        The array axes that run down and across the screen, in this order.
    at : tuple of (int, int)
        ``(axis, index)`` of every other axis, the colour axis excluded.
    part : ((int, int), (int, int)) or None
        First pixel and the one behind the last, down and across, where it is not the whole plane.
    slab : tuple of (int, (int, int))
        Of a thick slice, each axis of ``at`` with its first index and the one behind the last.
    projection : {"", "sum", "mean", "max", "min"}
        How a thick slice is made one plane; empty where the slice is a single plane.
    """

    shown: tuple[int, int]
    at: tuple[tuple[int, int], ...] = ()
    part: tuple[tuple[int, int], tuple[int, int]] | None = None
    slab: tuple[tuple[int, tuple[int, int]], ...] = ()
    projection: str = ""

    @property
    def offset(self) -> tuple[int, ...]:
        """The plane's first pixel, one integer an axis of the array."""
        offset = [0] * (2 + len(self.at))
        for axis, index in self.at:
            offset[axis] = index
        for axis, (start, _) in zip(self.shown, self.part or (), strict=False):
            offset[axis] = start
        return tuple(offset)

    @property
    def slicing(self) -> tuple[int | slice, ...]:
        """What to index an array with to get this plane, its axes in the array's own order."""
        index: list[int | slice] = [slice(None)] * (2 + len(self.at))
        for axis, position in self.at:
            index[axis] = position
        for axis, (start, stop) in zip(self.shown, self.part or (), strict=False):
            index[axis] = slice(start, stop)
        return tuple(index)

    @property
    def slicing_slab(self) -> tuple[int | slice, ...]:
        """What to index an array with to get the planes of a thick slice, all axes kept."""
        index = list(self.slicing)
        for axis, (first, behind) in self.slab:
            index[axis] = slice(first, behind)
        return tuple(index)

    def shape_in(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return its shape in an array of that shape, with length 1 where it is sliced."""
        own = list(shape)
        for axis, _ in self.at:
            own[axis] = 1
        for axis, (start, stop) in zip(self.shown, self.part or (), strict=False):
            own[axis] = stop - start
        return tuple(own)

    @property
    def upright(self) -> bool:
        """Whether the screen shows the two axes in the array's order, not transposed."""
        return self.shown[0] < self.shown[1]


def plane_on_screen(layer: "Image", dims: "Dims", *, nearest: bool = False) -> Plane:
    """Return the plane of ``layer`` that a viewer with these ``dims`` shows.

    In 3-D display nothing is sliced; the plane is then the one that 2-D display would show.

    Parameters
    ----------
    layer : napari.layers.Image
        Any number of dimensions from two up. Indices refer to level 0 of a pyramid.
    dims : napari.components.Dims
        The viewer's sliders.
    nearest : bool
        Where the sliders stand outside of the layer, take the plane that is nearest.

    Raises
    ------
    ValueError
        The layer has no image plane, or the sliders stand outside of it.
    """
    if layer.ndim < 2:
        raise ValueError(f"Layer '{layer.name}' has one dimension; an image needs two.")
    down, across = shown_axes(layer, dims)
    sliced = [axis for axis in range(layer.ndim) if axis not in (down, across)]
    index = np.round(_indices(layer, dims, dims.point))
    shape = spatial_shape(layer)
    for axis in sliced:
        if not 0 <= index[axis] < shape[axis]:
            if not nearest:
                raise ValueError(_said_of_slider(layer, dims, axis))
            index[axis] = min(max(index[axis], 0), shape[axis] - 1)
    return Plane((down, across), tuple((axis, int(index[axis])) for axis in sliced))


def as_projected(layer: "Image", plane: Plane, dims: "Dims") -> Plane:
    """Return a plane as napari shows it: of a thick slice, the projection of its planes.

    The slice is as thick as the margins of the sliders say, and the layer's ``projection_mode``
    says how it is projected; both are napari's, and so is the rounding.

    Parameters
    ----------
    layer : napari.layers.Image
    plane : Plane
        From :func:`plane_on_screen`.
    dims : napari.components.Dims
    """
    mode = str(getattr(layer, "projection_mode", "none"))
    margins = getattr(dims, "margin_left", ()), getattr(dims, "margin_right", ())
    if mode not in PROJECTIONS or not any(map(any, margins)):
        return plane
    before, behind = (
        [position + sign * margin for position, margin in zip(dims.point, side, strict=True)]
        for sign, side in zip((-1, 1), margins, strict=True)
    )
    ends = np.sort([_indices(layer, dims, before), _indices(layer, dims, behind)], axis=0)
    slab = []
    for axis, _ in plane.at:
        first = max(int(np.round(ends[0][axis])), 0)
        last = max(int(np.round(ends[1][axis])), 0)
        last += bool(np.isclose(last, ends[1][axis]))
        slab.append((axis, (first, min(max(last, first + 1), spatial_shape(layer)[axis]))))
    if all(last - first <= 1 for _, (first, last) in slab):
        return plane
    return replace(plane, slab=tuple(slab), projection=mode)


PROJECTIONS: dict[str, Any] = {"sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min}
"""napari's ways of showing a thick slice."""


def shown_axes(layer: "Image", dims: "Dims") -> tuple[int, int]:
    """Return the axes of a layer that run down and across a screen with these ``dims``."""
    ranks = np.argsort(np.argsort(dims.order[-layer.ndim :]))
    return int(ranks[-2]), int(ranks[-1])


def all_planes(shape: Sequence[int], plane: Plane) -> Iterator[Plane]:
    """Yield every plane parallel to ``plane`` of an array, in C order of the remaining axes."""
    axes = [axis for axis, _ in plane.at]
    for indices in product(*(range(shape[axis]) for axis in axes)):
        yield replace(plane, at=tuple(zip(axes, indices, strict=True)))


def count_planes(shape: Sequence[int], shown: tuple[int, int]) -> int:
    """Return how many parallel planes with the axes ``shown`` an array has."""
    return math.prod(side for axis, side in enumerate(shape) if axis not in shown)


def spatial_shape(layer: "Image", level: int = 0) -> tuple[int, ...]:
    """Return a layer's shape at one pyramid level, the colour axis left out."""
    data = layer.data[level] if layer.multiscale else layer.data
    return tuple(int(n) for n in data.shape[: layer.ndim])


def choose_level(layer: "Image", plane: Plane, max_pixels: int | None = None) -> int:
    """Return the finest level of a pyramid whose plane is small enough; 0 for a plain layer.

    Parameters
    ----------
    layer : napari.layers.Image
    plane : Plane
        The plane that will be read.
    max_pixels : int, optional
        Most pixels of that plane; default :data:`MAX_LEVEL_PIXELS`. Where even the coarsest level
        has more, it is taken.
    """
    if not layer.multiscale:
        return 0
    most = MAX_LEVEL_PIXELS if max_pixels is None else max_pixels
    for level in range(len(layer.data)):
        shape = spatial_shape(layer, level)
        if shape[plane.shown[0]] * shape[plane.shown[1]] * _share(layer, plane) <= most:
            return level
    return len(layer.data) - 1


def _share(layer: "Image", plane: Plane) -> float:
    """Return how much of a plane its part is, 0…1."""
    if plane.part is None:
        return 1.0
    shape = spatial_shape(layer)
    return math.prod(
        (stop - start) / shape[axis]
        for axis, (start, stop) in zip(plane.shown, plane.part, strict=True)
    )


def at_level(plane: Plane, factors: Sequence[float], shape: Sequence[int]) -> Plane:
    """Return the plane of a coarser level that lies under ``plane`` of level 0.

    Parameters
    ----------
    plane : Plane
        Indices of level 0.
    factors : sequence of float
        How many pixels of level 0 one pixel of the level spans, one number an axis.
    shape : sequence of int
        The level's shape.
    """
    at = (
        (axis, min(int((index + 0.5) / factors[axis]), shape[axis] - 1)) for axis, index in plane.at
    )
    slab = tuple(
        (axis, (int(first / factors[axis]), min(math.ceil(last / factors[axis]), shape[axis])))
        for axis, (first, last) in plane.slab
    )
    plane = replace(plane, at=tuple(at), slab=slab)
    if plane.part is None:
        return plane
    (top, bottom), (left, right) = (
        (int(start / factors[axis]), min(math.ceil(stop / factors[axis]), shape[axis]))
        for axis, (start, stop) in zip(plane.shown, plane.part, strict=True)
    )
    return replace(plane, part=((top, bottom), (left, right)))


def read_plane(data: Any, plane: Plane) -> np.ndarray:
    """Read one plane, and nothing else, from anything that is indexed like an array.

    Parameters
    ----------
    data : array-like
        NumPy, dask, zarr, …; a colour axis, if any, is the last.
    plane : Plane

    Returns
    -------
    array (H, W) or (H, W, C)
        Oriented as on the screen. A thick slice is projected, as napari shows it.
    """
    if plane.projection:
        planes = np.asarray(data[plane.slicing_slab])
        picture = PROJECTIONS[plane.projection](planes, axis=tuple(axis for axis, _ in plane.slab))
    else:
        picture = np.asarray(data[plane.slicing])
    return picture if plane.upright else picture.swapaxes(0, 1)


def into_plane(stack: np.ndarray, plane: Plane, picture: np.ndarray) -> None:
    """Write a picture, oriented as on the screen, into its plane of ``stack``."""
    stack[plane.slicing] = picture if plane.upright else picture.swapaxes(0, 1)


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


def bring_to(layer: "Image", dims: "Dims", plane: Plane) -> None:
    """Move the sliders to a plane of a layer whose scale or units have changed.

    napari cuts a layer anew only when a slider moves, so each moves away and back.
    """
    for axis, index in plane.at:
        number = axis + dims.ndim - layer.ndim
        first, last, _ = dims.range[number]
        target = float(layer.translate[axis] + layer.scale[axis] * index)
        dims.set_point(number, first if np.isclose(target, last) else last)
        dims.set_point(number, target)


def _said_of_slider(layer: "Image", dims: "Dims", axis: int) -> str:
    """Say that a slider stands outside of a layer, and in its own steps where the layer is."""
    advice = f"Layer '{layer.name}' is not on screen where the sliders stand; "
    number = axis + dims.ndim - layer.ndim
    if not 0 <= number < dims.ndim:
        return f"{advice}move them until it is visible."
    start, _, step = dims.range[number]
    moved = list(dims.point)
    moved[number] += step
    here = _indices(layer, dims, dims.point)[axis]
    planes = _indices(layer, dims, moved)[axis] - here  # that one step of the slider goes
    if not np.isfinite(planes) or abs(planes) < 1e-9:
        return f"{advice}move them until it is visible."
    now = (dims.point[number] - start) / step
    ends = sorted(now + (end - here) / planes for end in (0, spatial_shape(layer)[axis] - 1))
    first, last = math.ceil(round(ends[0], 6)), math.floor(round(ends[1], 6))
    between = f"to {first}" if first >= last else f"to between {first} and {last}"
    return f"{advice}move slider '{dims.axis_labels[number]}' from {now:.0f} {between}."


def _indices(layer: "Image", dims: "Dims", point: Sequence[float]) -> np.ndarray:
    """Return the indices of a layer under the sliders at a point, not rounded."""
    position = slider_position(layer, dims, point)
    position[list(shown_axes(layer, dims))] = 0
    return np.asarray(layer.world_to_data(position))


def slider_position(layer: "Image", dims: "Dims", point: Sequence[float]) -> np.ndarray:
    """Return a position of the sliders in the layer's own units, one number a layer axis."""
    position = np.zeros(layer.ndim)
    known = min(layer.ndim, dims.ndim)
    position[-known:] = point[-known:]
    units = getattr(dims, "units", None)  # napari before 0.7 has none
    if units is not None and len(units) >= layer.ndim:
        pairs = zip(units[-layer.ndim :], layer.units, strict=True)
        position *= [float((1 * shown).to(own).magnitude) for shown, own in pairs]
    return position
