"""A good uncertainty is told from a useless and from a misleading one."""

import numpy as np
import pytest

from napari_colorize.evaluation.scoring import (
    REJECTED,
    CalibrationTable,
    spearman_of_pixels,
    uncertainty_histogram,
)


def errors(seed=0, shape=(60, 80)):
    return np.random.default_rng(seed).gamma(2, 8, shape).astype(np.float32)


def table(*pairs):
    rows = [
        {
            "calibration": uncertainty_histogram(uncertainty, error),
            "errors": np.bincount(
                np.minimum(np.ceil(error), 151).astype(int).ravel(), minlength=152
            ),
        }
        for uncertainty, error in pairs
    ]
    return CalibrationTable.of(rows)


def test_the_true_error_as_uncertainty_gains_everything():
    error = errors()
    assert table((error / error.max(), error)).gain() == pytest.approx(1, abs=0.03)


def test_noise_as_uncertainty_gains_nothing():
    noise = np.random.default_rng(9).uniform(0, 1, (60, 80))
    assert table((noise, errors())).gain() == pytest.approx(0, abs=0.04)


def test_certainty_where_errors_are_large_is_worse_than_nothing():
    error = errors()
    assert table((1 - error / error.max(), error)).gain() < -0.5


def test_the_rejection_curve_is_that_of_sorting_the_pixels():
    error = errors(3)
    noise = np.random.default_rng(4).normal(0, 0.05, error.shape)
    uncertainty = np.clip(0.3 + error / 300 + noise, 0, 1)
    curve = table((uncertainty, error)).curves()["error"]
    by_uncertainty = error.ravel()[np.argsort(uncertainty.ravel())]
    expected = [by_uncertainty[: round((1 - r) * error.size)].mean() for r in REJECTED]
    assert curve == pytest.approx(np.array(expected), rel=0.02)
    assert curve[0] == pytest.approx(error.mean(), rel=1e-4)


def test_a_picture_drawn_twice_counts_twice():
    one, other = (errors(1), errors(2) * 2)
    pairs = [(error / error.max(), error) for error in (one, other)]
    drawn = table(*pairs).curves(np.array([2.0, 1.0]))["error"]
    assert drawn == pytest.approx(table(pairs[0], pairs[0], pairs[1]).curves()["error"])


def test_spearman_is_one_for_any_rising_relation_and_nothing_for_a_constant():
    error = errors()
    assert spearman_of_pixels(np.exp(error / 50), error) == pytest.approx(1)
    assert np.isnan(spearman_of_pixels(np.ones_like(error), error))
