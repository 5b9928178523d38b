"""How *Colorful Image Colorization* learns: prior, loss and optimiser, as a Lightning module."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import lightning
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_colorize import ops
from napari_colorize.methods import ARCHITECTURES
from napari_colorize.methods.colorful.graph import ColorfulGraph
from napari_colorize.methods.colorful.loss import NEARLY_GREY, rebalanced_cross_entropy
from napari_colorize.methods.colorful.network import CompactNetwork
from napari_colorize.methods.colorful.rebalance import class_weights, smooth_prior
from napari_colorize.ops.bins import NUM_BINS, bin_centres
from napari_colorize.training.pictures import Picture
from napari_colorize.training.pretrained import pretrained_lite0
from napari_colorize.training.recipe import Recipe
from napari_colorize.training.samples import CentrePairs

FROZEN_BLOCKS = 3
"""Blocks of the trunk (to stride 4) that keep their ImageNet weights: edges are edges."""


def measure_prior(pictures: Sequence[Picture], size: int) -> NDArray[np.float64]:
    """Share of pixels nearest to each of the 313 bins, over the centre squares of pictures.

    Returns
    -------
    (313,) float64, sums to 1.
    """
    counts = torch.zeros(NUM_BINS, dtype=torch.float64)
    squares = CentrePairs(pictures, size)
    for number in range(len(squares)):
        _, ab = squares[number]
        index, _ = ops.soft_encode(ab[None], neighbours=1)
        counts += torch.bincount(index.flatten(), minlength=NUM_BINS)
    return (counts / counts.sum()).numpy()


def start_graph(recipe: Recipe, prior: NDArray[np.floating]) -> ColorfulGraph:
    """Build the recipe's graph: pretrained trunk where it has one, class weights filled in."""
    graph = ARCHITECTURES[recipe.architecture](
        **recipe.options, trained_rebalancing=recipe.trained_rebalancing
    )
    assert isinstance(graph, ColorfulGraph)
    if isinstance(graph.network, CompactNetwork):
        graph.network.trunk = pretrained_lite0()
    weights = class_weights(smooth_prior(prior, bin_centres()), prior, recipe.rebalancing_mix)
    graph.log_weights.copy_(torch.from_numpy(np.log(weights)))
    # Begin from the colour prior rather than from noise: the first steps then waste nothing.
    last = graph.network.last_layer()
    tempered = smooth_prior(prior, bin_centres()) * weights**recipe.trained_rebalancing
    torch.nn.init.normal_(last.weight, std=0.01)
    assert last.bias is not None
    with torch.no_grad():
        last.bias.copy_(torch.from_numpy(np.log(np.maximum(tempered / tempered.sum(), 1e-8))))
    return graph


class ColorfulTraining(lightning.LightningModule):
    """Cross-entropy on soft-encoded colours, weighted by ``w ** trained_rebalancing``.

    Parameters
    ----------
    graph
        The graph to train, from `start_graph`.
    recipe
        Learning rates, encoding and schedule.
    prior
        (313,) share of each bin, from `measure_prior`: the weights average 1 over it.
    total_steps
        Optimiser steps of the whole training: the learning rate falls as a cosine over them.
    """

    class_weights: Tensor

    def __init__(
        self,
        graph: ColorfulGraph,
        recipe: Recipe,
        prior: NDArray[np.floating],
        total_steps: int,
    ) -> None:
        super().__init__()
        self.graph = graph
        self.recipe = recipe
        self.total_steps = total_steps
        tempered = torch.exp(graph.log_weights * recipe.trained_rebalancing)
        share = torch.from_numpy(smooth_prior(prior, bin_centres())).to(tempered)
        weights = tempered / (share * tempered).sum()
        self.register_buffer("class_weights", weights, persistent=False)
        if isinstance(graph.network, CompactNetwork):
            graph.network.trunk.stem.requires_grad_(False)
            graph.network.trunk.blocks[:FROZEN_BLOCKS].requires_grad_(False)

    def _loss(self, luma: Tensor, ab: Tensor) -> Tensor:
        index, weight = ops.soft_encode(
            ab, neighbours=self.recipe.neighbours, sigma=self.recipe.encoding_sigma
        )
        logits = self.graph.network(luma)
        return rebalanced_cross_entropy(logits, index, weight, self.class_weights)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_index: int) -> Tensor:
        """One optimiser step; pictures without colour are left out of the target."""
        luma, ab = batch
        colourful = ab.abs().amax((1, 2, 3)) > NEARLY_GREY
        if not colourful.any():
            colourful = torch.ones_like(colourful)
        loss = self._loss(luma[colourful], ab[colourful])
        self.log("train_loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_index: int) -> None:
        """Loss, and ab error at full honesty (vividness 0, mean colour) and at half vividness."""
        luma, ab = batch
        self.log("val_loss", self._loss(luma, ab), prog_bar=True, batch_size=len(luma))
        one = luma.new_ones(())
        for vividness in (0.0, 0.5, 1.0):
            guess, _ = self.graph(luma, one, one * vividness)
            error = (guess - ab).square().mean((1, 2, 3)).sqrt().mean()
            chroma = guess.square().sum(1).sqrt().mean() / ab.square().sum(1).sqrt().mean()
            self.log(f"val_rmse_{vividness}", error, batch_size=len(luma))
            self.log(f"val_chroma_{vividness}", chroma, batch_size=len(luma))

    def configure_optimizers(self) -> Any:
        """AdamW, the pretrained trunk at its own rate, linear warm-up and cosine decay."""
        trunk = [p for n, p in self.named_parameters() if ".trunk." in n and p.requires_grad]
        rest = [p for n, p in self.named_parameters() if ".trunk." not in n and p.requires_grad]
        groups = [{"params": rest, "lr": self.recipe.learning_rate}]
        if trunk:
            groups.append({"params": trunk, "lr": self.recipe.trunk_learning_rate})
        optimiser = torch.optim.AdamW(
            groups, weight_decay=self.recipe.weight_decay, betas=(0.9, 0.99)
        )
        warmup = max(1, min(self.recipe.warmup_steps, self.total_steps // 10))

        def share(step: int) -> float:
            if step < warmup:
                return (step + 1) / warmup
            done = (step - warmup) / max(1, self.total_steps - warmup)
            return 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, share)
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }
