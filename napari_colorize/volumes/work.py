"""What one worker does: units of a job, each alone, twice, or after a kill with the same bytes."""

import itertools
import json
import threading
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize import checkpoints
from napari_colorize.pipeline.plane import PlaneColorizer
from napari_colorize.storage import write_whole
from napari_colorize.volumes.job import Job, Task, Unit
from napari_colorize.volumes.ledger import Ledger
from napari_colorize.volumes.ngff import Level
from napari_colorize.volumes.planes import Planes, places_of


class Worker:
    """Does the units of a job; loads what it needs when it needs it.

    Parameters
    ----------
    job : Job
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.target = Path(job.target)
        self.ledger = Ledger(job.folder, self.target, self._intact)
        self._planes: dict[tuple[int, int], Planes] = {}
        self._lock = threading.Lock()

    @cached_property
    def colorizer(self) -> PlaneColorizer:
        """What sees and predicts planes."""
        used = self.job.parameters
        assert used.checkpoint is not None, "parameters are resolved"
        model = checkpoints.load(used.checkpoint, used.device)
        if model.record.sha256 != self.job.weights:
            raise ValueError(
                f"The weights {used.checkpoint!r} are not those that this job was begun with "
                f"(SHA-256 {self.job.weights[:12]}…). Install those, or begin anew elsewhere."
            )
        return PlaneColorizer(model, used, window_mode=self.job.window_mode)

    def planes(self, task: int, channel: int) -> Planes:
        """Return what colours the planes of a channel."""
        with self._lock:
            key = task, channel
            if key not in self._planes:
                self._planes = {key: Planes(self.job, task, channel, lambda: self.colorizer)}
            return self._planes[key]

    def see(self, task: int, channel: int, place: tuple[int, ...]) -> None:
        """Predict a plane's small colour, if nobody has yet."""
        self.planes(task, channel).predicted(place)

    def do(self, unit: Unit) -> bool:
        """Do a unit unless it is done; return whether there was something to do.

        Raises
        ------
        Busy
            Somebody else does it.
        RuntimeError
            It failed; the sentence names the unit.
        """
        owned = self.owned(unit)
        if self.ledger.is_done(unit.name, owned):
            return False
        with self.ledger.writing(unit.name, owned) as facts:
            try:
                facts.update(self._coloured(unit) if unit.level == 0 else self._averaged(unit))
            except Exception as error:
                raise RuntimeError(f"{unit.name} could not be done: {error}") from error
        return True

    def array(self, task: int, level: int, clipped: bool = False) -> Any:
        """Open an array of the result for writing."""
        import zarr

        path = inner_path(self.job.tasks[task], level, clipped)
        return zarr.open_array(str(self.target), path=path, mode="r+")

    def owned(self, unit: Unit) -> list[str]:
        """Return the names, in the store, of the files that only this unit writes."""
        task = self.job.tasks[unit.task]
        level = task.levels[unit.level]
        names = []
        for clipped in (False, True)[: 1 + self.job.clipped]:
            prefix = f"{inner_path(task, unit.level, clipped)}/c"
            for key in _chunk_keys(task, level, unit, clipped):
                names.append(f"{prefix}/{'/'.join(map(str, key))}")
        return names

    def _intact(self, name: str) -> bool:
        """Tell whether a file of the store is there and can be decoded, by one element of it."""
        import zarr

        path, _, key = name.rpartition("/c/")
        try:
            if not (self.target / name).is_file():
                return False
            array = zarr.open_array(str(self.target), path=path, mode="r")
            sides = array.shards or array.chunks
            at = tuple(int(k) * side for k, side in zip(key.split("/"), sides, strict=True))
            array[at]
        except Exception:
            return False
        return True

    def _coloured(self, unit: Unit) -> dict[str, Any]:
        task, planes = self.job.tasks[unit.task], self.planes(unit.task, unit.channel)
        (top, left), (bottom, right) = unit.start[-2:], unit.stop[-2:]
        out = self.array(unit.task, 0)
        marks = self.array(unit.task, 0, clipped=True) if self.job.clipped else None
        counts = {"moved": 0, "clipped": 0}
        steps = _steps(task, unit)
        for place in places_of(unit, task):
            rgb, clipped, moved = planes.finish(place, top, left, bottom, right)
            counts["moved"] += moved
            counts["clipped"] += int(np.count_nonzero(clipped))
            for rows, columns in steps:
                inside = (
                    slice(rows.start - top, rows.stop - top),
                    slice(columns.start - left, columns.stop - left),
                )
                at = _at(task, place, unit.channel, rows, columns)
                out[at] = np.moveaxis(rgb[inside], -1, 0)
                if marks is not None:
                    marks[_at(task, place, unit.channel, rows, columns, True)] = clipped[inside]
        return counts

    def _averaged(self, unit: Unit) -> dict[str, Any]:
        task = self.job.tasks[unit.task]
        finer, level = task.levels[unit.level - 1], task.levels[unit.level]
        factors = _factors(task, finer, level)
        for clipped in (False, True)[: 1 + self.job.clipped]:
            source = self.array(unit.task, unit.level - 1, clipped)
            out = self.array(unit.task, unit.level, clipped)
            here, there = [], []
            axes = iter(zip(unit.start, unit.stop, strict=True))
            for position, axis in enumerate(task.axes):
                if axis == "c":
                    first = unit.channel if clipped else 3 * unit.channel
                    part = slice(first, first + (1 if clipped else 3))
                    here.append(part)
                    there.append(part)
                    continue
                start, stop = next(axes)
                here.append(slice(start, stop))
                most = finer.shape[position]
                factor = factors[position]
                there.append(slice(start * factor, min(stop * factor, most)))
            values = np.asarray(source[tuple(there)])
            shrink = shrunk_marks if clipped else shrunk_colours
            out[tuple(here)] = shrink(values, factors)
        return {}


