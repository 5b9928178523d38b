"""A whole training: look at the data, train or go on, and leave a checkpoint that can be used."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.utilities.exceptions import MisconfigurationException

from napari_colorize.checkpoints.record import UNGRADED
from napari_colorize.files.pictures import (
    Picture,
    find_pictures,
    fingerprint_of_names,
    included,
    split_holdout,
)
from napari_colorize.storage import slug
from napari_colorize.training import run_folder
from napari_colorize.training.callbacks.keeping import (
    BEST,
    LAST,
    KeepBest,
    KeepLatest,
    RunningAverage,
    StopEarly,
    averaged_weights,
    refuse_damaged,
    write_weights,
)
from napari_colorize.training.callbacks.looking import EnoughLearnt, Onlooker, SampleSheet, looking
from napari_colorize.training.callbacks.reporting import (
    MetricsFile,
    TrainingBar,
    quiet_lightning,
    tensorboard,
)
from napari_colorize.training.callbacks.watching import Watch, refuse_stopped
from napari_colorize.training.recipe import Recipe
from napari_colorize.training.run_folder import publish
from napari_colorize.training.samples import PairsModule
from napari_colorize.training.start import Start
from napari_colorize.training.survey import Survey, look_at, refuse_unusable
from napari_colorize.training.trainers import trainer_of


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


GRAPH = "graph.pt"
CHECKPOINT = "checkpoint"
"""Subfolder of the finished checkpoint: a record called ``run.json`` would hide the run's own."""


@dataclass(frozen=True)
class Target:
    """Where a finished checkpoint goes.

    Parameters
    ----------
    folder, name
        Of the weights and their record.
    sources
        What the record calls the pictures' sources; their own names if left out.
    overwrite
        Replace a checkpoint of the same name.
    """

    folder: Path
    name: str
    sources: Sequence[str] = ()
    overwrite: bool = False


def train_network(
    data: Sequence[str | Path],
    recipe: Recipe,
    out: str | Path,
    resume: bool = False,
    licence: str = "",
    watch: Watch | None = None,
    target: Target | None = None,
) -> Path:
    """Train the network of the recipe's method and leave everything in one folder.

    Parameters
    ----------
    data
        Folders and uncompressed tar archives of colour pictures.
    recipe
        What to do with them.
    out
        Folder of the run, made if it is missing: ``last.ckpt`` to go on from, ``best.pt``,
        ``metrics.csv``, ``run.json``, ``sheets/`` and, at the end, the averaged weights as
        ``graph.pt`` and, in ``checkpoint/``, as a checkpoint named after the folder.
    resume
        Go on from ``last.ckpt`` where there is one. If false, a folder that holds a training is
        refused.
    licence
        Terms of the pictures, for the checkpoint's record.
    watch
        Who sees the training instead of a terminal, and may end it.
    target
        Where the checkpoint goes and what it is called, if not into the folder of the run.

    Returns
    -------
    Path
        The checkpoint's weights, which `napari_colorize.checkpoints.load` takes; its record lies
        beside it.

    Raises
    ------
    ValueError
        The data cannot be learnt from, the recipe does not fit the checkpoint to start from, or
        the folder holds another training.
    Cancelled
        The watch ended it, and there was nothing to keep or nothing was to be kept.
    """
    out = Path(out)
    target = target or Target(out / CHECKPOINT, checkpoint_name(out), overwrite=True)
    pictures = included(find_pictures(data), recipe.include)
    seen = fingerprint_of_names(pictures)
    if (out / LAST).exists():
        if not resume:
            raise ValueError(
                f"{out} holds a training already. Go on with it (--resume), or give another folder."
            )
        run_folder.refuse_other_training(out, recipe, seen)
        refuse_damaged(out / LAST)
    lightning.seed_everything(recipe.seed, workers=True, verbose=False)
    training, holdout, survey, damaged = _chosen(pictures, recipe, watch)
    learner = trainer_of(recipe.method).learner()
    start = learner.start(recipe, survey.prior)
    defaults = {**learner.defaults(recipe), **start.defaults, **recipe.defaults}

    out.mkdir(parents=True, exist_ok=True)
    trainer = make_trainer(
        recipe, out, len(training), holdout, defaults, learner.watchers(recipe, out), watch
    )
    if trainer.is_global_zero:
        told = _told(recipe, seen, training, holdout, survey, damaged, start)
        run_folder.write(out, told, continued=(out / LAST).exists())
    continued, began = (out / LAST).exists(), time.monotonic()
    pairs = learner.data(start, recipe, training, holdout, out, watch)
    steps = len(pairs.pairs) // (recipe.batch * trainer.world_size)
    module = learner.module(start, recipe, survey.prior, total_steps=recipe.epochs * steps)
    stopped = False
    try:
        fit(trainer, module, pairs, out / LAST)
    except EnoughLearnt as enough:
        run_folder.add(out, stopped_early=str(enough))
        stopped = True
    refuse_stopped(watch or Watch())
    # Of a training in several sessions only the last one's time is known here.
    hours = None if continued else round((time.monotonic() - began) / 3600, 4)
    if trainer.is_global_zero and (trainer.state.finished or stopped):
        hardware = run_folder.hardware(trainer.strategy.root_device, trainer.world_size)
        _keep(out, "best" if stopped else recipe.keep)
        _publish(out, target, defaults, data, licence, hours=hours, hardware=hardware)
    trainer.strategy.barrier()
    return target.folder / f"{target.name}.safetensors"


