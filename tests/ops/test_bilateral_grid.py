"""The approximate joint bilateral filter: how far from the exact one, never unless asked for."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.library import opcheck
from torch.nn import functional as F

from napari_colorize import ops
from napari_colorize.ops.twins import bilateral_grid as twins
from napari_colorize.parameters import ColorizeParameters

RADIUS, SPACE, RANGE = 10, 5.0, 10.0
SETTINGS = {"radius": RADIUS, "sigma_space": SPACE, "sigma_range": RANGE}
ARGUMENTS = tuple(SETTINGS.values())


def planes(*shape: int, scale: float = 100.0, seed: int = 0) -> torch.Tensor:
    """Return uniform values in 0…scale."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * scale


def picture(side: int, edges: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Return chroma of ±60 and a guide of 0…100 with structure at two scales, and edges in both."""

    def smooth(channels: int, coarse: int, seed: int) -> torch.Tensor:
        large = F.interpolate(planes(1, channels, coarse, coarse, seed=seed), (side, side))
        soft = F.interpolate(
            planes(1, channels, coarse, coarse, seed=seed), (side, side), mode="bilinear"
        )
        fine = planes(1, channels, side, side, seed=seed + 1)
        return 0.8 * (large if edges else soft) + 0.2 * fine

    return 1.2 * smooth(2, 5, 3) - 60, smooth(1, 7, 5)


@pytest.mark.parametrize("edges", [False, True], ids=["smooth", "edges"])
@pytest.mark.parametrize("sigma_range", [5.0, 10.0])
@pytest.mark.parametrize("radius", [10, 20, 40])
def test_error_against_the_exact_filter(radius: int, sigma_range: float, edges: bool) -> None:
    """A tenth of what the filter itself changes, rms, and two thirds of that at radii up to 20.

    Chroma of ±60 in hard blocks that do not follow the guide's: more than any picture asks for.
    """
    chroma, guide = picture(192, edges)
    chosen = {"radius": radius, "sigma_space": radius / 2, "sigma_range": sigma_range}
    exact = ops.joint_bilateral(chroma, guide, **chosen)
    found = ops.joint_bilateral_approximate(chroma, guide, **chosen)
    error = (found - exact).square().mean().sqrt()
    share = 0.1 if radius > 20 else 0.065
    assert error < share * (exact - chroma).square().mean().sqrt()


@pytest.mark.parametrize("radius", [10, 20])
def test_error_on_a_photograph(radius: int) -> None:
    """The documented 0.3 Lab units rms, for chroma that a small grid holds."""
    data, color = pytest.importorskip("skimage.data"), pytest.importorskip("skimage.color")
    lab = torch.from_numpy(color.rgb2lab(data.astronaut()[:256, :256])).float().permute(2, 0, 1)
    small = F.avg_pool2d(lab[None, 1:], 8)
    chroma = F.interpolate(small, scale_factor=8, mode="bilinear")
    chosen = {"radius": radius, "sigma_space": radius / 2, "sigma_range": 8.0}
    guide = lab[None, :1].contiguous()
    exact = ops.joint_bilateral(chroma, guide, **chosen)
    found = ops.joint_bilateral_approximate(chroma, guide, **chosen)
    assert (found - exact).square().mean().sqrt() < 0.3


@pytest.mark.parametrize(("radius", "sigma"), [(4, 2.0), (9, 4.5), (20, 40.0), (12, 3.0)])
def test_the_window_is_as_wide_as_the_exact_one(radius: int, sigma: float) -> None:
    """Its standard deviation is that of the disk's weights, summed pixel by pixel."""
    reach = range(-radius, radius + 1)
    disk = [(y, x) for y, x in itertools.product(reach, reach) if y * y + x * x <= radius**2]
    weights = [math.exp(-(y * y + x * x) / (2 * sigma**2)) for y, x in disk]
    moment = sum(w * x * x for w, (_, x) in zip(weights, disk, strict=True))
    assert twins.disk_sigma(radius, sigma) == pytest.approx(
        math.sqrt(moment / sum(weights)), rel=0.04
    )


def test_the_taps_blur_by_two_thirds_of_a_node() -> None:
    """Splatting and slicing blur by a third; together they make a variance of one."""
    outer, inner, middle = twins.TAPS
    assert middle + 2 * (inner + outer) == pytest.approx(1, abs=1e-12)
    assert 2 * (inner + 4 * outer) == pytest.approx(2 / 3, abs=1e-12)


def test_constant_chroma_stays_constant() -> None:
    chroma = torch.tensor([31.0, -17.0]).reshape(1, 2, 1, 1).expand(1, 2, 40, 50)
    found = ops.joint_bilateral_approximate(chroma, planes(1, 1, 40, 50), **SETTINGS)
    torch.testing.assert_close(found, chroma.contiguous(), atol=1e-4, rtol=0)


def test_colour_does_not_cross_an_edge() -> None:
    """Across a step of ten sigmas nothing is mixed."""
    guide = torch.zeros(1, 1, 40, 60)
    guide[..., 31:] = 50
    chroma = torch.where(guide > 25, 60.0, -40.0)
    found = ops.joint_bilateral_approximate(
        chroma, guide, radius=10, sigma_space=5.0, sigma_range=5.0
    )
    torch.testing.assert_close(found, chroma, atol=1e-3, rtol=0)


def test_a_guide_that_is_not_a_number_is_nobodys_neighbour() -> None:
    """NaN and infinity stay in their pixels; all others are as without those pixels' colour."""
    chroma, guide = planes(1, 2, 30, 30) - 50, planes(1, 1, 30, 30, seed=1)
    guide[0, 0, 7, 9], guide[0, 0, 20, 3] = torch.nan, torch.inf
    found = ops.joint_bilateral_approximate(chroma, guide, **SETTINGS)
    assert torch.equal(found.isnan(), (~guide.isfinite()).expand(1, 2, 30, 30))
    repainted = chroma.where(guide.isfinite(), torch.tensor(1e6))
    again = ops.joint_bilateral_approximate(repainted, guide, **SETTINGS)
    torch.testing.assert_close(again, found, equal_nan=True)


def test_chroma_that_is_not_a_number_spreads_no_further_than_the_blur() -> None:
    """Four nodes along an axis: one for each of splatting and slicing, two for the blur."""
    chroma, guide = planes(1, 1, 9, 90), torch.full((1, 1, 9, 90), 30.0)
    chroma[0, 0, 4, 45] = torch.nan
    found = ops.joint_bilateral_approximate(chroma, guide, **SETTINGS)
    reach = 4 * twins.disk_sigma(RADIUS, SPACE)
    away = (torch.arange(90) - 45).abs() > reach
    assert found[..., 4, 45].isnan().all()
    assert found[..., away].isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equals_the_twin(dtype: torch.dtype) -> None:
    """Several images, an odd number of planes, more rows than a thread takes at a time."""
    chroma, guide = planes(2, 3, 70, 83).to(dtype) - 50, planes(2, 1, 70, 83, seed=1).to(dtype)
    ops.load()
    found = torch.ops.napari_colorize.joint_bilateral_approximate(chroma, guide, *ARGUMENTS)
    expected = twins.joint_bilateral_approximate(chroma.double(), guide.double(), *ARGUMENTS)
    assert found.dtype == dtype
    tolerance = 1e-3 if dtype == torch.float32 else 1e-10
    torch.testing.assert_close(found.double(), expected, atol=tolerance, rtol=0)


@settings(max_examples=30, deadline=None)
@given(
    st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 19), st.integers(0, 29)),
    st.sampled_from(["plain", "transposed", "strided", "channels_last"]),
    st.sampled_from([1.0, 7.0, 100.0]),
)
def test_any_shape_and_stride(shape, layout: str, scale: float) -> None:
    """Empty, single, odd and non-contiguous tensors, flat guides: as the twin."""

    def laid_out(tensor: torch.Tensor) -> torch.Tensor:
        if layout == "transposed":
            return tensor.transpose(2, 3)
        if layout == "strided":
            return tensor[:, :, ::2, ::3]
        if layout == "channels_last":
            return tensor.contiguous(memory_format=torch.channels_last)
        return tensor

    chroma = laid_out(planes(*shape))
    guide = laid_out(planes(shape[0], 1, *shape[2:], scale=scale, seed=1))
    ops.load()
    found = torch.ops.napari_colorize.joint_bilateral_approximate(chroma, guide, *ARGUMENTS)
    expected = twins.joint_bilateral_approximate(chroma, guide, *ARGUMENTS)
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)


