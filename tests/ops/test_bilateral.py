"""Joint bilateral filter and upsampling, against brute forces in float64 with explicit loops."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck
from torch.library import opcheck

from napari_colorize import ops
from napari_colorize.ops.twins import bilateral as twins

SETTINGS = {"radius": 2, "sigma_space": 1.0, "sigma_range": 10.0}
FLOOR = 1e-4


def filter_by_hand(chroma, guide, radius, sigma_space, sigma_range) -> np.ndarray:
    """Petschnigg et al. (2004), one pixel and one neighbour at a time."""
    chroma, guide = chroma.double().numpy(), guide.double().numpy()
    n, c, h, w = chroma.shape
    out = np.zeros((n, c, h, w))
    for i, y, x in np.ndindex(n, h, w):
        total, norm = np.zeros(c), 0.0
        for v in range(max(0, y - radius), min(h, y + radius + 1)):
            for u in range(max(0, x - radius), min(w, x + radius + 1)):
                squared = (v - y) ** 2 + (u - x) ** 2
                if squared <= radius**2:
                    step = guide[i, 0, v, u] - guide[i, 0, y, x]
                    weight = math.exp(
                        -squared / (2 * sigma_space**2) - step**2 / (2 * sigma_range**2)
                    )
                    total += weight * chroma[i, :, v, u]
                    norm += weight
        out[i, :, y, x] = total / norm
    return out


def upsample_by_hand(chroma, small, guide, radius, sigma_space, sigma_range) -> np.ndarray:
    """Kopf et al. (2007), one pixel and one small pixel at a time."""
    chroma, small, guide = (t.double().numpy() for t in (chroma, small, guide))
    n, c, h, w = chroma.shape
    height, width = guide.shape[2:]
    out = np.zeros((n, c, height, width))
    for i, y, x in np.ndindex(n, height, width):
        at_y = float(Fraction(2 * y + 1, 2 * height) * h - Fraction(1, 2))
        at_x = float(Fraction(2 * x + 1, 2 * width) * w - Fraction(1, 2))
        total, norm = np.zeros(c), 0.0
        for v in (v for v in range(h) if abs(v - at_y) < radius):
            for u in (u for u in range(w) if abs(u - at_x) < radius):
                squared = (v - at_y) ** 2 + (u - at_x) ** 2
                step = small[i, 0, v, u] - guide[i, 0, y, x]
                weight = math.exp(-squared / (2 * sigma_space**2)) * (
                    math.exp(-(step**2) / (2 * sigma_range**2)) + FLOOR
                )
                total += weight * chroma[i, :, v, u]
                norm += weight
        out[i, :, y, x] = total / norm
    return out


def planes(*shape: int, scale: float = 100.0, seed: int = 0) -> torch.Tensor:
    """Return uniform values in 0…scale."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * scale


