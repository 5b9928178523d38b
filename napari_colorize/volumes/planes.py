"""Planes of any size: seen once and small, held along t or z, finished in pieces.

What was predicted for a plane, some 300 kB, is kept in the job's folder: whoever finishes a piece
of it reads that, and nothing else but its own pixels. Files there appear whole and do not depend on
who made them, so several workers may ask for the same one.
"""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.pipeline.clipped import clipped_colours
from napari_colorize.pipeline.image import Plane, read_plane
from napari_colorize.pipeline.plane import PlaneColorizer
from napari_colorize.pipeline.refine import as_tensor, full_size_rgb
from napari_colorize.pipeline.resample import network_shape, resize
from napari_colorize.sequences.lazy import index_below
from napari_colorize.sequences.parameters import weights_of
from napari_colorize.sequences.planes import Stack
from napari_colorize.sequences.series import PlanePrediction, Series
from napari_colorize.storage import staged
from napari_colorize.volumes.job import MOST_WHOLE, Job, Task, Unit
from napari_colorize.volumes.ngff import Image
from napari_colorize.volumes.tiffs import is_tiff, tiff_array

BAND = 1 << 25
"""Pixels of a plane that are read at a time to see it."""

KEPT = 64
"""Small planes that a worker keeps in memory."""


def opened(image: Image, level: int) -> Any:
    """Open a level of a source as a zarr array, for reading."""
    return tiff_array(image.path, level) if is_tiff(image.path) else image.array(level)