class TestRefusals:
    """Sentences that say what is accepted."""

    @pytest.mark.parametrize("change", [{"radius": 3}, {"sigma_space": 0.9}])
    def test_a_window_that_the_exact_filter_does_as_fast(self, change) -> None:
        with pytest.raises(ValueError, match="joint_bilateral is exact"):
            ops.joint_bilateral_approximate(
                planes(1, 2, 9, 9), planes(1, 1, 9, 9), **{**SETTINGS, **change}
            )

    def test_a_grid_larger_than_what_it_saves(self) -> None:
        """A range sigma of a thousandth of the guide's range; at the door and inside."""
        chroma, guide = planes(1, 2, 60, 60), planes(1, 1, 60, 60, seed=1)
        chosen = {"radius": 4, "sigma_space": 1.0, "sigma_range": 1e-3}
        with pytest.raises(ValueError, match="larger sigma_range"):
            ops.joint_bilateral_approximate(chroma, guide, **chosen)
        with pytest.raises((RuntimeError, ValueError), match="larger sigma_range"):
            torch.ops.napari_colorize.joint_bilateral_approximate(chroma, guide, *chosen.values())

    def test_a_gradient(self) -> None:
        chroma, guide = planes(1, 2, 9, 9).requires_grad_(), planes(1, 1, 9, 9)
        with pytest.raises(ValueError, match="train with joint_bilateral"):
            ops.joint_bilateral_approximate(chroma, guide, **SETTINGS)

    def test_shapes_and_dtypes(self) -> None:
        with pytest.raises(ValueError, match="joint_bilateral_approximate needs a guide of shape"):
            ops.joint_bilateral_approximate(planes(1, 2, 9, 9), planes(1, 1, 9, 8), **SETTINGS)
        with pytest.raises(TypeError, match="float32 or float64"):
            ops.joint_bilateral_approximate(
                planes(1, 2, 9, 9).half(), planes(1, 1, 9, 9), **SETTINGS
            )


def test_is_not_what_a_colouring_takes_by_itself() -> None:
    """The exact refinement is the default; this one has a name of its own."""
    assert ColorizeParameters().refinement == "joint_bilateral"
    assert ColorizeParameters(refinement="bilateral_grid").refinement == "bilateral_grid"


def test_is_a_well_behaved_operator() -> None:
    """Schema, fakes and autograd registration, by torch's own checks."""
    ops.load()
    opcheck(
        torch.ops.napari_colorize.joint_bilateral_approximate.default,
        (planes(1, 2, 12, 13), planes(1, 1, 12, 13, seed=1), *ARGUMENTS),
        test_utils=("test_schema", "test_autograd_registration", "test_faketensor"),
    )
