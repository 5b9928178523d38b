"""What all workers of a job agree on: source, target, settings, layout; made once."""

import itertools
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from napari_colorize._version import __version__
from napari_colorize.refinements import REFINEMENTS
from napari_colorize.sequences.parameters import StackParameters
from napari_colorize.volumes.ngff import AXES, Image, Level

SCHEMA = "napari-colorize/zarr-job/1"

MOST_WHOLE = 1 << 28
"""Pixels of a plane that is finished as a whole, at the most."""


@dataclass(frozen=True)
class Task:
    """A colouring of one image of a source into one group of the target.

    Parameters
    ----------
    image : Image
        What is read.
    group : str
        Of the target; empty at its root.
    channels : tuple of int
        Which of the image's channels are coloured.
    seen : int
        Level that colour is predicted from.
    windows : tuple of (float, float)
        Raw values shown as black and white, one a channel.
    levels : tuple of Level
        Of the result.
    """

    image: Image
    group: str
    channels: tuple[int, ...]
    seen: int
    windows: tuple[tuple[float, float], ...]
    levels: tuple[Level, ...]

    @property
    def axes(self) -> str:
        """Axes of the result: those of the image, and c, along which R, G, B lie."""
        return "".join(axis for axis in AXES if axis in self.image.axes or axis == "c")

    @property
    def leading(self) -> str:
        """Axes before a plane's own, without the channels."""
        return "".join(axis for axis in self.image.axes if axis in "tz")

    def places(self, level: int) -> tuple[int, ...]:
        """Return how many planes there are along each leading axis of a level of the source."""
        return tuple(self.image.side(axis, level) for axis in self.leading)

    def plane(self, level: int) -> tuple[int, int]:
        """Return the height and width of a plane of a level of the source."""
        return self.image.side("y", level), self.image.side("x", level)


@dataclass(frozen=True)
class Unit:
    """What one worker does at a time: one piece of one level of the result.

    Parameters
    ----------
    name : str
        As the ledger knows it.
    task, level, channel : int
        Which of the job's tasks, of the result's levels, of the coloured channels.
    start, stop : tuple of int
        Of the piece along the axes t and z that the image has, then y and x.
    """

    name: str
    task: int
    level: int
    channel: int
    start: tuple[int, ...]
    stop: tuple[int, ...]


@dataclass(frozen=True)
class Job:
    """A colouring of an OME-Zarr.

    Parameters
    ----------
    source, target : str
    tasks : tuple of Task
    parameters : StackParameters
        Resolved; the windows stand in the tasks.
    window_mode : {"automatic", "explicit"}
    weights : str
        SHA-256 of the checkpoint.
    axis : {"t", "z"} or None
        Along which colour is held.
    chunk : int
        Side of a chunk of the result, in pixels.
    clipped, uncertainty : bool
        Whether these maps are written too.
    plate, wells : mapping
        Metadata of a plate.
    """

    source: str
    target: str
    tasks: tuple[Task, ...]
    parameters: StackParameters
    window_mode: str
    weights: str
    axis: str | None
    chunk: int
    clipped: bool = False
    uncertainty: bool = False
    plate: Mapping[str, Any] | None = None
    wells: Mapping[str, Any] | None = None

    @property
    def folder(self) -> Path:
        """Where ledger and small planes lie: beside the target, never in it."""
        return work_folder(self.target)

    def to_json(self) -> dict[str, Any]:
        """Return the job as plain values."""
        values = asdict(replace(self, parameters=None))  # type: ignore[arg-type]
        values["parameters"] = self.parameters.to_dict()
        return {"schema": SCHEMA, "version": __version__, **json.loads(json.dumps(values))}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Job":
        """Build a job from what :meth:`to_json` returned."""
        given = {key: value for key, value in values.items() if key not in ("schema", "version")}
        given["parameters"] = StackParameters.from_dict(given["parameters"])
        given["tasks"] = tuple(_task(task) for task in given["tasks"])
        return cls(**given)

    def units(self, level: int) -> Iterator[Unit]:
        """Yield the units of one level of all images that have it, in a fixed order."""
        for number, task in enumerate(self.tasks):
            if level >= len(task.levels):
                continue
            axes = task.axes.replace("c", "")
            shape = _without_c(task.axes, task.levels[level].shape)
            piece = _without_c(task.axes, task.levels[level].chunks)
            if level == 0 and not self.in_pieces:
                piece = (*piece[:-2], *shape[-2:])
            counts = [math.ceil(side / step) for side, step in zip(shape, piece, strict=True)]
            for channel in range(len(task.channels)):
                for place in _all(counts):
                    start = tuple(i * step for i, step in zip(place, piece, strict=True))
                    stop = tuple(
                        min(begin + step, side)
                        for begin, step, side in zip(start, piece, shape, strict=True)
                    )
                    where = "-".join(f"{a}{i}" for a, i in zip(axes, place, strict=True))
                    yield Unit(
                        f"image{number}-level{level}-channel{channel}-{where}",
                        number,
                        level,
                        channel,
                        start,
                        stop,
                    )

    @property
    def in_pieces(self) -> bool:
        """Whether planes are finished in pieces."""
        return REFINEMENTS[self.parameters.refinement].in_pieces

    @property
    def depth(self) -> int:
        """Levels of the deepest pyramid."""
        return max(len(task.levels) for task in self.tasks)


