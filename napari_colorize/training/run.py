"""A whole training: data, trainer, checkpoints on disk, and the shippable weights at the end."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader

from napari_colorize.training.colorful import ColorfulTraining, measure_prior, start_graph
from napari_colorize.training.pictures import find_pictures, fingerprint, split_holdout
from napari_colorize.training.recipe import Recipe
from napari_colorize.training.samples import CentrePairs, TrainingPairs

FEWEST_PICTURES = 20


class _NextEpoch(lightning.Callback):
    """Tells the data set which epoch it is in: its chance depends on that."""

    def __init__(self, pairs: TrainingPairs) -> None:
        self.pairs = pairs

    def on_train_epoch_start(self, trainer: lightning.Trainer, *_: Any) -> None:
        self.pairs.epoch = trainer.current_epoch


def train_colorful(
    data: Sequence[str | Path], recipe: Recipe, out: str | Path, resume: bool = True
) -> Path:
    """Train *Colorful Image Colorization* and leave everything in one folder.

    Parameters
    ----------
    data
        Folders and tar archives of colour pictures.
    recipe
        What to do with them.
    out
        Folder of the run, made if it is missing: ``last.ckpt`` to resume from, ``metrics.csv``,
        ``run.json`` (recipe, data, prior) and, at the end, ``graph.pt`` (the averaged weights as
        a state dict).
    resume
        Go on from ``last.ckpt`` where there is one.

    Returns
    -------
    Path
        ``graph.pt``.

    Raises
    ------
    ValueError
        Too few pictures to learn from.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    lightning.seed_everything(recipe.seed, workers=True, verbose=False)
    pictures = find_pictures(data)
    held = min(recipe.holdout, len(pictures) // 10)
    training, holdout = split_holdout(pictures, held)
    if len(training) < FEWEST_PICTURES or not holdout:
        raise ValueError(
            f"{len(pictures)} pictures are too few to learn colour from; "
            f"at least {FEWEST_PICTURES + FEWEST_PICTURES // 9} are needed."
        )

    chosen = np.random.default_rng(recipe.seed).permutation(len(training))
    prior = measure_prior([training[i] for i in chosen[: recipe.prior_pictures]], recipe.crop)
    _describe(out / "run.json", recipe, fingerprint(pictures), len(training), held, prior)

    pairs = TrainingPairs(training, recipe.crop, recipe.seed, recipe.augmentation)
    # New workers every epoch, so that each copy of the data set knows the epoch it is in.
    train_loader = DataLoader(
        pairs, recipe.batch, shuffle=True, drop_last=True, num_workers=recipe.workers
    )
    val_loader = DataLoader(CentrePairs(holdout, recipe.crop), recipe.batch)

    module = ColorfulTraining(
        start_graph(recipe, prior), recipe, prior, total_steps=recipe.epochs * len(train_loader)
    ).to(memory_format=torch.channels_last)
    last = out / "last.ckpt"
    trainer = lightning.Trainer(
        max_epochs=recipe.epochs,
        gradient_clip_val=recipe.gradient_clip,
        logger=CSVLogger(out, name="", version=""),
        log_every_n_steps=20,
        num_sanity_val_steps=0,
        callbacks=[
            _NextEpoch(pairs),
            EMAWeightAveraging(decay=recipe.ema_decay),
            ModelCheckpoint(
                out,
                filename="last",
                every_n_train_steps=250,
                save_top_k=1,
                enable_version_counter=False,
                save_on_train_epoch_end=True,
            ),
        ],
        enable_model_summary=False,
    )
    trainer.fit(
        module, train_loader, val_loader, ckpt_path=last if resume and last.exists() else None
    )
    graph = out / "graph.pt"
    torch.save(module.graph.state_dict(), graph)
    return graph


def _describe(
    path: Path,
    recipe: Recipe,
    data: str,
    training: int,
    holdout: int,
    prior: np.ndarray,
) -> None:
    """Write what decides this training beside it."""
    description: Mapping[str, Any] = {
        "recipe": recipe.to_dict(),
        "data_fingerprint": data,
        "training_pictures": training,
        "holdout_pictures": holdout,
        "prior": [round(float(share), 8) for share in prior],
        "torch": torch.__version__,
    }
    path.write_text(json.dumps(description, indent=1), encoding="utf-8")
