"""What recipes for generators hold beside what all recipes hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from napari_colorize.methods.gan.tables import DISCRIMINATORS
from napari_colorize.training.recipe import Recipe, build_recipe

COMPACT = "unet-compact"
"""The architecture whose layers are no table's: its norm and rectifiers are not to be chosen."""


@dataclass(frozen=True)
class GanRecipe(Recipe):
    """A training of a generator, with or against a discriminator, apart from its data.

    The defaults are the published ones (Nazeri 2018, §3, and its released code) where there are
    any; those that the paper names as its strategies against non-convergence and mode collapse are
    ``batch_norm``, ``leak``, ``real_label`` and ``momentum``.
    """

    method: str = "gan"
    learning_rate: float = 3e-4
    weight_decay: float = 0.0
    gradient_clip: float = 0.0
    """Largest norm of the gradient; 0: it is not clipped."""
    warmup_steps: int = 0
    architecture: str = COMPACT
    l1_weight: float = 100.0
    """Weight of the mean absolute difference from the true colours, all in −1…1."""
    adversarial_weight: float = 1.0
    """Weight of the discriminator's verdict; 0: there is no discriminator (the U-Net baseline)."""
    error_weight: float = 0.05
    """Weight of the compact generator's estimate of its own error; no colour depends on it."""
    batch_norm: bool = True
    """Strategy: batch norm in both networks (in the compact generator's decoder: always)."""
    leak: float = 0.2
    """Strategy: slope of LeakyReLU in encoder and discriminator; 0: plain ReLU."""
    real_label: float = 0.9
    """Strategy: one-sided label smoothing: what the discriminator is to say to true colours."""
    momentum: float = 0.5
    """Strategy: reduced momentum, Adam's β₁; 0.9 is the usual one. The paper's first release has
    0.5, its last 0."""
    second_momentum: float = 0.999
    """Adam's β₂."""
    discriminator: str = "patch70"
    """Key of `tables.DISCRIMINATORS`."""
    discriminator_width: float = 1.0
    """Factor on the number of filters of its layers."""
    discriminator_rate: float = 0.1
    """Its learning rate as a share of the generator's."""
    generator_steps: int = 2
    """Steps of the generator for each one of the discriminator."""
    decay_epochs: int = 0
    """Epochs between two tenfold drops of the learning rate; 0: it falls as a half cosine."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("l1_weight", "adversarial_weight", "error_weight", "leak", "gradient_clip"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 or more; it is {getattr(self, name)}.")
        for name in ("learning_rate", "discriminator_rate", "discriminator_width"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0; it is {getattr(self, name)}.")
        for name in ("momentum", "second_momentum"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be from 0 to below 1; it is {getattr(self, name)}.")
        if not 0.5 < self.real_label <= 1:
            raise ValueError(f"real_label must be above 0.5, up to 1; it is {self.real_label}.")
        if self.generator_steps < 1 or self.decay_epochs < 0:
            raise ValueError("generator_steps must be at least 1, and decay_epochs 0 or more.")
        if self.discriminator not in DISCRIMINATORS:
            raise ValueError(
                f"There is no discriminator {self.discriminator!r}; known are "
                f"{', '.join(DISCRIMINATORS)}."
            )
        self._check_method()
        if self.gradient_clip and self.precision.startswith("16"):
            raise ValueError(
                "gradient_clip does not go with 16-bit precision here: gradients are scaled then. "
                "Set gradient_clip=0 or precision=bf16-mixed."
            )
        if self.architecture != COMPACT:
            # Into the options, so that the record of the weights can build the network again.
            chosen = {"norm": self.batch_norm, "leak": self.leak, **self.options}
            object.__setattr__(self, "options", chosen)

    def _check_method(self) -> None:
        if self.method == "unet" and self.adversarial_weight:
            raise ValueError(
                "The method unet has no discriminator; with an adversarial_weight it is called gan."
            )
        if self.method != "unet" and not self.adversarial_weight:
            raise ValueError(
                f"The method {self.method} needs an adversarial_weight above 0; without, it is "
                "called unet."
            )

    @property
    def one_optimiser(self) -> bool:
        """Never: the Lightning module steps its one or two optimisers itself."""
        return False


def gan_recipe(name: str, table: Mapping[str, Any]) -> GanRecipe:
    """Build a recipe of the conditional GAN from TOML's table of its fields.

    Raises
    ------
    ValueError
        A field is not known, of the wrong type or out of range.
    """
    return build_recipe(GanRecipe, {**table, "name": name, "method": "gan"})


def unet_recipe(name: str, table: Mapping[str, Any]) -> GanRecipe:
    """Build a recipe of the U-Net baseline: the same generator, with L1 alone."""
    return build_recipe(
        GanRecipe, {"adversarial_weight": 0.0, **table, "name": name, "method": "unet"}
    )


def pix2pix_recipe(name: str, table: Mapping[str, Any]) -> GanRecipe:
    """Build a recipe of pix2pix; Isola 2016, appendix 6.2, where it differs from Nazeri."""
    published = {
        **{"architecture": "unet-pix2pix", "learning_rate": 2e-4, "discriminator_rate": 1.0},
        **{"generator_steps": 1, "real_label": 1.0, "crop": 256, "batch": 2},
    }
    return build_recipe(GanRecipe, {**published, **table, "name": name, "method": "pix2pix"})
