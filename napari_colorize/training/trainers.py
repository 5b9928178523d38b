"""What a method brings to be trained, and where its card says that this is.

Importing this module imports neither torch nor Lightning: which methods can be trained, and by
which recipes, is asked by forms and by the command line.
"""

from __future__ import annotations

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from napari_colorize.methods import CARDS

if TYPE_CHECKING:
    import lightning
    import numpy as np
    from lightning.pytorch.callbacks import Callback
    from numpy.typing import NDArray

    from napari_colorize.checkpoints import CheckpointRecord
    from napari_colorize.files.pictures import Picture
    from napari_colorize.training.callbacks.watching import Watch
    from napari_colorize.training.data import PairsModule
    from napari_colorize.training.start import Start

Sources = Mapping[str, Any] | str | Path | Sequence[str | Path]
"""Arrays by name, or folders and archives of picture files."""


@dataclass(frozen=True)
class Lesson:
    """What `teaching.teach` was asked for, checked as far as it is the same for all methods.

    Parameters
    ----------
    method : str
        To train.
    name : str
        Of the weights to be; it is free.
    pictures : Sources
        What to learn from.
    tile : int
        Side of the tiles that arrays are cut into, px; 0: they stay whole.
    folder : Path
        Where the weights go.
    device : str
        As `ColorizeParameters` names it.
    licence : str
        Terms of the pictures.
    changes : mapping
        Recipe fields to replace.
    watch : Watch
        Who looks on, and may end it.
    """

    method: str
    name: str
    pictures: Sources
    tile: int
    folder: Path
    device: str
    licence: str
    changes: Mapping[str, Any]
    watch: Watch

    def sources(self) -> list[str | Path]:
        """Return folders and archives as a list."""
        assert not isinstance(self.pictures, Mapping)
        one = isinstance(self.pictures, str | Path)
        return [self.pictures] if one else list(self.pictures)  # type: ignore[list-item, arg-type]


class Trainer(ABC):
    """How a method is trained: what its card's ``trainer`` leads to.

    Attributes
    ----------
    recipe : str
        Packaged recipe that is used where none is named; empty: `settings` gets an empty table.
    """

    recipe: str = ""

    @abstractmethod
    def settings(self, name: str, table: Mapping[str, Any]) -> Any:
        """Check a recipe's table, as TOML gives it, with the changes asked for already in it.

        Parameters
        ----------
        name : str
            Of the recipe.
        table : mapping
            Its fields.

        Raises
        ------
        ValueError
            The sentence names what is wrong.
        """

    @abstractmethod
    def train(
        self,
        data: Sequence[str | Path],
        settings: Any,
        out: Path,
        *,
        resume: bool = False,
        licence: str = "",
    ) -> Path:
        """Train on folders and archives, in the folder of a run; return the finished weights.

        Parameters
        ----------
        data : sequence of str or Path
            Folders and archives of colour pictures.
        settings
            From `settings`.
        out : Path
            Folder of the run.
        resume : bool, optional
            Go on with the training in `out`; if false, such a folder is refused.
        licence : str, optional
            Terms of the pictures.
        """

    def learner(self) -> Learner:
        """Return what the training of a network asks of the method; torch is imported inside.

        Raises
        ------
        TypeError
            The method is no network that `run.train_network` trains.
        """
        raise TypeError(f"{type(self).__name__} trains no network by gradient descent.")

    @abstractmethod
    def teach(self, lesson: Lesson) -> CheckpointRecord:
        """Make weights in one process, whole or not at all; return their record as written.

        Its ``recipe`` holds ``training_pictures`` and, where somebody had enough of it,
        ``stopped_early``.
        """


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
        prior : ndarray
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
        start : Start
            From `start`.
        recipe
            Of the method's own kind.
        training, holdout : sequence of Picture
            The pictures to learn from, and those to validate on.
        out : Path
            Folder of the run.
        watch : Watch, optional
            Who is told the progress and may end it, instead of a terminal.
        """

    def watchers(self, recipe: Any, out: Path) -> Sequence[Callback]:
        """Return callbacks that look out for what goes wrong in trainings of this method."""


def crops(
    start: Start, recipe: Any, training: Sequence[Picture], holdout: Sequence[Picture]
) -> PairsModule:
    """Make loaders of random crops, the usual `Learner.data`."""
    from napari_colorize.training.data import PairsModule

    graph: Any = start.graph
    return PairsModule(training, holdout, recipe, int(graph.stride))


def seed_of_step(seed: int, step: int, rank: int) -> int:
    """Return the seed of all chance in one step of one process.

    A training that goes on after a kill then needs no state of any random generator. NumPy's
    ``SeedSequence`` mixes the three numbers, and promises to do so alike in every version.

    Parameters
    ----------
    seed : int
        Of the whole training, ≥ 0.
    step : int
        Batches that were learnt from before.
    rank : int
        Of the process.

    Returns
    -------
    int
        64 bits.

    Examples
    --------
    >>> seed_of_step(0, 0, 0) == seed_of_step(0, 1, 0)
    False
    """
    import numpy as np

    return int(np.random.SeedSequence((seed, step, rank)).generate_state(1, np.uint64)[0])


def steps_taken(trainer: lightning.Trainer) -> int:
    """Return how many batches were learnt from.

    Lightning's own count is that of optimiser steps, of which an adversarial training takes
    several for each batch.
    """
    module: Any = trainer.lightning_module
    return trainer.global_step if module.automatic_optimization else module.steps_taken


def trainable() -> list[str]:
    """Return the methods that can be trained, in the order in which methods are offered."""
    return [card.name for card in CARDS.values() if card.trainer]


def trainer_of(method: str) -> Trainer:
    """Return the trainer of a method, or of a part of one, that a card names; imports its module.

    Raises
    ------
    ValueError
        The method is not known or cannot be trained; those that can, are listed.

    Examples
    --------
    >>> from napari_colorize.training.trainers import trainer_of
    >>> trainer_of("colorful").recipe
    'cpu-quick'
    """
    known = {card.name: card.trainer for card in CARDS.values() if card.trainer}
    for card in CARDS.values():
        known |= card.further_trainers
    if method not in known:
        raise ValueError(
            f"There is no trainer for the method {method!r}; there is one for {', '.join(known)}."
        )
    return pkgutil.resolve_name(known[method])
