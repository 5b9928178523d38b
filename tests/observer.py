"""A simulated participant of known skill, to test the test."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from napari_colorize.evaluation.turing.session import SIDES, Session, Trial


def simulated_observer(fooled: float, *, seed: int) -> Callable[[Trial], str]:
    """Return an observer that is fooled with a given probability, whatever it is shown.

    Parameters
    ----------
    fooled : float
        0 (finds every fake) … 1.
    seed : int
        Of its answers.

    Returns
    -------
    callable
        Trial → ``"left"`` or ``"right"``.
    """
    if not 0 <= fooled <= 1:
        raise ValueError(f"fooled is {fooled}; a probability lies between 0 and 1.")
    generator = np.random.default_rng(seed)

    def look(trial: Trial) -> str:
        right = trial.fake_side
        return SIDES[1 - SIDES.index(right)] if generator.random() < fooled else right

    return look


def sit(session: Session, observer: Callable[[Trial], str], *, at_most: int | None = None) -> None:
    """Let an observer answer a session's trials, all or at most so many."""
    given = 0
    while (trial := session.next_trial()) is not None and (at_most is None or given < at_most):
        session.answer(observer(trial))
        given += 1
