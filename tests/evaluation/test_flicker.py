"""Flicker: nothing where colours stay, what it says where they change."""

import numpy as np
import pytest
from skimage.color import rgb2lab

from napari_colorize.evaluation.flicker import flicker, overlap, pan

RNG = np.random.default_rng(8)
PICTURE = RNG.integers(0, 256, (40, 60, 3), dtype=np.uint8)


def test_a_pan_over_a_still_does_not_flicker_once_it_is_followed():
    film = pan(PICTURE, 30)
    assert flicker(film.frames, film.corners) == 0
    assert flicker(film.frames) > 10


def test_it_is_the_mean_distance_on_the_ab_plane():
    one, two = RNG.integers(0, 256, (2, 6, 7, 3), dtype=np.uint8)
    difference = (rgb2lab(one) - rgb2lab(two))[..., 1:]
    expected = np.linalg.norm(difference, axis=-1).mean()
    assert flicker([one, two]) == pytest.approx(expected, abs=1e-3)
    assert flicker([one, two, two]) == pytest.approx(expected / 2, abs=1e-3)


def test_only_pixels_that_count_do():
    one, two = RNG.integers(0, 256, (2, 6, 7, 3), dtype=np.uint8)
    mask = RNG.random((6, 7)) < 0.5
    expected = np.linalg.norm((rgb2lab(one) - rgb2lab(two))[..., 1:], axis=-1)[mask].mean()
    assert flicker([one, two], where=[mask]) == pytest.approx(expected, abs=1e-3)
    assert flicker([one, two, one], where=[mask, ~mask & False]) == pytest.approx(
        expected, abs=1e-3
    )
    with pytest.raises(ValueError, match="No pixel counts"):
        flicker([one, two], where=[mask & False])


def test_masks_move_with_the_first_frame_of_a_pair():
    film = pan(PICTURE, 2, step=(2, 3))
    spoilt = [film.frames[0].copy(), film.frames[1]]
    spoilt[0][10, 10] = 255 - spoilt[0][10, 10]
    mask = np.ones((30, 45), bool)
    assert flicker(spoilt, film.corners, [mask]) > 0
    mask[10, 10] = False
    assert flicker(spoilt, film.corners, [mask]) == 0


def test_lightness_does_not_count():
    greys = [np.full((4, 4, 3), code, np.uint8) for code in (0, 90, 255)]
    assert flicker(greys) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("other", [(0, 0), (2, 3), (-2, 3), (2, -3), (-2, -3), (9, 0), (0, -99)])
def test_overlap_is_what_both_frames_show(other):
    ys, xs = np.mgrid[:5, :6]
    places = np.stack([ys, xs], -1)
    one, two = overlap(places, places + other, (0, 0), other)
    assert (one == two).all()
    both = {tuple(p) for p in places.reshape(-1, 2)} & {
        tuple(p) for p in (places + other).reshape(-1, 2)
    }
    assert {tuple(p) for p in one.reshape(-1, 2)} == both


def test_a_pan_turns_back_at_the_border():
    film = pan(PICTURE, 60, share=0.5, step=(3, 7))
    corners = np.array(film.corners)
    assert (corners >= 0).all()
    assert (corners <= [20, 30]).all()
    assert {frame.shape for frame in film.frames} == {(20, 30, 3)}
    assert np.abs(np.diff(corners, axis=0)).max(axis=0) == pytest.approx([3, 7])
    for frame, (row, column) in zip(film.frames, film.corners, strict=True):
        assert (frame == PICTURE[row : row + 20, column : column + 30]).all()


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(ValueError, match="two or more"):
        flicker([PICTURE])
    with pytest.raises(ValueError, match="make equal"):
        flicker([PICTURE, PICTURE], [(0, 0)])
    with pytest.raises(ValueError, match="nothing in common"):
        flicker([PICTURE, PICTURE], [(0, 0), (40, 0)])
    with pytest.raises(ValueError, match="share"):
        pan(PICTURE, 3, share=0)
