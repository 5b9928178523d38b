"""How *Colorful Image Colorization* learns: prior, loss and optimiser, as a Lightning module."""

from __future__ import annotations

import math
from typing import Any

import lightning
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_colorize import ops
from napari_colorize.methods.colorful.graph import ColorfulGraph
from napari_colorize.methods.colorful.loss import (
    NEARLY_GREY,
    decoded_colour_error,
    rebalanced_colour_error,
    rebalanced_cross_entropy,
)
from napari_colorize.methods.colorful.network import PaperNetwork
from napari_colorize.methods.colorful.rebalance import smooth_prior
from napari_colorize.ops.bins import bin_centres
from napari_colorize.training.colorful.recipe import ColorfulRecipe
from napari_colorize.training.start import freeze
from napari_colorize.training.trainers import seed_of_step

RAREST = 1e-4
"""Least share of a bin in `ColorfulTraining.rarity`: that of the rebalanced AuC."""


class ColorfulTraining(lightning.LightningModule):
    """Cross-entropy on soft-encoded colours, weighted by ``w ** trained_rebalancing``.

    Parameters
    ----------
    graph
        The graph to train, from `colorful_start.start_graph`.
    recipe
        Learning rates, encoding and schedule.
    prior
        (313,) share of each bin, from `survey.look_at`: the weights average 1 over it.
    total_steps
        Optimiser steps of the whole training: the learning rate falls as a cosine over them.
    """

    class_weights: Tensor
    rarity: Tensor

    def __init__(
        self,
        graph: ColorfulGraph,
        recipe: ColorfulRecipe,
        prior: NDArray[np.floating],
        total_steps: int,
    ) -> None:
        super().__init__()
        self.graph = graph
        self.recipe = recipe
        self.total_steps = total_steps
        share = torch.from_numpy(smooth_prior(prior, bin_centres())).float()
        tempered = torch.exp(graph.log_weights * recipe.trained_rebalancing)
        # Kept in checkpoints: a training goes on with the very weights it began with.
        self.register_buffer("class_weights", tempered / (share * tempered).sum())
        rarity = 1 / share.clamp_min(RAREST)
        self.register_buffer("rarity", rarity / (share * rarity).sum())
        if not isinstance(graph.network, PaperNetwork):
            freeze(graph.network.trunk, recipe.trunk)

    def predicted(self, batch: Any, colourful_only: bool) -> tuple[Tensor, Tensor]:
        """Logits (N, 313, h, w) and true chroma (N, 2, h, w) of a batch.

        Parameters
        ----------
        batch
            From the loader: lightness and chroma.
        colourful_only
            Leave out pictures without colour, unless there are no others.
        """
        luma, ab = batch
        if colourful_only:
            colourful = ab.abs().amax((1, 2, 3)) > NEARLY_GREY
            if colourful.any():
                luma, ab = luma[colourful], ab[colourful]
        # Decoded in full precision, whatever the network ran in.
        return self.graph.network(luma).float(), ab

    def _loss(self, logits: Tensor, ab: Tensor) -> Tensor:
        index, weight = self._encode(ab)
        return rebalanced_cross_entropy(logits, index, weight, self.class_weights)

    def _encode(self, ab: Tensor) -> tuple[Tensor, Tensor]:
        return ops.soft_encode(
            ab, neighbours=self.recipe.neighbours, sigma=self.recipe.encoding_sigma
        )

    def _chroma_terms(self, logits: Tensor, ab: Tensor) -> Tensor:
        """Return what the recipe adds for the decoded colour, beside its distribution."""
        recipe, graph = self.recipe, self.graph
        # Every fourth cell: its neighbours would say the same, and cost as much again.
        logits, ab = logits[..., ::2, ::2], ab[..., ::2, ::2]
        total = logits.new_zeros(())
        if recipe.calm_term:
            bias = self._bias(recipe.calm_vividness)
            error = decoded_colour_error(logits, graph.bins, bias, ab)
            self.log("train_calm", error.detach())
            total = total + recipe.calm_term * error
        if recipe.vivid_term:
            nearest, _ = ops.soft_encode(ab, neighbours=1)
            weights = self.rarity[nearest[:, 0]]
            error = rebalanced_colour_error(logits, graph.bins, self._bias(1.0), ab, weights)
            self.log("train_vivid", error.detach())
            total = total + recipe.vivid_term * error
        return total

    def _bias(self, vividness: float) -> Tensor:
        return (vividness - self.graph.trained_rebalancing) * self.graph.log_weights

    def on_train_batch_start(self, batch: tuple[Tensor, Tensor], batch_index: int) -> None:
        """Make whatever chance a step uses a function of seed, step and process."""
        torch.manual_seed(seed_of_step(self.recipe.seed, self.global_step, self.global_rank))

    def training_step(self, batch: Any, batch_index: int) -> Tensor:
        """One optimiser step; pictures without colour are left out of the target."""
        logits, ab = self.predicted(batch, colourful_only=True)
        loss = self._loss(logits, ab)
        self.log("train_loss", loss.detach())
        return loss + self._chroma_terms(logits, ab)

    def validation_step(self, batch: Any, batch_index: int) -> None:
        """Loss, and the mean colour's ab error and chroma at vividness 0, ½ and 1."""
        logits, ab = self.predicted(batch, colourful_only=False)
        self.log("val_loss", self._loss(logits, ab), batch_size=len(ab))
        graph = self.graph
        for vividness in (0.0, 0.5, 1.0):
            guess, _ = ops.annealed_mean(logits, graph.bins, self._bias(vividness), temperature=1.0)
            error = (guess - ab).square().mean((1, 2, 3)).sqrt().mean()
            chroma = guess.square().sum(1).sqrt().mean() / ab.square().sum(1).sqrt().mean()
            self.log(f"val_rmse_{vividness}", error, batch_size=len(ab))
            self.log(f"val_chroma_{vividness}", chroma, batch_size=len(ab))

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Trunk and decoder, each with its own learning rate."""
        trunk = [p for n, p in self.named_parameters() if ".trunk." in n and p.requires_grad]
        rest = [p for n, p in self.named_parameters() if ".trunk." not in n and p.requires_grad]
        groups: list[dict[str, Any]] = [{"params": rest, "lr": self.recipe.learning_rate}]
        if trunk:
            groups.append({"params": trunk, "lr": self.recipe.trunk_learning_rate})
        return groups

    def configure_optimizers(self) -> Any:
        """AdamW, the pretrained trunk at its own rate, linear warm-up and cosine decay."""
        optimiser = torch.optim.AdamW(
            self.parameter_groups(), weight_decay=self.recipe.weight_decay, betas=(0.9, 0.99)
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
