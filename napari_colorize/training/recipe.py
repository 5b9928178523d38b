"""A recipe: every number that decides a training, read from a small TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Augmentation:
    """How crops are taken and the grey input (never the colour target) is changed."""

    smallest_crop: float = 0.6
    """Smallest side of a crop, as a share of the picture's short side."""
    largest_stretch: float = 1.2
    """Largest ratio by which a crop's aspect is changed."""
    tone_share: float = 0.5
    """Share of samples whose tone curve is changed."""
    tone_strength: float = 0.35
    """Largest |log γ| of the tone curve."""
    fading: float = 0.1
    """Largest lift of black and drop of white, as a share of the range."""
    noise_share: float = 0.2
    """Share of samples that get noise."""
    noise_strength: float = 0.04
    """Largest standard deviation of the noise, as a share of the range."""


@dataclass(frozen=True)
class Recipe:
    """A training of a method, apart from its data."""

    name: str
    seed: int = 0
    crop: int = 128
    """Side of the training crops, px; a multiple of 32."""
    batch: int = 32
    epochs: int = 5
    holdout: int = 500
    """Pictures of the training data set aside to validate on."""
    learning_rate: float = 2e-3
    trunk_learning_rate: float = 3e-4
    weight_decay: float = 0.02
    warmup_steps: int = 200
    gradient_clip: float = 5.0
    ema_decay: float = 0.998
    neighbours: int = 5
    """Bins that share a pixel's colour in the soft encoding (Zhang 2016, §2.1)."""
    encoding_sigma: float = 5.0
    """Gaussian of the soft encoding, Lab units."""
    rebalancing_mix: float = 0.5
    """λ of the class weights (Zhang 2016, eq. 4)."""
    trained_rebalancing: float = 0.5
    """Exponent on the class weights in the loss: 1 as in the paper, 0 for none."""
    prior_pictures: int = 4000
    """Pictures that the colour prior is measured on."""
    workers: int = 1
    architecture: str = "colorful-compact"
    options: Mapping[str, Any] = field(default_factory=dict)
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        if self.crop % 32 or self.crop <= 0:
            raise ValueError(f"crop must be a positive multiple of 32 px; it is {self.crop}.")
        if self.batch < 2:
            raise ValueError(f"batch must be at least 2 pictures; it is {self.batch}.")

    def to_dict(self) -> dict[str, Any]:
        """Plain, JSON-able form, for the record."""
        return asdict(self)


def load_recipe(name_or_path: str | Path, changes: Mapping[str, Any] | None = None) -> Recipe:
    """Read a recipe that comes with the package, or a TOML file.

    Parameters
    ----------
    name_or_path
        A name such as ``"cpu"``, or a path that ends in ``.toml``.
    changes
        Fields to replace; ``"augmentation.noise_share"`` reaches the nested ones.

    Raises
    ------
    ValueError
        Unknown recipe or unknown field.
    """
    path = Path(name_or_path)
    if path.suffix == ".toml":
        text = path.read_text(encoding="utf-8")
    else:
        folder = resources.files("napari_colorize.training") / "recipes"
        known = sorted(Path(item.name).stem for item in folder.iterdir())
        if str(name_or_path) not in known:
            raise ValueError(
                f"There is no recipe '{name_or_path}'. Known: {', '.join(known)}; "
                "or give the path of a .toml file."
            )
        text = (folder / f"{name_or_path}.toml").read_text(encoding="utf-8")
    table = {"name": path.stem, **tomllib.loads(text)}
    for key, value in (changes or {}).items():
        target, _, nested = key.partition(".")
        if nested:
            table[target] = {**table.get(target, {}), nested: value}
        else:
            table[target] = value
    augmentation = _build(Augmentation, table.pop("augmentation", {}))
    return _build(Recipe, {**table, "augmentation": augmentation})


def _build(kind: type, table: Mapping[str, Any]) -> Any:
    known = {item.name for item in fields(kind)}
    unknown = sorted(set(table) - known)
    if unknown:
        raise ValueError(
            f"Unknown recipe field {', '.join(unknown)}; known are {', '.join(sorted(known))}."
        )
    return kind(**table)
