"""Class rebalancing as in the paper's §2.2."""

import numpy as np
import pytest

from napari_colorize.methods.colorful.rebalance import class_weights, smooth_prior
from napari_colorize.ops.bins import bin_centres


@pytest.fixture
def prior():
    random = np.random.default_rng(0)
    shares = random.gamma(0.3, size=313)
    shares[random.permutation(313)[:52]] = 0
    return shares / shares.sum()


def test_weights_average_one_over_the_smoothed_prior(prior):
    smoothed = smooth_prior(prior, bin_centres())
    for mix in (0, 0.25, 0.5, 1):
        assert (smoothed * class_weights(smoothed, prior, mix)).sum() == pytest.approx(1)


def test_weights_equal_the_formula_written_out(prior):
    smoothed = smooth_prior(prior, bin_centres())
    uniform = np.where(prior > 0, 1 / np.count_nonzero(prior), 0)
    mixed = 0.5 * smoothed + 0.5 * uniform
    # Colours that never occur weigh as the rarest that do.
    expected = 1 / np.maximum(mixed, mixed[prior > 0].min())
    expected /= (smoothed * expected).sum()
    np.testing.assert_allclose(class_weights(smoothed, prior, 0.5), expected)


def test_rare_colours_weigh_more(prior):
    smoothed = smooth_prior(prior, bin_centres())
    weights = class_weights(smoothed, smoothed, 0.5)
    order = np.argsort(smoothed)
    assert np.all(np.diff(weights[order]) <= 1e-12)


def test_smoothing_spreads_by_distance_on_the_plane_not_by_bin_number():
    """A single occupied bin hands equal mass to its neighbours in a and in b."""
    centres = bin_centres()
    number = {tuple(c): i for i, c in enumerate(centres.astype(int).tolist())}
    single = np.zeros(313)
    single[number[0, 0]] = 1
    smoothed = smooth_prior(single, centres)
    assert smoothed[number[10, 0]] == pytest.approx(smoothed[number[0, 10]])
    assert smoothed[number[10, 0]] == pytest.approx(
        smoothed[number[0, 0]] * np.exp(-(10**2) / (2 * 5**2))
    )
    assert smoothed.sum() == pytest.approx(1)
