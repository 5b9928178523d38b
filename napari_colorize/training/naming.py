"""What weights may be called. Imports no torch: a form asks at every key."""

from __future__ import annotations

import re
from pathlib import Path

from napari_colorize.checkpoints import registry
from napari_colorize.checkpoints.home import checkpoints_folder
from napari_colorize.checkpoints.validation import is_valid_name


def why_not(name: str, directory: str | Path | None = None) -> str:
    """Say why new weights cannot be called so; empty where they can.

    Parameters
    ----------
    name
        Wanted.
    directory
        Where the weights are to go; the user's own folder of weights if left out.
    """
    if not name:
        return "Give the weights a name."
    if not is_valid_name(name):
        better = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")[:64]
        hint = f", such as {better!r}" if is_valid_name(better) else ""
        return (
            f"{name!r} cannot name weights: use up to 64 lower-case letters, digits, '.', '_' and "
            f"'-', beginning with a letter or digit{hint}."
        )
    folder = Path(directory) if directory is not None else checkpoints_folder()
    files = (folder / f"{name}{suffix}" for suffix in (".safetensors", ".json"))
    known = directory is None and any(record.name == name for record in registry.known())
    if known or any(path.exists() for path in files):
        return f"There are weights called {name!r} already; choose another name."
    return ""
