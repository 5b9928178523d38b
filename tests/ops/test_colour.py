"""Colour conversion and gamut clipping: exact enough, for any layout, and refusing well.

The reference is written out here in float64 numpy, independently of the package; scikit-image and
OpenCV are asked too.
"""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage import color

from napari_colorize import ops

MATRIX = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
)
MATRIX = MATRIX / MATRIX.sum(1, keepdims=True)
DELTA = 6 / 29


def reference_lab(rgb: np.ndarray) -> np.ndarray:
    """SRGB in [0, 1] to Lab, channels last, in float64."""
    rgb = rgb.astype(np.float64)
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    xyz = linear @ MATRIX.T
    f = np.where(xyz > DELTA**3, np.cbrt(xyz), xyz / (3 * DELTA**2) + 4 / 29)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)


def reference_linear(lab: np.ndarray) -> np.ndarray:
    """Lab to linear sRGB, not clamped, channels last, in float64."""
    lightness, a, b = np.moveaxis(lab.astype(np.float64), -1, 0)
    y = (lightness + 16) / 116
    f = np.stack([y + a / 500, y, y - b / 200], -1)
    return np.where(f > DELTA, f**3, (f - 4 / 29) * 3 * DELTA**2) @ np.linalg.inv(MATRIX).T


def reference_rgb(lab: np.ndarray) -> np.ndarray:
    """Lab to sRGB in [0, 1], clamped in linear light, channels last, in float64."""
    light = reference_linear(lab).clip(0, 1)
    return np.where(light > 0.0031308, 1.055 * light ** (1 / 2.4) - 0.055, 12.92 * light)


def delta_e(found: torch.Tensor, expected: np.ndarray) -> float:
    """Largest Euclidean distance in Lab, channels last."""
    return float(np.linalg.norm(found.double().numpy() - expected, axis=-1).max(initial=0))


def random_lab(*shape: int, seed: int = 0) -> torch.Tensor:
    """Colours of which sRGB can show about a fifth."""
    generator = torch.Generator().manual_seed(seed)
    unit = torch.rand(*shape, 3, generator=generator)
    return unit * torch.tensor([100.0, 220, 220]) - torch.tensor([0.0, 110, 110])


def all_bytes() -> torch.Tensor:
    """Every 8-bit sRGB colour once, as (256, 256, 256, 3)."""
    axis = torch.arange(256, dtype=torch.uint8)
    return torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1)


class TestRgbToLab:
    def test_float32_is_within_its_promise_over_the_whole_cube(self):
        rgb = all_bytes()[::5, ::5, ::5].float() / 255
        assert delta_e(ops.rgb_to_lab(rgb), reference_lab(rgb.numpy())) <= 2.5e-4

    def test_float32_is_within_its_promise_near_black(self):
        rgb = torch.rand(20000, 3, generator=torch.Generator().manual_seed(1)) * 0.1
        assert delta_e(ops.rgb_to_lab(rgb), reference_lab(rgb.numpy())) <= 2.5e-4

    def test_float32_is_within_its_promise_between_the_codes(self):
        rgb = torch.rand(400_000, 3, generator=torch.Generator().manual_seed(8))
        assert delta_e(ops.rgb_to_lab(rgb), reference_lab(rgb.numpy())) <= 2.5e-4

    def test_uint8_is_within_the_same_promise(self):
        rgb = all_bytes()[::5, ::5, ::5].contiguous()
        assert delta_e(ops.rgb_to_lab(rgb), reference_lab(rgb.numpy() / 255)) <= 2.5e-4

    def test_float64_keeps_its_precision(self):
        rgb = torch.rand(5000, 3, dtype=torch.float64)
        lab = ops.rgb_to_lab(rgb)
        assert lab.dtype == torch.float64
        assert delta_e(lab, reference_lab(rgb.numpy())) < 1e-10

    def test_grey_has_no_chroma_and_the_scale_ends_at_black_and_white(self):
        grey = torch.arange(256, dtype=torch.uint8)[:, None].expand(-1, 3)
        lab = ops.rgb_to_lab(grey)
        assert lab[:, 1:].abs().max() < 1e-4
        assert lab[0, 0].abs() < 1e-4
        assert (lab[255, 0] - 100).abs() < 1e-4

    def test_agrees_with_scikit_image(self):
        rgb = np.random.default_rng(2).random((40, 50, 3))
        # Its white is rounded to five digits, which is worth up to 0.02 on the b axis.
        assert delta_e(ops.rgb_to_lab(torch.from_numpy(rgb)), color.rgb2lab(rgb)) < 0.03

    def test_lightness_agrees_with_scikit_image_closely(self):
        rgb = np.random.default_rng(3).random((40, 50, 3))
        lightness = ops.rgb_to_lab(torch.from_numpy(rgb))[..., 0].numpy()
        np.testing.assert_allclose(lightness, color.rgb2lab(rgb)[..., 0], atol=2e-3)

    def test_agrees_with_opencv_up_to_its_coarse_table(self):
        rgb = np.random.default_rng(4).random((40, 50, 3)).astype(np.float32)
        lab = ops.rgb_to_lab(torch.from_numpy(rgb))
        assert delta_e(lab, cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)) < 1.0

    def test_values_outside_the_unit_range_are_clamped(self):
        wild = torch.tensor([[-0.5, 2.0, torch.inf], [-torch.inf, 1.5, 0.25]])
        assert torch.equal(ops.rgb_to_lab(wild), ops.rgb_to_lab(wild.clamp(0, 1)))

    def test_nan_stays_in_its_own_pixel(self):
        rgb = torch.rand(700, 3)
        expected = ops.rgb_to_lab(rgb)
        rgb[333, 1] = torch.nan
        lab = ops.rgb_to_lab(rgb)
        assert lab[333].isnan().all()
        keep = torch.arange(700) != 333
        assert torch.equal(lab[keep], expected[keep])


