"""Photographs learnt from in several ways: sampled pixels, described once by all blocks."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import torch

from deep_evidence import ablation
from deep_evidence.tables import print_sets
from deep_evidence.whole import ONE
from napari_colorize import checkpoints
from napari_colorize.files.pictures import Picture, find_pictures, split_holdout
from napari_colorize.methods.deep.descriptor import BLOCKS
from napari_colorize.training.deep.run import drawn
from napari_colorize.training.deep.tree import grow, picture_psnr
from napari_colorize.training.recipe_files import load_recipe

ALL = ", ".join(BLOCKS)
PIXELS = 1024
"""Coloured of each picture."""

OfSets = dict[str, dict[str, list[float]]]
"""For each set of pictures, for each choice, the PSNR of each picture, dB."""


def clusters(given: argparse.Namespace) -> None:
    """Learn from photographs by one network and by clusters of networks, and colour others."""
    photographs = Photographs(given)
    shipped = photographs.remembered("shipped", lambda: _shipped(photographs))
    learnt = photographs.remembered("clusters", lambda: _with_clusters(photographs))
    print_sets(f"Clusters, {photographs.told}", "Networks", learnt, ONE)
    print_sets("Clusters, as shipped", "Networks", shipped, ONE)


def _with_clusters(photographs: Photographs) -> OfSets:
    learnt = photographs.learnt
    settings = replace(photographs.settings, trust=1.0)
    tree = grow(learnt, settings)
    centres = torch.stack([cluster.centre for cluster in tree.clusters])
    histograms = torch.stack([cluster.histogram for cluster in tree.clusters])
    mean_uv = learnt.chrominance.mean(0)
    networks = {
        f"{len(tree.clusters)} clusters, from noise": ablation.from_noise(learnt, tree, settings),
        **{f"trust {share}": ablation.trusted(tree.networks, share) for share in (1.0, 0.5, 0.3)},
    }

    def coloured(others: ablation.Sampled) -> dict[str, np.ndarray]:
        return {
            ONE: _of_one(others, tree.networks),
            **{
                name: ablation.candidate_psnr(others, own, centres, histograms)[:, 0]
                for name, own in networks.items()
            },
            "grey": ablation.constant_psnr(others, torch.zeros(2)),
            "one constant colour": ablation.constant_psnr(others, mean_uv),
        }

    return photographs.of_each(coloured)


def _shipped(photographs: Photographs) -> OfSets:
    graph: Any = checkpoints.load("deep").graph

    def coloured(others: ablation.Sampled) -> dict[str, np.ndarray]:
        nearest = ablation.candidate_psnr(others, graph.networks, graph.centres, graph.histograms)
        return {
            ONE: _of_one(others, graph.networks),
            "the chosen cluster's": nearest[:, 0],
            "the best of the three nearest": nearest.max(1),
        }

    return photographs.of_each(coloured)


def descriptors(given: argparse.Namespace) -> None:
    """Learn from photographs by every choice of blocks."""
    photographs = Photographs(given)
    found: OfSets = {}
    for blocks in (some for size in (1, 2, 3) for some in combinations(BLOCKS, size)):
        own = photographs.remembered(
            ", ".join(blocks), lambda blocks=blocks: _with_blocks(photographs, blocks)
        )
        for of_set, psnr in own.items():
            found.setdefault(of_set, {}).update(psnr)
    print_sets(f"Descriptors, {photographs.told}", "Blocks", found, ALL)


def _with_blocks(photographs: Photographs, blocks: Sequence[str]) -> OfSets:
    learnt = ablation.only_blocks(photographs.learnt, blocks)
    tree = grow(learnt, replace(photographs.settings, layers=1))
    name = ", ".join(blocks)
    found = photographs.of_each(
        lambda others: {name: _of_one(ablation.only_blocks(others, blocks), tree.networks)}
    )
    return {**found, "learnt from": {name: tree.clusters[0].psnr.tolist()}}


def _of_one(sampled: ablation.Sampled, networks: Any) -> np.ndarray:
    return picture_psnr(sampled, np.arange(len(sampled.references)), networks, 0)


class Photographs:
    """Photographs to learn from, as the shipped weights did, and to colour: pixels of both."""

    def __init__(self, given: argparse.Namespace) -> None:
        self._given = given
        recipe = load_recipe("deep-photos", {}, "deep")
        self.settings = replace(recipe, blocks=BLOCKS, steps=given.steps or recipe.steps)
        fewer = [str(count or "all") for count in (given.learn_from, given.limit, given.steps)]
        self._file = given.work / f"photographs-{'-'.join(fewer)}.json"
        pictures = drawn(find_pictures(given.train), self.settings)
        training, self._aside = split_holdout(pictures, self.settings.holdout)
        self._pixels = self.settings.samples // len(training)
        self._training = training[: given.learn_from]

    @property
    def told(self) -> str:
        """What is learnt from, in words."""
        return f"learnt from {len(self._training)} photographs"

    @cached_property
    def learnt(self) -> ablation.Sampled:
        """The pixels to learn from, as many of a picture as where all are learnt from."""
        return self._described(self._training, "train", self._pixels)

    @cached_property
    def others(self) -> dict[str, ablation.Sampled]:
        """The pixels to colour: of another origin, and of the same as what is learnt from."""
        pictures = {"val": find_pictures([self._given.val]), "aside": self._aside}
        return {
            name: self._described(_spread(own, self._given.limit), name, PIXELS)
            for name, own in pictures.items()
        }

    def of_each(self, work: Callable[[ablation.Sampled], dict[str, np.ndarray]]) -> OfSets:
        """Return what is found of each set of pictures to colour."""
        return {
            of_set: {name: psnr.tolist() for name, psnr in work(sampled).items()}
            for of_set, sampled in self.others.items()
        }

    def _described(self, pictures: Sequence[Picture], name: str, pixels: int) -> ablation.Sampled:
        return ablation.described(pictures, self.settings, pixels, self._given.work / name)

    def remembered(self, name: str, work: Callable[[], OfSets]) -> OfSets:
        """Return what a comparison found, worked out once."""
        known = json.loads(self._file.read_text()) if self._file.exists() else {}
        if name not in known:
            known[name] = work()
            self._file.write_text(json.dumps(known))
        return known[name]


def _spread(pictures: Sequence[Picture], limit: int | None) -> list[Picture]:
    """Return so many of the pictures, evenly spread; all where there is no limit."""
    count = min(limit or len(pictures), len(pictures))
    return [pictures[index * len(pictures) // count] for index in range(count)]
