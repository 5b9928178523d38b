"""What is settled before a job begins: weights, windows, axis, layout, and the empty arrays."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_colorize.parameters import checked_window
from napari_colorize.pipeline.network import load_model, resolve_device
from napari_colorize.pipeline.window import shared_window
from napari_colorize.sequences import lazy
from napari_colorize.sequences.parameters import StackParameters
from napari_colorize.volumes.job import MOST_WHOLE, Job, Task, result_levels
from napari_colorize.volumes.ngff import Image, Source
from napari_colorize.volumes.planes import Lightness, opened
from napari_colorize.volumes.work import inner_path


def planned(found: Source, target: Path, asked: StackParameters, asked_for: dict[str, Any]) -> Job:
    """Choose weights, windows and layout."""
    device = resolve_device(asked.device)
    model, used = load_model(asked, device)
    first = found.images[0]
    count = first.side("c")
    channels = asked_for["channels"] if asked_for["channels"] is not None else list(range(count))
    for channel in channels:
        if not 0 <= channel < min(image.side("c") for image in found.images):
            raise ValueError(f"There is no channel {channel}; the source has {count}, from 0 on.")
    chunk, shard = asked_for["chunk"], asked_for["shard"]
    if chunk < 1 or shard % chunk:
        raise ValueError(f"shard is {shard} and chunk {chunk}; a shard holds whole chunks.")
    chosen = _windows(found, channels, asked, asked_for["windows"])
    tasks = tuple(
        Task(
            image=image,
            group=image.group,
            channels=tuple(channels),
            seen=_seen_level(image),
            windows=chosen,
            levels=result_levels(image, len(channels), chunk, shard),
        )
        for image in found.images
    )
    explicit = asked.window is not None or asked_for["windows"] is not None
    found_job = Job(
        source=found.path,
        target=str(target),
        tasks=tasks,
        parameters=used.changed(window=None),
        window_mode="explicit" if explicit else "automatic",
        weights=model.record.sha256,
        axis=_axis(first, asked_for["axis"]),
        chunk=chunk,
        clipped=asked_for["clipped"],
        uncertainty=asked_for["uncertainty"],
        plate=found.plate,
        wells=dict(found.wells) or None,
    )
    for task in tasks:
        height, width = task.plane(0)
        if not found_job.in_pieces and height * width > MOST_WHOLE:
            raise ValueError(
                f"The refinement {used.refinement!r} takes whole planes, and one has {height} × "
                f"{width} pixels. Choose refinement='joint_bilateral', which works piece by piece."
            )
    return found_job


def _seen_level(image: Image) -> int:
    for number in range(len(image.levels)):
        if min(image.side("y", number), image.side("x", number)) <= lazy.MAX_PREDICTED_SIDE:
            return number
    return len(image.levels) - 1


def _axis(image: Image, asked: str | None) -> str | None:
    long = [axis for axis in "tz" if image.side(axis) > 1]
    if asked == "auto":
        return long[0] if long else None
    if asked is not None and (asked not in ("t", "z") or asked not in image.axes):
        raise ValueError(
            f"axis is {asked!r}, and the image has the axes {image.axes!r}; colour is held along "
            "'t' or 'z', or along none (None)."
        )
    return asked


def _windows(
    found: Source, channels: Sequence[int], asked: StackParameters, given: Any
) -> tuple[tuple[float, float], ...]:
    if given is not None:
        if len(given) != len(channels):
            raise ValueError(f"There are {len(channels)} channels and {len(given)} windows.")
        return tuple(checked_window(tuple(window)) or (0, 1) for window in given)
    if asked.window is not None:
        return (asked.window,) * len(channels)
    chosen = []
    for channel in channels:
        planes = [
            (image, place)
            for image in found.images
            for place in np.ndindex(
                *(image.side(a, _seen_level(image)) for a in image.axes if a in "tz")
            )
        ]

        def read(number: int, planes: Any = planes, channel: int = channel) -> Any:
            image, place = planes[number]
            leading = iter(place)
            index = tuple(channel if a == "c" else next(leading) for a in image.axes[:-2])
            return Lightness(opened(image, _seen_level(image)), index)

        window = shared_window(read, len(planes), False)
        assert window is not None, "grey planes have a window"
        low, high = window
        chosen.append((_plain(low), _plain(high)))
    return tuple(chosen)


def _plain(value: Any) -> float:
    return value.item() if isinstance(value, np.generic) else value


def create_arrays(whole: Job) -> None:
    """Make the empty arrays of a result; its metadata come last, when it can be looked at."""
    import zarr

    root = zarr.open_group(whole.target, mode="a", zarr_format=3)
    dtype = whole.parameters.dtype
    for task in whole.tasks:
        for number, level in enumerate(task.levels):
            for marks in (False, True)[: 1 + whole.clipped]:
                at = task.axes.index("c")
                shape, shards = list(level.shape), list(level.chunks)
                if marks:
                    shape[at], shards[at] = shape[at] // 3, 1
                chunks = [*shards[:-2], *(min(whole.chunk, side) for side in level.shape[-2:])]
                root.create_array(
                    inner_path(task, number, marks),
                    shape=tuple(shape),
                    chunks=tuple(chunks),
                    shards=tuple(shards),
                    dtype="uint8" if marks else dtype,
                    fill_value=0,
                    dimension_names=tuple(task.axes),
                )
