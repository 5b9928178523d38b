"""The graph a training starts from: a pretrained trunk and the colour prior, or a checkpoint."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from napari_colorize import checkpoints
from napari_colorize.checkpoints import CheckpointError, CheckpointRecord, registry
from napari_colorize.methods import ARCHITECTURES
from napari_colorize.methods.colorful.graph import ColorfulGraph
from napari_colorize.methods.colorful.network import CompactNetwork
from napari_colorize.methods.colorful.rebalance import class_weights, smooth_prior
from napari_colorize.ops.bins import bin_centres
from napari_colorize.training.colorful_recipe import ColorfulRecipe
from napari_colorize.training.pretrained import pretrained_lite0


@dataclass(frozen=True)
class Start:
    """A graph to train, and the record of the checkpoint it came from, if it did."""

    graph: ColorfulGraph
    record: CheckpointRecord | None = None


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
    name = recipe.start.removesuffix("?")
    if not name:
        return Start(_fresh(recipe, prior))
    if recipe.start.endswith("?") and not _is_here(name):
        warnings.warn(
            f"The checkpoint {name!r} is not on this machine: the training starts from the "
            "pretrained trunk instead, and needs more pictures and time.",
            stacklevel=2,
        )
        return Start(_fresh(recipe, prior))
    return _continued(recipe, name)


def _fresh(recipe: ColorfulRecipe, prior: NDArray[np.floating]) -> ColorfulGraph:
    """Pretrained trunk where the network has one, class weights and last layer from the prior."""
    graph = _built(recipe)
    if isinstance(graph.network, CompactNetwork) and recipe.trunk != "scratch":
        graph.network.trunk = pretrained_lite0()
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


def _continued(recipe: ColorfulRecipe, name: str) -> Start:
    """Take all weights of a checkpoint, its class weights too: the logits are made for those."""
    loaded = checkpoints.load(name)
    found = loaded.record
    for what, asked, there in (
        ("architecture", recipe.architecture, found.architecture),
        ("options", dict(recipe.options), dict(found.options)),
        ("trained_rebalancing", recipe.trained_rebalancing, found.trained_rebalancing),
    ):
        if asked != there:
            raise ValueError(
                f"The recipe's {what} is {asked!r}, but the checkpoint {name!r} to start from has "
                f"{there!r}. Set it to that, or start from another checkpoint."
            )
    graph = _built(recipe)
    # TorchScript adds the buffers that are not kept in files.
    state = loaded.graph.state_dict()
    graph.load_state_dict({key: state[key] for key in graph.state_dict()})
    return Start(graph, found)


def _built(recipe: ColorfulRecipe) -> ColorfulGraph:
    if recipe.architecture not in ARCHITECTURES:
        raise ValueError(
            f"There is no architecture {recipe.architecture!r}; known are "
            f"{', '.join(sorted(ARCHITECTURES))}."
        )
    options = {**recipe.options, "trained_rebalancing": recipe.trained_rebalancing}
    graph = ARCHITECTURES[recipe.architecture](**options)
    assert isinstance(graph, ColorfulGraph)
    return graph


def _is_here(name: str) -> bool:
    try:
        return registry.find(name).installed
    except CheckpointError:
        return False
