"""Arrays in, lightness out. The reference is scikit-image in float64."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from skimage.color import rgb2lab

from napari_colorize.pipeline.image import as_array, read_plane

RNG = np.random.default_rng(0)


def lightness(codes):
    """Return the L* of grey codes 0…1 in float64."""
    return rgb2lab(np.repeat(np.asarray(codes, np.float64)[..., None], 3, axis=-1))[..., 0]


def ramp(dtype, low, high, shape=(20, 60)):
    return np.linspace(low, high, np.prod(shape)).reshape(shape).astype(dtype)


class TestGrey:
    def test_uint8_keeps_its_codes(self):
        image = RNG.integers(0, 256, (7, 9), dtype=np.uint8)
        plane = read_plane(image)
        assert plane.luma.dtype == np.uint8
        assert (plane.luma == image).all()
        assert (plane.window, plane.window_mode) == ((0, 255), "automatic")

    def test_uint8_lightness_is_that_of_its_codes(self):
        image = np.arange(256, dtype=np.uint8).reshape(16, 16)
        assert np.abs(read_plane(image).lightness() - lightness(image / 255)).max() < 2e-3

    def test_bool_is_black_and_white(self):
        plane = read_plane(np.array([[True, False]]))
        assert plane.luma.tolist() == [[255, 0]]
        assert plane.window == (0, 1)

    @pytest.mark.parametrize(
        "dtype",
        ["uint8", "uint16", "int16", "uint32", "int64", "uint64", "f2", "f4", "f8", ">u2", ">f4"],
    )
    def test_an_explicit_window_is_a_linear_map_to_grey_codes(self, dtype):
        image = ramp(dtype, 0, 250)
        plane = read_plane(image, window=(50, 200))
        expected = lightness(np.clip((image.astype(float) - 50) / 150, 0, 1))
        assert plane.luma.dtype == np.float32
        assert np.abs(plane.luma - expected).max() < 2e-3
        assert plane.window_mode == "explicit"
        outside = (image.astype(float) < 50) | (image.astype(float) > 200)
        assert plane.outside_window == pytest.approx(outside.mean())

    @pytest.mark.parametrize("dtype", [bool, np.uint8, np.int16, np.uint16, np.float32])
    @pytest.mark.parametrize("sides", [(8, 16), (300, 300)])
    def test_gamma_bends_what_the_window_gives(self, dtype, sides):
        image = np.arange(np.prod(sides)).reshape(sides) % 200
        image = (image > 99) if dtype is bool else image.astype(dtype)
        window = (0, 1) if dtype is bool else (10, 180)
        plane = read_plane(image, window, 0.6)
        shown = ((image.astype(float) - window[0]) / (window[1] - window[0])).clip(0, 1) ** 0.6
        assert np.abs(plane.lightness() - lightness(shown)).max() < 2e-3

    def test_gamma_of_whole_range_codes_and_of_colour_counts_too(self):
        codes = np.arange(256, dtype=np.uint8).reshape(16, 16)
        assert np.abs(read_plane(codes, None, 2).luma - lightness((codes / 255) ** 2)).max() < 2e-3
        colour = np.repeat(codes[..., None], 3, axis=-1)
        assert (
            np.abs(read_plane(colour, None, 2).luma - read_plane(codes, None, 2).luma).max() < 0.02
        )

    def test_says_whether_there_is_anything_to_be_seen(self):
        assert read_plane(np.zeros((700, 700), np.uint8)).one_shade
        assert read_plane(np.full((3, 3), np.nan)).one_shade
        assert read_plane(np.array([[1, 2]]), (5, 9)).one_shade
        spot = np.zeros((700, 700), np.uint8)
        spot[-1, -1] = 1
        assert not read_plane(spot).one_shade

    def test_large_pictures_are_mapped_without_seams(self):
        image = ramp("uint16", 0, 65535, (1500, 701))
        expected = lightness(image / 65535)
        assert np.abs(read_plane(image, (0, 65535)).luma - expected).max() < 2e-3

    @settings(max_examples=60, deadline=None)
    @given(
        arrays.arrays(
            st.sampled_from(["i1", "u2", "i4", "u8", "i8", "f2", "f4", "f8"]),
            st.tuples(st.integers(1, 9), st.integers(1, 9)),
        )
    )
    def test_any_values_give_lightness_between_black_and_white(self, image):
        plane = read_plane(image)
        assert plane.luma.shape == image.shape
        assert np.isfinite(plane.luma).all()
        assert plane.luma.min() >= 0
        assert plane.luma.max() <= 100
        assert plane.window[0] < plane.window[1]


class TestMissingValues:
    def test_nan_is_the_low_end_and_counted(self):
        image = np.array([[0.0, np.nan, 1.0]])
        plane = read_plane(image, (0, 1))
        assert plane.nan_count == 1
        assert plane.luma[0] == pytest.approx([0, 0, 100], abs=1e-2)
        assert plane.outside_window == 0

    def test_infinities_are_the_ends(self):
        plane = read_plane(np.array([[-np.inf, 0.5, np.inf]]), (0, 1))
        assert plane.luma[0] == pytest.approx([0, float(lightness(0.5)), 100], abs=1e-2)


class TestColour:
    @pytest.mark.parametrize(("dtype", "top"), [("uint8", 255), ("uint16", 65535), ("float32", 1)])
    def test_its_lightness_is_used(self, dtype, top):
        image = (RNG.random((11, 13, 3)) * top).astype(dtype)
        plane = read_plane(image)
        expected = rgb2lab(image.astype(np.float64) / top)[..., 0]
        assert (plane.kind, plane.window) == ("rgb", (0, top))
        assert np.abs(plane.luma - expected).max() < 0.02  # sRGB matrices differ in the fifth digit

    def test_a_window_applies_to_every_channel(self):
        image = RNG.integers(0, 1000, (5, 6, 3))
        expected = rgb2lab(np.clip(image / 500, 0, 1))[..., 0]
        assert np.abs(read_plane(image, (0, 500)).luma - expected).max() < 0.02

    @pytest.mark.parametrize(("dtype", "top"), [("uint8", 255), ("uint16", 65535), ("float64", 1)])
    def test_alpha_is_kept_and_does_not_touch_lightness(self, dtype, top):
        image = (RNG.random((4, 5, 4)) * top).astype(dtype)
        plane = read_plane(image)
        assert plane.alpha == pytest.approx(image[..., 3] / top, abs=1e-6)
        assert (plane.luma == read_plane(image[..., :3]).luma).all()

    def test_floats_beyond_1_are_refused_with_advice(self):
        with pytest.raises(ValueError, match=r"must lie in 0…1.*spans 0…200.*window=\(0, 255\)"):
            read_plane(np.full((2, 2, 3), 200.0))

    def test_integers_without_an_agreed_range_are_refused_with_advice(self):
        with pytest.raises(ValueError, match="int64 has no agreed range"):
            read_plane(np.zeros((2, 2, 3), np.int64))

    def test_overshoots_of_interpolation_are_forgiven(self):
        assert read_plane(np.full((2, 2, 3), 1.0001)).luma.max() <= 100

    def test_pixels_with_nan_are_counted_once(self):
        image = np.zeros((2, 2, 3))
        image[0, 0] = np.nan
        assert read_plane(image).nan_count == 1


class TestRefusals:
    @pytest.mark.parametrize(
        ("shape", "advice"),
        [
            ((5,), "two dimensions"),
            ((), "two dimensions"),
            ((9, 5, 6), r"image\[0\]"),
            ((2, 9, 5, 6), r"image\[0, 0\]"),
            ((3, 8, 8), r"np.moveaxis\(image, 0, -1\)"),
            ((8, 8, 1), r"image\[\.\.\., 0\]"),
        ],
    )
    def test_what_is_not_one_picture_is_refused_with_the_way_to_one(self, shape, advice):
        with pytest.raises(ValueError, match=advice):
            read_plane(np.zeros(shape, np.uint8))

    @pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0, 3)])
    def test_pictures_without_pixels_are_refused(self, shape):
        with pytest.raises(ValueError, match="no pixels"):
            read_plane(np.zeros(shape))

    def test_complex_numbers_are_refused_with_advice(self):
        with pytest.raises(TypeError, match=r"abs\(image\)"):
            read_plane(np.zeros((2, 2), complex))

    @pytest.mark.parametrize("image", [np.array([[None]]), np.array([["a"]]), None, {}])
    def test_what_is_no_number_is_refused(self, image):
        with pytest.raises(TypeError, match="pixels must be"):
            read_plane(image)

    def test_paths_are_refused_with_the_way_to_read_them(self):
        with pytest.raises(TypeError, match=r"napari_colorize\.files\.read"):
            read_plane("cells.png")


class TestSources:
    @pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.bfloat16, torch.int16])
    def test_torch_tensors_are_pictures(self, dtype):
        tensor = torch.arange(12).reshape(3, 4).to(dtype)
        assert as_array(tensor).tolist() == np.arange(12).reshape(3, 4).tolist()

    def test_tensors_with_gradients_are_pictures(self):
        assert as_array(torch.zeros(2, 2, requires_grad=True)).shape == (2, 2)

    def test_anything_that_gives_an_array_is_a_picture(self):
        class Lazy:
            def __array__(self, dtype=None, copy=None):
                return np.eye(3, dtype=np.uint8)

        assert (read_plane(Lazy()).luma == np.eye(3)).all()

    def test_read_only_strided_and_mirrored_arrays_are_pictures(self):
        image = RNG.integers(0, 4000, (20, 30)).astype(np.uint16)
        image.flags.writeable = False
        view = image[::-2, ::-3]
        same = read_plane(np.ascontiguousarray(view), (0, 4000)).luma
        assert (read_plane(view, (0, 4000)).luma == same).all()