def checkpoint_name(out: Path) -> str:
    """Return what the checkpoint of a run is called: its folder's name, as names may be."""
    return slug(out.resolve().name, "trained")


def _chosen(
    pictures: Sequence[Picture], recipe: Recipe, watch: Watch | None = None
) -> tuple[list[Picture], list[Picture], Survey, list[str]]:
    """Split the pictures, look at them, and leave out what is damaged."""
    held = min(recipe.holdout, len(pictures) // 10)
    training, holdout = split_holdout(pictures, held)
    order = np.random.default_rng(recipe.seed).permutation(len(training))
    examined = [training[i] for i in order[: recipe.prior_pictures]]
    titles = ("Looking at the pictures", "Looking at those to validate on")
    shown = titles if watch is None else ("", "")
    watch = watch or Watch()
    survey = look_at(examined, recipe.crop, shown[0], looking(watch, 0.0, 0.9))
    held_back = look_at(holdout, recipe.crop, shown[1], looking(watch, 0.9, 1.0))
    damaged = {*survey.unreadable, *held_back.unreadable}
    training = [picture for picture in training if picture not in damaged]
    holdout = [picture for picture in holdout if picture not in damaged]
    refuse_unusable(survey, len(training) if holdout else 0, recipe.unreadable_share)
    if len(training) < recipe.batch:
        raise ValueError(
            f"{len(training)} training pictures do not fill one batch of {recipe.batch}. Set "
            f"batch to {len(training) // 2} or less."
        )
    return training, holdout, survey, sorted(picture.name for picture in damaged)


def _told(
    recipe: Recipe,
    seen: str,
    training: Sequence[Picture],
    holdout: Sequence[Picture],
    survey: Survey,
    damaged: Sequence[str],
    start: Start,
) -> dict[str, Any]:
    """Say what decides this training."""
    record = start.record
    return {
        "recipe": recipe.to_dict(),
        "data_fingerprint": seen,
        "training_pictures": len(training),
        "holdout_pictures": len(holdout),
        "examined_pictures": survey.examined,
        "colourful_pictures": survey.colourful,
        "unreadable_pictures": len(damaged),
        "unreadable": damaged[:100],
        "started_from": {"name": record.name, "sha256": record.sha256} if record else None,
        "prior": [round(float(share), 8) for share in survey.prior],
    }


def _keep(out: Path, which: str) -> None:
    """Write the weights that are kept as a state dict."""
    # From the file, not from the module: a run that was killed after its last step ends alike.
    if which == "best":
        state = torch.load(out / BEST, map_location="cpu", weights_only=True)
    else:
        state = averaged_weights(out / LAST)
    write_weights(state, out / GRAPH)


def _publish(
    out: Path,
    target: Target,
    defaults: Mapping[str, Any],
    data: Sequence[str | Path],
    licence: str,
    **facts: Any,
) -> None:
    """Write the kept weights as a checkpoint."""
    names = target.sources or [Path(d).name for d in data]
    publish(
        out,
        target.name,
        target.folder,
        defaults=defaults,
        data=[{"name": name, "licence": licence or "not stated"} for name in names],
        overwrite=target.overwrite,
        source="imported",
        intended_use="Not stated. Predicted colour is plausible at best; never measure it.",
        known_failures=(UNGRADED,),
        licence=licence or "not stated",
        **facts,
    )
