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
    """Return how often each picture is drawn: ``(draws, pictures)``, rows sum to pictures."""
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
    """Estimate ``finish(Σ weight · value / Σ weight)`` with its interval."""
    point = ratio_draws(value, weight, np.ones((1, len(value))))
    drawn = finish(ratio_draws(value, weight, counts))
    return from_draws(float(finish(point)[0]), drawn, int(np.count_nonzero(weight)))


def from_draws(value: float, drawn: np.ndarray, pictures: int, *, level: float = LEVEL) -> Estimate:
    """Return an estimate whose interval holds the middle ``level`` of the draws."""
    drawn = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or drawn.size == 0:
        return Estimate(value, float("nan"), float("nan"), pictures)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, float(low), float(high), pictures)


def wilson(successes: int, trials: int, *, level: float = LEVEL) -> tuple[float, float]:
    """Return Wilson's score interval of a share (Wilson 1927).

    Returns
    -------
    tuple of float
        (low, high), 0…1; (0, 1) without a trial.
    """
    from statistics import NormalDist

    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} of {trials} is no share; count successes within the trials.")
    if trials == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = successes / trials
    centre = share + z**2 / (2 * trials)
    spread = z * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    scale = 1 + z**2 / trials
    return max(0.0, float(centre - spread) / scale), min(1.0, float(centre + spread) / scale)
