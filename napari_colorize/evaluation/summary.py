"""From rows of pictures to scores with intervals: what ``scores.json`` holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from napari_colorize.evaluation import bootstrap
from napari_colorize.evaluation.bootstrap import Estimate
from napari_colorize.evaluation.catalogue import BY_KEY, SCORES
from napari_colorize.evaluation.features import frechet_estimate
from napari_colorize.evaluation.runner import Graded, Grading
from napari_colorize.evaluation.scoring import CalibrationTable
from napari_colorize.files.pictures import fingerprint_of_contents

FORMAT = "napari-colorize scores 1"
CALIBRATION_DRAWS = 500


def summarise(grading: Grading, graded: Graded, *, seed: int = 0) -> dict[str, Any]:
    """Gather a run into what ``scores.json`` holds.

    Returns
    -------
    dict
        ``format``, ``settings``, ``versions``; ``pictures`` (names, hashes, classes, the truth's
        own scores, and names of what could not be decoded); ``truth`` (what the true pictures
        score); ``methods``: name → ``kind``,
        ``settings``, ``scores`` (key → value, low, high, pictures; stored shares are 0…1),
        ``per_picture`` (key → values and weights in the pictures' order) and ``curves``. JSON-able,
        and the same for the same run: no clock, no place.
    """
    counts = bootstrap.draw_counts(len(graded.pictures), seed=seed)
    return {
        "format": FORMAT,
        "settings": {**grading.settings(), "seed": seed, "draws": bootstrap.DRAWS},
        "versions": _versions(),
        "pictures": _pictures(graded),
        "truth": _truth(graded, counts),
        "methods": {
            method.name: {
                "kind": method.kind,
                "settings": dict(method.settings),
                **_method_scores(graded, graded.rows[method.name], counts, seed),
            }
            for method in grading.methods
        },
    }


def _pictures(graded: Graded) -> dict[str, Any]:
    entries = graded.pictures
    return {
        "count": len(entries),
        "fingerprint": fingerprint_of_contents(
            (entry["name"], entry["sha256"]) for entry in entries
        ),
        **{key: [entry[key] for entry in entries] for key in ("name", "sha256", "wnid")},
        "ledger_key": [entry["ledger_key"] for entry in entries],
        **({"unreadable": graded.unreadable} if graded.unreadable else {}),
    }


def _truth(graded: Graded, counts: np.ndarray) -> dict[str, Any]:
    """What the truth scores, and what the judge makes of it in colour and in grey."""
    references = [entry["reference"] for entry in graded.pictures]
    colourful = np.array([reference["colourfulness"] for reference in references])
    scores = {"colourfulness": bootstrap.estimate_ratio(colourful, np.ones(len(colourful)), counts)}
    for version in ("colour", "grey"):
        for key in ("top1", "top5"):
            value, weight = _judged(references, version, key)
            if weight.any():
                scores[f"{key}_{version}"] = bootstrap.estimate_ratio(value, weight, counts)
    return {key: estimate.to_dict() for key, estimate in scores.items()}


def _method_scores(
    graded: Graded, rows: Sequence[dict[str, Any]], counts: np.ndarray, seed: int
) -> dict[str, Any]:
    estimates: dict[str, Estimate] = {}
    per_picture: dict[str, Any] = {}
    for score in SCORES:
        value, weight = _columns(rows, score.key)
        if not weight.any():
            continue
        estimates[score.key] = bootstrap.estimate_ratio(value, weight, counts, score.finished)
        per_picture[score.key] = {
            "value": [float(v) if w > 0 else None for v, w in zip(value, weight, strict=True)],
            "weight": weight.tolist(),
        }
    curves: dict[str, Any] = {"share_within": _share_within(rows)}
    with_uncertainty = [index for index, row in enumerate(rows) if row["calibration"]]
    if with_uncertainty:
        table = CalibrationTable.of([rows[index] for index in with_uncertainty])
        estimates["rejection_gain"] = _gain(table, counts[:CALIBRATION_DRAWS, with_uncertainty])
        curves["rejection"] = {key: line.tolist() for key, line in table.curves().items()}
    if "top1" in estimates:
        estimates["recovery"] = _recovery(graded, rows, counts)
    if all("pooled" in row for row in rows) and len(rows) > 1:
        truth = np.array([entry["reference"]["pooled"] for entry in graded.pictures])
        own = np.array([row["pooled"] for row in rows])
        estimates["frechet"] = frechet_estimate(truth, own, seed=seed)
    ordered = {key: estimates[key].to_dict() for key in BY_KEY if key in estimates}
    return {"scores": ordered, "per_picture": per_picture, "curves": curves}


def _columns(rows: Sequence[dict[str, Any]], key: str) -> tuple[np.ndarray, np.ndarray]:
    pairs = [row["scores"].get(key, (0.0, 0.0)) for row in rows]
    value, weight = np.array(pairs, dtype=float).reshape(-1, 2).T
    return value, weight


def _judged(
    references: Sequence[dict[str, Any]], version: str, key: str
) -> tuple[np.ndarray, np.ndarray]:
    pairs = [
        reference["judged"][version][key] if "judged" in reference else (0.0, 0.0)
        for reference in references
    ]
    value, weight = np.array(pairs, dtype=float).T
    return value, weight


def _recovery(graded: Graded, rows: Sequence[dict[str, Any]], counts: np.ndarray) -> Estimate:
    """(recoloured − grey) / (colour − grey) of the judge's top-1, on the same draws."""
    references = [entry["reference"] for entry in graded.pictures]
    once = np.ones((1, len(rows)))

    def recovery(drawn: np.ndarray) -> np.ndarray:
        own = bootstrap.ratio_draws(*_columns(rows, "top1"), drawn)
        colour = bootstrap.ratio_draws(*_judged(references, "colour", "top1"), drawn)
        grey = bootstrap.ratio_draws(*_judged(references, "grey", "top1"), drawn)
        lost = np.where(colour > grey, colour - grey, np.nan)
        return (own - grey) / lost

    _, weight = _columns(rows, "top1")
    pictures = int(np.count_nonzero(weight))
    return bootstrap.from_draws(float(recovery(once)[0]), recovery(counts), pictures)


def _gain(table: CalibrationTable, counts: np.ndarray) -> Estimate:
    drawn = np.array([table.gain(row) for row in counts if row.any()])
    return bootstrap.from_draws(table.gain(), drawn, len(table.pixels))


def _share_within(rows: Sequence[dict[str, Any]]) -> list[float]:
    """Share of all pixels whose ab error is at most t, t = 0…150: the curve under AuC."""
    pixels = np.sum([row["errors"] for row in rows], axis=0)
    return (np.cumsum(pixels)[:-1] / pixels.sum()).round(6).tolist()


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    from napari_colorize._version import __version__

    packages = ("numpy", "scipy", "scikit-image", "opencv-python-headless", "torch", "pillow")
    return {"napari-colorize": __version__} | {name: version(name) for name in packages}
