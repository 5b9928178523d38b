"""The one call that trains any method: what ``napari-colorize train`` does, from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_colorize.training.recipe_files import load_recipe
from napari_colorize.training.trainers import trainable, trainer_of


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