class TestFilter:
    """``joint_bilateral``."""

    @pytest.mark.parametrize("radius", [0, 1, 2, 5, 40])
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_equals_brute_force(self, radius: int, dtype: torch.dtype) -> None:
        """The disk, the border, several planes and a batch; float32 to 1e-3 Lab units."""
        chroma, guide = planes(2, 3, 13, 19).to(dtype) - 50, planes(2, 1, 13, 19, seed=1).to(dtype)
        found = ops.joint_bilateral(chroma, guide, radius=radius, sigma_space=2.0, sigma_range=15.0)
        expected = filter_by_hand(chroma, guide, radius, 2.0, 15.0)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, atol=1e-3 if dtype == torch.float32 else 1e-11)

    def test_across_tiles(self) -> None:
        """An image larger than the loops' tiles has no seams: equal to the twin in float64."""
        chroma, guide = planes(1, 2, 40, 270) - 50, planes(1, 1, 40, 270, seed=1)
        arguments = (4, 2.0, 12.0)
        found = torch.ops.napari_colorize.joint_bilateral(chroma, guide, *arguments)
        expected = twins.joint_bilateral(chroma.double(), guide.double(), *arguments)
        torch.testing.assert_close(found.double(), expected, atol=1e-3, rtol=0)

    def test_equals_opencv(self) -> None:
        """OpenCV's joint bilateral filter, inside the image (its border differs)."""
        cv2 = pytest.importorskip("cv2")
        if not hasattr(cv2, "ximgproc"):
            pytest.skip("this OpenCV has no ximgproc")
        chroma, guide = planes(1, 2, 40, 50), planes(1, 1, 40, 50, seed=1)
        found = ops.joint_bilateral(chroma, guide, radius=4, sigma_space=2.0, sigma_range=15.0)
        for plane, source in zip(found[0], chroma[0], strict=True):
            expected = cv2.ximgproc.jointBilateralFilter(
                guide[0, 0].numpy(), source.numpy(), 9, 15.0, 2.0
            )
            np.testing.assert_allclose(plane[4:-4, 4:-4], expected[4:-4, 4:-4], atol=2e-2)

    def test_a_flat_guide_makes_it_a_gaussian(self) -> None:
        """Without edges an impulse becomes the Gaussian of the disk."""
        chroma = torch.zeros(1, 1, 13, 13)
        chroma[0, 0, 6, 6] = 1
        found = ops.joint_bilateral(
            chroma, torch.full((1, 1, 13, 13), 30.0), radius=3, sigma_space=1.5, sigma_range=5.0
        )
        y, x = np.mgrid[-6:7, -6:7]
        gauss = np.exp(-(y**2 + x**2) / (2 * 1.5**2)) * (y**2 + x**2 <= 9)
        np.testing.assert_allclose(found[0, 0], gauss / gauss.sum(), atol=1e-6)

    def test_colour_does_not_cross_an_edge(self) -> None:
        """Across a step of ten sigmas nothing is mixed."""
        guide = torch.zeros(1, 1, 10, 20)
        guide[..., 10:] = 50
        chroma = torch.where(guide > 25, 60.0, -40.0)
        found = ops.joint_bilateral(chroma, guide, radius=5, sigma_space=3.0, sigma_range=5.0)
        torch.testing.assert_close(found, chroma, atol=1e-4, rtol=0)

    def test_nan_spreads_over_its_disk_only(self) -> None:
        """In the chroma and in the guide alike."""
        y, x = np.mgrid[-6:7, -6:7]
        disk = torch.from_numpy(y**2 + x**2 <= 9)
        for poisoned in (0, 1):
            inputs = [planes(1, 1, 13, 13), planes(1, 1, 13, 13, seed=1)]
            inputs[poisoned][0, 0, 6, 6] = torch.nan
            found = ops.joint_bilateral(*inputs, radius=3, sigma_space=2.0, sigma_range=30.0)
            assert torch.equal(found[0, 0].isnan(), disk)

    def test_gradients(self) -> None:
        """With respect to chroma and guide."""
        chroma = planes(2, 2, 5, 4, scale=1).double().requires_grad_()
        guide = planes(2, 1, 5, 4, scale=20, seed=1).double().requires_grad_()
        assert gradcheck(lambda c, g: ops.joint_bilateral(c, g, **SETTINGS), (chroma, guide))

    @settings(max_examples=30, deadline=None)
    @given(
        st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 9), st.integers(0, 19)),
        st.integers(0, 3),
        st.sampled_from(["plain", "transposed", "strided", "channels_last"]),
    )
    def test_any_shape_and_stride(self, shape, radius: int, layout: str) -> None:
        """Empty, single, odd and non-contiguous tensors: as the twin."""
        chroma, guide = planes(*shape), planes(shape[0], 1, *shape[2:], seed=1)
        chroma, guide = rearranged(chroma, layout), rearranged(guide, layout)
        arguments = (radius, 1.3, 20.0)
        ops.load()
        found = torch.ops.napari_colorize.joint_bilateral(chroma, guide, *arguments)
        expected = twins.joint_bilateral(chroma, guide, *arguments)
        torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)


