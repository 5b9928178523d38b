"""Which colours count as clipped: those that had room in sRGB, not what is black or white."""

import numpy as np
import pytest

from napari_colorize import colorize, colorize_stack
from napari_colorize.pipeline.clipped import DARKEST, LIGHTEST, clipped_colours
from napari_colorize.pipeline.image import read_plane

RAMP = np.arange(256, dtype=np.uint8)[None].repeat(4, axis=0)


@pytest.mark.parametrize("window", [None, (0, 300), (-20, 255)])
def test_all_that_was_moved_counts_between_black_and_white(window):
    plane = read_plane(RAMP, window)
    light = plane.lightness()
    marked = clipped_colours(np.ones(RAMP.shape, bool), plane)
    np.testing.assert_array_equal(marked, (light >= DARKEST) & (light <= LIGHTEST))
    assert 0 < marked.sum() < marked.size


def test_nothing_counts_that_was_not_moved():
    plane = read_plane(RAMP)
    moved = RAMP % 3 == 0
    clipped = clipped_colours(moved.copy(), plane)
    assert clipped.any()
    assert not (clipped & ~moved).any()


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_dark_ground_is_not_marked(fake_model, dtype):
    fake_model.record.defaults["vividness"] = 1.0
    picture = np.random.default_rng(0).integers(0, 12, (64, 64), dtype=np.uint8)
    picture[20:40, 20:40] = 200
    result = colorize(picture, dtype=dtype)
    output = result.record["output"]
    assert output["moved_share"] > 0.5
    assert result.clipped[picture < 12].sum() == 0
    assert output["clipped_share"] == pytest.approx(result.clipped.mean())
    assert output["clipped_between"] == [DARKEST, LIGHTEST]


def test_a_stack_is_marked_and_counted_as_its_planes_are(fake_model):
    planes = np.random.default_rng(0).integers(0, 256, (3, 40, 40), dtype=np.uint8)
    whole = colorize_stack(planes, consistency=0)
    alone = [colorize(plane) for plane in planes]
    np.testing.assert_array_equal(whole.clipped, [one.clipped for one in alone])
    shares = [one.record["output"]["moved_share"] for one in alone]
    assert whole.record["output"]["moved_share"] == pytest.approx(np.mean(shares))
