"""Methods damaged on purpose, to see which scores notice.

A score that "sees" misplaced colour must rank a sound method above itself with its colours
shuffled; :attr:`~napari_colorize.evaluation.catalogue.Score.sees` says which scores claim what, and
:func:`blind_scores` holds them to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from napari_colorize.evaluation.baselines import with_chroma
from napari_colorize.evaluation.catalogue import DAMAGES, SCORES
from napari_colorize.evaluation.colour import to_lab
from napari_colorize.evaluation.methods import GradedMethod
from napari_colorize.evaluation.scoring import Coloured

HUE_ANGLE = 30.0
"""Degrees by which the hue damage turns every colour on the ab plane."""


def damaged(method: GradedMethod) -> list[GradedMethod]:
    """Return the method without its chroma, with its chroma shuffled, with its hues turned."""
    colour = _remembering(method.colour)
    return [
        GradedMethod(
            f"{method.name} · {damage}",
            _damaging(colour, _CHANGES[damage]),
            {**method.settings, "damage": damage},
            "damaged",
        )
        for damage in DAMAGES
    ]


def no_chroma(ab: np.ndarray) -> np.ndarray:
    """Multiply the chroma by 0."""
    return np.zeros_like(ab)


def shuffled_chroma(ab: np.ndarray) -> np.ndarray:
    """Give each pixel the chroma of another pixel of the picture, at random but reproducibly."""
    flat = ab.reshape(-1, 2)
    seed = int.from_bytes(hashlib.sha256(flat.tobytes()).digest()[:8], "little")
    return np.random.default_rng(seed).permutation(flat).reshape(ab.shape)


def turned_hue(ab: np.ndarray, degrees: float = HUE_ANGLE) -> np.ndarray:
    """Turn every colour on the ab plane, at its own chroma."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return ab @ turn.T.astype(ab.dtype)


def blind_scores(
    estimates: Mapping[str, Mapping[str, float | None]], method: str
) -> list[tuple[str, str]]:
    """List the claims that do not hold: (score, damage) where the damage did not cost anything.

    Parameters
    ----------
    estimates : mapping
        Method name → score key → value, holding ``method`` and its damaged forms.
    method : str
        Name of the sound method.
    """
    sound = estimates[method]
    failed = []
    for score in SCORES:
        for damage in score.sees:
            value, spoilt = sound.get(score.key), estimates[f"{method} · {damage}"].get(score.key)
            if value is None or spoilt is None:
                continue
            worse = spoilt < value if score.better == "higher" else spoilt > value
            if not worse:
                failed.append((score.key, damage))
    return failed


def _remembering(colour: Callable[[np.ndarray], Any]) -> Callable[[np.ndarray], Any]:
    """Keep the last result: the damaged forms of one picture are asked for one after the other."""
    last: dict[bytes, Any] = {}

    def remembered(grey: np.ndarray) -> Any:
        key = hashlib.sha256(repr(grey.shape).encode() + grey.tobytes()).digest()
        if key not in last:
            result = colour(grey)
            last.clear()
            last[key] = result
        return last[key]

    return remembered


def _damaging(
    colour: Callable[[np.ndarray], Any], change: Callable[[np.ndarray], np.ndarray]
) -> Callable[[np.ndarray], Coloured]:
    def damaged_colour(grey: np.ndarray) -> Coloured:
        sound = Coloured.of(colour(grey), grey.shape)
        spoilt = with_chroma(sound.rgb, change(to_lab(sound.rgb)[..., 1:]))
        return Coloured(spoilt.rgb, sound.uncertainty, spoilt.clipped)

    return damaged_colour


_CHANGES = dict(zip(DAMAGES, (no_chroma, shuffled_chroma, turned_hue), strict=True))
