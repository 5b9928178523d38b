"""The micrographs made by code have what matters of real ones, and are the same every time."""

import runpy

import numpy as np
from pages import ROOT
from skimage.color import lab2rgb

MAKER = runpy.run_path(str(ROOT / "docs/make_microscopy.py"))


def test_fluorescence_is_bright_on_black_with_shot_noise():
    picture = MAKER["fluorescence"](192, 12)
    assert picture.dtype == np.uint8
    assert np.median(picture) < 20
    assert picture.max() == 255
    assert 0 < picture[picture < 20].std() < 10
    np.testing.assert_array_equal(MAKER["fluorescence"](192, 12), picture)


def test_an_electron_micrograph_is_pale_with_dark_membranes_and_grain():
    picture = MAKER["electron"](192, 12)
    assert picture.dtype == np.uint8
    assert 120 < np.median(picture) < 200
    assert 0.05 < (picture < 90).mean() < 0.4
    np.testing.assert_array_equal(MAKER["electron"](192, 12), picture)


def test_rows_have_a_truth_only_where_there_was_one():
    rows = list(MAKER["pictures"]())
    assert [truth is not None for _, _, truth in rows] == [True, False, False, False, True]
    for _, grey, truth in rows:
        assert grey.ndim == 2
        assert grey.dtype == np.uint8
        assert truth is None or truth.shape == (*grey.shape, 3)


def test_the_correlation_of_hue_with_lightness_is_1_for_a_ramp_and_0_for_chance():
    random = np.random.default_rng(0)
    lightness = random.uniform(40, 80, (64, 64))
    for turned, expected in ((lightness / 80, 1.0), (random.uniform(0, 1, (64, 64)), 0.0)):
        chroma = 15 * np.stack([np.cos(turned), np.sin(turned)], 2)
        rgb = lab2rgb(np.dstack([lightness, chroma]))
        found = MAKER["hue_with_lightness"]((rgb * 255).round().astype(np.uint8))
        assert abs(found - expected) < 0.05
