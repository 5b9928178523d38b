"""The intensity window: which raw values become black and white."""

import numpy as np
import pytest
from skimage.color import rgb2lab

from napari_colorize.pipeline.image import read_plane
from napari_colorize.pipeline.window import (
    SAMPLED_PLANES,
    automatic_window,
    sampled_planes,
    shared_window,
    window_of_type,
)

RNG = np.random.default_rng(0)


def lightness(codes):
    """Return the L* of grey codes 0…1 in float64."""
    return rgb2lab(np.repeat(np.asarray(codes, np.float64)[..., None], 3, axis=-1))[..., 0]


def ramp(dtype, low, high, shape=(20, 60)):
    return np.linspace(low, high, np.prod(shape)).reshape(shape).astype(dtype)


class TestAutomaticWindow:
    def test_twelve_bit_data_fill_the_range(self):
        image = ramp("uint16", 100, 4000, (10, 10))
        assert automatic_window(image) == (100, 4000)
        assert all(type(end) is int for end in automatic_window(image))

    def test_a_few_hot_and_dead_pixels_do_not_count(self):
        image = RNG.integers(1000, 1100, (100, 100)).astype(np.uint16)
        image[0, :5], image[1, :5] = 65535, 0
        low, high = automatic_window(image)
        assert 1000 <= low < high < 1100

    def test_it_holds_all_but_a_thousandth_at_either_end(self):
        image = RNG.normal(size=(300, 300))
        low, high = automatic_window(image)
        assert np.mean(image < low) <= 0.001
        assert np.mean(image > high) <= 0.001
        assert (low, high) == pytest.approx(np.percentile(image, [0.1, 99.9]), abs=0.01)

    def test_missing_values_do_not_count(self):
        image = ramp("float32", -2, 5)
        image[0, :3] = np.nan, np.inf, -np.inf
        low, high = automatic_window(image)
        assert -2 <= low < high <= 5

    def test_sparse_spots_on_a_constant_ground_are_seen(self):
        image = np.zeros((100, 100), np.float32)
        image[50, 50] = 7
        assert automatic_window(image) == (0, 7)

    @pytest.mark.parametrize("value", [0.0, 0.25, 1.0])
    def test_a_constant_between_0_and_1_is_itself(self, value):
        plane = read_plane(np.full((3, 3), value))
        assert np.abs(plane.luma - lightness(np.full((3, 3), value))).max() < 2e-3

    @pytest.mark.parametrize("image", [np.full((2, 2), 1200, np.uint16), np.full((2, 2), -3.5)])
    def test_any_other_constant_is_mid_grey(self, image):
        assert np.abs(read_plane(image).luma - lightness(0.5)).max() < 2e-3

    def test_nothing_but_nan_is_black_and_reported(self):
        plane = read_plane(np.full((2, 3), np.nan))
        assert (plane.luma == 0).all()
        assert plane.nan_count == 6


class TestSharedWindow:
    def test_it_is_that_of_all_planes_together(self):
        stack = np.random.default_rng(5).normal(1000, 100, (7, 30, 40)).astype(np.float32)
        stack[3] += 500
        low, high = shared_window(lambda n: stack[n], 7, False)
        assert low == np.percentile(stack, 0.1, method="lower")
        assert high == np.percentile(stack, 99.9, method="higher")

    def test_a_long_stack_is_sampled_from_end_to_end(self):
        read = []
        shared_window(lambda n: read.append(n) or np.full((3, 3), n, np.uint16), 1000, False)
        assert len(read) == SAMPLED_PLANES
        assert (read[0], read[-1]) == (0, 999)
        assert np.ptp(np.diff(read)) <= 1
        assert read == sampled_planes(1000)

    @pytest.mark.parametrize(
        ("dtype", "rgb", "window"),
        [("uint8", False, (0, 255)), ("bool", False, (0, 1)), ("uint16", True, (0, 65535))],
    )
    def test_types_of_one_range_are_read_once(self, dtype, rgb, window):
        read = []
        plane = np.zeros((4, 4, 3) if rgb else (4, 4), dtype)
        assert shared_window(lambda n: read.append(n) or plane, 50, rgb) == window
        assert len(read) == 1
        assert window_of_type(plane, rgb) == window

    def test_a_stream_of_wide_planes_needs_one(self):
        with pytest.raises(ValueError, match="window=\\(0, 4095\\)"):
            window_of_type(np.zeros((3, 3), np.uint16), False)

    def test_blank_planes_are_left_out_unless_there_are_no_others(self):
        blank, real = np.zeros((2, 2), np.uint16), np.array([[50, 90]], np.uint16)
        assert shared_window([blank, real].__getitem__, 2, False) == (50, 90)
        assert shared_window([blank, blank].__getitem__, 2, False) == (0, 1)
        missing = np.full((2, 2), np.nan, np.float32)
        assert shared_window([missing, real.astype(np.float32)].__getitem__, 2, False) == (50, 90)

    def test_colour_pages_need_none_and_grey_ones_among_them_share_theirs(self):
        colour, grey = np.zeros((2, 2, 3), np.uint16), np.array([[50, 90]], np.uint16)
        assert shared_window([colour, colour].__getitem__, 2) is None
        assert shared_window([colour, grey].__getitem__, 2) == (50, 90)

    def test_pages_of_several_types_are_spanned(self):
        pages = [np.array([[5, 9]], np.uint8), np.array([[7, 4000]], np.uint16)]
        assert shared_window(pages.__getitem__, 2) == (0, 4000)
