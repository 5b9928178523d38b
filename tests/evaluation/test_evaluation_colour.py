"""The grey that a method is shown has the lightness of the truth."""

import numpy as np
import pytest
from skimage import data

from napari_colorize.evaluation.colour import as_rgb8, grey_of, to_lab


def test_grey_has_the_lightness_of_the_truth_within_8_bits():
    rgb = data.astronaut()[::3, ::3]
    grey = np.repeat(grey_of(rgb)[..., None], 3, axis=2)
    coarsest = np.diff(to_lab(np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, 2))[0, :, 0])
    assert np.abs(to_lab(grey)[..., 0] - to_lab(rgb)[..., 0]).max() <= coarsest.max() / 2 + 0.02


def test_a_grey_picture_stays_as_it_is():
    codes = np.arange(256, dtype=np.uint8)[None]
    assert np.array_equal(grey_of(codes[..., None].repeat(3, axis=2)), codes)


def test_alpha_is_left_out():
    rgba = np.zeros((2, 2, 4), np.uint8)
    assert as_rgb8(rgba).shape == (2, 2, 3)


@pytest.mark.parametrize("shape", [(2, 2), (2, 2, 1), (0, 2, 3), (1, 2, 2, 3)])
def test_what_is_no_rgb_picture_is_refused(shape):
    with pytest.raises(ValueError, match="RGB"):
        as_rgb8(np.zeros(shape, np.uint8))
