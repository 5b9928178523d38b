"""A whole training of Deep Colorization: from files on the command line, or from arrays."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from napari_colorize.checkpoints import CheckpointError, CheckpointRecord, registry, save_checkpoint
from napari_colorize.checkpoints.home import checkpoints_folder
from napari_colorize.files.pictures import (
    Picture,
    find_pictures,
    fingerprint_of_names,
    included,
    split_holdout,
)
from napari_colorize.results import Cancelled, Progress
from napari_colorize.training import run_folder
from napari_colorize.training.callbacks.watching import Watch
from napari_colorize.training.deep.learning import Learnt, Tick, learn
from napari_colorize.training.deep.record import checkpoint_name, draw_tree, make_record
from napari_colorize.training.deep.sampled import CACHE
from napari_colorize.training.deep.settings import DeepSettings
from napari_colorize.training.recipe_files import load_recipe
from napari_colorize.training.tiles import (
    ArrayReference,
    Reference,
    cut_arrays,
    fingerprint_of_arrays,
)
from napari_colorize.training.trainers import Lesson

CHECKPOINT = "checkpoint"
"""Subfolder of the finished checkpoint, as of every training."""

TREE = "tree.png"


def train_deep(
    data: Sequence[str | Path],
    settings: DeepSettings,
    out: str | Path,
    *,
    resume: bool = False,
    licence: str = "",
) -> Path:
    """Train *Deep Colorization* on files and leave everything in one folder.

    Parameters
    ----------
    data
        Folders and uncompressed tar archives of colour pictures; 20 to 5,000 are meant.
    settings
        What to do with them.
    out
        Folder of the run, made if it is missing: ``run.json``, ``tree.png`` and the checkpoint in
        ``checkpoint/``, named after the folder.
    resume
        If false, a folder that holds a training is refused. If true, a finished one is returned,
        and one that was stopped goes on: pictures that were all described are not described
        again, the rest takes minutes and is done anew. It ends the same.
    licence
        Terms of the pictures, for the checkpoint's record.

    Returns
    -------
    Path
        The checkpoint's weights; their record lies beside them.

    Raises
    ------
    ValueError
        The pictures cannot be learnt from, or the folder holds another training.
    FileNotFoundError
        A folder or archive does not exist.
    """
    out = Path(out)
    name = checkpoint_name(out.resolve().name)
    weights = out / CHECKPOINT / f"{name}.safetensors"
    pictures = drawn(included(find_pictures(data), settings.include), settings)
    seen = fingerprint_of_names(pictures)
    told = {"recipe": settings.to_dict(), "data_fingerprint": seen}
    if (out / run_folder.FILE).exists():
        _refuse_other(out, told, resume)
        if weights.exists():
            return weights
    held = min(settings.holdout, len(pictures) // 10)
    training, holdout = split_holdout(pictures, held)
    out.mkdir(parents=True, exist_ok=True)
    run_folder.write(out, {**told, "training_pictures": len(training), "holdout_pictures": held})
    began = time.monotonic()
    with _Bar() as bar:
        learnt = learn(
            training,
            settings,
            holdout=holdout,
            cached=out / CACHE,
            fingerprint=seen,
            tick=bar,
        )
    draw(learnt, out / TREE)
    record = make_record(
        learnt,
        name,
        data=[{"name": Path(d).name, "licence": licence or "not stated"} for d in data],
        fingerprint=seen,
        hours=round((time.monotonic() - began) / 3600, 4),
        licence=licence or "not stated",
    )
    save_checkpoint(learnt.graph.state_dict(), record, out / CHECKPOINT, overwrite=True)
    (out / CACHE).unlink()  # a hundred megabytes that nobody asks for any more
    return weights


def train_on_arrays(
    pictures: Mapping[str, Any],
    name: str,
    *,
    settings: DeepSettings | None = None,
    directory: str | Path | None = None,
    licence: str = "",
    overwrite: bool = False,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Path:
    """Train *Deep Colorization* on RGB arrays, such as the layers selected in a viewer.

    Parameters
    ----------
    pictures
        Name → (H, W, 3) or (H, W, 4) array: uint8, uint16 over its whole range, or floats 0…1.
        One is enough; of ten or more, a tenth is set aside to score on.
    name
        What the checkpoint is to be called.
    settings
        What to do with them; the defaults if left out.
    directory
        Where the checkpoint goes; the user's own folder of weights, from which
        ``colorize(..., method="deep", checkpoint=name)`` takes it, if left out.
    licence
        Terms of the pictures, for the record.
    overwrite
        Replace a checkpoint of the same name.
    progress
        Called as ``progress(share, stage)`` with a share of 0…1, from the calling thread.
    should_stop
        Asked many times a second; once it returns True, `Cancelled` is raised and nothing is
        written.

    Returns
    -------
    Path
        The checkpoint's weights; their record lies beside them.

    Raises
    ------
    TypeError, ValueError
        A picture is not in colour or of another kind, the name cannot be or is taken.
    Cancelled
        ``should_stop`` returned True.
    """
    references = [ArrayReference.of(array, label) for label, array in pictures.items()]
    record = train_on_references(
        references,
        name,
        settings=settings,
        directory=directory,
        data=[{"name": label, "licence": licence or "not stated"} for label in pictures],
        fingerprint=fingerprint_of_arrays(references),
        licence=licence,
        overwrite=overwrite,
        tick=_ticker(progress, should_stop),
    )
    return weights_folder(directory) / record.file


def train_on_references(
    references: Sequence[Reference],
    name: str,
    *,
    settings: DeepSettings | None = None,
    directory: str | Path | None = None,
    data: Sequence[Mapping[str, str]],
    fingerprint: str,
    licence: str = "",
    overwrite: bool = False,
    network_size: int = 0,
    tick: Tick = lambda share, stage: None,
    watch: Watch | None = None,
) -> CheckpointRecord:
    """Train on pictures that are read when they are wanted, and save under a name.

    Parameters
    ----------
    references
        The pictures; of ten or more, a tenth is set aside to score on.
    name, settings, directory, licence, overwrite
        As of `train_on_arrays`.
    data
        The pictures' sources, for the record.
    fingerprint
        Of the pictures, for the record.
    network_size
        The checkpoint's own, px; the size it was trained at if left out.
    tick
        Progress; what it raises ends the training, and nothing is written.
    watch
        Sees error and sample, and may end the training.

    Returns
    -------
    CheckpointRecord
        As written.
    """
    settings = settings or DeepSettings()
    folder = weights_folder(directory)
    _refuse_name(name, folder / f"{name}.safetensors", overwrite)
    order = np.random.default_rng(settings.seed).permutation(len(references))
    held = min(settings.holdout, len(references) // 10)
    training = [references[i] for i in np.sort(order[held:])]
    holdout = [references[i] for i in np.sort(order[:held])]
    began = time.monotonic()
    learnt = learn(training, settings, holdout=holdout, tick=tick, watch=watch)
    record = make_record(
        learnt,
        name,
        data=data,
        fingerprint=fingerprint,
        hours=round((time.monotonic() - began) / 3600, 4),
        licence=licence or "not stated",
    )
    if network_size:
        record = replace(record, defaults={**record.defaults, "network_size": network_size})
    return save_checkpoint(learnt.graph.state_dict(), record, folder, overwrite=overwrite)


def teach_deep(lesson: Lesson) -> CheckpointRecord:
    """Learn from the pictures of a lesson, which become weights under its name.

    Returns
    -------
    CheckpointRecord
        As written.
    """
    settings = load_recipe("", lesson.changes, "deep")
    references: list[Any]
    network_size = 0
    if isinstance(lesson.pictures, Mapping):
        parts = cut_arrays(lesson.pictures, lesson.tile)
        network_size = parts.network_size
        if network_size and not settings.size:
            # As they are: their scale is chosen already.
            settings = replace(settings, size=lesson.tile)
        references = [ArrayReference(rgb, label) for label, rgb in parts.pictures.items()]
        names, seen = list(lesson.pictures), fingerprint_of_arrays(references)
    else:
        sources = lesson.sources()
        references = drawn(included(find_pictures(sources), settings.include), settings)
        names, seen = [Path(source).name for source in sources], fingerprint_of_names(references)
    terms = lesson.licence or "not stated"
    with torch.random.fork_rng(devices=[]):
        return train_on_references(
            references,
            lesson.name,
            settings=settings,
            directory=lesson.folder,
            data=[{"name": label, "licence": terms} for label in names],
            fingerprint=seen,
            licence=lesson.licence,
            network_size=network_size,
            tick=lesson.watch.progress,
            watch=lesson.watch,
        )


def weights_folder(directory: str | Path | None) -> Path:
    """Return where weights go: the user's own folder unless another is given."""
    return Path(directory) if directory is not None else checkpoints_folder()


