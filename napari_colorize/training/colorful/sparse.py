"""Learning from stored hypercolumns: the loader of the cache, and the Lightning module on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from napari_colorize.methods.colorful.hypercolumn import HypercolumnNetwork, Hypercolumns
from napari_colorize.training.colorful.columns import Place, Reader, Sample
from napari_colorize.training.colorful.recipe import ColorfulRecipe
from napari_colorize.training.colorful.training import ColorfulTraining
from napari_colorize.training.data import PairsModule

Batch = list[Sample]
"""One part for every size of picture: maps of unlike sizes cannot be stacked."""


class StoredColumns(Dataset[Sample]):
    """Pictures of a cache at random positions; which, follows from seed, epoch and index."""

    def __init__(self, places: Sequence[Place], positions: int, seed: int) -> None:
        self.places = places
        self.positions = positions
        self.seed = seed
        self.read = Reader()

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, key: tuple[int, int] | int) -> Sample:
        """Sample of a key (epoch, index), as `sampler.EpochSampler` gives them, or of an index."""
        epoch, index = (0, key) if isinstance(key, int) else key
        random = np.random.default_rng((self.seed, epoch, index))
        return self.read(self.places[index], self.positions, random)


def collate(samples: Sequence[Sample]) -> Batch:
    """Stack samples of one size of picture."""
    parts: dict[torch.Size, list[Sample]] = {}
    for sample in samples:
        parts.setdefault(sample[0].thirtytwo.shape, []).append(sample)
    return [
        (
            Hypercolumns(*(torch.stack(maps) for maps in zip(*(s[0] for s in part), strict=True))),
            torch.stack([s[1] for s in part]),
            torch.stack([s[2] for s in part]),
        )
        for part in parts.values()
    ]


class ColumnsModule(PairsModule):
    """Batches from the cache; its state is that of `data.PairsModule`.

    Parameters
    ----------
    training, holdout
        Where the pictures lie that are learnt from, and those that are validated on.
    recipe
        Batch, seed, positions and number of workers.
    """

    def __init__(
        self, training: Sequence[Place], holdout: Sequence[Place], recipe: ColorfulRecipe
    ) -> None:
        super().__init__((), (), recipe)
        self.pairs: Any = StoredColumns(training, recipe.positions_a_step, recipe.seed)
        self.centres: Any = StoredColumns(holdout, 0, recipe.seed)

    def loader(self, dataset: Any, **options: Any) -> DataLoader[Any]:
        """Make a loader whose batches are `Batch`."""
        return super().loader(dataset, collate_fn=collate, **options)


class SparseTraining(ColorfulTraining):
    """`ColorfulTraining` on stored hypercolumns: the trunk is neither run nor changed."""

    def predicted(self, batch: Any, colourful_only: bool) -> tuple[Tensor, Tensor]:
        """Logits (N, 313, P, 1) and chroma (N, 2, P, 1); grey pictures were never stored."""
        network = self.graph.network
        assert isinstance(network, HypercolumnNetwork)
        logits = [network.sparse(columns, cells) for columns, cells, _ in batch]
        ab = [chroma for _, _, chroma in batch]
        return _as_map(torch.cat(logits)), _as_map(torch.cat(ab))

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Matrices decay; biases and the scales of norms do not."""
        learning = [p for p in self.parameters() if p.requires_grad]
        rate = self.recipe.learning_rate
        return [
            {"params": [p for p in learning if p.ndim > 1], "lr": rate},
            {"params": [p for p in learning if p.ndim <= 1], "lr": rate, "weight_decay": 0.0},
        ]


def _as_map(x: Tensor) -> Tensor:
    """(N, P, C) → (N, C, P, 1): what losses take."""
    return x.transpose(1, 2)[..., None]
