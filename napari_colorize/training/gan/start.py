"""What a generator's training starts from, and what the trainer asks of these methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from napari_colorize.checkpoints import layout
from napari_colorize.checkpoints.loading import LoadedModel
from napari_colorize.methods.gan.compact import CompactGenerator
from napari_colorize.methods.gan.graph import GanGraph
from napari_colorize.training.gan.recipe import COMPACT, GanRecipe
from napari_colorize.training.start import (
    Start,
    build,
    named_checkpoint,
    pretrained_lite0,
    refuse_other_kind,
)
from napari_colorize.training.trainers import crops

if TYPE_CHECKING:
    import lightning
    from lightning.pytorch.callbacks import Callback

    from napari_colorize.files.pictures import Picture
    from napari_colorize.training.callbacks.watching import Watch
    from napari_colorize.training.data import PairsModule

_SAME_TRUNK = "colorful-compact"
"""Architecture whose trunk and decoder a compact generator can start from."""


class GanLearner:
    """What the trainer asks of U-Net, GAN and pix2pix; see `trainers.Learner`."""

    def defaults(self, recipe: GanRecipe) -> Mapping[str, Any]:
        """Return the size trained at; temperature and vividness are without effect."""
        size = 192 if recipe.architecture == COMPACT else recipe.crop
        return {"temperature": 1.0, "vividness": 0.5, "network_size": size}

    def start(self, recipe: GanRecipe, prior: NDArray[np.floating]) -> Start:
        """Build the graph; see `start_generator`. The prior is not used."""
        return start_generator(recipe)

    def module(
        self, start: Start, recipe: GanRecipe, prior: NDArray[np.floating], total_steps: int
    ) -> lightning.LightningModule:
        """Make the Lightning module, with a fresh discriminator."""
        from napari_colorize.training.gan.training import GanTraining

        assert isinstance(start.graph, GanGraph)
        return GanTraining(start.graph, recipe, total_steps)

    def data(
        self,
        start: Start,
        recipe: GanRecipe,
        training: Sequence[Picture],
        holdout: Sequence[Picture],
        out: Path,
        watch: Watch | None,
    ) -> PairsModule:
        """Make loaders of random crops."""
        return crops(start, recipe, training, holdout)

    def watchers(self, recipe: GanRecipe, out: Path) -> Sequence[Callback]:
        """Return the callback that names trouble in words."""
        from napari_colorize.training.gan.watch import TroubleWatch

        return (TroubleWatch(out),)


def start_generator(recipe: GanRecipe) -> Start:
    """Build the generator that the recipe starts from.

    Parameters
    ----------
    recipe
        Its ``start`` may name a checkpoint of the same architecture, such as a U-Net that an
        adversarial training goes on from; or, for the compact generator, one of Colorful, whose
        trunk and decoder are taken.

    Raises
    ------
    ValueError
        The checkpoint is not there or of another kind, or the crop does not suit the network.
    """
    graph = build(recipe)
    if not isinstance(graph, GanGraph):
        raise ValueError(
            f"The architecture {recipe.architecture!r} is no generator; take one whose name begins "
            "with unet-."
        )
    if recipe.crop % graph.multiple:
        raise ValueError(
            f"crop must be a multiple of {graph.multiple} px for {recipe.architecture}; it is "
            f"{recipe.crop}."
        )
    compact = isinstance(graph.network, CompactGenerator)
    loaded = named_checkpoint(recipe, "the pretrained trunk" if compact else "noise")
    if loaded is None:
        if isinstance(graph.network, CompactGenerator) and recipe.trunk != "scratch":
            graph.network.trunk = pretrained_lite0()
        return Start(graph)
    found = loaded.record
    state: Mapping[str, Tensor] = loaded.graph.state_dict()
    if compact and found.architecture == _SAME_TRUNK:
        state = {**graph.state_dict(), **_shared_with_colorful(graph, loaded)}
        layout.load_into(graph, state, found.name, recipe.architecture)
        return Start(graph, found)
    refuse_other_kind(recipe, found, "architecture")
    layout.load_into(graph, state, found.name, recipe.architecture)
    return Start(graph, found, {"network_size": found.defaults["network_size"]})


def _shared_with_colorful(graph: GanGraph, loaded: LoadedModel) -> dict[str, Tensor]:
    """Return the trunk and the decoder of a Colorful network, all but its logits."""
    theirs = loaded.graph.state_dict()
    return {
        key: theirs[key]
        for key in graph.state_dict()
        if key in theirs and not key.startswith(("network.colour.", "network.error."))
    }