def work_folder(target: str) -> Path:
    """Return where ledger and small planes of a target lie."""
    path = Path(target)
    return path.with_name(f"{path.name}.work")


def _without_c(axes: str, values: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(value for axis, value in zip(axes, values, strict=True) if axis != "c")


def _all(counts: list[int]) -> Iterator[tuple[int, ...]]:
    return itertools.product(*(range(count) for count in counts))


def _task(values: Mapping[str, Any]) -> Task:
    image = dict(values["image"])
    image["levels"] = _levels(image["levels"])
    for key in ("units", "channels"):
        image[key] = tuple(image[key])
    return Task(
        image=Image(**image),
        group=values["group"],
        channels=tuple(values["channels"]),
        seen=values["seen"],
        windows=tuple((low, high) for low, high in values["windows"]),
        levels=_levels(values["levels"]),
    )


def _levels(values: Any) -> tuple[Level, ...]:
    return tuple(
        Level(
            path=one["path"],
            shape=tuple(one["shape"]),
            chunks=tuple(one["chunks"]),
            scale=tuple(one["scale"]),
            translation=tuple(one["translation"]),
        )
        for one in values
    )


def result_levels(image: Image, channels: int, chunk: int, shard: int) -> tuple[Level, ...]:
    """Lay out the levels of a result: those of the source where they halve, else halved in y and x.

    Parameters
    ----------
    image : Image
    channels : int
        How many are coloured; each becomes three.
    chunk, shard : int
        Sides in pixels; a shard holds whole chunks of one plane. The pyramid ends where a plane
        fits into one chunk.
    """
    axes = "".join(axis for axis in AXES if axis in image.axes or axis == "c")
    shape = {axis: image.side(axis) for axis in axes} | {"c": 3 * channels}
    scale = dict(zip(image.axes, image.levels[0].scale, strict=True))
    start = dict(zip(image.axes, image.levels[0].translation, strict=True))
    levels: list[Level] = []
    while True:
        piece = dict.fromkeys(axes, 1) | {"c": 3}
        for axis in "yx":
            least = min(chunk, shape[axis])
            piece[axis] = least * math.ceil(min(shard, shape[axis]) / least)
        levels.append(
            Level(
                str(len(levels)),
                tuple(shape[axis] for axis in axes),
                tuple(piece[axis] for axis in axes),
                tuple(1.0 if axis == "c" else scale[axis] for axis in axes),
                tuple(0.0 if axis == "c" else start[axis] for axis in axes),
            )
        )
        if max(shape["y"], shape["x"]) <= chunk:
            return tuple(levels)
        factors = _next_factors(image, len(levels), shape)
        for axis, factor in factors.items():
            shape[axis] = math.ceil(shape[axis] / factor)
            start[axis] += (factor - 1) / 2 * scale[axis]
            scale[axis] *= factor


def _next_factors(image: Image, level: int, shape: Mapping[str, int]) -> dict[str, int]:
    """Return by how much each axis shrinks: as in the source where that is by whole numbers."""
    plain = {"y": 2, "x": 2}
    if level >= len(image.levels):
        return plain
    factors = {}
    for axis in ("z", "y", "x"):
        if axis in image.axes:
            factor = max(1, round(shape[axis] / image.side(axis, level)))
            if math.ceil(shape[axis] / factor) != image.side(axis, level):
                return plain
            factors[axis] = factor
    return factors if max(factors["y"], factors["x"]) > 1 else plain
