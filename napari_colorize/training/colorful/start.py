"""How a training of *Colorful Image Colorization* starts: from a trunk and a prior, or weights."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from napari_colorize.methods.colorful.graph import ColorfulGraph
from napari_colorize.methods.colorful.hypercolumn import HypercolumnNetwork
from napari_colorize.methods.colorful.network import CompactNetwork
from napari_colorize.methods.colorful.rebalance import class_weights, smooth_prior
from napari_colorize.ops.bins import bin_centres
from napari_colorize.training.callbacks.onlooker import looking
from napari_colorize.training.colorful.recipe import ColorfulRecipe
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
    from napari_colorize.training.data import PairsModule

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
        from napari_colorize.training.colorful.sparse import SparseTraining
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
    from napari_colorize.training.colorful.sparse import ColumnsModule, StoredColumns

    graph: Any = start.graph
    network = graph.network
    look = columns.Look(recipe.look_size, recipe.positions, recipe.old_share)
    folder = Path(recipe.features) if recipe.features else out / "features"
    order = np.random.default_rng((recipe.seed, 0)).permutation(len(training)).tolist()
    places: Any
    if watch is None and not recipe.workers:
        # In the order of the first pass, which goes on as the pictures come.
        held_back = columns.fill(folder, network, look, holdout, "Looking at those to validate on")
        places = columns.Looking(folder, network, look, training, order)
        if places.missing:
            tqdm.write(
                f"The trunk looks at {places.missing:,} pictures while the training goes on; its "
                "first pass takes as long as that.",
                file=sys.stderr,
            )
    else:
        title = "The trunk looks at the pictures" if watch is None else ""
        tick = looking(watch, 0.0, 1.0) if watch else lambda share: None
        held_back = columns.fill(folder, network, look, [*holdout, *training], title, tick)
        places = [held_back.get(columns.name_of(picture)) for picture in training]
    validated = [held_back[name] for name in map(columns.name_of, holdout) if name in held_back]
    pairs = ColumnsModule(places, validated, recipe)
    measured = [place for place in (places[i] for i in order[:MEASURED]) if place is not None]
    if len(measured) < recipe.batch or not validated:
        pairs.teardown("fit")
        raise ValueError(
            f"Of {len(training)} training pictures {min(len(training), MEASURED)} were looked at, "
            f"and {len(measured)} have colour and can be read; of {len(holdout)} held out, "
            f"{len(validated)}. Give more, or a smaller batch than {recipe.batch}."
        )
    if start.record is None:
        stored = StoredColumns(measured, 64, recipe.seed)
        network.standardise([sample for i in range(len(stored)) if (sample := stored[i])])
    return pairs


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
