"""The door to colouring an OME-Zarr: a job is begun or gone on with, its units are sent about."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_colorize.parameters import ColorizeParameters
from napari_colorize.results import Progress, Ticker
from napari_colorize.sequences.parameters import stack_parameters
from napari_colorize.storage import write_whole
from napari_colorize.volumes.finished import finalize_job
from napari_colorize.volumes.job import (
    Job,
    Unit,
    work_folder,
)
from napari_colorize.volumes.ledger import Busy, Ledger, refuse_failed
from napari_colorize.volumes.ngff import open_source
from napari_colorize.volumes.planning import create_arrays, planned
from napari_colorize.volumes.tiffs import is_tiff, open_tiff
from napari_colorize.volumes.work import Worker, save_job, saved_job

WAITED = 600.0
"""Seconds that one part of a job waits for another one to begin it."""


def colorize_zarr(
    source: Any,
    target: Any,
    method: str | None = None,
    *,
    axis: str | None = "auto",
    channels: Sequence[int] | None = None,
    windows: Sequence[tuple[float, float]] | None = None,
    clipped: bool = False,
    uncertainty: bool = False,
    chunk: int = 512,
    shard: int = 2048,
    workers: int | None = 0,
    client: Any = None,
    job: tuple[int, int] | None = None,
    finalize: bool = True,
    parameters: ColorizeParameters | None = None,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
    **changes: Any,
) -> Path:
    """Colour an OME-Zarr into another one, piece by piece; called again, it goes on.

    Each plane is seen once, whole and small, so that no piece has colours of its own; a piece is
    then finished from that and its own pixels. An image of one level comes out with the bytes that
    :func:`~napari_colorize.colorize_stack` gives for its planes, a pyramid with those of
    :func:`~napari_colorize.colorize_multiscale` for its finest level. Whatever was killed,
    wherever, the same call goes on and ends with the same bytes: what is done is told by markers in
    ``TARGET.work``, which goes when all is done.

    Parameters
    ----------
    source : str or path
        Folder, or address for fsspec, of an OME-Zarr 0.4 or 0.5 (an image or a plate), or of a zarr
        array; or a grey TIFF, whose tiles and levels are read piece by piece.
    target : str or path
        Folder of the result, which must not exist unless this job made it.
    method : str, optional
        As for :func:`~napari_colorize.colorize`.
    axis : {"auto", "t", "z"} or None
        Along which colour is held; ``"auto"``: t where there is more than one, else z.
    channels : sequence of int, optional
        Which are coloured, each by itself; default: all. Each becomes three, R, G and B.
    windows : sequence of (low, high), optional
        One a channel: raw values that become black and white. Default: each channel's automatic
        window over all of the source.
    clipped : bool
        Whether ``labels/clipped`` is written: colours that were moved into sRGB.
    uncertainty : bool
        Whether the image ``uncertainty`` is written, at the size of the network's answer.
    chunk, shard : int
        Sides of chunks, and of the files that hold many, in pixels.
    workers : int or None
        Processes of a local dask cluster; 0: this process alone; None: one a core.
    client : dask.distributed.Client, optional
        A cluster that is there already; all its workers must see source and target.
    job : (int, int), optional
        Part i of n, counted from 0, without any scheduler, for array jobs. ``finalize=True`` is
        then called for by itself, with ``job=None``.
    finalize : bool
        Whether coarse levels and metadata are written when all pieces are done.
    parameters, progress, should_stop, **changes
        As for :func:`~napari_colorize.colorize_stack`.

    Returns
    -------
    Path
        The target.

    Raises
    ------
    TypeError, ValueError
        Something cannot be used, or ``target`` was begun with other settings.
    FileExistsError
        ``target`` is there and is not of this job.
    RuntimeError
        Units failed; the sentence names the first. All others are done and kept.
    Cancelled
        ``should_stop`` returned True. Called again, it goes on.

    Examples
    --------
    >>> import skimage.data, tempfile, zarr
    >>> folder = Path(tempfile.mkdtemp())
    >>> volume = skimage.data.camera()[::4, ::4].reshape(2, 64, 128)
    >>> _ = zarr.create_array(folder / "in.zarr", data=volume, dimension_names=("z", "y", "x"))
    >>> made = colorize_zarr(folder / "in.zarr", folder / "out.zarr")
    >>> zarr.open_array(made / "0").shape
    (3, 2, 64, 128)
    """
    tick = Ticker(progress, should_stop)
    path = os.fspath(source) if isinstance(source, (str, os.PathLike)) else ""
    found = open_tiff(path) if is_tiff(path) else open_source(source)
    asked = stack_parameters(parameters, method, changes)
    asked_for = {
        "source": found.path,
        "images": [[image.group, image.axes, *map(str, image.levels)] for image in found.images],
        "parameters": asked.to_dict(),
        "axis": axis,
        "channels": None if channels is None else [int(c) for c in channels],
        "windows": None if windows is None else [list(window) for window in windows],
        "clipped": bool(clipped),
        "uncertainty": bool(uncertainty),
        "chunk": int(chunk),
        "shard": int(shard),
    }
    if job is not None:
        i, n = job
        if not 0 <= i < n:
            raise ValueError(f"job is {job}; part i of n is counted from 0 to n − 1.")
    tick(0.0, "choosing windows")
    whole = _begun(Path(target), asked_for, lambda: planned(found, Path(target), asked, asked_for))
    if job is not None:
        units = list(whole.units(0))
        part = units[len(units) * i // n : len(units) * (i + 1) // n]
        _in_turn(whole, part, tick, 0.0, 1.0)
        return Path(whole.target)
    with _cluster(client, workers) as sent:
        _all_pieces(whole, sent, tick)
        if finalize:
            for level in range(1, whole.depth):
                share = 0.9 + 0.08 * level / whole.depth
                _do_all(whole, level, sent, tick, share, share + 0.08 / whole.depth)
    if finalize:
        tick(0.98, "writing metadata")
        finalize_job(whole)
        tick(1.0, "done")
    return Path(whole.target)


def _begun(target: Path, asked_for: dict[str, Any], plan: Callable[[], Job]) -> Job:
    """Return the job of a target: the one that was begun, or a new one, made by one process."""
    folder = work_folder(str(target))
    if target.exists() and not folder.exists():
        raise FileExistsError(
            f"{target} exists already and is no unfinished job; choose another name."
        )
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / "asked.json"
    setup = Ledger(folder, target, lambda name: False)  # of files that nobody writes
    setup.create()
    until = time.monotonic() + WAITED
    while setup.facts("setup") is None:
        try:
            with setup.writing("setup", ()):
                if target.exists():
                    _refuse_pixels(target, folder)
                    shutil.rmtree(target)  # made by a setup that was killed: nothing is in it
                whole = plan()
                write_whole(note, json.dumps(asked_for, sort_keys=True))
                save_job(whole)
                create_arrays(whole)
        except Busy:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
        except BaseException:
            if not (folder / "job.json").exists():
                shutil.rmtree(folder, ignore_errors=True)
            raise
    before = json.loads(note.read_text(encoding="utf-8"))
    now = json.loads(json.dumps(asked_for))
    if before != now:
        raise ValueError(
            f"{target} was begun with other settings ({_difference(before, now)}). Ask for the "
            f"same again, or remove {target} and {folder} to begin anew."
        )
    whole_again = saved_job(folder)
    assert whole_again is not None, "the setup wrote it"
    # A folder may have been moved as a whole, or be seen by another name from this machine.
    return replace(whole_again, target=str(target))


def _refuse_pixels(target: Path, folder: Path) -> None:
    """Never remove what somebody has coloured, whatever became of the notes of its job."""
    if any(path.is_file() for path in target.rglob("c/**/*")):
        raise FileExistsError(
            f"{target} holds pixels already, and {folder} does not say whose. If it is finished, "
            f"remove {folder}; else remove both, or choose another name."
        )


def _difference(before: dict[str, Any], now: dict[str, Any]) -> str:
    found = []
    for key in before:
        if before[key] == now.get(key):
            continue
        if key == "parameters":
            theirs, ours = before[key], now[key]
            found += [f"{k}: {theirs[k]} then, {ours[k]} now" for k in ours if theirs[k] != ours[k]]
        elif key == "images":
            found.append("the source has changed")
        else:
            found.append(f"{key}: {before[key]} then, {now.get(key)} now")
    return "; ".join(found)


def _all_pieces(whole: Job, sent: Any, tick: Ticker) -> None:
    """See all planes, then finish all pieces."""
    if sent is not None:
        planes = [
            (number, channel, place)
            for number, task in enumerate(whole.tasks)
            for channel in range(len(task.channels))
            for place in np.ndindex(*task.places(task.seen))
        ]
        sent.do("see", whole, planes, tick, 0.0, 0.3, "planes seen")
        _do_all(whole, 0, sent, tick, 0.3, 0.9)
    else:
        _do_all(whole, 0, sent, tick, 0.0, 0.9)


def _do_all(whole: Job, level: int, sent: Any, tick: Ticker, begin: float, end: float) -> None:
    if sent is None:
        _in_turn(whole, whole.units(level), tick, begin, end, len(list(whole.units(level))))
    else:
        numbers = [(level, n) for n, _ in enumerate(whole.units(level))]
        sent.do("unit", whole, numbers, tick, begin, end, f"pieces of level {level} done")


def _in_turn(
    whole: Job,
    units: Iterable[Unit],
    tick: Ticker,
    begin: float,
    end: float,
    count: int | None = None,
) -> None:
    """Do units in this process, one after the other."""
    worker = Worker(whole)
    many = list(units) if count is None else units
    total = count if count is not None else len(many)  # type: ignore[arg-type]
    failed: list[str] = []
    for number, unit in enumerate(many):
        tick(begin + (end - begin) * number / max(1, total), f"piece {number + 1} of {total}")
        try:
            worker.do(unit)
        except (RuntimeError, OSError) as error:
            failed.append(str(error))
    refuse_failed(failed, total)


class _NoCluster:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *error: object) -> None:
        return None


def _cluster(client: Any, workers: int | None) -> Any:
    if client is None and workers == 0:
        return _NoCluster()
    from napari_colorize.volumes.cluster import Cluster

    return Cluster(client, workers)
