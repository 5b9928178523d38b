"""Intervals cover what they claim to cover."""

import numpy as np
import pytest

from napari_colorize.evaluation import bootstrap


def test_the_interval_of_a_mean_is_that_of_normal_theory():
    value = np.random.default_rng(1).normal(10, 2, 400)
    counts = bootstrap.draw_counts(400)
    estimate = bootstrap.estimate_ratio(value, np.ones(400), counts)
    half = 1.96 * value.std() / np.sqrt(400)
    assert estimate.value == pytest.approx(value.mean())
    assert (estimate.low, estimate.high) == pytest.approx(
        (value.mean() - half, value.mean() + half), abs=0.03
    )


def test_95_percent_intervals_hold_the_truth_about_95_times_in_100():
    generator = np.random.default_rng(2)
    counts = bootstrap.draw_counts(60, draws=400)
    held = 0
    for _ in range(200):
        value, weight = generator.exponential(1, 60), generator.uniform(0.5, 1.5, 60)
        estimate = bootstrap.estimate_ratio(value, weight, counts)
        held += estimate.low <= 1 <= estimate.high
    assert 0.87 <= held / 200 <= 0.99


def test_a_weighted_score_pools_before_it_takes_the_root():
    squared, pixels = np.array([4.0, 16.0]), np.array([3.0, 1.0])
    estimate = bootstrap.estimate_ratio(
        squared, pixels, bootstrap.draw_counts(2, draws=50), np.sqrt
    )
    assert estimate.value == pytest.approx(np.sqrt((3 * 4 + 16) / 4))


def test_pictures_without_a_value_do_not_count():
    value, weight = np.array([1.0, np.nan, 3.0]), np.array([1.0, 0.0, 1.0])
    estimate = bootstrap.estimate_ratio(value, weight, bootstrap.draw_counts(3))
    assert (estimate.value, estimate.pictures) == (2.0, 2)
    assert 1 <= estimate.low <= estimate.high <= 3


def test_the_same_seed_draws_the_same_pictures():
    assert np.array_equal(bootstrap.draw_counts(9, seed=3), bootstrap.draw_counts(9, seed=3))
    assert not np.array_equal(bootstrap.draw_counts(9, seed=3), bootstrap.draw_counts(9, seed=4))


def test_a_score_that_is_not_a_number_is_stored_as_null():
    stored = bootstrap.Estimate(float("nan"), float("nan"), 1.0, 0).to_dict()
    assert stored == {"value": None, "low": None, "high": 1.0, "pictures": 0}
