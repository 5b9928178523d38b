"""The end of a job: maps, metadata, record, and the markers away."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from napari_colorize import checkpoints
from napari_colorize._version import __version__
from napari_colorize.pipeline.image import Plane
from napari_colorize.pipeline.plane import ColouredPlane
from napari_colorize.sequences.record import StackFacts, Totals, plane_record, stack_record
from napari_colorize.storage import write_whole
from napari_colorize.volumes.job import Job, Task
from napari_colorize.volumes.ngff import RECORD, VERSION, Level, multiscales, rgb_channels
from napari_colorize.volumes.work import Worker, inner_path

HOW = {
    "description": "Each pixel of a coarse level is the mean, in linear light, of a block of the "
    "finer one; of labels, the largest value.",
    "method": "napari_colorize.volumes.work.shrunk_colours",
}


def finalize_job(whole: Job) -> None:
    """Write what makes a result an OME-Zarr, and remove what only the making needed.

    Raises
    ------
    RuntimeError
        Pieces are missing; the sentence says how many.
    """
    worker = Worker(whole)
    missing = sum(
        not worker.ledger.is_done(unit.name, worker.owned(unit))
        for level in range(whole.depth)
        for unit in whole.units(level)
    )
    if missing:
        raise RuntimeError(
            f"{missing} pieces are not done yet; run the parts that are missing, then finalize."
        )
    import zarr

    for number, task in enumerate(whole.tasks):
        record = _record(whole, worker, number)
        group = zarr.open_group(whole.target, path=task.group, mode="a", zarr_format=3)
        if whole.uncertainty:
            _write_uncertainty(whole, worker, number)
        if whole.clipped:
            _describe_clipped(whole, task)
        names = [_name(task, channel) for channel in task.channels]
        most = {"uint8": 255, "uint16": 65535}.get(whole.parameters.dtype, 1)
        group.attrs.update(
            {
                "ome": {
                    "version": VERSION,
                    "multiscales": multiscales(
                        task.axes,
                        _units(task),
                        task.levels,
                        name=task.image.name,
                        how="mean in linear light",
                        about=HOW,
                    ),
                    "omero": {"channels": rgb_channels(names, most)},
                },
                RECORD: {"record": record, "images": len(task.channels)},
            }
        )
    _describe_plate(whole)
    _write_crate(whole)
    shutil.rmtree(whole.folder)


def _units(task: Task) -> list[str | None]:
    own = dict(zip(task.image.axes, task.image.units, strict=True))
    return [own.get(axis) for axis in task.axes]


def _name(task: Task, channel: int) -> str:
    names = task.image.channels
    if channel < len(names):
        return names[channel]
    return f"channel {channel}" if task.image.side("c") > 1 else ""


def _record(whole: Job, worker: Worker, number: int) -> dict[str, Any]:
    """Return the record of one image, as that of a stack."""
    task = whole.tasks[number]
    totals, cuts = Totals(), []
    planes: list[Any] = []
    for channel in range(len(task.channels)):
        one = worker.planes(number, channel)
        for place in _planes_of(task):
            held = one.held(place)
            counts = one.counts(place)
            totals.planes += 1
            totals.nan_count += counts["nan_count"]
            totals.one_shade = totals.one_shade and counts["one_shade"]
            totals.sums["outside"] += counts["outside_window"]
            totals.sums["uncertainty"] += float(held["values"][..., 2].mean())
            if held["cut"]:
                cuts.append(place)
            planes = planes or [held, counts]
    height, width = task.plane(0)
    pixels = height * width * int(np.prod(task.places(0))) * len(task.channels)
    share = totals.planes / max(1, pixels)
    for unit in (unit for unit in whole.units(0) if unit.task == number):
        facts = worker.ledger.facts(unit.name) or {}
        totals.sums["moved"] += facts.get("moved", 0) * share
        totals.sums["clipped"] += facts.get("clipped", 0) * share
    used = whole.parameters.changed(window=task.windows[0])
    axis = task.leading.index(whole.axis) if whole.axis and whole.axis in task.leading else None
    facts_of = StackFacts(
        used=used,
        axis=axis,
        rgb=False,
        planes=totals.planes,
        window_mode=whole.window_mode,
        source={"path": whole.source, "group": task.group, "axes": task.image.axes},
    )
    held, counts = planes
    stand_in = _stand_in(whole, task, held, counts)
    record = stack_record(
        facts_of,
        plane_record(facts_of, stand_in, 0),
        totals,
        cuts=cuts,
        input_shape=task.image.levels[0].shape,
        output_shape=task.levels[0].shape,
    )
    record["input"]["dtype"] = task.image.dtype
    record["stack"]["windows"] = [list(window) for window in task.windows]
    record["stack"]["channels"] = list(task.channels)
    return record


def _stand_in(whole: Job, task: Task, held: dict[str, Any], counts: dict[str, Any]) -> Any:
    """Return a small coloured plane from which the record takes what all planes share."""
    assert whole.parameters.checkpoint is not None, "parameters are resolved"
    seen = held["seen"]
    plane = Plane(
        luma=seen,
        alpha=None,
        window=task.windows[0],
        window_mode=whole.window_mode,
        kind="grey",
        shape=seen.shape,
        dtype=task.image.dtype,
        nan_count=counts["nan_count"],
        outside_window=counts["outside_window"],
    )
    return ColouredPlane(
        plane=plane,
        network_shape=(int(seen.shape[0]), int(seen.shape[1])),
        rgb=np.zeros((*seen.shape, 3), whole.parameters.dtype),
        uncertainty=held["values"][..., 2],
        clipped=np.zeros(seen.shape, bool),
        moved_share=0.0,
        parameters=whole.parameters,
        checkpoint=checkpoints.load(whole.parameters.checkpoint, "cpu").record,
    )


def _planes_of(task: Task) -> Iterator[tuple[int, ...]]:
    yield from np.ndindex(*task.places(task.seen))


def _write_uncertainty(whole: Job, worker: Worker, number: int) -> None:
    """Write the image ``uncertainty``, at the size of the network's answer, a plane a chunk."""
    import zarr

    task = whole.tasks[number]
    first = worker.planes(number, 0).held(next(_planes_of(task)))["values"]
    small = first.shape[:2]
    sides = {axis: task.image.side(axis, task.seen) for axis in task.leading}
    sides |= {"c": len(task.channels), "y": small[0], "x": small[1]}
    shape = tuple(sides[axis] for axis in task.axes)
    path = "/".join(part for part in (task.group, "uncertainty") if part)
    group = zarr.open_group(whole.target, path=path, mode="w", zarr_format=3)
    array = group.create_array(
        "0",
        shape=shape,
        chunks=tuple(sides[a] if a in "yx" else 1 for a in task.axes),
        dtype="float32",
        fill_value=0,
        dimension_names=tuple(task.axes),
    )
    for channel in range(len(task.channels)):
        one = worker.planes(number, channel)
        for place in _planes_of(task):
            at = dict(zip(task.leading, place, strict=True)) | {"c": channel}
            index = tuple(at[axis] for axis in task.axes[:-2])
            array[index] = one.held(place)["values"][..., 2]
    fine, seen = task.levels[0], task.image.levels[task.seen]
    scale = dict(zip(task.axes, fine.scale, strict=True))
    start = dict(zip(task.axes, fine.translation, strict=True))
    for axis, side in zip("yx", small, strict=True):
        factor = task.image.side(axis) / side
        start[axis] += (factor - 1) / 2 * scale[axis]
        scale[axis] *= factor
    for axis in task.leading:
        scale[axis] = seen.scale[task.image.axes.index(axis)]
        start[axis] = seen.translation[task.image.axes.index(axis)]
    level = Level(
        "0", shape, shape, *(tuple(each[axis] for axis in task.axes) for each in (scale, start))
    )
    described = multiscales(
        task.axes, _units(task), [level], name="uncertainty", how="prediction", about={}
    )
    window = {"min": 0, "max": 1, "start": 0, "end": 1}
    channels: list[Any] = [
        {
            "label": f"{_name(task, c)} uncertainty".strip(),
            "color": "FFFFFF",
            "window": window,
            "active": True,
        }
        for c in task.channels
    ]
    group.attrs["ome"] = {
        "version": VERSION,
        "multiscales": described,
        "omero": {"channels": channels},
    }


