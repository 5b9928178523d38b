"""Intervals: what would the score be on other pictures of the same kind, and what got worse?

Pictures are drawn again with replacement (Efron 1979); the 2.5 % and 97.5 % quantiles of the scores
of the draws are the 95 % interval. The picture, not the pixel, is drawn: pixels of one picture are
alike, and an interval from pixels would be far too narrow. Draws come from a seed, so intervals are
the same again, and methods are compared on the same draws.

Two reports are compared picture by picture, on those that both graded: the difference of a score is
bootstrapped over the same draws for both, which is far sharper than looking whether two intervals
overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from napari_colorize.evaluation.catalogue import SCORES, Score

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


@dataclass(frozen=True)
class Change:
    """How a method's score differs between two reports.

    Parameters
    ----------
    method, score : str
        The method's name and the score's key.
    before, after : float
        The score on the shared pictures.
    low, high : float
        95 % interval of ``after − before``.
    verdict : {"worse", "better", "same", "changed"}
        ``"same"`` when the interval holds 0; ``"changed"`` where neither way is better.
    pictures : int
        Shared pictures it rests on.
    """

    method: str
    score: str
    before: float
    after: float
    low: float
    high: float
    verdict: str
    pictures: int

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-able dict."""
        return asdict(self)


def compare(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    pairs: Mapping[str, str] | None = None,
    seed: int = 0,
) -> list[Change]:
    """Compare two reports.

    Parameters
    ----------
    before, after : mapping
        Contents of two ``scores.json``.
    pairs : mapping, optional
        Method in ``before`` → method in ``after``; methods of the same name if left out.
    seed : int
        Of the bootstrap.

    Returns
    -------
    list of Change
        Every score that both have picture by picture; the worse first. At 95 %, one change in
        twenty is chance: read a lone small one with that in mind.

    Raises
    ------
    ValueError
        The reports share no picture or no method, or were scored differently.
    """
    _refuse_different_scoring(before, after)
    pairs = pairs or {name: name for name in before["methods"] if name in after["methods"]}
    unknown = [n for n in pairs if n not in before["methods"]]
    unknown += [n for n in pairs.values() if n not in after["methods"]]
    if unknown or not pairs:
        raise ValueError(
            f"No such method to compare: {', '.join(unknown)}."
            if unknown
            else "The reports share no method; say which to compare with which."
        )
    old, new = _shared(before, after)
    counts = draw_counts(len(old), seed=seed)
    changes = [
        change
        for one, other in pairs.items()
        for score in SCORES
        if (
            change := _change(
                score,
                f"{one} → {other}" if one != other else one,
                _column(before["methods"][one], score.key, old),
                _column(after["methods"][other], score.key, new),
                counts,
            )
        )
    ]
    order = ("worse", "changed", "better", "same")
    return sorted(changes, key=lambda change: order.index(change.verdict))


def _refuse_different_scoring(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    keys = ("version", "epsilon", "prior", "judge", "features")
    other = [
        key
        for key in keys
        if before["settings"].get(key) != after["settings"].get(key)
        and not (
            key in ("judge", "features")
            and None in (before["settings"].get(key), after["settings"].get(key))
        )
    ]
    if other:
        raise ValueError(
            f"The reports were scored with another {', '.join(other)}; grade again with equal "
            "settings to compare."
        )


def _shared(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[list[int], list[int]]:
    place = {sha: index for index, sha in enumerate(after["pictures"]["sha256"])}
    both = [(i, place[s]) for i, s in enumerate(before["pictures"]["sha256"]) if s in place]
    if not both:
        raise ValueError("The reports share no picture; grade both on the same pictures.")
    return [one for one, _ in both], [other for _, other in both]


def _column(
    method: Mapping[str, Any], key: str, indices: list[int]
) -> tuple[np.ndarray, np.ndarray] | None:
    column = method["per_picture"].get(key)
    if column is None:
        return None
    weight = np.array(column["weight"], dtype=float)[indices]
    value = np.array([0.0 if v is None else v for v in column["value"]])[indices]
    return (value, weight) if weight.any() else None


def _change(
    score: Score,
    name: str,
    old: tuple[np.ndarray, np.ndarray] | None,
    new: tuple[np.ndarray, np.ndarray] | None,
    counts: np.ndarray,
) -> Change | None:
    if old is None or new is None:
        return None
    both = (old[1] > 0) & (new[1] > 0)
    if not both.any():
        return None

    def scored(column: tuple[np.ndarray, np.ndarray], drawn: np.ndarray) -> np.ndarray:
        value, weight = column[0], np.where(both, column[1], 0.0)
        return score.factor * score.finished(ratio_draws(value, weight, drawn))

    once = np.ones((1, len(both)))
    first, second = float(scored(old, once)[0]), float(scored(new, once)[0])
    pictures = int(np.count_nonzero(both))
    drawn = from_draws(second - first, scored(new, counts) - scored(old, counts), pictures)
    verdict = _verdict(score, drawn.low, drawn.high)
    return Change(name, score.key, first, second, drawn.low, drawn.high, verdict, pictures)


def _verdict(score: Score, low: float, high: float) -> str:
    if not (low > 0 or high < 0):
        return "same"
    if not score.better:
        return "changed"
    return "better" if (low > 0) == (score.better == "higher") else "worse"
