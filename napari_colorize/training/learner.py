"""What the trainer asks of a method: how its graph starts, and the module that trains it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import lightning
    import numpy as np
    from lightning.pytorch.callbacks import Callback
    from numpy.typing import NDArray

    from napari_colorize.training.callbacks.watching import Watch
    from napari_colorize.training.data import PairsModule
    from napari_colorize.training.pictures import Picture
    from napari_colorize.training.recipe import Recipe
    from napari_colorize.training.start import Start


class Learner(Protocol):
    """How networks of one method learn: all that `run.train_network` does not know itself."""

    def defaults(self, recipe: Any) -> Mapping[str, Any]:
        """Return temperature, vividness and network size of a checkpoint started from nothing."""

    def start(self, recipe: Any, prior: NDArray[np.floating]) -> Start:
        """Build the graph that the recipe starts from.

        Parameters
        ----------
        recipe
            Of the method's own kind.
        prior
            (313,) share of each colour bin in the training pictures.
        """

    def module(
        self, start: Start, recipe: Any, prior: NDArray[np.floating], total_steps: int
    ) -> lightning.LightningModule:
        """Make the Lightning module that trains the graph.

        Its attribute ``graph`` is what is validated, kept and published. A module that steps its
        optimisers itself (``automatic_optimization = False``) counts its batches in
        ``steps_taken`` and clips its gradients.
        """

    def data(
        self,
        start: Start,
        recipe: Any,
        training: Sequence[Picture],
        holdout: Sequence[Picture],
        out: Path,
        watch: Watch | None,
    ) -> PairsModule:
        """Make the loaders of the training; may take long, and may complete the start's graph.

        Parameters
        ----------
        start
            From `start`.
        recipe
            Of the method's own kind.
        training, holdout
            The pictures to learn from, and those to validate on.
        out
            Folder of the run.
        watch
            Who is told the progress and may end it, instead of a terminal.
        """

    def watchers(self, recipe: Any, out: Path) -> Sequence[Callback]:
        """Return callbacks that look out for what goes wrong in trainings of this method."""


def crops(
    start: Start, recipe: Recipe, training: Sequence[Picture], holdout: Sequence[Picture]
) -> PairsModule:
    """Make loaders of random crops, the usual `Learner.data`."""
    from napari_colorize.training.data import PairsModule

    graph: Any = start.graph
    return PairsModule(training, holdout, recipe, int(graph.stride))


def steps_taken(trainer: lightning.Trainer) -> int:
    """Return how many batches were learnt from.

    Lightning's own count is that of optimiser steps, of which an adversarial training takes
    several for each batch.
    """
    module: Any = trainer.lightning_module
    return trainer.global_step if module.automatic_optimization else module.steps_taken
