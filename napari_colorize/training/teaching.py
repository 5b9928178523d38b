"""Weights from a few pictures in one call: layers, arrays or files in, weights with a name out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_colorize.checkpoints import CheckpointRecord
from napari_colorize.checkpoints.home import checkpoints_folder
from napari_colorize.checkpoints.registry import why_not
from napari_colorize.training.callbacks.watching import Watch, refuse_stopped
from napari_colorize.training.tiles import TILE
from napari_colorize.training.trainers import Lesson, Sources, trainer_of


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
        shipped weights; minutes, from 22 pictures or tiles on. Or another of
        `trainers.trainable`.
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
    trainer = trainer_of(method)
    reason = why_not(name, directory)
    if reason:
        raise ValueError(reason)
    refuse_stopped(watch, nothing_yet=True)
    folder = Path(directory) if directory is not None else checkpoints_folder()
    record = trainer.teach(
        Lesson(method, name, pictures, tile, folder, device, licence, dict(changes or {}), watch)
    )
    return Taught(
        record,
        folder / record.file,
        int(record.recipe["training_pictures"]),
        bool(record.recipe.get("stopped_early")),
    )
