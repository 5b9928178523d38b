"""Intervals: what would the score be on other pictures of the same kind?

Pictures are drawn again with replacement (Efron 1979); the 2.5 % and 97.5 % quantiles of the scores
of the draws are the 95 % interval. The picture, not the pixel, is drawn: pixels of one picture are
alike, and an interval from pixels would be far too narrow. Draws come from a seed, so intervals are
the same again, and methods are compared on the same draws.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

DRAWS = 2000
LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A score with its interval.

    Parameters
    ----------
    value, low, high : float
        The score on all pictures and the ends of the interval; NaN where there is none.
    pictures : int
        How many pictures it rests on.
    """

    value: float
    low: float
    high: float
    pictures: int

    def to_dict(self) -> dict[str, float | int | None]:
        """Return a JSON-able dict; what is not a number becomes ``None``."""
        numbers = {
            name: (float(number) if np.isfinite(number) else None)
            for name, number in (("value", self.value), ("low", self.low), ("high", self.high))
        }
        return {**numbers, "pictures": self.pictures}


def draw_counts(pictures: int, *, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """Return how often each picture is drawn: ``(draws, pictures)``, rows sum to pictures.

    Examples
    --------
    >>> counts = draw_counts(3, draws=4)
    >>> counts.shape, counts.sum(axis=1).tolist()
    ((4, 3), [3.0, 3.0, 3.0, 3.0])
    """
    if pictures < 1:
        raise ValueError("There is no picture to draw from; grade at least one.")
    generator = np.random.default_rng(seed)
    return generator.multinomial(pictures, np.full(pictures, 1 / pictures), size=draws).astype(
        float
    )


def ratio_draws(value: np.ndarray, weight: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the weighted mean of each draw: ``(draws,)``; NaN where a draw has no weight.

    Parameters
    ----------
    value, weight : numpy.ndarray
        ``(pictures,)``; a picture without a value has weight 0.
    counts : numpy.ndarray
        ``(draws, pictures)`` from :func:`draw_counts`.

    Examples
    --------
    >>> import numpy as np
    >>> value, weight = np.array([1.0, 3.0]), np.array([1.0, 1.0])
    >>> ratio_draws(value, weight, np.array([[1.0, 1.0], [0.0, 2.0]])).tolist()
    [2.0, 3.0]
    """
    used = np.where(weight > 0, value, 0.0) * weight
    with np.errstate(invalid="ignore", divide="ignore"):
        return (counts @ used) / (counts @ weight)


def estimate_ratio(
    value: np.ndarray,
    weight: np.ndarray,
    counts: np.ndarray,
    finish: Callable[[np.ndarray], np.ndarray] = lambda pooled: pooled,
) -> Estimate:
    """Estimate ``finish(Σ weight · value / Σ weight)`` with its interval.

    Examples
    --------
    >>> import numpy as np
    >>> value = np.array([0.2, 0.4, 0.6, 0.8])
    >>> found = estimate_ratio(value, np.ones(4), draw_counts(4))
    >>> round(found.value, 2), found.low < found.value < found.high, found.pictures
    (0.5, True, 4)
    """
    point = ratio_draws(value, weight, np.ones((1, len(value))))
    drawn = finish(ratio_draws(value, weight, counts))
    return from_draws(float(finish(point)[0]), drawn, int(np.count_nonzero(weight)))


def from_draws(value: float, drawn: np.ndarray, pictures: int, *, level: float = LEVEL) -> Estimate:
    """Return an estimate whose interval holds the middle ``level`` of the draws.

    Examples
    --------
    >>> import numpy as np
    >>> found = from_draws(0.5, np.linspace(0, 1, 101), 10)
    >>> round(found.low, 3), round(found.high, 3)
    (0.025, 0.975)
    """
    drawn = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or drawn.size == 0:
        return Estimate(value, float("nan"), float("nan"), pictures)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, float(low), float(high), pictures)