def draw(learnt: Learnt, path: Path) -> bool:
    """Draw the tree of a training, where matplotlib is installed; say whether it was."""
    try:
        draw_tree(learnt.tree, learnt.sampled.gist.numpy(), learnt.sampled.references, path)
    except ModuleNotFoundError:
        return False  # a picture to look at must not cost the training
    return True


class _Bar:
    """A progress bar on stderr, where that is a terminal."""

    def __enter__(self) -> _Bar:
        self._bar = tqdm(total=1000, disable=None, file=sys.stderr, bar_format=_BAR)
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def __call__(self, share: float, stage: str) -> None:
        done = int(1000 * share)
        if not self._bar.disable and done > self._bar.n:
            self._bar.set_description_str(stage, refresh=False)
            self._bar.update(done - self._bar.n)


_BAR = "{percentage:3.0f}% |{bar}| {elapsed}<{remaining} {desc}"


def _ticker(progress: Progress | None, should_stop: Callable[[], bool] | None) -> Tick:
    def tick(share: float, stage: str) -> None:
        if should_stop is not None and should_stop():
            raise Cancelled(f"The training was stopped while {stage}; nothing was written.")
        if progress is not None:
            progress(share, stage)

    return tick


def drawn(pictures: list[Picture], settings: DeepSettings) -> list[Picture]:
    """At the most `most_pictures` of them, by chance, in their order."""
    if len(pictures) <= settings.most_pictures:
        return pictures
    order = np.random.default_rng(settings.seed).permutation(len(pictures))
    return [pictures[i] for i in np.sort(order[: settings.most_pictures])]


