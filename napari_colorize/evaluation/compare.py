"""What got significantly worse between two reports.

Only pictures that both reports graded count, picture by picture: the difference of a score is
bootstrapped over the same draws of pictures for both, which is far sharper than looking whether two
intervals overlap.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from napari_colorize.evaluation import bootstrap
from napari_colorize.evaluation.catalogue import SCORES, Score


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
    counts = bootstrap.draw_counts(len(old), seed=seed)
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
        return score.factor * score.finished(bootstrap.ratio_draws(value, weight, drawn))

    once = np.ones((1, len(both)))
    first, second = float(scored(old, once)[0]), float(scored(new, once)[0])
    pictures = int(np.count_nonzero(both))
    drawn = bootstrap.from_draws(
        second - first, scored(new, counts) - scored(old, counts), pictures
    )
    verdict = _verdict(score, drawn.low, drawn.high)
    return Change(name, score.key, first, second, drawn.low, drawn.high, verdict, pictures)


def _verdict(score: Score, low: float, high: float) -> str:
    if not (low > 0 or high < 0):
        return "same"
    if not score.better:
        return "changed"
    return "better" if (low > 0) == (score.better == "higher") else "worse"
