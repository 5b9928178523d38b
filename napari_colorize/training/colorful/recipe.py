"""What a recipe for *Colorful Image Colorization* holds beside what all recipes hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from napari_colorize.training.recipe import Recipe, build_recipe


@dataclass(frozen=True)
class ColorfulRecipe(Recipe):
    """A training of *Colorful Image Colorization*, apart from its data."""

    architecture: str = "colorful-compact"
    neighbours: int = 5
    """Bins that share a pixel's colour in the soft encoding (Zhang 2016, §2.1)."""
    encoding_sigma: float = 5.0
    """Gaussian of the soft encoding, Lab units."""
    rebalancing_mix: float = 0.5
    """λ of the class weights (Zhang 2016, eq. 4)."""
    trained_rebalancing: float = 0.5
    """Exponent on the class weights in the loss: 1 as in the paper, 0 for none."""
    calm_term: float = 0.0
    """Weight of the error of the colour decoded at ``calm_vividness`` (not in the paper)."""
    calm_vividness: float = 0.3
    """Vividness that ``calm_term`` decodes at."""
    vivid_term: float = 0.0
    """Weight of the rebalanced error of the colour decoded at vividness 1 (not in the paper)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.trained_rebalancing <= 1 or not 0 <= self.rebalancing_mix <= 1:
            raise ValueError("trained_rebalancing and rebalancing_mix must be from 0 to 1.")
        if self.calm_term < 0 or self.vivid_term < 0:
            raise ValueError("calm_term and vivid_term must be 0 or more.")
        if not 0 <= self.calm_vividness <= 1:
            raise ValueError(f"calm_vividness must be from 0 to 1; it is {self.calm_vividness}.")


def colorful_recipe(name: str, table: Mapping[str, Any]) -> ColorfulRecipe:
    """Build the recipe from TOML's table of its fields.

    Raises
    ------
    ValueError
        A field is not known, of the wrong type or out of range.
    """
    return build_recipe(ColorfulRecipe, {**table, "name": name})
