"""Lightning's trainer as a recipe wants it."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.utilities.exceptions import MisconfigurationException

from napari_colorize.files.pictures import Picture
from napari_colorize.training.callbacks.keeping import (
    LAST,
    KeepBest,
    KeepLatest,
    RunningAverage,
    StopEarly,
)
from napari_colorize.training.callbacks.logs import MetricsFile, tensorboard
from napari_colorize.training.callbacks.onlooker import Onlooker
from napari_colorize.training.callbacks.progress import TrainingBar, quiet_lightning
from napari_colorize.training.callbacks.sheet import SampleSheet
from napari_colorize.training.callbacks.watching import Watch
from napari_colorize.training.data import PairsModule
from napari_colorize.training.recipe import Recipe


def make_trainer(
    recipe: Recipe,
    out: Path,
    count: int,
    holdout: Sequence[Picture],
    defaults: Mapping[str, Any],
    watchers: Sequence[Callback] = (),
    watch: Watch | None = None,
) -> lightning.Trainer:
    """Make Lightning's trainer with all that a run keeps, logs, tells and shows.

    Parameters
    ----------
    recipe
        Epochs, devices, precision and what is kept.
    out
        Folder of the run; where it holds ``last.ckpt``, its log is gone on with.
    count
        Pictures to learn from.
    holdout
        Pictures of the sample sheet.
    defaults
        ``temperature`` and ``vividness`` of the sample sheet.
    watchers
        Callbacks of the method's own.
    watch
        Who is told and shown instead of a terminal and a folder of sheets.

    Raises
    ------
    ValueError
        The devices, the strategy or the precision cannot be had on this machine.
    """
    loggers = [MetricsFile(out, _step_of(out / LAST))]
    best = KeepBest(out, recipe.score)
    # Sheet and best before the averaging, which takes its weights back after them.
    settings = (recipe.crop, defaults["temperature"], defaults["vividness"])
    shown: list[Callback] = (
        [TrainingBar(recipe.batch), SampleSheet(out, holdout, *settings)]
        if watch is None
        else [Onlooker(watch, holdout, *settings)]
    )
    return _checked_trainer(
        max_epochs=recipe.epochs,
        gradient_clip_val=recipe.gradient_clip if recipe.one_optimiser else None,
        accelerator=recipe.accelerator,
        devices=recipe.devices,
        num_nodes=recipe.num_nodes,
        strategy=_strategy(recipe),
        precision=recipe.precision,
        use_distributed_sampler=False,
        default_root_dir=out,
        logger=[*loggers, tensorboard(out)] if recipe.tensorboard else loggers,
        log_every_n_steps=max(1, min(20, count // recipe.batch // 2)),
        num_sanity_val_steps=0,
        callbacks=[
            *shown,
            best,
            *watchers,
            RunningAverage(recipe.ema_decay),
            StopEarly(best, recipe.patience),
            KeepLatest(out, recipe.save_every),
        ],
        enable_model_summary=False,
        enable_progress_bar=watch is None,
    )


def _checked_trainer(**flags: Any) -> lightning.Trainer:
    """Make the trainer, or say which devices cannot be had."""
    try:
        with quiet_lightning():
            return lightning.Trainer(**flags)
    except (MisconfigurationException, ValueError, RuntimeError) as error:
        asked = ("accelerator", "devices", "num_nodes", "strategy", "precision")
        raise ValueError(
            "The devices of the recipe cannot be had here "
            f"({', '.join(f'{name}={flags[name]}' for name in asked)}): "
            f"{' '.join(str(error).split())}"
        ) from error


def fit(
    trainer: lightning.Trainer, module: lightning.LightningModule, data: PairsModule, last: Path
) -> None:
    """Train to the end; Ctrl-C comes out as what it is, where Lightning would end the program."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        with quiet_lightning():
            trainer.fit(
                module.to(memory_format=torch.channels_last),
                datamodule=data,
                ckpt_path=last if last.exists() else None,
                weights_only=True,
            )
    except SystemExit as stopped:
        # Only the main thread is interrupted, and only it may handle signals.
        signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt from stopped


def _step_of(last: Path) -> int:
    """Return the step that a training goes on from; 0 at its start."""
    if not last.exists():
        return 0
    state = torch.load(last, map_location="cpu", weights_only=True)
    return int(state.get("steps_taken", state["global_step"]))


def _strategy(recipe: Recipe) -> str:
    """Return Lightning's strategy; each optimiser of several leaves the others' weights alone."""
    if recipe.strategy == "ddp" and not recipe.one_optimiser:
        return "ddp_find_unused_parameters_true"
    return recipe.strategy
