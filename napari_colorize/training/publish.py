"""From the folder of a run to a checkpoint that `napari_colorize.colorize` can use."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from napari_colorize.checkpoints import CheckpointRecord, save_checkpoint
from napari_colorize.methods import METHODS, method_of


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