def inner_path(task: Task, level: int, clipped: bool = False) -> str:
    """Return where an array of a result lies in the target."""
    parts = (task.group, "labels/clipped" if clipped else "", task.levels[level].path)
    return "/".join(part for part in parts if part)


def _chunk_keys(task: Task, level: Level, unit: Unit, clipped: bool) -> list[tuple[int, ...]]:
    """Return the indices of the files that a unit fills."""
    ranges = []
    axes = iter(zip(unit.start, unit.stop, strict=True))
    for axis, side in zip(task.axes, level.chunks, strict=True):
        if axis == "c":
            ranges.append([unit.channel])
            continue
        start, stop = next(axes)
        ranges.append(list(range(start // side, -(-stop // side))))
    return list(itertools.product(*ranges))


def _steps(task: Task, unit: Unit) -> list[tuple[slice, slice]]:
    """Return the parts of a unit's plane that are one file each."""
    tall, wide = task.levels[0].chunks[-2:]
    (top, left), (bottom, right) = unit.start[-2:], unit.stop[-2:]
    return [
        (slice(row, min(row + tall, bottom)), slice(column, min(column + wide, right)))
        for row in range(top, bottom, tall)
        for column in range(left, right, wide)
    ]


def _at(
    task: Task,
    place: tuple[int, ...],
    channel: int,
    rows: slice,
    columns: slice,
    clipped: bool = False,
) -> tuple[Any, ...]:
    numbers = dict(zip(task.leading, place, strict=True))
    own: Any = channel if clipped else slice(3 * channel, 3 * channel + 3)
    leading = [own if axis == "c" else numbers[axis] for axis in task.axes[:-2]]
    return (*leading, rows, columns)


def _factors(task: Task, finer: Level, level: Level) -> tuple[int, ...]:
    """Return by how much each axis shrinks from one level to the next."""
    return tuple(
        1 if axis == "c" else round(coarse / fine)
        for axis, coarse, fine in zip(task.axes, level.scale, finer.scale, strict=True)
    )


def shrunk_colours(values: NDArray[Any], factors: tuple[int, ...]) -> NDArray[Any]:
    """Return blocks of sRGB averaged in linear light.

    Parameters
    ----------
    values : array
        uint8 or uint16 over their whole range, or floats of 0…1; any axes.
    factors : tuple of int
        Sides of a block along each axis; blocks at the far ends may be cut off.

    Returns
    -------
    array of the same dtype
    """
    from napari_colorize.ops.twins.colour import code_from_linear, linear_from_code

    most = 1.0 if values.dtype.kind == "f" else float(np.iinfo(values.dtype).max)
    if values.dtype.kind == "u":
        codes = np.arange(int(most) + 1, dtype=np.float64) / most
        light = _mapped(linear_from_code, codes).astype(np.float32)[values]
    else:
        light = _mapped(linear_from_code, values).astype(np.float32)
    for axis, factor in enumerate(factors):
        light = _block_means(light, axis, factor)
    coded = _mapped(code_from_linear, light) * most
    return (np.rint(coded) if values.dtype.kind == "u" else coded).astype(values.dtype)


def shrunk_marks(values: NDArray[Any], factors: tuple[int, ...]) -> NDArray[Any]:
    """Return blocks of marks that are marked where any of their pixels is."""
    for axis, factor in enumerate(factors):
        starts = np.arange(0, values.shape[axis], factor)
        values = np.maximum.reduceat(values, starts, axis=axis)
    return values


def _block_means(values: NDArray[Any], axis: int, factor: int) -> NDArray[Any]:
    if factor == 1:
        return values
    starts = np.arange(0, values.shape[axis], factor)
    sums = np.add.reduceat(values, starts, axis=axis)
    counts = np.diff(np.append(starts, values.shape[axis])).astype(np.float32)
    return sums / counts.reshape([-1 if i == axis else 1 for i in range(values.ndim)])


def _mapped(formula: Callable[[Any], Any], values: NDArray[Any]) -> NDArray[Any]:
    """Return what a formula of the operators' twins makes of an array, in float64."""
    import torch

    return np.asarray(formula(torch.from_numpy(values.astype(np.float64))).numpy())


def save_job(job: Job) -> None:
    """Write a job down where all workers find it."""
    write_whole(job.folder / "job.json", json.dumps(job.to_json(), indent=1))


def saved_job(folder: Path) -> Job | None:
    """Return the job that was begun in a work folder, or None."""
    try:
        return Job.from_json(json.loads((folder / "job.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{folder / 'job.json'} cannot be read ({error}). Remove {folder} to begin anew."
        ) from None
