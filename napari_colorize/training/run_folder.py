"""The folder of a run: ``run.json``, and the checkpoint that `napari_colorize.colorize` can use.

``run.json`` says what decides a training, so that it can be repeated and gone on with.
"""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from napari_colorize._version import __version__
from napari_colorize.checkpoints import CheckpointRecord, save_checkpoint
from napari_colorize.methods import METHODS, method_of
from napari_colorize.storage import write_whole
from napari_colorize.training.recipe import Recipe

FILE = "run.json"

_MAY_CHANGE = frozenset(
    {"workers", "save_every", "tensorboard", "keep", "defaults", "unreadable_share", "features"}
)
"""Recipe fields that have no part in the weights at a step, and may differ when going on."""


def versions() -> dict[str, str]:
    """Return the versions of this package, of its git commit, and of what computes."""
    found = {"napari_colorize": __version__}
    for package in ("torch", "lightning", "numpy", "opencv-python-headless"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    commit = git_commit()
    return {**found, "git": commit} if commit else found


def git_commit(folder: Path | None = None) -> str:
    """Return the commit of the checkout this package lies in; empty where it is installed.

    ``-changed`` is added where tracked files differ from the commit.
    """
    where = folder or Path(__file__).parent
    command = ["git", "-C", str(where), "describe", "--always", "--abbrev=40", "--exclude=*"]
    try:
        ours = subprocess.run(
            ["git", "-C", str(where), "ls-files", "--error-unmatch", Path(__file__).name],
            capture_output=True,
            timeout=10,
        )
        if folder is None and ours.returncode:
            return ""  # installed into somebody else's checkout
        found = subprocess.run(
            [*command, "--dirty=-changed"], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""


def hardware(device: torch.device, processes: int) -> str:
    """Return what a training ran on, as a record tells it."""
    if device.type == "cuda":
        what = torch.cuda.get_device_name(device)
    else:
        what = f"{platform.machine()} {device.type}, {torch.get_num_threads()} threads"
    return what if processes == 1 else f"{processes} × {what}"


def write(folder: Path, description: Mapping[str, Any], continued: bool = False) -> None:
    """Write a description whole, with the versions of this session and those it goes on from."""
    path = folder / FILE
    earlier = read(folder)["sessions"] if continued and path.exists() else []
    told = {**description, "sessions": [*earlier, versions()]}
    write_whole(path, json.dumps(told, indent=1, ensure_ascii=False) + "\n")


def add(folder: Path, **facts: Any) -> None:
    """Add what became known during a run to its description."""
    told = {**read(folder), **facts}
    write_whole(folder / FILE, json.dumps(told, indent=1, ensure_ascii=False) + "\n")


def read(folder: Path) -> dict[str, Any]:
    """Read the description of a run.

    Raises
    ------
    ValueError
        It is damaged; the sentence says what to do.
    """
    try:
        told = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or not isinstance(told.get("recipe"), dict):
        raise ValueError(
            f"{folder / FILE} is damaged, so it is not known how the training in {folder} was "
            "begun. Put the file back from a copy, or train into another folder."
        )
    return told


def refuse_other_training(folder: Path, recipe: Recipe, data: str) -> None:
    """Raise where `folder` holds a training of another recipe or other pictures.

    Raises
    ------
    ValueError
        What differs, and what to do.
    """
    if not (folder / FILE).exists():
        return
    before = read(folder)
    # A field that is younger than the run had, in effect, its default value then.
    defaults = type(recipe)(recipe.name, method=recipe.method).to_dict()
    then = {**json.loads(json.dumps(defaults)), **before["recipe"]}
    now = json.loads(json.dumps(recipe.to_dict()))
    changed = [
        f"{key} (was {json.dumps(then.get(key))}, now {json.dumps(value)})"
        for key, value in now.items()
        if key not in _MAY_CHANGE and then.get(key) != value
    ]
    if changed:
        raise ValueError(
            f"The training in {folder} was started with another recipe: {', '.join(changed)}. Go "
            "on with the same one, or train into another folder."
        )
    if before.get("data_fingerprint") != data:
        raise ValueError(
            f"The training in {folder} was started with other pictures. Give the same folders and "
            "archives in the same order, or train into another folder."
        )


def publish(
    run: str | Path,
    name: str,
    directory: str | Path,
    *,
    defaults: Mapping[str, float],
    data: Sequence[Mapping[str, str]],
    weights_directory: str | Path | None = None,
    overwrite: bool = False,
    lender: tuple[str, str, str] | None = None,
    **facts: Any,
) -> CheckpointRecord:
    """Write a run's averaged weights as a checkpoint with its record.

    Parameters
    ----------
    run
        Folder of `napari_colorize.training.run.train_network`.
    name
        What users will call the checkpoint.
    directory
        Where the record goes; the weights too, unless `weights_directory` says otherwise.
    defaults
        ``temperature``, ``vividness`` and ``network_size``, chosen on pictures that were not
        trained on.
    data
        The training pictures' sources, each with ``name`` and ``licence``.
    overwrite
        Replace a checkpoint of the same name.
    lender
        As `save_checkpoint` takes it: a trunk that another file in the folder has already.
    **facts
        Further fields of `CheckpointRecord`: ``hours``, ``hardware``, ``scores``,
        ``known_failures``, ``intended_use``, ``licence``.

    Returns
    -------
    CheckpointRecord
        The record as written, with its SHA-256.

    Raises
    ------
    FileNotFoundError
        The run has not finished: ``graph.pt`` is missing.
    ValueError
        The checkpoint exists already, or its weights are not finite.
    """
    run = Path(run)
    if not (run / "graph.pt").exists():
        raise FileNotFoundError(f"{run} holds no graph.pt: the training has not finished.")
    state = torch.load(run / "graph.pt", weights_only=True, map_location="cpu")
    told = json.loads((run / "run.json").read_text(encoding="utf-8"))
    recipe = told["recipe"]
    trained = recipe.get("method", "colorful")  # or a part of a method, such as "hints"
    record = CheckpointRecord(
        name=name,
        method=trained if trained in METHODS else method_of(recipe["architecture"]),
        architecture=recipe["architecture"],
        options=recipe["options"],
        recipe={**recipe, **{key: told[key] for key in told if key not in ("recipe", "prior")}},
        seed=recipe["seed"],
        trained_rebalancing=recipe.get("trained_rebalancing", 0.0),
        defaults=defaults,
        data=tuple(data),
        **facts,
    )
    return save_checkpoint(
        state,
        record,
        directory,
        weights_directory=weights_directory,
        overwrite=overwrite,
        lender=lender,
    )
