"""Weights from a few pictures in one call: layers, arrays or files in, weights with a name out."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from napari_colorize.checkpoints import CheckpointRecord
from napari_colorize.training.callbacks.watching import Watch, refuse_stopped
from napari_colorize.training.deep.references import ArrayReference
from napari_colorize.training.naming import why_not
from napari_colorize.training.recipe_files import load_recipe
from napari_colorize.training.table import training_of
from napari_colorize.training.tiles import TILE, Cut, cut

Sources = Mapping[str, Any] | str | Path | Sequence[str | Path]


@dataclass(frozen=True)
class Taught:
    """Finished weights.

    Parameters
    ----------
    record
        What is known about them; ``colorize(..., checkpoint=record.name)`` uses them.
    weights
        Their file.
    pictures
        How many pictures or tiles were learnt from.
    stopped
        Somebody had enough of the training before its end.
    """

    record: CheckpointRecord
    weights: Path
    pictures: int
    stopped: bool


def teach(
    method: str,
    pictures: Sources,
    name: str,
    *,
    tile: int = TILE,
    changes: Mapping[str, Any] | None = None,
    licence: str = "",
    directory: str | Path | None = None,
    device: str = "auto",
    watch: Watch | None = None,
) -> Taught:
    """Train a method on pictures of your own, and keep the weights under a name.

    Nothing but the finished weights and their record is written where weights are kept, and they
    appear there whole or not at all.

    Parameters
    ----------
    method
        ``"deep"``: seconds to minutes, from a single picture on. ``"colorful"``: goes on from the
        shipped weights; minutes, from 22 pictures or tiles on. Or another key of
        `table.TRAININGS`.
    pictures
        Name → (H, W, 3) or (H, W, 4) array: uint8, uint16 over its whole range, or floats 0…1.
        Or folders (searched through) and uncompressed tar archives of picture files.
    name
        What the weights are to be called; it must be free.
    tile
        Side, px, of the tiles that *arrays* are cut into (see `tiles.cut`), 32…1024; 0: they stay
        whole, as files always do. Weights from tiles get a network size that shows pictures as
        large as the arrays at the tiles' magnification.
    changes
        Recipe fields to replace, such as ``{"steps": 500}`` for *deep* or ``{"epochs": 10}``.
    licence
        Terms and source of the pictures, for the record.
    directory
        Where the weights go; if left out the user's own folder, from which
        ``colorize(..., checkpoint=name)`` takes them.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"``; *deep* always learns on the processor.
    watch
        Sees progress, error and sample, and may end the training: see `watching.Watch`.

    Returns
    -------
    Taught

    Raises
    ------
    TypeError, ValueError
        The pictures cannot be learnt from, or the name cannot be or is taken.
    FileNotFoundError
        A folder or archive does not exist.
    Cancelled
        The watch ended it, and there was nothing to keep or nothing was to be kept.
    """
    watch = watch or Watch()
    training_of(method)
    reason = why_not(name, directory)
    if reason:
        raise ValueError(reason)
    refuse_stopped(watch, nothing_yet=True)
    lesson = _Lesson(name, directory, licence, dict(changes or {}), watch)
    if method == "deep":
        record, count = _teach_deep(lesson, pictures, tile)
    else:
        record, count = _teach_network(method, lesson, pictures, tile, device)
    weights = lesson.folder / record.file
    return Taught(record, weights, count, bool(record.recipe.get("stopped_early")))


@dataclass(frozen=True)
class _Lesson:
    """What both ways of teaching are told alike."""

    name: str
    directory: str | Path | None
    licence: str
    changes: dict[str, Any]
    watch: Watch

    @property
    def folder(self) -> Path:
        from napari_colorize.checkpoints.home import checkpoints_folder

        return Path(self.directory) if self.directory is not None else checkpoints_folder()


def _teach_deep(lesson: _Lesson, pictures: Sources, tile: int) -> tuple[CheckpointRecord, int]:
    import torch

    from napari_colorize.training.deep.run import (
        drawn,
        fingerprint_of_arrays,
        train_on_references,
    )
    from napari_colorize.training.pictures import find_pictures, fingerprint, included

    settings = load_recipe("", lesson.changes, "deep")
    references: list[Any]
    network_size = 0
    if isinstance(pictures, Mapping):
        parts = _cut(pictures, tile)
        network_size = parts.network_size
        if network_size and not settings.size:
            settings = replace(settings, size=tile)  # as they are: their scale is chosen already
        references = [ArrayReference(rgb, label) for label, rgb in parts.pictures.items()]
        names, seen = list(pictures), fingerprint_of_arrays(references)
    else:
        sources = _listed(pictures)
        references = drawn(included(find_pictures(sources), settings.include), settings)
        names, seen = [Path(source).name for source in sources], fingerprint(references)
    terms = lesson.licence or "not stated"
    with torch.random.fork_rng(devices=[]):
        record = train_on_references(
            references,
            lesson.name,
            settings=settings,
            directory=lesson.directory,
            data=[{"name": label, "licence": terms} for label in names],
            fingerprint=seen,
            licence=lesson.licence,
            network_size=network_size,
            tick=lesson.watch.progress,
            watch=lesson.watch,
        )
    return record, int(record.recipe["training_pictures"])


def _teach_network(
    method: str, lesson: _Lesson, pictures: Sources, tile: int, device: str
) -> tuple[CheckpointRecord, int]:
    from napari_colorize.training.run import Target, train_network

    with (
        tempfile.TemporaryDirectory("", "napari-colorize-", ignore_cleanup_errors=True) as place,
        _own_chance(),
    ):
        sources: list[str | Path]
        changes, names = {**_ALONE, **_on(device), **lesson.changes}, []
        if isinstance(pictures, Mapping):
            parts = _cut(pictures, tile)
            if parts.network_size:
                changes.setdefault("defaults.network_size", parts.network_size)
                if method == "colorful":
                    # Tiles have their final scale: the trunk must not enlarge them.
                    changes.setdefault("look_size", tile)
            sources, names = [_written(parts, Path(place) / "pictures")], list(pictures)
        else:
            sources = _listed(pictures)
        recipe = load_recipe(training_of(method).recipe, changes, method)
        weights = train_network(
            sources,
            recipe,
            Path(place) / "run",
            licence=lesson.licence,
            watch=lesson.watch,
            target=Target(lesson.folder, lesson.name, tuple(names)),
        )
    record = CheckpointRecord.from_json(weights.with_suffix(".json"))
    return record, int(record.recipe["training_pictures"])


_ALONE = {"workers": 0, "devices": 1, "strategy": "auto"}
"""One process: inside a program with windows and threads, neither forks nor copies of it start."""


def _on(device: str) -> dict[str, Any]:
    """Return a device, as `ColorizeParameters` names it, in Lightning's words."""
    kind, _, number = device.partition(":")
    if kind != "cuda":
        return {"accelerator": kind}
    return {"accelerator": "gpu", "devices": f"{number or 0},"}


