"""Watching a training from outside: how far it is, its error, a sample; and how to end it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_colorize.results import Cancelled


class Watch:
    """Sees a training while it goes on, and may end it; does nothing unless overridden.

    All methods are called from the thread that trains, many times a second: they must be quick.
    """

    def progress(self, share: float, stage: str) -> None:
        """Take note of the share done, 0…1, and in a few words of what is being done."""

    def loss(self, step: int, learnt: float, held_back: float | None) -> None:
        """Take note of an error, the smaller the better.

        Parameters
        ----------
        step
            Of the optimiser, counted from the start.
        learnt
            Error on what is learnt from, averaged over the latest steps. *Deep*: squared error
            over that of grey, so that 1 is no better than grey. *Colorful*: cross-entropy.
        held_back
            The same error on what was held back; ``None`` where it was not looked at.
        """

    def sample(
        self, grey: NDArray[np.uint8], predicted: NDArray[np.uint8], truth: NDArray[np.uint8]
    ) -> None:
        """Look at one picture as it is coloured now: three (h, w, 3) uint8 pictures of one size.

        It is one that was held back, where any was.
        """

    def should_stop(self) -> bool:
        """Whether to end at once and to keep nothing."""
        return False

    def enough(self) -> bool:
        """Whether to end now and to keep the best so far."""
        return False


def refuse_stopped(watch: Watch, nothing_yet: bool = False) -> None:
    """Raise where a training is to end with nothing to show.

    Parameters
    ----------
    watch
        Who decides.
    nothing_yet
        Nothing has been learnt so far, so that the best so far is nothing either.

    Raises
    ------
    Cancelled
        It is to stop.
    """
    if watch.should_stop():
        raise Cancelled("The training was stopped; nothing was kept.")
    if nothing_yet and watch.enough():
        raise nothing_learnt()


def nothing_learnt() -> Cancelled:
    """Return what to raise where there is no best so far."""
    return Cancelled("The training was stopped before it had learnt anything; nothing was kept.")
