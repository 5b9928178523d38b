"""The two calls that train any method: a run in a folder, or weights in one go.

`train` is what ``napari-colorize train`` does, from Python; `teach` takes layers, arrays or files
and gives weights with a name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_colorize.checkpoints import CheckpointRecord
from napari_colorize.checkpoints.home import checkpoints_folder
from napari_colorize.checkpoints.registry import why_not
from napari_colorize.training.callbacks.watching import Watch, refuse_stopped
from napari_colorize.training.recipe_files import load_recipe
from napari_colorize.training.tiles import TILE
from napari_colorize.training.trainers import Lesson, Sources, trainable, trainer_of


def train(
    method: str,
    data: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    recipe: Any = None,
    changes: Mapping[str, Any] | None = None,
    resume: bool = False,
    licence: str = "",
) -> Path:
    """Train a method on colour pictures.

    Parameters
    ----------
    method
        ``"colorful"``, or another of `trainers.trainable`.
    data
        Folders (searched through) and uncompressed tar archives.
    out
        Folder of the run.
    recipe
        Name of a packaged recipe, path of a ``.toml`` file, or the settings themselves, such as a
        `recipe.Recipe`. ``None``: the recipe of the method's trainer.
    changes
        Recipe fields to replace, such as ``{"epochs": 3, "augmentation.noise_share": 0}``.
    resume
        Go on with the training in `out`, if there is one; exactly as if it had not stopped.
    licence
        Terms of the pictures; it becomes part of the checkpoint's record.

    Returns
    -------
    Path
        The finished weights, for ``colorize(..., checkpoint=str(path))``.

    Raises
    ------
    ValueError
        Unknown method, recipe or field; data that cannot be learnt from; a folder that holds
        another training.
    FileNotFoundError
        `data` does not exist.
    """
    trainer = trainer_of(method)
    if recipe is None or isinstance(recipe, str | Path):
        settings = load_recipe(recipe or trainer.recipe, changes, method)
    elif changes:
        raise ValueError("Give changes with a recipe's name or file, not with a recipe itself.")
    else:
        settings = recipe
    _refuse_other_method(settings, method)
    sources = [data] if isinstance(data, str | Path) else list(data)
    return trainer.train(sources, settings, Path(out), resume=resume, licence=licence)


def _refuse_other_method(settings: Any, method: str) -> None:
    """Raise where settings name a method (a recipe does) that is not the one to be trained."""
    made_for = getattr(settings, "method", method)
    if made_for != method:
        raise ValueError(
            f"The recipe is for the method {made_for!r}, not for {method!r}. Methods that can be "
            f"trained: {', '.join(trainable())}."
        )


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