class TestLabToRgb:
    def test_float32_is_within_its_promise_inside_and_outside_the_gamut(self):
        lab = random_lab(20000)
        np.testing.assert_allclose(ops.lab_to_rgb(lab), reference_rgb(lab.numpy()), atol=1e-5)

    def test_planes_are_within_the_same_promise(self):
        lab = random_lab(20003).T.contiguous()
        expected = reference_rgb(lab.T.numpy()).T
        np.testing.assert_allclose(ops.lab_to_rgb(lab, channel_dim=0), expected, atol=1e-5)

    def test_in_planes_nan_stays_in_its_pixel_and_infinity_is_clamped(self):
        lab = random_lab(64).T.contiguous()
        expected = ops.lab_to_rgb(lab, channel_dim=0)
        lab[:, 5], lab[1, 40] = torch.nan, torch.nan
        lab[:, 50] = torch.tensor([torch.inf, 0, 0])
        rgb = ops.lab_to_rgb(lab, channel_dim=0)
        assert rgb[:, [5, 40]].isnan().sum() >= 4  # blue does not depend on a
        keep = [i for i in range(64) if i not in (5, 40, 50)]
        assert torch.equal(rgb[:, keep], expected[:, keep])

    @pytest.mark.parametrize("pixels", [16 * 180_001, 16 * 180_001 + 7])
    def test_planes_past_the_caches_are_as_their_pieces(self, pixels):
        """From 32 MiB on, with planes aligned evenly and oddly, into memory fresh and kept."""
        few = random_lab(1009).T
        lab = few.repeat(1, -(-pixels // 1009))[:, :pixels].contiguous()
        piece = ops.lab_to_rgb(few.contiguous(), channel_dim=0)
        for _ in range(2):
            rgb = ops.lab_to_rgb(lab, channel_dim=0)
            assert rgb.numel() * 4 >= 32 << 20
            expected = piece.repeat(1, -(-pixels // 1009))[:, :pixels]
            np.testing.assert_allclose(rgb, expected, atol=1e-6)

    def test_float64_keeps_its_precision(self):
        lab = random_lab(5000).double()
        np.testing.assert_allclose(ops.lab_to_rgb(lab), reference_rgb(lab.numpy()), atol=1e-11)

    @pytest.mark.timeout(120)
    def test_every_8_bit_colour_survives_the_round_trip(self):
        rgb = all_bytes() if ops.backend() == "native" else all_bytes()[::4, ::4, ::4]
        for red in rgb:  # a slice at a time keeps the test small
            assert torch.equal(ops.lab_to_rgb(ops.rgb_to_lab(red), dtype=torch.uint8), red)

    def test_agrees_with_scikit_image(self):
        lab = random_lab(40, 50).double()
        lab[..., 1:] /= 4
        expected = color.lab2rgb(lab.numpy())
        np.testing.assert_allclose(ops.lab_to_rgb(lab), expected, atol=2e-3)

    def test_agrees_with_opencv_up_to_its_coarse_table(self):
        lab = random_lab(40, 50)
        lab[..., 1:] /= 4
        expected = cv2.cvtColor(lab.numpy(), cv2.COLOR_LAB2RGB)
        np.testing.assert_allclose(ops.lab_to_rgb(lab), expected, atol=6e-3)

    def test_uint8_is_the_float_rounded_to_nearest(self):
        lab = random_lab(5000)
        expected = (ops.lab_to_rgb(lab) * 255 + 0.5).floor().to(torch.uint8)
        assert torch.equal(ops.lab_to_rgb(lab, dtype=torch.uint8), expected)

    def test_nan_stays_nan_as_a_float_and_is_black_as_a_code(self):
        lab = torch.full((2, 3), torch.nan)
        assert ops.lab_to_rgb(lab).isnan().all()
        assert (ops.lab_to_rgb(lab, dtype=torch.uint8) == 0).all()

    def test_dtype_follows_the_input_or_the_request(self):
        lab = random_lab(4)
        assert ops.lab_to_rgb(lab).dtype == torch.float32
        assert ops.lab_to_rgb(lab.double()).dtype == torch.float64
        assert ops.lab_to_rgb(lab.double(), dtype=torch.float32).dtype == torch.float32


class TestGamutClip:
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_the_result_is_inside_with_lightness_and_hue_kept(self, dtype):
        lab = random_lab(4000).to(dtype)
        inside, _ = ops.gamut_clip(lab)
        light = reference_linear(inside.numpy())
        assert light.min() >= -2e-5
        assert light.max() <= 1 + 2e-5
        assert torch.equal(inside[:, 0], lab[:, 0])
        cross = lab[:, 1] * inside[:, 2] - lab[:, 2] * inside[:, 1]
        assert cross.abs().max() < 2e-3
        assert ((lab[:, 1:] * inside[:, 1:]).sum(1) >= 0).all()

    def test_the_scale_is_the_largest_that_a_dense_search_finds(self):
        lab = random_lab(400, seed=5).double().numpy()
        scales = np.linspace(0, 1, 2001)
        candidates = lab[:, None] * np.stack([np.ones(2001), scales, scales], -1)
        light = reference_linear(candidates)
        fits = ((light >= -1e-5) & (light <= 1 + 1e-5)).all(-1)
        largest = np.where(fits, scales, 0).max(1)
        inside, _ = ops.gamut_clip(torch.from_numpy(lab))
        found = np.linalg.norm(inside.numpy()[:, 1:], axis=1) / np.linalg.norm(lab[:, 1:], axis=1)
        assert (found >= largest - 1e-9).all()
        assert (found <= largest + 1 / 2000).all()

    def test_bright_yellow_keeps_its_chroma_beyond_the_dent(self):
        # Between grey and this yellow lie colours that sRGB cannot show.
        lab = ops.rgb_to_lab(torch.tensor([[255, 250, 0]], dtype=torch.uint8))
        beyond = lab * torch.tensor([1.0, 1.002, 1.002])
        inside, clipped = ops.gamut_clip(beyond)
        assert clipped.all()
        assert (inside - lab).norm() < 1

    def test_every_8_bit_colour_is_inside_and_untouched(self):
        lab = ops.rgb_to_lab(all_bytes()[::3, ::3, ::3])
        inside, clipped = ops.gamut_clip(lab)
        assert not clipped.any()
        np.testing.assert_allclose(inside, lab, atol=1e-4)

    def test_the_mask_marks_exactly_what_was_outside(self):
        lab = random_lab(4000, seed=6).double()
        light = reference_linear(lab.numpy())
        outside = ((light < -1e-5) | (light > 1 + 1e-5)).any(-1)
        np.testing.assert_array_equal(ops.gamut_clip(lab)[1].numpy(), outside)

    def test_impossible_lightness_is_clamped_and_marked(self):
        lab = torch.tensor([[-5.0, 0, 0], [105.0, 0, 0], [50.0, 0, 0]])
        inside, clipped = ops.gamut_clip(lab)
        assert inside[:, 0].tolist() == [0, 100, 50]
        assert clipped.tolist() == [True, True, False]

    def test_nan_and_infinity_become_nan_and_are_marked(self):
        lab = torch.tensor([[torch.nan, 0, 0], [50, torch.inf, 0], [50, 0, -torch.inf], [50, 1, 1]])
        inside, clipped = ops.gamut_clip(lab)
        assert inside[:3].isnan().all()
        assert torch.equal(inside[3], lab[3])
        assert clipped.tolist() == [True, True, True, False]


OPERATIONS = {
    "rgb_to_lab": lambda x, dim: ops.rgb_to_lab(x, channel_dim=dim),
    "lab_to_rgb": lambda x, dim: ops.lab_to_rgb(x * 100 - 20, channel_dim=dim),
    "gamut_clip": lambda x, dim: ops.gamut_clip(x * 100 - 20, channel_dim=dim)[0],
}
CONVERSIONS = {
    "float codes to Lab": (lambda lab: lab.abs() / 110, ops.rgb_to_lab),
    "bytes to Lab": (lambda lab: lab.abs().to(torch.uint8), ops.rgb_to_lab),
    "Lab to float codes": (lambda lab: lab, ops.lab_to_rgb),
    "Lab to bytes": (lambda lab: lab, partial(ops.lab_to_rgb, dtype=torch.uint8)),
}
operations = pytest.mark.parametrize("operate", OPERATIONS.values(), ids=OPERATIONS.keys())


@st.composite
def images(draw: st.DrawFn) -> tuple[torch.Tensor, int]:
    """A float image of one to four axes with a channel axis anywhere, and odd strides."""
    shape = list(draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=9)))
    axis = draw(st.integers(0, len(shape)))
    shape.insert(axis, 3)
    steps = [draw(st.integers(1, 3)) for _ in shape]
    order = draw(st.permutations(range(len(shape))))
    seed = draw(st.integers(0, 2**16))
    base = torch.rand(
        [n * k for n, k in zip(shape, steps, strict=True)],
        generator=torch.Generator().manual_seed(seed),
    )
    strided = base[tuple(slice(None, None, k) for k in steps)]
    assert list(strided.shape) == shape
    permuted = strided.permute(order)
    return permuted, order.index(axis) - draw(st.sampled_from([0, len(shape)]))


class TestLayouts:
    @operations
    @given(case=images())
    @settings(max_examples=60, deadline=None)
    def test_any_shape_and_strides_give_what_a_contiguous_row_gives(self, operate, case):
        image, axis = case
        rows = image.movedim(axis, -1).reshape(-1, 3).contiguous()
        expected = operate(rows, -1).reshape(image.movedim(axis, -1).shape).movedim(-1, axis)
        result = operate(image, axis)
        assert result.shape == image.shape
        assert result.is_contiguous()
        torch.testing.assert_close(result, expected, rtol=0, atol=2e-4)

    @operations
    def test_rows_longer_than_a_block_are_whole(self, operate):
        image = torch.rand(3, 2, 5003)
        expected = operate(image.movedim(0, -1).contiguous(), -1).movedim(-1, 0)
        torch.testing.assert_close(operate(image, 0), expected, rtol=0, atol=2e-4)

    @pytest.mark.parametrize(("prepare", "convert"), CONVERSIONS.values(), ids=CONVERSIONS.keys())
    @pytest.mark.parametrize("memory", ["planar", "interleaved", "gappy"])
    @pytest.mark.parametrize("axis", [0, -1])
    def test_planar_and_interleaved_memory_meet_in_every_way(self, prepare, convert, memory, axis):
        pixels = prepare(random_lab(1301, seed=7))  # blocks, and not a whole number of vectors
        expected = convert(pixels)
        if memory == "planar":
            pixels = pixels.T.contiguous().T
        elif memory == "gappy":
            pixels = torch.stack([pixels, torch.zeros_like(pixels)], -1)[..., 0]
        result = convert(pixels) if axis == -1 else convert(pixels.T, channel_dim=0).T
        apart = 1 if expected.dtype == torch.uint8 else 2e-4  # codes may round to either side
        torch.testing.assert_close(result, expected, rtol=0, atol=apart)

    @operations
    def test_a_broadcast_image_without_memory_of_its_own_works(self, operate):
        pixel = torch.rand(3)
        result = operate(pixel.expand(7, 5, 3), -1)
        torch.testing.assert_close(result, operate(pixel, -1).expand(7, 5, 3))

    def test_the_mask_of_gamut_clip_follows_the_pixels(self):
        lab = random_lab(6, 7)
        _, expected = ops.gamut_clip(lab)
        _, clipped = ops.gamut_clip(lab.permute(1, 2, 0), channel_dim=1)
        assert torch.equal(clipped, expected.T)


class TestRefusals:
    def test_an_array_with_negative_strides_is_told_how_to_become_a_tensor(self):
        flipped = np.zeros((4, 4, 3), np.float32)[::-1]
        with pytest.raises(TypeError, match=r"ascontiguousarray"):
            ops.rgb_to_lab(flipped)

    @pytest.mark.parametrize("dtype", [torch.int16, torch.float16, torch.bool, torch.complex64])
    def test_other_types_are_named_with_what_is_accepted(self, dtype):
        name = str(dtype).removeprefix("torch.")
        with pytest.raises(TypeError, match=rf"uint8 or float32 or float64, and {name} was given"):
            ops.rgb_to_lab(torch.zeros(2, 3, dtype=dtype))
        with pytest.raises(TypeError, match=rf"float32 or float64, and {name} was given"):
            ops.gamut_clip(torch.zeros(2, 3, dtype=dtype))

    @pytest.mark.parametrize("shape", [(), (2,), (2, 4), (3, 2)])
    def test_an_axis_without_three_channels_is_refused(self, shape):
        for operate in OPERATIONS.values():
            with pytest.raises(ValueError, match=r"channel"):
                operate(torch.zeros(shape), -1)

    def test_a_missing_axis_is_refused(self):
        with pytest.raises(ValueError, match=r"channel_dim is 2, and rgb has 2 axes"):
            ops.rgb_to_lab(torch.zeros(3, 3), channel_dim=2)

    def test_the_bare_operators_refuse_too(self):
        ops.load()
        with pytest.raises(RuntimeError, match=r"three channels"):
            torch.ops.napari_colorize.rgb_to_lab(torch.zeros(2, 4))
        with pytest.raises(RuntimeError, match=r"channel_dim"):
            torch.ops.napari_colorize.gamut_clip(torch.zeros(2, 3), -3)

    def test_an_unknown_result_type_is_refused(self):
        with pytest.raises(TypeError, match=r"torch.uint8, torch.float32 or torch.float64"):
            ops.lab_to_rgb(torch.zeros(2, 3), dtype=torch.int32)

    def test_the_gradient_of_codes_is_refused(self):
        lab = torch.zeros(2, 3, requires_grad=True)
        with pytest.raises(ValueError, match=r"uint8 codes have no gradient"):
            ops.lab_to_rgb(lab, dtype=torch.uint8)
        with torch.no_grad():
            assert ops.lab_to_rgb(lab, dtype=torch.uint8).dtype == torch.uint8


class TestGradients:
    def test_rgb_to_lab(self):
        rgb = torch.rand(4, 3, 5, dtype=torch.float64) * 0.9 + 0.05
        rgb[0] = 0.02  # on the straight part of the curves
        rgb.requires_grad_()
        assert torch.autograd.gradcheck(lambda x: ops.rgb_to_lab(x, channel_dim=1), rgb)
        assert torch.autograd.gradgradcheck(lambda x: ops.rgb_to_lab(x, channel_dim=1), rgb)

    def test_lab_to_rgb(self):
        lab = ops.rgb_to_lab(torch.rand(12, 3, dtype=torch.float64) * 0.9 + 0.05).requires_grad_()
        assert torch.autograd.gradcheck(ops.lab_to_rgb, lab)
        assert torch.autograd.gradgradcheck(ops.lab_to_rgb, lab)

    def test_gamut_clip_inside_and_outside(self):
        lab = random_lab(20, seed=7).double().requires_grad_()
        assert torch.autograd.gradcheck(lambda x: ops.gamut_clip(x)[0], lab, atol=1e-4)

    def test_clamped_values_get_no_gradient(self):
        rgb = torch.tensor([[-0.5, 0.5, 1.5]], dtype=torch.float64, requires_grad=True)
        ops.rgb_to_lab(rgb).sum().backward()
        assert rgb.grad[0, 0] == 0
        assert rgb.grad[0, 2] == 0
        assert rgb.grad[0, 1] != 0
