"""Slides cut into tiles at the size at which a network sees them."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_colorize.pipeline.resample import network_shape
from napari_colorize.training.tiles import cut


def picture(height, width):
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows % 256, columns % 256, (rows + columns) % 256], -1).astype(np.uint8)


def test_of_a_picture_that_fits_are_its_own_pixels_side_by_side():
    slide = picture(256, 384)
    parts = cut({"a": slide}, 128)

    assert parts.network_size == 256
    assert list(parts.pictures) == [f"a [{y}, {x}]" for y in (0, 128) for x in (0, 128, 256)]
    for name, tile in parts.pictures.items():
        y, x = (int(part) for part in name[3:-1].split(", "))
        np.testing.assert_array_equal(tile, slide[y : y + 128, x : x + 128])


def test_of_a_huge_picture_show_it_as_small_as_a_network_does():
    parts = cut({"a": picture(2048, 2048)}, 128)

    assert parts.network_size == 512
    assert len(parts.pictures) == 16
    # Every fourth pixel of the ramp remains: 128 px of a tile span 512 of the slide.
    first = parts.pictures["a [0, 0]"].astype(int)
    assert first[10, 20, 0] == pytest.approx(4 * 10 + 1.5, abs=1)


def test_small_pictures_and_those_left_whole_are_untouched():
    small, large = picture(100, 90), picture(256, 256)
    parts = cut({"small": small, "large": large}, 0)
    assert parts.network_size == 0
    assert parts.pictures["large"] is large
    parts = cut({"small": small}, 128)
    assert (parts.pictures["small"] is small, parts.network_size) == (True, 0)


@pytest.mark.parametrize("side", [-1, 31, 1025])
def test_sides_that_cannot_be_are_refused(side):
    with pytest.raises(ValueError, match="32 to 1024 px"):
        cut({"a": picture(64, 64)}, side)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 700), st.integers(1, 700), st.sampled_from([32, 64, 128]))
def test_tiles_never_overlap_and_leave_less_than_a_tile_along_each_side(height, width, side):
    parts = cut({"a": picture(height, width)}, side)
    if not parts.network_size:
        assert list(parts.pictures) == ["a"]
        return
    seen = network_shape(height, width, parts.network_size)
    starts = [tuple(int(v) for v in name[3:-1].split(", ")) for name in parts.pictures]
    for axis in (0, 1):
        along = sorted({start[axis] for start in starts})
        assert len(along) == seen[axis] // side
        assert along[0] == 0
        assert along[-1] <= seen[axis] - side
        assert all(b - a >= side for a, b in pairwise(along))
    assert all(tile.shape == (side, side, 3) for tile in parts.pictures.values())
