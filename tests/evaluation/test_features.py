"""The distances on features agree with closed forms and with torchmetrics' Fréchet distance."""

import numpy as np
import pytest
import torch
from torchmetrics.image.fid import FrechetInceptionDistance

from napari_colorize.evaluation.features import (
    PretrainedFeatures,
    feature_distance,
    frechet,
    frechet_estimate,
    pooled,
)


class Identity(torch.nn.Module):
    """Takes the features for the picture, so that only the distance is compared."""

    num_features = 5

    def forward(self, x):
        return x.flatten(1)[:, :5].float()


def vectors(seed, shift=0.0):
    return np.random.default_rng(seed).normal(shift, 1, (80, 5)) @ np.diag([1, 2, 3, 0.5, 1])


def test_frechet_agrees_with_torchmetrics():
    one, other = vectors(0), vectors(1, 0.7)
    reference = FrechetInceptionDistance(
        feature=Identity(), normalize=True, input_img_size=(1, 1, 5)
    )
    for array, real in ((one, True), (other, False)):
        reference.update(torch.from_numpy(array[:, :, None, None]).float(), real=real)
    assert frechet(one, other) == pytest.approx(float(reference.compute()), rel=1e-3)


def test_frechet_of_moved_vectors_is_the_squared_shift():
    one = vectors(2)
    assert frechet(one, one + np.array([3.0, 0, 4.0, 0, 0])) == pytest.approx(25, rel=1e-6)
    assert frechet(one, one) == pytest.approx(0, abs=1e-6)


def test_the_frechet_interval_holds_its_value_though_draws_repeat_pictures():
    estimate = frechet_estimate(vectors(0), vectors(1, 0.7))
    assert estimate.low < estimate.value < estimate.high


def test_the_feature_distance_forgets_the_length_of_features():
    maps = {0: np.random.default_rng(0).normal(size=(4, 3, 3))}
    assert feature_distance(maps, {0: 7 * maps[0]}) == pytest.approx(0, abs=1e-12)
    assert feature_distance(maps, {0: -maps[0]}) == pytest.approx(4, rel=1e-6)


def test_the_pretrained_network_sees_that_colour_is_gone(photographs):
    features = PretrainedFeatures()
    rgb = photographs["coffee-left.png"]
    truth = features.maps(rgb)
    tinted = np.clip(rgb.astype(int) + np.array([3, 0, -3]), 0, 255).astype(np.uint8)
    grey = np.repeat(rgb.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    near, far = (feature_distance(truth, features.maps(other)) for other in (tinted, grey))
    assert 0 < near < far
    assert len(pooled(truth)) == 120
