"""The micrographs made by code have what matters of real ones, and are the same every time."""

import runpy

import numpy as np
from pages import ROOT

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