class TestUpsampling:
    """``joint_bilateral_upsample``."""

    @pytest.mark.parametrize("radius", [1, 2, 5])
    @pytest.mark.parametrize("size", [(20, 28), (17, 9), (3, 4), (5, 7)])
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_equals_brute_force(self, radius: int, size, dtype: torch.dtype) -> None:
        """Larger, smaller, equal and odd ratios of sizes; several planes and a batch."""
        chroma, small = planes(2, 3, 5, 7) - 50, planes(2, 1, 5, 7, seed=1)
        guide = planes(2, 1, *size, seed=2)
        chroma, small, guide = (t.to(dtype) for t in (chroma, small, guide))
        found = ops.joint_bilateral_upsample(
            chroma, small, guide, radius=radius, sigma_space=0.8, sigma_range=12.0
        )
        expected = upsample_by_hand(chroma, small, guide, radius, 0.8, 12.0)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, atol=1e-3 if dtype == torch.float32 else 1e-11)

    def test_across_tiles(self) -> None:
        """An image larger than the loops' tiles has no seams: equal to the twin in float64."""
        chroma, small = planes(1, 2, 20, 150) - 50, planes(1, 1, 20, 150, seed=1)
        guide = planes(1, 1, 75, 601, seed=2)
        arguments = (2, 1.0, 12.0)
        ops.load()
        found = torch.ops.napari_colorize.joint_bilateral_upsample(chroma, small, guide, *arguments)
        expected = twins.joint_bilateral_upsample(
            chroma.double(), small.double(), guide.double(), *arguments
        )
        torch.testing.assert_close(found.double(), expected, atol=1e-3, rtol=0)

    @pytest.mark.parametrize("sigma_space", [1e-3, 1.0, 1e3])
    @pytest.mark.parametrize("sigma_range", [1e-3, 10.0, 1e4])
    def test_constant_chroma_stays_constant(self, sigma_space: float, sigma_range: float) -> None:
        """Whatever the guide and however narrow the weights."""
        chroma = torch.tensor([31.0, -17.0]).reshape(1, 2, 1, 1).expand(1, 2, 6, 5)
        found = ops.joint_bilateral_upsample(
            chroma,
            planes(1, 1, 6, 5),
            planes(1, 1, 25, 22, seed=1),
            radius=2,
            sigma_space=sigma_space,
            sigma_range=sigma_range,
        )
        torch.testing.assert_close(
            found, chroma[..., :1, :1].expand(1, 2, 25, 22), rtol=1e-5, atol=0
        )

    def test_a_lightness_that_no_neighbour_shares_gets_the_spatial_mean(self) -> None:
        """Where all range weights vanish, distance alone decides: as with a flat guide."""
        chroma, small = planes(1, 1, 6, 6), torch.full((1, 1, 6, 6), 20.0)
        far, near = torch.full((1, 1, 24, 24), 100.0), torch.full((1, 1, 24, 24), 20.0)
        found, expected = (
            ops.joint_bilateral_upsample(
                chroma, small, guide, radius=2, sigma_space=1.0, sigma_range=1.0
            )
            for guide in (far, near)
        )
        torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)

    def test_colour_follows_the_edge_of_the_large_guide(self) -> None:
        """A vertical edge between small pixels falls where the full-size guide has it."""
        guide = torch.full((1, 1, 32, 32), 20.0)
        guide[..., 14:] = 80
        small = torch.full((1, 1, 8, 8), 20.0)
        small[..., 4:] = 80
        chroma = torch.where(small > 50, 40.0, -40.0)
        found = ops.joint_bilateral_upsample(
            chroma, small, guide, radius=2, sigma_space=1.0, sigma_range=5.0
        )
        torch.testing.assert_close(found, torch.where(guide > 50, 40.0, -40.0), atol=0.5, rtol=0)

    def test_pixel_centres_are_aligned(self) -> None:
        """Mirrored inputs give mirrored outputs, for any ratio of sizes."""
        chroma, small = planes(1, 2, 5, 6), planes(1, 1, 5, 6, seed=1)
        guide = planes(1, 1, 23, 31, seed=2)
        found = ops.joint_bilateral_upsample(chroma, small, guide, **SETTINGS)
        mirrored = ops.joint_bilateral_upsample(
            chroma.flip(2, 3), small.flip(2, 3), guide.flip(2, 3), **SETTINGS
        )
        torch.testing.assert_close(mirrored.flip(2, 3), found, atol=1e-3, rtol=0)

    def test_nan_in_the_guide_stays_in_its_pixel(self) -> None:
        """The window is on the small grid."""
        guide = planes(1, 1, 12, 12)
        guide[0, 0, 3, 4] = torch.nan
        found = ops.joint_bilateral_upsample(
            planes(1, 2, 3, 3), planes(1, 1, 3, 3, seed=1), guide, **SETTINGS
        )
        assert torch.equal(found.isnan(), guide.isnan().expand(1, 2, 12, 12))

    def test_gradients(self) -> None:
        """With respect to chroma and both guides."""
        chroma = planes(1, 2, 2, 3, scale=1).double().requires_grad_()
        small = planes(1, 1, 2, 3, scale=20, seed=1).double().requires_grad_()
        guide = planes(1, 1, 4, 5, scale=20, seed=2).double().requires_grad_()
        assert gradcheck(
            lambda c, s, g: ops.joint_bilateral_upsample(c, s, g, **SETTINGS),
            (chroma, small, guide),
        )

    @settings(max_examples=30, deadline=None)
    @given(
        st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(1, 6), st.integers(1, 7)),
        st.tuples(st.integers(0, 17), st.integers(0, 19)),
        st.integers(1, 3),
        st.sampled_from(["plain", "transposed", "strided", "channels_last"]),
    )
    def test_any_shape_and_stride(self, shape, size, radius: int, layout: str) -> None:
        """Empty, single, odd and non-contiguous tensors: as the twin."""
        chroma, small = planes(*shape), planes(shape[0], 1, *shape[2:], seed=1)
        guide = rearranged(planes(shape[0], 1, *size, seed=2), layout)
        chroma, small = rearranged(chroma, layout), rearranged(small, layout)
        arguments = (radius, 1.3, 20.0)
        ops.load()
        found = torch.ops.napari_colorize.joint_bilateral_upsample(chroma, small, guide, *arguments)
        expected = twins.joint_bilateral_upsample(chroma, small, guide, *arguments)
        torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)


