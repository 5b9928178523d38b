"""The prior counts nearest bins, is smoothed on the ab plane, and turns into weights."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_colorize.evaluation.colour import to_lab
from napari_colorize.evaluation.prior import FLOOR, Prior, load_prior, main, measure, nearest_bin
from napari_colorize.files.pictures import read_pictures
from napari_colorize.ops.bins import bin_centres


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(-200, 200), st.floats(-200, 200)), min_size=1, max_size=20))
def test_the_nearest_bin_is_the_nearest(points):
    ab = np.array(points)
    distance = np.linalg.norm(ab[:, None] - bin_centres()[None], axis=-1)
    chosen = distance[np.arange(len(ab)), nearest_bin(ab)]
    assert chosen == pytest.approx(distance.min(axis=1), abs=1e-9)


def test_measuring_counts_every_pixel_once(folder, photographs):
    prior = measure(read_pictures(folder))
    by_scan = np.zeros(313)
    for rgb in photographs.values():
        ab = to_lab(rgb)[..., 1:].reshape(-1, 1, 2)
        by_scan += np.bincount(np.square(ab - bin_centres()).sum(-1).argmin(1), minlength=313)
    assert np.abs(prior.counts - by_scan).sum() <= 2  # a tie may fall to either side
    assert prior.provenance["pixels"] == sum(rgb[..., 0].size for rgb in photographs.values())


def test_smoothing_is_two_dimensional_and_keeps_the_mass():
    centres = bin_centres()
    one = np.flatnonzero((centres == (0, 0)).all(1))[0]
    smoothed = Prior(np.eye(313)[one]).smoothed(5)
    distance = np.linalg.norm(centres, axis=1)
    for ring in (10, np.hypot(10, 10), 20):
        there = smoothed[np.isclose(distance, ring)]
        assert there / smoothed[one] == pytest.approx(np.exp(-(ring**2) / 50), rel=1e-5)
    assert smoothed.sum() == pytest.approx(1)


def test_weights_are_the_inverse_of_the_smoothed_prior_down_to_the_floor():
    prior = load_prior()
    weights, smoothed = prior.weights(), prior.smoothed()
    common = smoothed > FLOOR
    assert weights[common] == pytest.approx(1 / smoothed[common])
    assert weights[~common] == pytest.approx(1 / FLOOR)
    assert weights.argmin() == np.flatnonzero((bin_centres() == (0, 0)).all(1))[0]


def test_the_shipped_prior_is_small_and_says_where_it_comes_from():
    prior = load_prior()
    assert prior.provenance["pictures"] == 23787
    assert prior.counts.sum() == prior.provenance["pixels"]
    assert len(json.dumps(prior.counts.tolist())) < 10_000


def test_a_prior_measured_from_the_command_line_loads(folder, tmp_path):
    target = tmp_path / "prior.json"
    main([str(folder), "-o", str(target), "--note", "six crops"])
    prior = load_prior(target)
    assert prior.provenance["note"] == "six crops"
    assert str(tmp_path) not in target.read_text()
    assert np.array_equal(prior.counts, measure(read_pictures(folder)).counts)


@pytest.mark.parametrize("counts", [np.ones(312), -np.ones(313), np.full(313, np.nan)])
def test_what_is_no_histogram_is_refused(counts):
    with pytest.raises(ValueError, match="313 counts"):
        Prior(counts)


def test_a_prior_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no pixel"):
        Prior(np.zeros(313))
