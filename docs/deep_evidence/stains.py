"""Stained images: learnt from, as a microscopist would, and others of the same slides coloured."""

from __future__ import annotations

import argparse
import hashlib
import json
import tarfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from deep_evidence import ablation
from deep_evidence.tables import print_scores
from deep_evidence.whole import ONE, graded, without_clusters
from napari_colorize import checkpoints
from napari_colorize.checkpoints import save_checkpoint
from napari_colorize.evaluation.baselines import baselines, with_chroma
from napari_colorize.evaluation.colour import to_lab
from napari_colorize.evaluation.methods import GradedMethod, colorize_method
from napari_colorize.files.pictures import (
    Picture,
    find_pictures,
    fingerprint_of_names,
    included,
    split_holdout,
)
from napari_colorize.training.deep.learning import learn
from napari_colorize.training.deep.pictures import usual_size
from napari_colorize.training.deep.record import make_record
from napari_colorize.training.deep.sampled import CACHE, sample_key, write_samples
from napari_colorize.training.deep.settings import DeepSettings, chosen_blocks

TRAININGS = {
    "as by default": DeepSettings(),
    "25 pictures a cluster": DeepSettings(pictures_a_cluster=25, threshold=-100.0, layers=2),
    "the same, trust 1": DeepSettings(pictures_a_cluster=25, threshold=-100.0, layers=2, trust=1.0),
}
"""Clusters as they come, and more of them, which nothing leaves."""

AT_ONCE = 25
"""Pictures described between two writings to the disk: these are large."""

EVERY = 4
"""Pixels apart, both ways, of those that tell a picture's mean colour."""


def stains(given: argparse.Namespace) -> None:
    """Learn from stained images, and colour others of the same two collections."""
    truths = unpacked(given.stains, "val", given.work / "stains")
    paths = {name: trained(given, settings) for name, settings in TRAININGS.items()}
    clusters = {name: _clusters(path) for name, path in paths.items()}
    print(*(f"{name}: clusters: {count}" for name, count in clusters.items()), sep="\n")
    alone = without_clusters(str(next(iter(paths.values()))), given.work)
    methods = [
        colorize_method("deep", name=ONE, checkpoint=str(alone)),
        *(
            colorize_method("deep", name=f"{name}: {clusters[name]} clusters", checkpoint=str(path))
            for name, path in paths.items()
            if clusters[name] > 1  # else it is the one network
        ),
        colorize_method("colorful"),
        mean_colour(stained(given.stains)),
        *(plain for plain in baselines() if plain.name == "grey"),
    ]
    print_scores("Stained images", graded(methods, truths, given.work, given.limit), ONE)


def stained(archive: Path) -> list[Picture]:
    """List the stained images for training."""
    return included(find_pictures([archive]), ["train/*"])


def trained(given: argparse.Namespace, settings: DeepSettings) -> Path:
    """Learn from what ``train deep`` would not set aside to score on; return the weights."""
    pictures = stained(given.stains)
    training, _ = split_holdout(pictures, min(settings.holdout, len(pictures) // 10))
    size, pixels = usual_size(training), settings.samples // len(training)
    training = training[: given.learn_from]
    blocks = chosen_blocks(settings, len(training))
    settings = replace(settings, size=size, blocks=blocks, steps=given.steps or settings.steps)
    seen = fingerprint_of_names(training)
    weights = given.work / f"stains-{_hashed(settings, seen)}.safetensors"
    if not weights.exists():
        cached = given.work / f"stains-{len(training)}-{CACHE}"
        sampled = ablation.described(
            training, settings, pixels, given.work / "stains-train", at_once=AT_ONCE
        )
        sampled = ablation.only_blocks(sampled, blocks)
        write_samples(sampled, cached, sample_key(settings, seen))
        learnt = learn(training, settings, cached=cached, fingerprint=seen)
        data = [{"name": given.stains.name, "licence": "not stated"}]
        record = make_record(learnt, weights.stem, data=data, fingerprint=seen, hours=None)
        save_checkpoint(learnt.graph.state_dict(), record, given.work)
    return weights


def _hashed(settings: DeepSettings, seen: str) -> str:
    """Tell trainings apart that differ in anything: one that is there is not done again."""
    told = json.dumps([settings.to_dict(), seen], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:8]


def _clusters(weights: Path) -> int:
    return checkpoints.load(weights).record.options["clusters"]


def mean_colour(pictures: Sequence[Picture]) -> GradedMethod:
    """Return the mean a and b of pictures, everywhere, as a method."""
    few = (to_lab(picture.read()[::EVERY, ::EVERY])[..., 1:].mean((0, 1)) for picture in pictures)
    ab = np.mean(list(few), axis=0)
    return GradedMethod(
        "their mean colour",
        lambda grey: with_chroma(grey, np.broadcast_to(ab, (*grey.shape, 2))),
        {"ab": ab.round(3).tolist()},
        "baseline",
    )


def unpacked(archive: Path, prefix: str, folder: Path) -> Path:
    """Unpack the files of an archive whose name begins so into a folder, without their folders."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            path = folder / Path(member.name).name
            if member.isfile() and member.name.startswith(prefix) and not path.exists():
                path.write_bytes(tar.extractfile(member).read())  # type: ignore[union-attr]
    return folder
