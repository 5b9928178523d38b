"""Hints on two planes of a stack: held there, carried between, repeated from the record."""

import json

import numpy as np
import pytest
from skimage.color import rgb2lab

from napari_colorize import Hints, colorize_stack
from napari_colorize.guided.hints import Point

PLANES, SIDE, STEP = 5, 96, 2


@pytest.fixture(scope="module")
def stack():
    """A textured field with a bright disc, that glides by two pixels a plane."""
    random = np.random.default_rng(0)
    import cv2

    field = cv2.GaussianBlur(random.normal(0, 1, (SIDE, SIDE + STEP * PLANES)), (0, 0), 3)
    rows, columns = np.indices(field.shape)
    field = 90 + 250 * field / 3
    field[(rows - 48) ** 2 + (columns - 52) ** 2 < 18**2] += 60
    film = [field[:, STEP * n : STEP * n + SIDE] for n in range(PLANES)]
    return np.clip(film, 0, 255).astype(np.uint8)


def said(number):
    """A hint on the disc, and one that holds the ground."""
    return Hints(
        points=[
            Point(48, 52 - STEP * number, "#8a7060", 6),
            Point(8, 8, "as predicted", 3),
            Point(88, 80, "as predicted", 3),
        ]
    )


@pytest.fixture(scope="module")
def coloured(stack):
    return colorize_stack(stack, hints={0: said(0), -1: said(4)})


def test_hinted_planes_keep_their_colours_and_those_between_take_them(stack, coloured):
    true = rgb2lab(np.array([[[0x8A, 0x70, 0x60]]], np.uint8))[0, 0, 1:]
    plain = colorize_stack(stack)
    for number in range(PLANES):
        disc = np.s_[number, 44:53, 48 - STEP * number : 57 - STEP * number]
        found = rgb2lab(coloured.rgb[disc])[..., 1:]
        before = rgb2lab(plain.rgb[disc])[..., 1:]
        assert np.linalg.norm(found - true, axis=-1).mean() < 3, number
        assert np.linalg.norm(before - true, axis=-1).mean() > 5
    lightness = [rgb2lab(result.rgb)[..., 0] for result in (coloured, plain)]
    assert np.abs(lightness[0] - lightness[1]).max() < 0.7


def test_colour_does_not_flicker_more_than_the_automatic_result(stack, coloured):
    plain = colorize_stack(stack)

    def flicker(rgb):
        lab = rgb2lab(rgb)[..., 1:]
        return np.abs(lab[1:, :, :-STEP] - lab[:-1, :, STEP:]).mean()

    assert flicker(coloured.rgb) < flicker(plain.rgb) + 0.5


def test_the_record_says_and_repeats_it(stack, coloured):
    record = json.loads(json.dumps(coloured.record))
    assert "colours of 2 planes set by hand and carried along" in record["legend"]
    scope = {"image": stack}
    exec(coloured.as_python(), scope)
    assert np.array_equal(scope["rgb"], coloured.rgb)


@pytest.mark.parametrize(
    ("hints", "message"),
    [
        ({9: said(0)}, "There is no plane 9; the stack has 5 planes"),
        (said(0), "a mapping of the number of a plane to its hints"),
        ({0: Hints(points=[Point(200, 2, "red")])}, "outside of the picture"),
    ],
)
def test_hints_that_do_not_fit_are_refused(stack, hints, message):
    with pytest.raises((TypeError, ValueError), match=message):
        colorize_stack(stack, hints=hints)


def test_one_palette_holds_for_all_planes_and_is_repeated(stack):
    colours = ["#803020", "#304060"]
    few = colorize_stack(stack[:2], palette=colours, consistency=0)
    assert few.record["guide"]["palette"]["colours"] == colours
    assert "drawn towards the palette" in few.legend
    scope = {"image": stack[:2]}
    exec(few.as_python(), scope)
    assert np.array_equal(scope["rgb"], few.rgb)
    from napari_colorize import colorize

    window = tuple(few.record["parameters"]["window"])
    alone = colorize(stack[1], palette=colours, window=window)
    assert np.array_equal(alone.rgb, few.rgb[1])


def test_where_memory_runs_out_the_palette_stays(stack, monkeypatch):
    """The network that takes over on the CPU is under the same palette."""
    from napari_colorize import checkpoints
    from napari_colorize.guided.decisions import decisions_of
    from napari_colorize.guided.palettes import Under

    model = checkpoints.load("colorful")
    under = decisions_of(palette=["#803020"]).listening(model).graph
    assert isinstance(under, Under)
    over = under.over(model)
    import torch

    luma, setting = torch.full((1, 1, 32, 32), 50.0), torch.tensor(0.5)
    assert torch.equal(over(luma, setting, setting)[0], under(luma, setting, setting)[0])
    assert not torch.equal(over(luma, setting, setting)[0], model.graph(luma, setting, setting)[0])
