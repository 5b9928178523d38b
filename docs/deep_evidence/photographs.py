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

from deep_evidence.tables import mean, print_table, told_difference
from deep_evidence.whole import ONE
from napari_colorize import checkpoints
from napari_colorize.methods.deep.descriptor import BLOCKS
from napari_colorize.training.deep import ablation
from napari_colorize.training.deep.run import drawn
from napari_colorize.training.deep.tree import grow, picture_psnr
from napari_colorize.training.pictures import find_pictures, split_holdout
from napari_colorize.training.recipe_files import load_recipe

ALL = ", ".join(BLOCKS)
VAL_PIXELS = 1024
"""Pixels coloured of each picture."""


def clusters(given: argparse.Namespace) -> None:
    """Learn from photographs by one network and by clusters of networks, and colour others."""
    photographs = Photographs(given)
    found = photographs.remembered("clusters", lambda: _with_clusters(photographs))
    rows = [(name, mean(own), told_difference(own, found[ONE])) for name, own in found.items()]
    columns = ("Networks", "PSNR, dB", f"against {ONE}")
    print_table(f"Clusters, pixels of {len(found[ONE])} photographs", columns, rows)


def _with_clusters(photographs: Photographs) -> dict[str, list[float]]:
    learnt, val = photographs.learnt, photographs.val
    settings = replace(photographs.settings, trust=1.0)
    tree = grow(learnt, settings)
    centres = torch.stack([cluster.centre for cluster in tree.clusters])
    histograms = torch.stack([cluster.histogram for cluster in tree.clusters])
    everything = np.arange(len(val.references))
    networks = {
        f"{len(tree.clusters)} clusters, from noise": ablation.from_noise(learnt, tree, settings),
        **{f"trust {share}": ablation.trusted(tree.networks, share) for share in (1.0, 0.5, 0.3)},
    }
    shipped: Any = checkpoints.load("deep").graph
    told = (shipped.networks, shipped.centres, shipped.histograms)
    of_shipped = ablation.candidate_psnr(val, *told)
    found = {
        ONE: picture_psnr(val, everything, tree.networks, 0),
        **{
            name: ablation.candidate_psnr(val, own, centres, histograms)[:, 0]
            for name, own in networks.items()
        },
        "as shipped": of_shipped[:, 0],
        "as shipped, the best of three": of_shipped.max(1),
        "grey": ablation.constant_psnr(val, torch.zeros(2)),
        "one constant colour": ablation.constant_psnr(val, learnt.chrominance.mean(0)),
    }
    return {name: own.tolist() for name, own in found.items()}


def descriptors(given: argparse.Namespace) -> None:
    """Learn from photographs by every choice of blocks."""
    photographs = Photographs(given)
    chosen = [blocks for size in (1, 2, 3) for blocks in combinations(BLOCKS, size)]
    found = {
        ", ".join(blocks): photographs.remembered(
            ", ".join(blocks), lambda blocks=blocks: _with_blocks(photographs, blocks)
        )
        for blocks in chosen
    }
    rows = [
        (
            *(name, mean(own["val"]), told_difference(own["val"], found[ALL]["val"])),
            float(np.median(own["learnt"])),
        )
        for name, own in found.items()
    ]
    of_all = found[ALL]
    heading = f"Descriptors, {len(of_all['learnt'])} photographs, {len(of_all['val'])} others"
    columns = ("Blocks", "PSNR on val", f"against {ALL}", "learnt from (median)")
    print_table(heading, columns, rows)


def _with_blocks(photographs: Photographs, blocks: Sequence[str]) -> dict[str, list[float]]:
    learnt = ablation.only_blocks(photographs.learnt, blocks)
    val = ablation.only_blocks(photographs.val, blocks)
    tree = grow(learnt, replace(photographs.settings, layers=1))
    everything = np.arange(len(val.references))
    return {
        "val": picture_psnr(val, everything, tree.networks, 0).tolist(),
        "learnt": tree.clusters[0].psnr.tolist(),
    }


class Photographs:
    """Photographs to learn from, as the shipped weights did, and to colour: pixels of both."""

    def __init__(self, given: argparse.Namespace) -> None:
        self._given = given
        recipe = load_recipe("deep-photos", {}, "deep")
        self.settings = replace(recipe, blocks=BLOCKS, steps=given.steps or recipe.steps)
        fewer = [str(count or "all") for count in (given.learn_from, given.limit, given.steps)]
        self._file = given.work / f"photographs-{'-'.join(fewer)}.json"

    @cached_property
    def learnt(self) -> ablation.Sampled:
        """The pixels to learn from, as many of a picture as where all are learnt from."""
        pictures = drawn(find_pictures(self._given.train), self.settings)
        training, _ = split_holdout(pictures, self.settings.holdout)
        pixels = self.settings.samples // len(training)
        training = training[: self._given.learn_from]
        return ablation.described(training, self.settings, pixels, self._given.work / "train")

    @cached_property
    def val(self) -> ablation.Sampled:
        """The pixels to colour."""
        pictures = find_pictures([self._given.val])
        count = min(self._given.limit or len(pictures), len(pictures))
        pictures = [pictures[index * len(pictures) // count] for index in range(count)]
        return ablation.described(pictures, self.settings, VAL_PIXELS, self._given.work / "val")

    def remembered(self, name: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return what a comparison found, worked out once."""
        known = json.loads(self._file.read_text()) if self._file.exists() else {}
        if name not in known:
            known[name] = work()
            self._file.write_text(json.dumps(known))
        return known[name]
