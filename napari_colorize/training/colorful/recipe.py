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
    positions: int = 0
    """Positions of a picture at which a frozen trunk's maps are stored, once, to learn from; for
    the architecture ``colorful-hypercolumn``. 0: learns from crops."""
    positions_a_step: int = 64
    """How many of them a step takes of a picture, drawn anew every time."""
    look_size: int = 256
    """Short side at which the trunk looks at whole pictures for that, px."""
    old_share: float = 0.25
    """Share of these looks at a grey input made an old photograph's."""
    features: str = ""
    """Folder of what the trunk saw; trainings on the same pictures may share one. Empty:
    ``features`` in the folder of the run."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.positions < 0 or self.positions_a_step < 1:
            raise ValueError("positions must be 0 or more, positions_a_step 1 or more.")
        if self.positions and self.trunk != "frozen":
            raise ValueError(
                f"With positions, what the trunk sees is stored once, so it cannot learn: set "
                f"trunk to 'frozen', not {self.trunk!r}."
            )
        if self.look_size < 32 or not 0 <= self.old_share <= 1:
            raise ValueError("look_size must be at least 32 px, and old_share from 0 to 1.")
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
