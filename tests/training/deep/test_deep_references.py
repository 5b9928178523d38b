"""Pictures to learn from: arrays of any common kind, and the size that networks see."""

import numpy as np
import pytest
from skimage import data
from skimage.color import rgb2lab

from napari_colorize.training.deep.pictures import (
    has_colour,
    seen_at,
    thumbnail,
    usual_size,
)
from napari_colorize.training.tiles import ArrayReference

PICTURE = data.astronaut()[:120, :160]


@pytest.mark.parametrize(
    "array",
    [PICTURE, PICTURE.astype(np.uint16) * 257, PICTURE / 255, (PICTURE / 255).astype(np.float32)],
    ids=["uint8", "uint16", "float64", "float32"],
)
def test_every_kind_of_rgb_is_the_same_picture(array):
    assert np.array_equal(ArrayReference.of(array, "layer").read(), PICTURE)


def test_what_is_transparent_becomes_white():
    alpha = np.full((120, 160, 1), 255, np.uint8)
    alpha[:, 80:] = 0
    read = ArrayReference.of(np.concatenate([PICTURE, alpha], -1), "layer").read()
    assert np.array_equal(read[:, :80], PICTURE[:, :80])
    assert (read[:, 80:] == 255).all()


@pytest.mark.parametrize(
    ("array", "error", "sentence"),
    [
        (PICTURE[..., 0], ValueError, "cells has shape .120, 160.; colour is learnt from RGB"),
        (PICTURE[None], ValueError, "one plane of a stack"),
        (PICTURE / 100, ValueError, "outside 0…1"),
        (PICTURE.astype(np.int32), TypeError, "cells is int32"),
    ],
)
def test_what_is_no_colour_picture_is_refused(array, error, sentence):
    with pytest.raises(error, match=sentence):
        ArrayReference.of(array, "cells")


def test_lightness_and_truth_lie_on_the_grid_that_the_network_sees():
    seen = seen_at(PICTURE, 64)
    assert seen.lightness.shape == (64, 96)  # multiples of 32, as in use
    assert seen.rgb.shape == (64, 96, 3)
    assert seen.lightness.mean() == pytest.approx(rgb2lab(PICTURE)[..., 0].mean(), abs=0.05)
    assert seen.rgb.mean((0, 1)) == pytest.approx(PICTURE.mean((0, 1)) / 255, abs=1e-3)


def test_the_usual_size_is_the_median_short_side_within_bounds():
    def blank(height, width):
        return ArrayReference(np.zeros((height, width, 3), np.uint8), "blank")

    assert usual_size([blank(100, 300), blank(150, 150), blank(400, 200)]) == 150
    assert usual_size([blank(3000, 4000)]) == 320
    assert usual_size([blank(20, 40)]) == 64


def test_a_grey_picture_has_no_colour():
    grey = np.repeat(PICTURE[..., :1], 3, -1)
    assert has_colour(PICTURE)
    assert not has_colour(grey)


def test_a_thumbnail_is_the_central_square():
    picture = np.zeros((40, 100, 3), np.uint8)
    picture[:, 30:70] = 200
    assert (thumbnail(picture, 16) == 200).all()
