"""Grade one coloured picture: every per-picture score, as a value and a weight.

What is stored of a picture is small (numbers and two histograms), and enough to gather any score,
interval and curve later without colouring again.

Whether the uncertainty is worth anything, so that higher entropy means a larger error, has two
answers. *Spearman's ρ* between uncertainty and ab error over the pixels of a picture. And the
*error-versus-rejection curve*: leave out the most uncertain share of all pixels and look at the
mean ab error of what stays; a useful uncertainty makes it fall, an ideal one makes it fall as fast
as leaving out by the true error would.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from napari_colorize.evaluation import metrics
from napari_colorize.evaluation.colour import as_rgb8, grey_of, to_lab
from napari_colorize.evaluation.prior import load_prior, nearest_bin

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


SCORING_VERSION = 1
"""Raised whenever a stored number changes its meaning; older ledgers are then not reused."""

PSNR_CEILING = 60.0
"""dB a picture counts at most: what is equal up to rounding to 8 bits reaches about 59."""


@dataclass(frozen=True)
class ScoringOptions:
    """What the scores of a picture depend on besides the picture.

    Parameters
    ----------
    epsilon : float
        Tolerance of the accuracy, in L units; the paper's 2.
    prior_path : str, optional
        A measured prior; ``None``: the shipped one.
    """

    epsilon: float = 2.0
    prior_path: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return what identifies the options: the prior by its content, not its place."""
        prior = load_prior(self.prior_path)
        return {
            "version": SCORING_VERSION,
            "epsilon": self.epsilon,
            "prior": prior.provenance.get("fingerprint") or [int(c) for c in prior.counts],
        }

    @cached_property
    def weights(self) -> np.ndarray:
        """Weight of a pixel by its true bin: ``(313,)``."""
        return load_prior(self.prior_path).weights()


@dataclass(frozen=True)
class Truth:
    """A true picture and what is worked out of it once for all methods.

    Parameters
    ----------
    rgb : numpy.ndarray
        ``(H, W, 3)`` uint8.
    """

    rgb: np.ndarray = field(repr=False)

    @cached_property
    def lab(self) -> np.ndarray:
        """CIE Lab of the truth."""
        return to_lab(self.rgb)

    @cached_property
    def grey(self) -> np.ndarray:
        """The ``(H, W)`` uint8 picture that a method is shown."""
        return grey_of(self.rgb)

    @cached_property
    def bins(self) -> np.ndarray:
        """Index of each pixel's nearest colour bin."""
        return nearest_bin(self.lab[..., 1:])

    @cached_property
    def colourfulness(self) -> float:
        """Hasler–Süsstrunk colourfulness of the truth."""
        return metrics.colourfulness(self.rgb)


@dataclass(frozen=True)
class Coloured:
    """What a method made of a grey picture, reduced to what is graded.

    Parameters
    ----------
    rgb : numpy.ndarray
        ``(H, W, 3)`` uint8.
    uncertainty : numpy.ndarray, optional
        ``(H, W)`` float, 0…1.
    clipped : numpy.ndarray, optional
        ``(H, W)`` bool.
    moved_share : float, optional
        Share of colours that were moved into sRGB, 0…1; default: that of ``clipped``, which in
        results of :func:`napari_colorize.colorize` leaves out what is next to black or white.
    """

    rgb: np.ndarray
    uncertainty: np.ndarray | None = None
    clipped: np.ndarray | None = None
    moved_share: float | None = None

    @classmethod
    def of(cls, result: Any, shape: tuple[int, ...]) -> Coloured:
        """Take what a method returned: an array, or an object with ``rgb`` and perhaps more.

        Parameters
        ----------
        result : array or object
            ``(H, W, 3)`` uint8, or :class:`napari_colorize.Colorized` and its like.
        shape : tuple of int
            (H, W) of the grey picture the method was given.

        Raises
        ------
        TypeError, ValueError
            The method changed the size, or did not return 8-bit RGB.
        """
        rgb = as_rgb8(getattr(result, "rgb", result), "the coloured picture")
        if rgb.shape[:2] != shape:
            raise ValueError(
                f"The method was given {shape} and returned {rgb.shape[:2]}; a method must return "
                "the size it was given."
            )
        maps = {}
        for name in ("uncertainty", "clipped"):
            plane = getattr(result, name, None)
            if plane is not None and np.shape(plane) != shape:
                raise ValueError(f"The method's {name} has shape {np.shape(plane)}, not {shape}.")
            maps[name] = None if plane is None else np.asarray(plane)
        record = getattr(result, "record", None) or {}
        return cls(rgb, **maps, moved_share=record.get("output", {}).get("moved_share"))


