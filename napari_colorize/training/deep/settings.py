"""Everything that decides a training of *Deep Colorization*, apart from its pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from math import isfinite
from typing import Any, ClassVar

from napari_colorize.methods.deep.descriptor import BLOCKS

ENOUGH_FOR_SEMANTICS = 200
"""Pictures from which on the semantic block is used unless blocks are named."""

_SMALLEST = {
    "seed": 0,
    "size": 0,
    "semantic_classes": 2,
    "hidden_layers": 1,
    "layers": 1,
    "pictures_a_cluster": 1,
    "most_clusters": 1,
    "most_pictures": 1,
    "samples": 1000,
    "most_samples_a_picture": 16,
    "steps": 1,
    "batch": 1,
    "holdout": 0,
}

_RANGES = {
    "trust": (0.0, 1.0),
    "threshold": (-100.0, 0.0),
    "learning_rate": (1e-12, 1.0),
    "weight_decay": (0.0, 10.0),
    "check_share": (0.0, 0.5),
}


@dataclass(frozen=True)
class DeepSettings:
    """How the tree of clusters is grown and its networks are fitted.

    The paper (Cheng, Yang and Sheng 2015) publishes neither threshold, number of clusters,
    sampling nor schedule: all defaults below are ours.

    Raises
    ------
    ValueError
        A number is out of its range; the sentence names it.
    """

    method: ClassVar[str] = "deep"
    name: str = "deep"
    """Of the recipe, for the record."""
    seed: int = 0
    """Of the pictures that are drawn, of k-means, of the sampled pixels and of the fitting."""
    include: Sequence[str] = ()
    """Patterns such as ``*-clothing.*``; pictures whose name matches none are left out."""
    most_pictures: int = 5000
    """Of more pictures, so many are drawn by chance."""
    holdout: int = 100
    """Pictures set aside to score the finished checkpoint on; at the most a tenth of all."""
    size: int = 0
    """Short side to which pictures are brought, px; it becomes the checkpoint's network size, so
    that descriptors mean the same in training and in use. 0: the pictures' own, 64…320."""
    blocks: Sequence[str] = ()
    """Blocks of the descriptor that the networks see: ``low``, ``mid``, ``high``. Empty: all of
    them from `ENOUGH_FOR_SEMANTICS` pictures on, else low and mid. Of few pictures the semantic
    scores are soon known by heart."""
    semantic_classes: int = 47
    """Length N of the semantic block and of the histograms."""
    hidden_layers: int = 3
    """Hidden layers of a network, each of half the descriptor's width."""
    layers: int = 3
    """Most layers of the tree. The first holds every picture in one cluster; 1: no clustering."""
    pictures_a_cluster: int = 150
    """Pictures that a cluster of the further layers has on average: decides k of k-means."""
    most_clusters: int = 24
    """Largest k of a layer."""
    trust: float = 0.3
    """How far, 0…1, a later cluster's network may go from that of all pictures towards its own
    fit. 1: all the way, as in the paper; pictures that come to a cluster they do not really belong
    to then get its colours in full."""
    threshold: float = -26.0
    """Negative PSNR, dB, below which a picture counts as learnt and leaves the next layer."""
    samples: int = 600_000
    """Pixels sampled from all pictures together, 2 bytes × descriptor length each."""
    most_samples_a_picture: int = 8192
    """Pixels sampled from one picture at the most, on a jittered grid."""
    steps: int = 2500
    """Steps of AdamW for each layer."""
    batch: int = 512
    """Sampled pixels of each cluster in a step."""
    learning_rate: float = 2e-3
    """Of the first step; it falls to 0 along a half cosine."""
    weight_decay: float = 1.0
    """Of AdamW, which multiplies it by the learning rate: a strong pull towards grey, without which
    the networks soon know their pictures by heart."""
    check_share: float = 0.1
    """Share of a cluster's pictures (of their lowest rows, where it has fewer than four) that its
    network is not fitted to, but chosen by: the best of twenty looks is kept. 0: the last is."""

    def __post_init__(self) -> None:
        for name in ("blocks", "include"):
            value = getattr(self, name)
            if isinstance(value, str) or not all(isinstance(part, str) for part in value):
                raise ValueError(f"{name} must be a list of texts, not {value!r}.")
            object.__setattr__(self, name, tuple(value))
        blocks = self.blocks
        if set(blocks) - set(BLOCKS) or len(set(blocks)) < len(blocks):
            raise ValueError(
                f"blocks must be some of {', '.join(BLOCKS)}, each once, or none to have them "
                f"chosen; they are {', '.join(blocks)}."
            )
        for name, smallest in _SMALLEST.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < smallest:
                raise ValueError(
                    f"{name} must be a whole number of at least {smallest}, not {value!r}."
                )
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not isfinite(value) or not low <= value <= high:
                raise ValueError(
                    f"{name} must be a number from {low:g} to {high:g}, not {value!r}."
                )
        if 0 < self.size < 32 or self.size > 2048:
            raise ValueError(f"size must be 0 (chosen) or 32…2048 px; it is {self.size}.")

    def to_dict(self) -> dict[str, Any]:
        """Plain, JSON-able form, for the record."""
        return {**asdict(self), "blocks": list(self.blocks), "include": list(self.include)}


def chosen_blocks(settings: DeepSettings, pictures: int) -> tuple[str, ...]:
    """Return the blocks that a training on so many pictures uses."""
    if settings.blocks:
        return tuple(settings.blocks)
    return BLOCKS if pictures >= ENOUGH_FOR_SEMANTICS else BLOCKS[:2]


def deep_settings(name: str, table: Mapping[str, Any]) -> DeepSettings:
    """Build the settings from a recipe's table of fields.

    Raises
    ------
    ValueError
        A field is not known, of the wrong type or out of range.
    """
    known = [field.name for field in fields(DeepSettings)]
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise ValueError(
            f"Unknown recipe field {', '.join(unknown)}; known are {', '.join(sorted(known))}."
        )
    return DeepSettings(**{**table, "name": name})