class Lightness:
    """A plane of a zarr array that is read in bands of rows; slices like an array.

    Parameters
    ----------
    array : zarr array
    index : tuple of int
        Of the plane: all axes but the last two.
    """

    def __init__(self, array: Any, index: tuple[int, ...]) -> None:
        self._array, self._index = array, index
        self.shape = tuple(int(side) for side in array.shape[-2:])
        self.dtype, self.ndim = array.dtype, 2
        tall = int((getattr(array, "shards", None) or array.chunks)[-2])
        self._rows = max(1, BAND // max(1, self.shape[1]))
        if self._rows > tall:
            self._rows -= self._rows % tall

    def bands(self) -> Any:
        """Yield slices of rows that fit the chunks, from top to bottom."""
        for top in range(0, self.shape[0], self._rows):
            yield slice(top, min(top + self._rows, self.shape[0]))

    def read(self, rows: slice, columns: slice = slice(None)) -> NDArray[Any]:
        """Return a part of the plane."""
        return np.asarray(self._array[(*self._index, rows, columns)])

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Return every n-th row and column, without ever holding the plane."""
        rows, columns = key
        step = rows.step or 1
        parts = []
        for band in self.bands():
            first = -(-band.start // step) * step - band.start
            parts.append(self.read(band)[first::step, columns])
        return np.concatenate(parts)


def seen(
    plane: Lightness, window: tuple[float, float], gamma: float, size: int
) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Return a plane's L* at the size at which the network sees it, and what is counted of it.

    It is :meth:`napari_colorize.pipeline.plane.Plane.lightness_at`, bit for bit, in bands of rows.
    """
    height, width = plane.shape
    shape = network_shape(height, width, size)
    if shape[1] > width:  # rows would grow before columns shrink; such planes are narrow
        whole = read_plane(plane.read(slice(0, height)), window, gamma)
        return whole.lightness_at(shape), _counts([whole])
    narrow = np.empty((height, shape[1]), dtype=np.float32)
    parts = []
    for rows in plane.bands():
        part = read_plane(plane.read(rows), window, gamma)
        narrow[rows] = part.narrowed(shape[1])
        parts.append(_without_pixels(part))
    return resize(narrow, shape), _counts(parts)


def _without_pixels(part: Plane) -> Plane:
    """Return a band with no more pixels than its counts need."""
    first = part.luma[:1, :1]
    few = first.copy() if part.one_shade else np.array([[first[0, 0]], [first[0, 0] + 1]])
    return replace(part, luma=few)


def _counts(parts: list[Plane]) -> dict[str, Any]:
    pixels = [part.shape[0] * part.shape[1] for part in parts]
    outside = sum(part.outside_window * n for part, n in zip(parts, pixels, strict=True))
    shades = {float(part.luma[0, 0]) for part in parts}
    return {
        "nan_count": sum(part.nan_count for part in parts),
        "outside_window": outside / sum(pixels),
        "one_shade": len(shades) == 1 and all(part.one_shade for part in parts),
    }


class _Stored(Series):
    """A series whose predictions lie in the job's folder."""

    def __init__(self, find: Callable[[int], PlanePrediction | None], *rest: Any) -> None:
        super().__init__(lambda number: None, *rest)
        self._find = find

    def _predicted(self, number: int) -> PlanePrediction | None:
        return self._find(number)


class Planes:
    """The planes of one channel of one task of a job.

    Parameters
    ----------
    job : Job
    number, channel : int
        Of the task, and of the channel among those that are coloured.
    colorizer : callable
        Gives the :class:`~napari_colorize.pipeline.plane.PlaneColorizer`, which loads the weights.
    """

    def __init__(
        self, job: Job, number: int, channel: int, colorizer: Callable[[], PlaneColorizer]
    ) -> None:
        self.job, self.task, self._colorizer = job, job.tasks[number], colorizer
        self.channel, self.window = channel, self.task.windows[channel]
        self._folder = job.folder / "planes" / f"image{number}-channel{channel}"
        leading = self.task.leading
        shape = (*self.task.places(self.task.seen), *self.task.plane(self.task.seen))
        axis = leading.index(job.axis) if job.axis and job.axis in leading else None
        self.stack = Stack(_Shaped(shape), axis)
        self._series: dict[tuple[int, ...], Series] = {}

    def lightness(self, level: int, place: tuple[int, ...]) -> Lightness:
        """Return what reads a plane of a level of the source."""
        return Lightness(opened(self.task.image, level), self._index(place))

    def _index(self, place: tuple[int, ...]) -> tuple[int, ...]:
        at = dict(zip(self.task.leading, place, strict=True))
        at["c"] = self.task.channels[self.channel]
        return tuple(at[axis] for axis in self.task.image.axes[:-2])

    def predicted(self, place: tuple[int, ...]) -> PlanePrediction:
        """Return what the network predicts of a plane, from the folder or anew."""
        path = self._path("seen", place)
        found = _load(path)
        if found is None:
            found = self._predict(place)
            _save(path, found)
        values = found["values"]
        return PlanePrediction(found["seen"], resize(found["seen"], values.shape[:2]), values)

    def counts(self, place: tuple[int, ...]) -> dict[str, Any]:
        """Return what was counted when a plane was seen."""
        found = _load(self._path("seen", place))
        assert found is not None, "a plane was seen before anything of it was finished"
        return dict(json.loads(str(found["counts"])))

    def held(self, place: tuple[int, ...]) -> dict[str, Any]:
        """Return a plane's small colour, held along the axis: ``seen``, ``values``, ``cut``."""
        path = self._path("held", place)
        found = _load(path)
        if found is None:
            first, number = self.stack.split(place)
            series = self._series_of(first)
            values = series.values(number)
            assert values is not None, "the stack has the planes that its shape says"
            found = {
                "seen": self.predicted(place).seen,
                "values": values,
                "cut": np.array(number in series.cuts),
            }
            _save(path, found)
        return found

    def finish(self, place: tuple[int, ...], top: int, left: int, bottom: int, right: int) -> Any:
        """Colour a piece of a plane of the finest level.

        Returns
        -------
        rgb : (h, w, 3) array
        clipped : (h, w) bool array
        moved : int
            Pixels whose colour was moved into the gamut.
        """
        place_seen = index_below(
            place, (*self.task.places(0), 1, 1), (*self.task.places(self.task.seen), 1, 1)
        )
        small = self.held(place_seen)
        height, width = self.task.plane(0)
        source = self.lightness(0, place)
        pixels = source.read(slice(top, bottom), slice(left, right))
        used = self._colorizer().used
        piece = read_plane(pixels, self.window, used.gamma)
        chroma = as_tensor(small["values"][..., :2], used.device).permute(2, 0, 1)[None]
        whole = (bottom - top, right - left) == (height, width)
        grid = (min(chroma.shape[-2], height), min(chroma.shape[-1], width))
        rgb, moved = full_size_rgb(
            piece,
            small["seen"],
            chroma.contiguous(),
            used,
            within=None if whole else (top, left, height, width),
            guide_small=None if whole else self._guide(small["seen"], grid, source, used.gamma),
        )
        count = int(np.count_nonzero(moved))
        return rgb, clipped_colours(moved, piece), count

    def _guide(
        self, seen_at: NDArray[np.float32], grid: Any, source: Lightness, gamma: float
    ) -> NDArray[np.float32] | None:
        """Return a whole plane's lightness on the chroma's grid, where `seen` is not enough."""
        height, width = source.shape
        sides = ((height, seen_at.shape[0], grid[0]), (width, seen_at.shape[1], grid[1]))
        if all(full >= middle and middle % small == 0 for full, middle, small in sides):
            return None
        if height * width > MOST_WHOLE:
            raise ValueError(f"A plane of {height} × {width} pixels cannot be finished in pieces.")
        whole = read_plane(source.read(slice(0, height)), self.window, gamma)
        return whole.lightness_at((int(grid[0]), int(grid[1])))

    def _series_of(self, first: tuple[int, ...]) -> Series:
        if first not in self._series:
            weights = weights_of(self.job.parameters.consistency)
            self._series = {  # one at a time: units come in order
                first: _Stored(
                    lambda number: (
                        self.predicted(self.stack.at(first, number))
                        if number < self.stack.length
                        else None
                    ),
                    self._colorizer(),
                    weights,
                    KEPT,
                )
            }
        return self._series[first]

    def _predict(self, place: tuple[int, ...]) -> dict[str, Any]:
        colorizer = self._colorizer()
        used = colorizer.used
        assert used.network_size is not None, "parameters are resolved"
        source = self.lightness(self.task.seen, place)
        light, counts = seen(source, self.window, used.gamma, used.network_size)
        stand_in = Plane(
            luma=light,
            alpha=None,
            window=self.window,
            window_mode=self.job.window_mode,
            kind="grey",
            shape=light.shape,
            dtype="float32",
        )
        found, _ = colorizer.predict(stand_in, light)
        planes = [*found.chroma[0].cpu().numpy(), found.uncertainty[0, 0].cpu().numpy()]
        values = np.ascontiguousarray(np.stack(planes, axis=-1))
        return {"seen": light, "values": values, "counts": np.array(json.dumps(counts))}

    def _path(self, kind: str, place: tuple[int, ...]) -> Path:
        name = "-".join(
            f"{axis}{number}" for axis, number in zip(self.task.leading, place, strict=True)
        )
        return self._folder / f"{kind}-{name or 'plane'}.npz"


class _Shaped:
    """Stands for an array of which only the shape is wanted."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape


def _load(path: Path) -> dict[str, Any] | None:
    try:
        with np.load(path, allow_pickle=False) as found:
            return dict(found)
    except FileNotFoundError:
        return None


def _save(path: Path, values: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with staged([path], overwrite=True) as [part], open(part, "wb") as stream:
        np.savez(stream, **values)


def places_of(unit: Unit, task: Task) -> list[tuple[int, ...]]:
    """Return the planes that a unit touches."""
    ranges = [range(a, b) for a, b in zip(unit.start[:-2], unit.stop[:-2], strict=True)]
    assert len(ranges) == len(task.leading), "units have the leading axes of their task"
    return list(itertools.product(*ranges))
