"""How Colorful Image Colorization is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_colorize.training.colorful.recipe import ColorfulRecipe, colorful_recipe
from napari_colorize.training.network import NetworkTrainer
from napari_colorize.training.trainers import Learner


class ColorfulTrainer(NetworkTrainer):
    """How *Colorful Image Colorization* is trained."""

    recipe = "cpu-quick"

    def settings(self, name: str, table: Mapping[str, Any]) -> ColorfulRecipe:
        """Build the recipe; see `colorful_recipe`."""
        return colorful_recipe(name, table)

    def learner(self) -> Learner:
        """Return how its networks start and learn."""
        from napari_colorize.training.colorful.start import ColorfulLearner

        return ColorfulLearner()


class HintsTrainer(NetworkTrainer):
    """How its network is taught to listen to hints."""

    recipe = "hints"

    def settings(self, name: str, table: Mapping[str, Any]) -> Any:
        """Build the recipe; see `hints.hints_recipe`."""
        from napari_colorize.training.colorful.hints import hints_recipe

        return hints_recipe(name, table)

    def learner(self) -> Learner:
        """Return how the part that listens starts and learns."""
        from napari_colorize.training.colorful.hints import HintsLearner

        return HintsLearner()


TRAINER = ColorfulTrainer()
"""What the method's card leads to."""

HINTS = HintsTrainer()
"""What ``napari-colorize train hints`` leads to."""
