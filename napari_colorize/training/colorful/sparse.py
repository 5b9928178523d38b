"""Learning from stored hypercolumns: the loader of the cache, and the Lightning module on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from napari_colorize.methods.colorful.hypercolumn import HypercolumnNetwork, Hypercolumns
from napari_colorize.training.colorful.columns import Looking, Place
from napari_colorize.training.colorful.recipe import ColorfulRecipe
from napari_colorize.training.colorful.training import ColorfulTraining
from napari_colorize.training.data import PairsModule

Sample = tuple[Hypercolumns, Tensor, Tensor]
"""Of one picture or a batch: hypercolumns, their cells (P,) int64, and the chroma there (P, 2)."""

Batch = list[Sample]
"""One part for every size of picture: maps of unlike sizes cannot be stacked."""


class Reader:
    """Reads single pictures from shards, which stay open; each process has its own."""

    def __init__(self) -> None:
        self._open: dict[Path, Any] = {}

    def __call__(self, place: Place, positions: int, random: np.random.Generator) -> Sample:
        """Hypercolumns of a picture at `positions` of its cells, drawn by chance; all if 0."""
        file = self._file(place.path)
        one = slice(place.row, place.row + 1)
        fine, ab, luma, cell, shape = (
            file.get_slice(name)[one][0] for name in ("fine", "ab", "luma", "cell", "shape")
        )
        height, width = shape.tolist()
        count = height * width
        coarse = slice(place.first, place.first + count)
        sixteen = file.get_slice("sixteen")[4 * coarse.start : 4 * coarse.stop]
        thirtytwo = file.get_slice("thirtytwo")[coarse]
        if 0 < positions < len(cell):
            chosen = torch.from_numpy(random.permutation(len(cell))[:positions])
            fine, ab, luma, cell = (each[chosen] for each in (fine, ab, luma, cell))
        cell = cell.long()
        place_of = _beside(luma.float(), cell, 8 * height, 8 * width)
        columns = Hypercolumns(
            torch.cat((fine.float(), place_of), 1),
            sixteen.float().view(2 * height, 2 * width, -1),
            thirtytwo.float().view(height, width, -1),
        )
        return columns, cell, ab.float()

    def __getstate__(self) -> dict[str, Any]:
        """Open files do not travel to other processes."""
        return {"_open": {}}

    def _file(self, path: Path) -> Any:
        from safetensors import safe_open

        if path not in self._open:
            self._open[path] = safe_open(path, framework="pt")
        return self._open[path]


def _beside(luma: Tensor, cell: Tensor, height: int, width: int) -> Tensor:
    """Return what `hypercolumn.PLACE` counts: lightness, row, distance from the middle."""
    row = (2 * (cell // width) + 1) / height - 1
    column = ((2 * (cell % width) + 1) / width - 1).abs()
    return torch.stack((luma / 50 - 1, row, column), 1)


class StoredColumns(Dataset["Sample | None"]):
    """Pictures of a cache at random positions; which, follows from seed, epoch and index.

    Of a picture without a place, which has no colour or cannot be read, there is no sample.
    """

    def __init__(self, places: Sequence[Place | None], positions: int, seed: int) -> None:
        self.places = places
        self.positions = positions
        self.seed = seed
        self.read = Reader()

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, key: tuple[int, int] | int) -> Sample | None:
        """Sample of a key (epoch, index), as `sampler.EpochSampler` gives them, or of an index."""
        epoch, index = (0, key) if isinstance(key, int) else key
        random = np.random.default_rng((self.seed, epoch, index))
        place = self.places[index]
        return None if place is None else self.read(place, self.positions, random)


def collate(samples: Sequence[Sample | None]) -> Batch:
    """Stack samples of one size of picture.

    Raises
    ------
    ValueError
        There is not one.
    """
    there = [sample for sample in samples if sample is not None]
    if not there:
        raise ValueError(
            f"None of {len(samples)} pictures in a row has colour and can be read; remove such "
            "pictures from the data, or set a larger batch."
        )
    parts: dict[torch.Size, list[Sample]] = {}
    for sample in there:
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
        Where the pictures lie that are learnt from, and those that are validated on. The first may
        be filled meanwhile; when the training ends, so does that.
    recipe
        Batch, seed, positions and number of workers.
    """

    def __init__(
        self, training: Sequence[Place | None], holdout: Sequence[Place], recipe: ColorfulRecipe
    ) -> None:
        super().__init__((), (), recipe)
        self.pairs: Any = StoredColumns(training, recipe.positions_a_step, recipe.seed)
        self.centres: Any = StoredColumns(holdout, 0, recipe.seed)

    def loader(self, dataset: Any, **options: Any) -> DataLoader[Any]:
        """Make a loader whose batches are `Batch`."""
        return super().loader(dataset, collate_fn=collate, **options)

    def teardown(self, stage: str) -> None:
        """Look at no more pictures."""
        if isinstance(self.pairs.places, Looking):
            self.pairs.places.close()


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