def rearranged(tensor: torch.Tensor, layout: str) -> torch.Tensor:
    """Give a tensor other strides (and, transposed or strided, another shape)."""
    if layout == "transposed":
        return tensor.transpose(2, 3)
    if layout == "strided":
        return tensor[:, :, ::2, ::3]
    if layout == "channels_last":
        return tensor.contiguous(memory_format=torch.channels_last)
    return tensor


class TestRefusals:
    """Sentences that say what is accepted."""

    @pytest.mark.parametrize("setting", ["sigma_space", "sigma_range"])
    @pytest.mark.parametrize("value", [0.0, -2.0, float("nan"), float("inf")])
    def test_widths(self, setting: str, value: float) -> None:
        """Positive and finite."""
        arguments = {**SETTINGS, setting: value}
        with pytest.raises(ValueError, match=f"{setting} above 0"):
            ops.joint_bilateral(planes(1, 2, 4, 4), planes(1, 1, 4, 4), **arguments)

    def test_radius(self) -> None:
        """Within what is sensible."""
        with pytest.raises(ValueError, match="radius of 0 to 1024"):
            ops.joint_bilateral(
                planes(1, 2, 4, 4), planes(1, 1, 4, 4), **{**SETTINGS, "radius": -1}
            )
        with pytest.raises(ValueError, match="radius of 1 to 64"):
            ops.joint_bilateral_upsample(
                planes(1, 2, 4, 4),
                planes(1, 1, 4, 4),
                planes(1, 1, 8, 8),
                **{**SETTINGS, "radius": 0},
            )

    def test_shapes(self) -> None:
        """The guide goes with the chroma; nothing comes out of nothing."""
        with pytest.raises(ValueError, match=r"guide of shape \(1, 1, 4, 4\)"):
            ops.joint_bilateral(planes(1, 2, 4, 4), planes(1, 1, 4, 5), **SETTINGS)
        with pytest.raises(ValueError, match=r"guide_small of shape \(1, 1, 4, 4\)"):
            ops.joint_bilateral_upsample(
                planes(1, 2, 4, 4), planes(1, 1, 3, 4), planes(1, 1, 8, 8), **SETTINGS
            )
        with pytest.raises(ValueError, match="without pixels"):
            ops.joint_bilateral_upsample(
                planes(1, 2, 0, 4), planes(1, 1, 0, 4), planes(1, 1, 8, 8), **SETTINGS
            )

    def test_dtypes(self) -> None:
        """Floats of one type."""
        with pytest.raises(TypeError, match="float32 or float64"):
            ops.joint_bilateral(planes(1, 2, 4, 4).half(), planes(1, 1, 4, 4), **SETTINGS)
        with pytest.raises(TypeError, match="one dtype"):
            ops.joint_bilateral(planes(1, 2, 4, 4), planes(1, 1, 4, 4).double(), **SETTINGS)

    def test_the_operators_themselves_refuse_too(self) -> None:
        """For graphs that call them directly."""
        ops.load()
        library = torch.ops.napari_colorize
        chroma, guide = planes(1, 2, 4, 4), planes(1, 1, 4, 4)
        with pytest.raises((RuntimeError, ValueError), match="guide of shape"):
            library.joint_bilateral(chroma, guide[..., :3], 2, 1.0, 1.0)
        with pytest.raises((RuntimeError, ValueError), match="sigma_range above 0"):
            library.joint_bilateral(chroma, guide, 2, 1.0, 0.0)
        with pytest.raises((RuntimeError, ValueError), match="radius"):
            library.joint_bilateral_upsample(chroma, guide, guide, 0, 1.0, 1.0)


def test_are_well_behaved_operators() -> None:
    """Schema, fakes, autograd registration and dynamic shapes, by torch's own checks."""
    ops.load()
    chroma, guide = planes(1, 2, 4, 5).requires_grad_(), planes(1, 1, 4, 5, seed=1)
    full = planes(1, 1, 7, 9, seed=2)
    library = torch.ops.napari_colorize
    quick = ("test_schema", "test_autograd_registration", "test_faketensor")
    opcheck(library.joint_bilateral.default, (chroma, guide, 2, 1.0, 10.0), test_utils=quick)
    # Tracing the gradient takes seconds a tap: one tap says as much as thirteen.
    opcheck(library.joint_bilateral.default, (chroma, guide, 0, 1.0, 10.0))
    opcheck(library.joint_bilateral_upsample.default, (chroma, guide, full, 1, 1.0, 10.0))
