"""Is the uncertainty worth anything: does higher entropy mean a larger error?

Two answers. *Spearman's ρ* between uncertainty and ab error over the pixels of a picture. And the
*error-versus-rejection curve*: leave out the most uncertain share of all pixels and look at the
mean ab error of what stays; a useful uncertainty makes it fall, an ideal one makes it fall as fast
as leaving out by the true error would.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

UNCERTAINTY_CELLS = 200
"""Cells of equal width over the uncertainty 0…1 in which pixels are counted."""

SPEARMAN_PIXELS = 10_000
"""At most about this many pixels of a picture, on a regular grid, enter Spearman's ρ."""

REJECTED = np.linspace(0, 0.95, 39)
"""Shares of left-out pixels at which a rejection curve is drawn."""


def spearman_of_pixels(uncertainty: np.ndarray, error: np.ndarray) -> float:
    """Return Spearman's rank correlation of two maps of one picture, by SciPy.

    Returns
    -------
    float
        −1…1; NaN where either map is constant.
    """
    from scipy.stats import spearmanr

    step = max(1, int(np.sqrt(error.size / SPEARMAN_PIXELS)))
    one, other = uncertainty[::step, ::step].ravel(), error[::step, ::step].ravel()
    if one.size < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(spearmanr(one, other).statistic)


def uncertainty_histogram(uncertainty: np.ndarray, error: np.ndarray) -> dict[str, Any]:
    """Count a picture's pixels and sum their errors by uncertainty.

    Returns
    -------
    dict
        ``cells`` (indices 0…199 of the uncertainty that occur), ``pixels`` and ``error`` (summed ab
        error, Lab units) in each; the whole picture's curve follows from it.
    """
    cell = np.clip(uncertainty * UNCERTAINTY_CELLS, 0, UNCERTAINTY_CELLS - 1).astype(np.intp)
    pixels = np.bincount(cell.ravel(), minlength=UNCERTAINTY_CELLS)
    summed = np.bincount(cell.ravel(), weights=error.ravel(), minlength=UNCERTAINTY_CELLS)
    (occupied,) = np.nonzero(pixels)
    return {
        "cells": occupied.tolist(),
        "pixels": pixels[occupied].tolist(),
        "error": [round(float(value), 3) for value in summed[occupied]],
    }


@dataclass(frozen=True)
class CalibrationTable:
    """The histograms of many pictures as arrays, ready to be gathered again and again.

    Parameters
    ----------
    pixels, error : numpy.ndarray
        ``(pictures, 200)`` pixels and summed ab error by uncertainty.
    errors : numpy.ndarray
        ``(pictures, 152)`` pixels by ``ceil`` of their ab error.
    """

    pixels: np.ndarray
    error: np.ndarray
    errors: np.ndarray

    @classmethod
    def of(cls, rows: Sequence[dict[str, Any]]) -> CalibrationTable:
        """Collect stored rows (see ``scoring.score_picture``), all with a calibration."""
        pixels = np.zeros((len(rows), UNCERTAINTY_CELLS))
        error = np.zeros_like(pixels)
        for index, row in enumerate(rows):
            cells = row["calibration"]["cells"]
            pixels[index, cells] = row["calibration"]["pixels"]
            error[index, cells] = row["calibration"]["error"]
        return cls(pixels, error, np.array([row["errors"] for row in rows], dtype=float))

    def curves(self, counts: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Return the rejection curve and the best one possible.

        Parameters
        ----------
        counts : numpy.ndarray, optional
            ``(pictures,)`` how often each picture counts (a bootstrap draw); once each if left out.

        Returns
        -------
        dict
            ``rejected`` (shares), ``error`` (mean ab error of the kept pixels when the most
            uncertain go first) and ``ideal`` (when those of largest error go first).
        """
        counts = np.ones(len(self.pixels)) if counts is None else counts
        pixels, error = counts @ self.pixels, counts @ self.error
        by_error = counts @ self.errors
        # ceil(e) = k means k − 1 < e ≤ k: the middle of the cell stands for its pixels
        level = np.maximum(np.arange(by_error.size) - 0.5, 0)
        ideal = _kept_error(by_error, by_error * level)
        ideal *= (error.sum() / pixels.sum()) / ideal[0] if ideal[0] > 0 else 1.0
        return {"rejected": REJECTED, "error": _kept_error(pixels, error), "ideal": ideal}

    def gain(self, counts: np.ndarray | None = None) -> float:
        """Return how much of the possible gain the uncertainty brings.

        The area between the flat line (leaving out at random) and the curve, over the area between
        the flat line and the ideal curve.

        Returns
        -------
        float
            1 ideal, 0 no better than chance, negative misleading; NaN where errors are all equal.
        """
        curves = self.curves(counts)
        flat = curves["error"][0]
        possible = np.sum(flat - curves["ideal"])
        return float(np.sum(flat - curves["error"]) / possible) if possible > 0 else float("nan")


def _kept_error(pixels: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Mean error of the kept pixels at each rejected share; cells are left out from the last on."""
    total = pixels.sum()
    kept_pixels = np.concatenate([[0.0], np.cumsum(pixels)])
    kept_error = np.concatenate([[0.0], np.cumsum(error)])
    kept = (1 - REJECTED) * total
    return np.interp(kept, kept_pixels, kept_error) / kept
