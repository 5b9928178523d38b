"""How generators learn: U-Net, conditional GAN and pix2pix through the one trainer.

- `recipe.py`: what their recipes hold beside what all recipes hold
- `start.py`: the generator they start from, and trouble, named in words
- `training.py`: the Lightning module: losses, two optimisers, validation
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from napari_colorize.training.gan.recipe import (
    GanRecipe,
    gan_recipe,
    pix2pix_recipe,
    unet_recipe,
)
from napari_colorize.training.network import NetworkTrainer
from napari_colorize.training.trainers import Learner


class GanTrainer(NetworkTrainer):
    """How generators are trained: U-Net, conditional GAN and pix2pix.

    Parameters
    ----------
    recipe : str
        Packaged recipe that is used where none is named.
    build : callable
        ``build(name, table)`` makes the recipe of the method.
    """

    def __init__(self, recipe: str, build: Callable[[str, Mapping[str, Any]], GanRecipe]) -> None:
        self.recipe = recipe
        self.build = build

    def settings(self, name: str, table: Mapping[str, Any]) -> GanRecipe:
        """Build the recipe."""
        return self.build(name, table)

    def learner(self) -> Learner:
        """Return how generators start and learn."""
        from napari_colorize.training.gan.start import GanLearner

        return GanLearner()


UNET = GanTrainer("unet-cpu", unet_recipe)
GAN = GanTrainer("gan-cpu", gan_recipe)
PIX2PIX = GanTrainer("pix2pix", pix2pix_recipe)
