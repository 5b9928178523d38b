"""The Lightning module of U-Net, conditional GAN and pix2pix."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import lightning
import torch
from torch import Tensor
from torch.nn import functional as F

from napari_colorize.methods.gan.discriminator import (
    PatchDiscriminator,
    adversarial_loss,
    discriminator_loss,
    expected_error_loss,
)
from napari_colorize.methods.gan.graph import AB_RANGE, L_HALF, CompactGenerator, GanGraph
from napari_colorize.methods.gan.tables import DISCRIMINATORS
from napari_colorize.training.gan.recipe import GanRecipe
from napari_colorize.training.start import freeze
from napari_colorize.training.trainers import seed_of_step


@dataclass(frozen=True)
class ColourVariety:
    """The mean colours of some pictures, summed up.

    Parameters
    ----------
    variety
        Root-mean-square distance of the pictures' mean colours from the mean of all, Lab units.
    hue
        Direction of the mean of all, degrees: 0 red, 90 yellow, 180 green, 270 blue.
    agreement
        0 (the pictures' mean hues cancel each other) … 1 (all have the same): length of the mean
        of all over the mean of the lengths.
    chroma
        Mean length of the pictures' mean colours, Lab units.
    """

    variety: float
    hue: float
    agreement: float
    chroma: float

    @classmethod
    def of(cls, means: Tensor) -> ColourVariety:
        """Sum up (P, 2) mean colours of pictures, Lab units."""
        means = means.double()
        centre = means.mean(0)
        lengths = means.norm(dim=1)
        chroma = float(lengths.mean())
        return cls(
            variety=float((means - centre).square().sum(1).mean().sqrt()),
            hue=math.degrees(math.atan2(float(centre[1]), float(centre[0]))) % 360.0,
            agreement=float(centre.norm()) / chroma if chroma > 0 else 0.0,
            chroma=chroma,
        )


def colourfulness(ab: Tensor) -> Tensor:
    """Return how colourful pictures are: Hasler and Süsstrunk (2003), eq. 1, in Lab.

    Parameters
    ----------
    ab
        (N, 2, H, W), Lab units.

    Returns
    -------
    (N,): standard deviation of the colour plus 0.37 times the mean chroma.
    """
    deviation = ab.var((2, 3), correction=0).sum(1).sqrt()
    return deviation + 0.37 * torch.linalg.vector_norm(ab, dim=1).mean((1, 2))


_REMEMBERED = 0.99
"""Share of its last value that the running share of patches told apart keeps with each step."""


class GanTraining(lightning.LightningModule):
    """One step of the discriminator, then some of the generator, on each batch.

    Parameters
    ----------
    graph
        The graph to train, from `start.start_generator`.
    recipe
        Losses, strategies, learning rates.
    total_steps
        Batches of the whole training.

    Attributes
    ----------
    steps_taken
        Batches that were learnt from; part of every checkpoint.
    told_apart
        Running share of patches that the discriminator gets right: one half if it cannot tell.
    """

    told_apart: Tensor

    def __init__(self, graph: GanGraph, recipe: GanRecipe, total_steps: int) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.graph = graph
        self.recipe = recipe
        self.total_steps = total_steps
        self.steps_taken = 0
        self.discriminator: PatchDiscriminator | None = None
        if recipe.adversarial_weight:
            # Anew: how much chance the loading of a checkpoint took depends on what was in memory.
            torch.manual_seed(recipe.seed)
            self.discriminator = PatchDiscriminator(
                DISCRIMINATORS[recipe.discriminator].narrowed(recipe.discriminator_width),
                planes=graph.network.outputs,
                stride=graph.stride,
                norm=recipe.batch_norm,
                leak=recipe.leak,
            )
        if isinstance(graph.network, CompactGenerator):
            freeze(graph.network.trunk, recipe.trunk)
        self.register_buffer("told_apart", torch.tensor(0.5))
        self.palettes: tuple[ColourVariety, ColourVariety] | None = None
        self._means: list[tuple[Tensor, Tensor]] = []

    # --- learning ---

    def on_train_batch_start(self, batch: tuple[Tensor, Tensor], batch_index: int) -> None:
        """Make dropout a function of seed, step and process, so that going on needs no state."""
        torch.manual_seed(seed_of_step(self.recipe.seed, self.steps_taken, self.global_rank))

    def training_step(self, batch: tuple[Tensor, Tensor], batch_index: int) -> None:
        """Teach the discriminator once, then the generator ``generator_steps`` times."""
        luma, ab = batch
        truth = self._planes(luma, ab)
        optimisers = self._optimisers_at(self.steps_taken)
        planes, features = self._generate(luma)
        if self.discriminator is not None:
            self._teach_discriminator(optimisers[1], luma, truth, planes.detach())
        for again in range(self.recipe.generator_steps):
            if again:
                planes, features = self._generate(luma)
            self._teach_generator(optimisers[0], luma, truth, planes, features)
        self.steps_taken += 1

    def _planes(self, luma: Tensor, ab: Tensor) -> Tensor:
        """Return what the generator should give: chroma, with lightness where its table has it."""
        if self.graph.network.outputs == 2:
            return ab / AB_RANGE
        return torch.cat((luma / L_HALF - 1.0, ab / AB_RANGE), 1)

    def _generate(self, luma: Tensor) -> tuple[Tensor, Tensor | None]:
        network = self.graph.network
        if isinstance(network, CompactGenerator):
            features = network.features(luma)
            return network.colours(features).float(), features
        return network(luma).float(), None

    def _teach_discriminator(
        self, optimiser: Any, luma: Tensor, truth: Tensor, planes: Tensor
    ) -> None:
        assert self.discriminator is not None
        # One after the other, so that batch norm does not give away which is which.
        real = self.discriminator(luma, truth).float()
        fake = self.discriminator(luma, planes).float()
        loss = discriminator_loss(real, fake, self.recipe.real_label)
        self._step(optimiser, loss)
        right = 0.5 * ((real > 0).float().mean() + (fake < 0).float().mean())
        self.told_apart.lerp_(right.detach(), 1 - _REMEMBERED)
        self.log("train_discriminator", loss.detach())
        self.log("train_told_apart", self.told_apart)

    def _teach_generator(
        self, optimiser: Any, luma: Tensor, truth: Tensor, planes: Tensor, features: Tensor | None
    ) -> None:
        recipe = self.recipe
        difference = F.l1_loss(planes, truth)
        loss = recipe.l1_weight * difference
        self.log("train_l1", difference.detach())
        if self.discriminator is not None:
            # Its own gradients are not wanted here; leaving them out saves a third of its work.
            self.discriminator.requires_grad_(False)
            verdict = adversarial_loss(self.discriminator(luma, planes).float())
            self.discriminator.requires_grad_(True)
            loss = loss + recipe.adversarial_weight * verdict
            self.log("train_adversarial", verdict.detach())
        self.log("train_loss", loss.detach())
        if features is not None and recipe.error_weight:
            network = self.graph.network
            assert isinstance(network, CompactGenerator)
            distance = (planes - truth).detach().norm(dim=1, keepdim=True) * AB_RANGE
            expected = network.expected_error(features).float()
            loss = loss + recipe.error_weight * expected_error_loss(expected, distance)
        self._step(optimiser, loss)

    def _step(self, optimiser: Any, loss: Tensor) -> None:
        optimiser.zero_grad()
        self.manual_backward(loss)
        if self.recipe.gradient_clip:
            self.clip_gradients(optimiser, self.recipe.gradient_clip, "norm")
        optimiser.step()

    # --- optimisers ---

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """Adam for the generator (its trunk at its own rate) and one for the discriminator."""
        recipe = self.recipe
        learnt = [(n, p) for n, p in self.graph.named_parameters() if p.requires_grad]
        trunk = [p for n, p in learnt if ".trunk." in n]
        rest = [p for n, p in learnt if ".trunk." not in n]
        groups = [{"params": rest, "peak": recipe.learning_rate}]
        if trunk:
            groups.append({"params": trunk, "peak": recipe.trunk_learning_rate})
        optimisers = [self._adam(groups)]
        if self.discriminator is not None:
            rate = recipe.learning_rate * recipe.discriminator_rate
            optimisers.append(
                self._adam([{"params": list(self.discriminator.parameters()), "peak": rate}])
            )
        return optimisers

    def _adam(self, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        return torch.optim.AdamW(
            groups,
            weight_decay=self.recipe.weight_decay,
            betas=(self.recipe.momentum, self.recipe.second_momentum),
        )

    def _optimisers_at(self, step: int) -> list[Any]:
        """Return the optimisers, with the learning rates of a step: they keep no state."""
        found: Any = self.optimizers()
        optimisers = found if isinstance(found, list) else [found]
        for optimiser in optimisers:
            for group in optimiser.param_groups:
                group["lr"] = group["peak"] * self._share_at(step)
        return optimisers

    def _share_at(self, step: int) -> float:
        recipe = self.recipe
        if step < recipe.warmup_steps:
            return (step + 1) / recipe.warmup_steps
        if recipe.decay_epochs:
            epochs = step * recipe.epochs // max(1, self.total_steps)
            return 0.1 ** (epochs // recipe.decay_epochs)
        done = (step - recipe.warmup_steps) / max(1, self.total_steps - recipe.warmup_steps)
        return 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))

    # --- validation ---

    def on_validation_epoch_start(self) -> None:
        """Forget the colours of the last validation."""
        self._means = []

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_index: int) -> None:
        """Score the colours that the finished checkpoint would give."""
        luma, ab = batch
        guess = self.graph.sample(luma, self.graph.seed).float()
        difference = guess - ab
        rmse = difference.square().mean((1, 2, 3)).sqrt().mean()
        vivid = (colourfulness(guess) - colourfulness(ab)).abs().mean()
        scores = {
            # Of a, b and the lightness, which is kept and so has no error.
            "val_mae": difference.abs().mean() * 2 / 3,
            "val_loss": difference.abs().mean(),
            "val_rmse": rmse,
            "val_chroma": guess.norm(dim=1).mean() / ab.norm(dim=1).mean(),
            "val_accuracy": (difference.round().abs() <= 4.4).all(1).float().mean(),
            "val_colourfulness": vivid,
            "val_balance": rmse + vivid,
        }
        self.log_dict(scores, batch_size=len(luma))
        self._means.append((guess.mean((2, 3)).cpu(), ab.mean((2, 3)).cpu()))

    def on_validation_epoch_end(self) -> None:
        """Log what the pictures' colours have in common."""
        guess, truth = (torch.cat(side) for side in zip(*self._means, strict=True))
        self.palettes = ColourVariety.of(guess), ColourVariety.of(truth)
        self.log("val_variety", self.palettes[0].variety / max(self.palettes[1].variety, 1e-6))
        self.log("val_hue", self.palettes[0].hue)

    # --- state ---

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the number of batches."""
        checkpoint["steps_taken"] = self.steps_taken

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take up the number of batches."""
        self.steps_taken = int(checkpoint["steps_taken"])
