"""The damages do what their names say, and keep the lightness."""

import numpy as np
import pytest

from napari_colorize.evaluation.baselines import damaged, no_chroma, shuffled_chroma, turned_hue
from napari_colorize.evaluation.colour import grey_of, to_lab
from napari_colorize.evaluation.methods import GradedMethod


@pytest.fixture
def ab():
    return np.random.default_rng(0).normal(0, 20, (9, 11, 2)).astype(np.float32)


def test_hue_turns_by_30_degrees_at_its_own_chroma(ab):
    turned = turned_hue(ab)
    angle = np.angle((turned[..., 0] + 1j * turned[..., 1]) / (ab[..., 0] + 1j * ab[..., 1]))
    assert np.rad2deg(angle) == pytest.approx(30, abs=1e-3)
    assert np.hypot(*np.moveaxis(turned, -1, 0)) == pytest.approx(
        np.hypot(*np.moveaxis(ab, -1, 0)), rel=1e-5
    )


def test_shuffling_keeps_the_colours_and_loses_their_places(ab):
    shuffled = shuffled_chroma(ab)
    assert not np.array_equal(shuffled, ab)
    assert np.array_equal(_sorted(shuffled), _sorted(ab))
    assert np.array_equal(shuffled, shuffled_chroma(ab))
    assert not no_chroma(ab).any()


def test_damaged_methods_keep_lightness_and_uncertainty(colourer, photographs):
    grey = grey_of(photographs["cat-left.png"])
    sound = colourer(grey)
    for method in damaged(GradedMethod("known", colourer)):
        spoilt = method.colour(grey)
        assert method.kind == "damaged"
        assert np.array_equal(spoilt.uncertainty, sound.uncertainty)
        assert np.abs(to_lab(spoilt.rgb) - to_lab(sound.rgb))[..., 0].max() < 1


def test_the_damaged_forms_of_a_picture_share_one_colouring(colourer, photographs):
    first, second = (grey_of(photographs[name]) for name in ("cat-left.png", "cat-right.png"))
    forms = damaged(GradedMethod("known", colourer))
    results = [[form.colour(grey).rgb for form in forms] for grey in (first, second)]
    assert colourer.calls == 2
    assert [rgb.shape[:2] for rgb in results[1]] == [second.shape] * 3


def _sorted(ab):
    flat = ab.reshape(-1, 2)
    return flat[np.lexsort(flat.T)]
