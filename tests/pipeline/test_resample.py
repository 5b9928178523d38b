"""The size the network sees, and resizing without aliasing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_colorize.pipeline.resample import network_shape, no_finer_than, resize, resize_codes


@pytest.mark.parametrize(
    ("height", "width", "size", "expected"),
    [
        (512, 512, 256, (256, 256)),
        (3000, 4000, 256, (256, 352)),  # 341 is nearer to 352 than to 320
        (4000, 3000, 256, (352, 256)),
        (64, 64, 256, (256, 256)),
        (24, 24, 256, (96, 96)),  # fourfold at the most
        (1, 1, 256, (32, 32)),
    ],
)
def test_the_short_side_becomes_the_network_size(height, width, size, expected):
    assert network_shape(height, width, size) == expected


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(32, 2048))
def test_sides_are_multiples_of_32_and_the_area_is_bounded(height, width, size):
    small = network_shape(height, width, size)
    assert all(side >= 32 and side % 32 == 0 for side in small)
    # Rounding up the short side of a strip may cost as much again.
    assert small[0] * small[1] <= max(4 * size**2, 32 * 32) * 1.5
    assert (small[0] <= small[1]) == (height <= width) or small[0] == small[1]


def test_shrinking_by_whole_numbers_is_the_mean_of_the_pixels():
    plane = np.random.default_rng(0).random((12, 20), dtype=np.float32)
    expected = plane.reshape(4, 3, 5, 4).mean(axis=(1, 3))
    assert resize(plane, (4, 5)) == pytest.approx(expected, abs=1e-6)


def test_shrinking_by_fractions_weights_pixels_by_their_share():
    assert resize(np.array([[0.0, 1.0, 5.0]], np.float32), (1, 2)) == pytest.approx(
        np.array([[1 / 3, (0.5 * 1 + 5) / 1.5]]), abs=1e-6
    )


def test_axes_are_treated_on_their_own():
    plane = np.random.default_rng(0).random((2, 40), dtype=np.float32)
    mean = plane.reshape(2, 4, 10).mean(axis=2)
    assert resize(plane, (8, 4))[[0, -1]] == pytest.approx(mean, abs=1e-6)


def test_growing_keeps_pixel_centres_aligned():
    row = np.array([[0.0, 4.0]], np.float32)
    assert resize(row, (1, 4))[0] == pytest.approx([0, 1, 3, 4])


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(1, 40))
def test_a_constant_stays_constant(height, width, new_height, new_width):
    resized = resize(np.full((height, width), 42.5, np.float32), (new_height, new_width))
    assert resized.shape == (new_height, new_width)
    assert resized == pytest.approx(42.5, abs=1e-4)


def test_one_axis_may_shrink_while_the_other_grows():
    plane = np.random.default_rng(0).random((40, 2), dtype=np.float32)
    mean = plane.reshape(4, 10, 2).mean(axis=1)
    assert resize(plane, (4, 8))[:, [0, -1]] == pytest.approx(mean, abs=1e-6)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(1, 40))
def test_codes_are_resized_as_the_plane_they_stand_for(height, width, new_height, new_width):
    generator = np.random.default_rng(height * 41 + width)
    codes = generator.integers(0, 256, (height, width), dtype=np.uint8)
    table = generator.random(256, dtype=np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("napari_colorize.pipeline.resample.BAND_PIXELS", 100)
        found = resize_codes(codes, table, (new_height, new_width))
    assert found.flags.c_contiguous
    assert found == pytest.approx(resize(table[codes], (new_height, new_width)), abs=1e-5)


def test_chroma_is_never_finer_than_the_picture():
    assert no_finer_than((64, 64), (10, 300)) == (10, 64)
