"""One solve: held colours, what keeps the prediction, what walls and locks do, what is alike."""

import numpy as np
import pytest
from skimage.color import lab2rgb, rgb2lab

from napari_colorize.guided.hints import Hints, Point
from napari_colorize.guided.solve import Covariance, Places, in_gamut, solve

SIDE = 24


@pytest.fixture
def picture():
    """Two flat halves, 40 and 70 L*, a grain on them, and a prediction."""
    random = np.random.default_rng(0)
    light = np.full((SIDE, SIDE), 40, np.float32)
    light[:, SIDE // 2 :] = 70
    light += random.normal(0, 0.2, light.shape).astype(np.float32)
    prior = np.zeros((SIDE, SIDE, 2), np.float32)
    prior[:, : SIDE // 2], prior[:, SIDE // 2 :] = (10, 5), (-8, 12)
    return light, prior


def colour_of(lightness, chroma):
    rgb = lab2rgb(np.array([[[lightness, *chroma]]]))[0, 0]
    return "#{:02x}{:02x}{:02x}".format(*np.rint(rgb * 255).astype(int))


def test_hinted_pixels_have_their_colour_exactly(picture):
    light, prior = picture
    red = colour_of(50, (30, 20))
    drawn = Hints(points=[Point(5, 5, red, 2), Point(5, 18, "neutral", 1)]).drawn(light.shape)
    solved = solve(light, prior, drawn)
    true = rgb2lab(np.array([[[int(red[i : i + 2], 16) / 255 for i in (1, 3, 5)]]]))[0, 0, 1:]
    assert solved.chroma[5, 5] == pytest.approx(true, abs=0.02)
    assert solved.chroma[6, 6] == pytest.approx(true, abs=0.02)
    assert (solved.chroma[5, 18] == 0).all()
    assert solved.held == 13 + 5
    assert solved.moved == 0


def test_colours_that_srgb_lacks_there_are_moved_and_counted(picture):
    light, prior = picture
    drawn = Hints(points=[Point(5, 18, "#0000ff", 1), Point(20, 3, "#806050", 0)]).drawn(
        light.shape
    )
    solved = solve(light, prior, drawn)
    assert (solved.held, solved.moved) == (6, 5)
    rgb = lab2rgb(np.array([[[light[5, 18], *solved.chroma[5, 18]]]]))
    assert rgb2lab(rgb)[0, 0] == pytest.approx([light[5, 18], *solved.chroma[5, 18]], abs=0.1)
    fitted, moved = in_gamut(light[5:6, 18], np.float32([[79.19, -107.86]]))
    assert moved[0]
    assert fitted[0] == pytest.approx(solved.chroma[5, 18], abs=0.5)


def test_without_a_coloured_hint_nothing_is_touched(picture):
    light, prior = picture
    for word in ("as predicted", "wall", "locked"):
        solved = solve(light, prior, Hints(points=[Point(5, 5, word, 3)]).drawn(light.shape))
        assert not solved.touched.any()
        assert np.array_equal(solved.chroma, prior)


@pytest.mark.parametrize("word", ["wall", "locked"])
def test_nothing_flows_past_walls_and_locked_regions(picture, word):
    light, prior = picture
    labels = np.zeros((SIDE, SIDE), int)
    labels[:, 10], labels[3, 3] = 1, 2
    hints = Hints(labels=labels, colours={1: word, 2: "#c03030"})
    solved = solve(light, prior, hints.drawn(light.shape))
    assert np.array_equal(solved.chroma[:, 10:], prior[:, 10:])
    assert solved.touched[:, :10].all()
    assert not solved.touched[:, 10:].any()
    assert np.abs(solved.chroma[:, :10] - prior[:, :10]).max(-1).min() > 5


def test_as_predicted_holds_a_place_against_a_hint(picture):
    light, prior = picture
    alone = Hints(points=[Point(3, 3, "#c03030")])
    both = alone.joined(Hints(points=[Point(20, 20, "as predicted", 1)]))
    moved = [
        np.abs(solve(light, prior, hints.drawn(light.shape)).chroma - prior)[20, 20].max()
        for hints in (alone, both)
    ]
    assert moved[0] > 1
    assert moved[1] == 0


def test_a_certain_prediction_stands_firm_far_from_the_hint(picture):
    light, prior = picture
    drawn = Hints(points=[Point(3, 3, "#c03030")]).drawn(light.shape)
    far = [
        np.abs(
            solve(light, prior, drawn, spread=0.0, uncertainty=np.full_like(light, unsure)).chroma
            - prior
        )[20, 8].max()
        for unsure in (1.0, 0.0)
    ]
    assert far[0] > 30
    assert far[1] < 0.9 * far[0]


def test_covariances_are_what_they_say():
    random = np.random.default_rng(1)
    places = [
        Places(random.random((n, 2)), random.uniform(0, 100, n), random.normal(0, 20, (n, 2)))
        for n in (4, 3)
    ]
    own = Covariance()
    one, other = places
    common, alike = own.common(one, other), own.alikeness(one, other)
    for i in range(4):
        for j in range(3):
            light = (one.lightness[i] - other.lightness[j]) ** 2
            tint = 5.8**2 * np.exp(-light / (2 * 46.9**2))
            assert common[i, j] == pytest.approx(tint + 0.44**2 * one.colour[i] @ other.colour[j])
            exponent = (
                light / 39.8**2
                + ((one.colour[i] - other.colour[j]) ** 2).sum() / 9.3**2
                + ((one.place[i] - other.place[j]) ** 2).sum() / 0.7**2
            )
            assert alike[i, j] == pytest.approx(5.8**2 * np.exp(-exponent / 2))


def test_what_looks_alike_hears_a_hint_and_what_does_not_hears_less(picture):
    light, prior = picture
    light[16:, :6], prior[16:, :6] = 70, (-8, 12)  # like the right half, but apart from it
    drawn = Hints(points=[Point(4, 20, colour_of(70, (20, 40)), 2)]).drawn(light.shape)
    moved = np.abs(
        solve(light, prior, drawn).chroma - solve(light, prior, drawn, spread=0.0).chroma
    )
    assert moved[20, 3].max() > 1
    wrong = light[:-1]
    with pytest.raises(ValueError, match="of one picture"):
        solve(wrong, prior, drawn)