def _describe_clipped(whole: Job, task: Task) -> None:
    import zarr

    path = inner_path(task, 0, clipped=True).rpartition("/")[0]
    group = zarr.open_group(whole.target, path=path, mode="a", zarr_format=3)
    group.attrs["ome"] = {
        "version": VERSION,
        "multiscales": multiscales(
            task.axes,
            _units(task),
            task.levels,
            name="clipped",
            how="largest of a block",
            about=HOW,
        ),
        "image-label": {"source": {"image": "../../"}},
    }
    labels = zarr.open_group(whole.target, path=path.rpartition("/")[0], mode="a", zarr_format=3)
    labels.attrs["ome"] = {"version": VERSION, "labels": ["clipped"]}


def _describe_plate(whole: Job) -> None:
    if not whole.plate:
        return
    import zarr

    root = zarr.open_group(whole.target, mode="a", zarr_format=3)
    plate = {key: value for key, value in whole.plate.items() if key != "version"}
    root.attrs["ome"] = {"version": VERSION, "plate": plate}
    for path, well in (whole.wells or {}).items():
        group = zarr.open_group(whole.target, path=path, mode="a", zarr_format=3)
        own = {key: value for key, value in well.items() if key != "version"}
        group.attrs["ome"] = {"version": VERSION, "well": own}


def _write_crate(whole: Job) -> None:
    """Write an RO-Crate (1.1) that says what the folder is and by what it was made."""
    tool = "https://github.com/napari-colorize/napari-colorize"
    graph = [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
            "about": {"@id": "./"},
        },
        {
            "@id": "./",
            "@type": "Dataset",
            "name": Path(whole.target).name,
            "description": "Predicted colour, not measured: see the attribute napari-colorize.",
            "isBasedOn": whole.source,
        },
        {
            "@id": "#colouring",
            "@type": "CreateAction",
            "instrument": {"@id": tool},
            "object": {"@id": whole.source},
            "result": {"@id": "./"},
        },
        {
            "@id": tool,
            "@type": "SoftwareApplication",
            "name": "napari-colorize",
            "softwareVersion": __version__,
        },
    ]
    crate = {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph}
    write_whole(Path(whole.target) / "ro-crate-metadata.json", json.dumps(crate, indent=1))
