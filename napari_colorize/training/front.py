"""The one call that trains any method: what ``napari-colorize train`` does, from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from napari_colorize.training.recipe import Recipe, load_recipe

TRAINERS: Mapping[str, tuple[str, str]] = {
    "colorful": ("napari_colorize.training.run", "train_colorful"),
}
"""Method → module and function that train it; imported when used."""


def train(
    method: str,
    data: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    recipe: str | Path | Recipe = "cpu-quick",
    changes: Mapping[str, Any] | None = None,
    resume: bool = False,
    licence: str = "",
) -> Path:
    """Train a method on colour pictures.

    Parameters
    ----------
    method
        ``"colorful"``.
    data
        Folders (searched through) and uncompressed tar archives.
    out
        Folder of the run.
    recipe
        Name of a packaged recipe, path of a ``.toml`` file, or a recipe.
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
    if method not in TRAINERS:
        raise ValueError(
            f"There is no trainer for the method {method!r}; there is one for "
            f"{', '.join(TRAINERS)}."
        )
    if isinstance(recipe, Recipe):
        if changes:
            raise ValueError("Give changes with a recipe's name or file, not with a Recipe.")
        chosen = recipe
    else:
        chosen = load_recipe(recipe, changes)
    sources = [data] if isinstance(data, str | Path) else list(data)
    module, function = TRAINERS[method]
    trainer = getattr(import_module(module), function)
    return trainer(sources, chosen, out, resume=resume, licence=licence)
