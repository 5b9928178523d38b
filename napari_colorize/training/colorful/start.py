"""How a training of *Colorful Image Colorization* starts: from a trunk and a prior, or weights.

A frozen trunk's maps are learnt from as `columns.py` stored them: here are the loader of that cache
and the Lightning module on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from napari_colorize.methods.colorful.graph import ColorfulGraph
from napari_colorize.methods.colorful.hypercolumn import HypercolumnNetwork, Hypercolumns
from napari_colorize.methods.colorful.network import CompactNetwork
from napari_colorize.methods.colorful.rebalance import class_weights, smooth_prior
from napari_colorize.ops.bins import bin_centres
from napari_colorize.training.callbacks.looking import looking
from napari_colorize.training.colorful.columns import Place, Reader, Sample
from napari_colorize.training.colorful.recipe import ColorfulRecipe
from napari_colorize.training.colorful.training import ColorfulTraining
from napari_colorize.training.samples import PairsModule
from napari_colorize.training.start import (
    Start,
    build,
    named_checkpoint,
    pretrained_lite0,
    pretrained_trunk,
    refuse_other_kind,
    take_weights,
)
from napari_colorize.training.trainers import crops

if TYPE_CHECKING:
    import lightning
    from lightning.pytorch.callbacks import Callback

    from napari_colorize.files.pictures import Picture
    from napari_colorize.training.callbacks.watching import Watch
    from napari_colorize.training.samples import PairsModule


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


MEASURED = 2000
"""Pictures over which the channels' means and deviations are taken."""


class ColorfulLearner:
    """What the trainer asks of *Colorful Image Colorization*; see `trainers.Learner`."""

    def defaults(self, recipe: ColorfulRecipe) -> Mapping[str, Any]:
        """Return the usual settings of the annealed mean."""
        if recipe.positions:
            return {"temperature": 0.8, "vividness": 0.4, "network_size": recipe.look_size}
        return {"temperature": 0.38, "vividness": 0.5, "network_size": 192}

    def start(self, recipe: ColorfulRecipe, prior: NDArray[np.floating]) -> Start:
        """Build the graph; see `start_graph`."""
        return start_graph(recipe, prior)

    def module(
        self, start: Start, recipe: ColorfulRecipe, prior: NDArray[np.floating], total_steps: int
    ) -> lightning.LightningModule:
        """Make its Lightning module."""
        from napari_colorize.training.colorful.training import ColorfulTraining

        assert isinstance(start.graph, ColorfulGraph)
        kind = SparseTraining if recipe.positions else ColorfulTraining
        return kind(start.graph, recipe, prior, total_steps)

    def data(
        self,
        start: Start,
        recipe: ColorfulRecipe,
        training: Sequence[Picture],
        holdout: Sequence[Picture],
        out: Path,
        watch: Watch | None,
    ) -> PairsModule:
        """Make loaders of random crops, or look at the pictures once and load what was seen."""
        if not recipe.positions:
            return crops(start, recipe, training, holdout)
        return _stored(start, recipe, training, holdout, out, watch)

    def watchers(self, recipe: ColorfulRecipe, out: Path) -> Sequence[Callback]:
        """Return none: ``val_chroma`` in the log tells what goes wrong here."""
        return ()


def _stored(
    start: Start,
    recipe: ColorfulRecipe,
    training: Sequence[Picture],
    holdout: Sequence[Picture],
    out: Path,
    watch: Watch | None,
) -> PairsModule:
    from napari_colorize.training.colorful import columns

    graph: Any = start.graph
    network = graph.network
    look = columns.Look(recipe.look_size, recipe.positions, recipe.old_share)
    folder = Path(recipe.features) if recipe.features else out / "features"
    title = "The trunk looks at the pictures" if watch is None else ""
    tick = looking(watch, 0.0, 1.0) if watch else lambda share: None
    places = columns.fill(folder, network, look, [*training, *holdout], title, tick)
    # In the order of the pictures, whatever that of the shards.
    found = [
        [places[name] for name in map(columns.name_of, some) if name in places]
        for some in (training, holdout)
    ]
    if len(found[0]) < recipe.batch or not found[1]:
        raise ValueError(
            f"Of {len(training)} training pictures {len(found[0])} have colour and can be read, of "
            f"{len(holdout)} held out {len(found[1])}; give more, or a smaller batch than "
            f"{recipe.batch}."
        )
    if start.record is None:
        every = max(1, len(found[0]) // MEASURED)
        stored = StoredColumns(found[0][::every], 64, recipe.seed)
        network.standardise([stored[i] for i in range(len(stored))])
    return ColumnsModule(found[0], found[1], recipe)


def start_graph(recipe: ColorfulRecipe, prior: NDArray[np.floating]) -> Start:
    """Build the graph that the recipe starts from.

    Parameters
    ----------
    recipe
        Its ``start``, ``architecture``, ``options`` and rebalancing decide.
    prior
        (313,) share of each bin in the training pictures.

    Raises
    ------
    ValueError
        The checkpoint to start from is not there, or of another kind than the recipe says.
    """
    loaded = named_checkpoint(recipe, otherwise="the pretrained trunk")
    if loaded is None:
        return Start(_fresh(recipe, prior))
    refuse_other_kind(recipe, loaded.record, "architecture", "options", "trained_rebalancing")
    graph = _built(recipe)
    # The class weights too: the logits are made for those.
    take_weights(graph, loaded)
    return Start(graph, loaded.record, loaded.record.defaults)


def _fresh(recipe: ColorfulRecipe, prior: NDArray[np.floating]) -> ColorfulGraph:
    """Pretrained trunk where the network has one, class weights and last layer from the prior."""
    graph = _built(recipe)
    if isinstance(graph.network, CompactNetwork) and recipe.trunk != "scratch":
        graph.network.trunk = pretrained_lite0()
    if isinstance(graph.network, HypercolumnNetwork) and recipe.trunk != "scratch":
        graph.network.trunk = pretrained_trunk(graph.network.trunk_name)
    smoothed = smooth_prior(prior, bin_centres())
    weights = class_weights(smoothed, prior, recipe.rebalancing_mix)
    graph.log_weights.copy_(torch.from_numpy(np.log(weights)))
    # Begin from the colour prior rather than from noise: the first steps then waste nothing.
    last = graph.network.last_layer()
    tempered = smoothed * weights**recipe.trained_rebalancing
    torch.nn.init.normal_(last.weight, std=0.01)
    assert last.bias is not None
    with torch.no_grad():
        last.bias.copy_(torch.from_numpy(np.log(np.maximum(tempered / tempered.sum(), 1e-8))))
    return graph


def _built(recipe: ColorfulRecipe) -> ColorfulGraph:
    graph = build(recipe, trained_rebalancing=recipe.trained_rebalancing)
    if not isinstance(graph, ColorfulGraph):
        raise ValueError(
            f"The architecture {recipe.architecture!r} is not one of Colorful Image Colorization."
        )
    return graph
