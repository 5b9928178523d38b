"""Cells of a picture and of a reference, matched both ways."""

import numpy as np
import pytest
import skimage.data

from napari_colorize import colorize
from napari_colorize.guided import matching
from napari_colorize.guided.matching import Described, match
from napari_colorize.sample_data import grey


def _described(count: int, seed: int) -> Described:
    random = np.random.default_rng(seed)
    features = random.normal(size=(count, 12)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    return Described(features, random.uniform(0, 100, count).astype(np.float32), (1, count))


def test_partners_are_those_of_brute_force() -> None:
    picture, reference = _described(30, 0), _described(50, 1)
    chroma = np.random.default_rng(2).normal(0, 20, (50, 2))
    found = match(picture, reference, chroma)
    for n in range(30):
        costs = [
            0.5 * min(max(1 - float(f @ picture.features[n]), 0), 1)
            + 0.5 * min(((light - picture.lightness[n]) / matching.LIGHT) ** 2, 1)
            for f, light in zip(reference.features, reference.lightness, strict=True)
        ]
        assert found.partner[n] == int(np.argmin(costs))


def test_a_picture_is_its_own_best_reference() -> None:
    cells = _described(40, 3)
    found = match(cells, cells, np.random.default_rng(4).normal(0, 20, (40, 2)))
    np.testing.assert_array_equal(found.partner, np.arange(40))
    np.testing.assert_allclose(found.confidence, 1)


def test_a_partner_that_would_rather_have_another_is_not_trusted() -> None:
    reference = Described(np.float32([[1, 0]]), np.float32([50]), (1, 1))
    near, far = np.float32([1, 0]), np.float32([np.cos(0.9), np.sin(0.9)])
    picture = Described(np.stack([near, far]), np.float32([50, 50]), (1, 2))
    confidence = match(picture, reference, np.float32([[9, 9]])).confidence
    alone = Described(far[None], np.float32([50]), (1, 1))
    unrivalled = match(alone, reference, np.float32([[9, 9]])).confidence
    assert confidence[0] == pytest.approx(1)
    assert confidence[1] < 0.5 * unrivalled[0]


def test_swatches_match_their_partners_alone() -> None:
    cells = _described(6, 5)
    chroma = np.float32([[10 * n, 0] for n in range(6)])
    labels = np.array([1, 1, 1, 2, 2, 0]), np.array([2, 2, 2, 1, 1, 0])
    found = match(cells, cells, chroma, labels)
    assert set(found.partner[:3]) <= {3, 4}
    assert set(found.partner[3:5]) <= {0, 1, 2}
    assert found.confidence[5] == 0
    with pytest.raises(ValueError, match="no number in common"):
        match(cells, cells, chroma, (np.ones(6, int), np.full(6, 2)))


def test_a_reference_beside_a_prediction_lends_its_colours_and_says_so() -> None:
    coffee = skimage.data.coffee()[::4, ::4]
    plain, lent = colorize(grey(coffee)), colorize(grey(coffee), reference=coffee)
    errors = [np.abs(one.rgb.astype(int) - coffee).mean() for one in (plain, lent)]
    assert errors[1] < 0.5 * errors[0]
    assert lent.uncertainty.mean() < 0.5 * plain.uncertainty.mean()  # it knows its own picture
    assert "colours after a reference picture" in lent.legend
    assert "reference=reference" in lent.as_python()


def test_where_nothing_matches_the_prediction_stays() -> None:
    coffee = grey(skimage.data.coffee())[::4, ::4]
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (64, 96, 3), dtype=np.uint8)
    plain, lent = colorize(coffee), colorize(coffee, reference=noise)
    assert np.abs(lent.rgb.astype(int) - plain.rgb).mean() < 6