def _listed(pictures: Any) -> list[str | Path]:
    return [pictures] if isinstance(pictures, str | Path) else list(pictures)


def _cut(pictures: Mapping[str, Any], tile: int) -> Cut:
    arrays = {label: ArrayReference.of(array, label).rgb for label, array in pictures.items()}
    if not arrays:
        raise ValueError("There is no picture to learn from; give one in colour at least.")
    return cut(arrays, tile)


def _written(parts: Cut, folder: Path) -> Path:
    """Write pictures as files, where the trainer of networks reads them."""
    folder.mkdir()
    for number, picture in enumerate(parts.pictures.values()):
        encoded, content = cv2.imencode(".png", np.ascontiguousarray(picture[..., ::-1]))
        assert encoded
        (folder / f"{number:05d}.png").write_bytes(content.tobytes())
    return folder


@contextlib.contextmanager
def _own_chance() -> Iterator[None]:
    """Leave the program's random numbers, and its environment, as they were."""
    from lightning.pytorch.utilities.seed import isolate_rng

    before = {key: value for key, value in os.environ.items() if key.startswith("PL_")}
    with isolate_rng():
        try:
            yield
        finally:
            for key in [key for key in os.environ if key.startswith("PL_")]:
                del os.environ[key]
            os.environ.update(before)