def _refuse_other(out: Path, told: Mapping[str, Any], resume: bool) -> None:
    if not resume:
        raise ValueError(
            f"{out} holds a training already. Go on with it (--resume), or give another folder."
        )
    before = run_folder.read(out)
    if before.get("recipe") != told["recipe"]:
        raise ValueError(
            f"The training in {out} was started with other settings. Give the same ones, or train "
            "into another folder."
        )
    if before.get("data_fingerprint") != told["data_fingerprint"]:
        raise ValueError(
            f"The training in {out} was started with other pictures. Give the same folders and "
            "archives in the same order, or train into another folder."
        )


def _refuse_name(name: str, weights: Path, overwrite: bool) -> None:
    """Say before minutes of work, not after, that a checkpoint cannot be called so."""
    if checkpoint_name(name) != name:
        raise ValueError(
            f"{name!r} cannot be a checkpoint's name: use lower-case letters, digits, '.', '_' and "
            f"'-', such as {checkpoint_name(name)!r}."
        )
    taken = weights.exists() or _is_shipped(name)
    if taken and (not overwrite or _is_shipped(name)):
        raise ValueError(f"There is a checkpoint called {name!r} already; choose another name.")


def _is_shipped(name: str) -> bool:
    try:
        return registry.find(name).record.source == "shipped"
    except CheckpointError:
        return False