def score_picture(truth: Truth, coloured: Coloured, options: ScoringOptions) -> dict[str, Any]:
    """Grade one picture.

    Returns
    -------
    dict
        ``scores``: key → [value, weight] (see :mod:`napari_colorize.evaluation.catalogue`; scores
        that do not exist here, such as the calibration of a method without uncertainty, are left
        out); ``errors``: 152 counts of pixels by ab error, ``ceil(error)`` = 0…150 and beyond;
        ``calibration``: pixels, summed error and so on by uncertainty, or ``None``. JSON-able.
    """
    lab = to_lab(coloured.rgb)
    error = metrics.ab_error(truth.lab, lab)
    pixels = int(error.size)
    scores: dict[str, tuple[float, float]] = {
        **_difference_scores(truth, coloured.rgb, lab, options),
        **_auc_scores(truth, error, options),
        **_colourfulness_scores(truth, coloured.rgb),
        "rmse_ab": (float(np.mean(np.square(error), dtype=np.float64) / 2), pixels),
    }
    if coloured.moved_share is not None:
        scores["clipped"] = (coloured.moved_share, pixels)
    elif coloured.clipped is not None:
        scores["clipped"] = (float(coloured.clipped.mean()), pixels)
    calibration = None
    if coloured.uncertainty is not None:
        calibration = uncertainty_histogram(coloured.uncertainty, error)
        scores["uncertainty_spearman"] = (spearman_of_pixels(coloured.uncertainty, error), 1)
    return {
        "scores": _finite(scores),
        "errors": np.bincount(
            np.minimum(np.ceil(error), metrics.AUC_THRESHOLDS).astype(np.intp).ravel(),
            minlength=metrics.AUC_THRESHOLDS + 1,
        ).tolist(),
        "calibration": calibration,
    }


def _difference_scores(
    truth: Truth, rgb: np.ndarray, lab: np.ndarray, options: ScoringOptions
) -> dict[str, tuple[float, float]]:
    pixels = truth.bins.size
    squared = metrics.mean_squared_error(truth.rgb, rgb)
    psnr = metrics.psnr(truth.rgb, rgb)
    return {
        "psnr": (min(psnr, PSNR_CEILING), 1),
        "rmse_rgb": (squared, pixels),
        "mae_lab": (metrics.mae_lab(truth.lab, lab), pixels),
        "accuracy": (metrics.accuracy(truth.lab, lab, epsilon=options.epsilon), pixels),
        "ssim": (metrics.ssim(truth.rgb, rgb), 1),
        "delta_e_2000": (metrics.delta_e_2000(truth.lab, lab), pixels),
    }


def _auc_scores(
    truth: Truth, error: np.ndarray, options: ScoringOptions
) -> dict[str, tuple[float, float]]:
    weights = options.weights[truth.bins]
    return {
        "auc": (metrics.auc(error), error.size),
        "auc_rebalanced": (metrics.auc(error, weights), float(weights.sum())),
    }


def _colourfulness_scores(truth: Truth, rgb: np.ndarray) -> dict[str, tuple[float, float]]:
    predicted, true = metrics.colourfulness(rgb), truth.colourfulness
    ratio = (predicted / true, true) if true > 0 else (float("nan"), 0.0)
    return {
        "colourfulness": (predicted, 1),
        "colourfulness_ratio": ratio,
        "colourfulness_error": (abs(predicted - true), 1),
    }


def _finite(scores: Mapping[str, tuple[float, float]]) -> dict[str, list[float]]:
    return {
        key: [float(value), float(weight)]
        for key, (value, weight) in scores.items()
        if np.isfinite(value)
    }
