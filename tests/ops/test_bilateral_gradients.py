"""Gradients of the joint bilateral operators, against torch's own through the filters' definition.

The reference is autograd over the plain-torch filter in float64: it knows nothing of the formulas
of the gradients, neither of the compiled ones nor of their twins.
"""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import gradgradcheck
from torch.library import opcheck

from napari_colorize import ops
from napari_colorize.ops.twins import bilateral as twins
from napari_colorize.ops.twins import bilateral_gradients as gradients

SIGMAS = (1.5, 12.0)
DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


def operator(name: str):
    """Return an operator of the library."""
    ops.load()
    return getattr(torch.ops.napari_colorize, name)


def planes(*shape: int, scale: float = 100.0, seed: int = 0) -> Tensor:
    """Return uniform values in 0…scale."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * scale


def by_autograd(twin, gradient: Tensor, tensors, radius: int) -> tuple[Tensor, list[Tensor]]:
    """Return a filter's result and torch's gradients of its tensors, all in float64."""
    leaves = [tensor.double().requires_grad_() for tensor in tensors]
    out = twin(*leaves, radius, *SIGMAS)
    if not out.requires_grad:  # without pixels nothing depends on anything
        return out, [torch.zeros_like(leaf) for leaf in leaves]
    found = torch.autograd.grad(out, leaves, gradient.double(), materialize_grads=True)
    return out.detach(), list(found)


def filter_case(shape) -> tuple[Tensor, list[Tensor]]:
    """Return a gradient, and chroma and guide."""
    n, _, h, w = shape
    chroma, guide = planes(*shape) - 50, planes(n, 1, h, w, seed=1)
    return planes(*shape, scale=2, seed=3) - 1, [chroma, guide]


def upsample_case(shape, size) -> tuple[Tensor, list[Tensor]]:
    """Return a gradient, and chroma, small guide and guide."""
    n, c, h, w = shape
    tensors = [planes(*shape) - 50, planes(n, 1, h, w, seed=1), planes(n, 1, *size, seed=2)]
    return planes(n, c, *size, scale=2, seed=3) - 1, tensors


def assert_close(found, wanted) -> None:
    """Equal to rounding in float64, to the precision of the weights in float32."""
    for mine, right in zip(found, wanted, strict=True):
        share = 1e-12 if mine.dtype == torch.float64 else 2e-5
        allowed = share * max(1.0, float(right.abs().max()) if right.numel() else 1.0)
        torch.testing.assert_close(mine.double(), right, atol=allowed, rtol=0)


FILTERS = {
    "a batch, three planes": ((2, 3, 13, 19), 3),
    "several tiles": ((1, 2, 40, 270), 4),
    "an image smaller than the disk": ((2, 2, 9, 5), 40),
    "radius 0": ((1, 2, 9, 9), 0),
    "one pixel": ((1, 1, 1, 1), 2),
}

UPSAMPLES = {
    "a batch, three planes": ((2, 3, 5, 7), (20, 28), 3),
    "several tiles": ((1, 2, 20, 70), (75, 301), 2),
    "many rows in bands": ((1, 1, 12, 3), (520, 9), 2),
    "shrunk": ((2, 2, 60, 8), (17, 5), 2),
    "one size": ((1, 2, 12, 11), (12, 11), 4),
    "one small pixel": ((1, 1, 1, 1), (33, 9), 3),
}


class TestFilter:
    """``joint_bilateral_backward``."""

    @DTYPES
    @pytest.mark.parametrize(("shape", "radius"), FILTERS.values(), ids=FILTERS.keys())
    def test_equals_autograd(self, shape, radius: int, dtype: torch.dtype) -> None:
        """Of both tensors together, and of each alone; the compiled operator and the twin."""
        gradient, tensors = filter_case(shape)
        out, wanted = by_autograd(twins.joint_bilateral, gradient, tensors, radius)
        given_ = [t.to(dtype) for t in (gradient, *tensors, out)]
        for function in (
            operator("joint_bilateral_backward"),
            gradients.joint_bilateral_backward,
        ):
            assert_close(function(*given_, radius, *SIGMAS), wanted)
            for asked in ((True, False), (False, True), (False, False)):
                check_asked(function(*given_, radius, *SIGMAS, *asked), wanted, asked)

    def test_a_colour_far_from_grey_costs_no_digits(self) -> None:
        """Chroma counts by its differences: an offset that float32 can hold changes nothing."""
        gradient, (chroma, guide) = filter_case((1, 2, 20, 40))
        out = twins.joint_bilateral(chroma, guide, 3, *SIGMAS)
        chroma, out = (chroma * 8).round() / 8, (out * 8).round() / 8
        function = operator("joint_bilateral_backward")
        near, far = (
            function(gradient, chroma + offset, guide, out + offset, 3, *SIGMAS, False, True)[1]
            for offset in (0.0, 2.0**14)
        )
        assert near.abs().max() > 1
        torch.testing.assert_close(far, near, atol=1e-5, rtol=0)

    @pytest.mark.parametrize("sigma_range", [1e-2, 1e12])
    @DTYPES
    def test_the_border_adds_nothing(self, sigma_range: float, dtype: torch.dtype) -> None:
        """What lies outside the image counts for nothing, however small the guide's gradient is."""
        gradient, (chroma, guide) = filter_case((1, 2, 9, 11))
        given_ = [t.double() for t in (gradient, chroma, guide)]
        settings_ = (4, 1.5, sigma_range)
        if sigma_range < 1:  # pixels that share a lightness, or nothing is near anything
            given_[2] = given_[2].round() / 1e3
        given_.append(twins.joint_bilateral(*given_[1:], *settings_))
        wanted = gradients.joint_bilateral_backward(*given_, *settings_)[1]
        found = operator("joint_bilateral_backward")(*[t.to(dtype) for t in given_], *settings_)[1]
        allowed = (1e-12 if dtype == torch.float64 else 1e-4) * float(wanted.abs().max())
        torch.testing.assert_close(found.double(), wanted, atol=allowed, rtol=0)

    def test_nan_reaches_no_further_than_two_radii(self) -> None:
        """A pixel's gradient looks at its neighbours, and at what their results look at."""
        y, x = torch.meshgrid(torch.arange(25) - 12, torch.arange(25) - 12, indexing="ij")
        chroma, guide = planes(1, 1, 25, 25), planes(1, 1, 25, 25, seed=1)
        guide[0, 0, 12, 12] = torch.nan
        chroma.requires_grad_()
        out = ops.joint_bilateral(chroma, guide, radius=3, sigma_space=2.0, sigma_range=30.0)
        out.sum().backward()
        assert chroma.grad is not None
        finite = chroma.grad[0, 0].isfinite()
        assert finite[y**2 + x**2 > 36].all()
        assert not finite[y**2 + x**2 <= 9].any()

    @settings(max_examples=25, deadline=None)
    @given(
        st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 7), st.integers(0, 9)),
        st.integers(0, 3),
        st.sampled_from(["plain", "expanded", "transposed"]),
    )
    def test_any_shape_and_stride(self, shape, radius: int, layout: str) -> None:
        """Empty, single and odd tensors; a gradient that is one number seen many times."""
        gradient, tensors = filter_case(shape)
        gradient, tensors = rearranged(gradient, layout), [rearranged(t, layout) for t in tensors]
        out, wanted = by_autograd(twins.joint_bilateral, gradient, tensors, radius)
        function = operator("joint_bilateral_backward")
        assert_close(function(gradient, *tensors, out.float(), radius, *SIGMAS), wanted)


class TestUpsampling:
    """``joint_bilateral_upsample_backward``."""

    @DTYPES
    @pytest.mark.parametrize(("shape", "size", "radius"), UPSAMPLES.values(), ids=UPSAMPLES.keys())
    def test_equals_autograd(self, shape, size, radius: int, dtype: torch.dtype) -> None:
        """Of all three tensors, and of any of them; the compiled operator and the twin."""
        gradient, tensors = upsample_case(shape, size)
        out, wanted = by_autograd(twins.joint_bilateral_upsample, gradient, tensors, radius)
        given_ = [t.to(dtype) for t in (gradient, *tensors, out)]
        native = operator("joint_bilateral_upsample_backward")
        assert_close(gradients.joint_bilateral_upsample_backward(*given_, radius, *SIGMAS), wanted)
        for asked in itertools.product((True, False), repeat=3):
            check_asked(native(*given_, radius, *SIGMAS, *asked), wanted, asked)
        only_chroma = (True, False, False)
        found = gradients.joint_bilateral_upsample_backward(*given_, radius, *SIGMAS, *only_chroma)
        check_asked(found, wanted, only_chroma)

    @settings(max_examples=25, deadline=None)
    @given(
        st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(1, 6), st.integers(1, 7)),
        st.tuples(st.integers(0, 17), st.integers(0, 19)),
        st.integers(1, 3),
        st.sampled_from(["plain", "expanded", "transposed"]),
    )
    def test_any_shape_and_stride(self, shape, size, radius: int, layout: str) -> None:
        """Empty, single and odd tensors; a gradient that is one number seen many times."""
        gradient, tensors = upsample_case(shape, size)
        gradient, tensors = rearranged(gradient, layout), [rearranged(t, layout) for t in tensors]
        out, wanted = by_autograd(twins.joint_bilateral_upsample, gradient, tensors, radius)
        function = operator("joint_bilateral_upsample_backward")
        assert_close(function(gradient, *tensors, out.float(), radius, *SIGMAS), wanted)


def check_asked(found, wanted, asked) -> None:
    """Right where asked for, without elements elsewhere."""
    for mine, right, ask in zip(found, wanted, asked, strict=True):
        if ask:
            assert_close([mine], [right])
        else:
            assert mine.shape == (0,)


def rearranged(tensor: Tensor, layout: str) -> Tensor:
    """Give a tensor other strides (and, transposed, another shape)."""
    if layout == "transposed":
        return tensor.transpose(2, 3)
    if layout == "expanded" and tensor.numel() > 0:
        return tensor[..., :1, :1].expand(tensor.shape)
    return tensor


def cases() -> list[tuple[str, tuple]]:
    """Return each operator's name and arguments for a call of some size."""
    gradient, tensors = filter_case((2, 3, 70, 150))
    out = twins.joint_bilateral(*tensors, 3, *SIGMAS)
    filtered = ("joint_bilateral_backward", (gradient, *tensors, out, 3, *SIGMAS))
    gradient, tensors = upsample_case((2, 3, 20, 30), (300, 190))
    out = twins.joint_bilateral_upsample(*tensors, 2, *SIGMAS)
    return [filtered, ("joint_bilateral_upsample_backward", (gradient, *tensors, out, 2, *SIGMAS))]


@pytest.mark.parametrize(("name", "arguments"), cases(), ids=lambda v: v if type(v) is str else "")
def test_results_do_not_depend_on_the_number_of_threads(name: str, arguments) -> None:
    """Bit for bit: sums have one order."""
    threads = torch.get_num_threads()
    found = []
    try:
        for count in (1, 2, 5):
            torch.set_num_threads(count)
            found.append(operator(name)(*arguments))
    finally:
        torch.set_num_threads(threads)
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))


class TestAutograd:
    """What ``.backward()`` makes of them."""

    def test_asks_for_no_more_than_is_needed(self, monkeypatch) -> None:
        """A guide that is fixed, as in training a network, costs nothing."""
        asked = []
        native = operator("joint_bilateral_upsample_backward")

        def noted(*arguments):
            asked.append(arguments[-3:])
            return native(*arguments)

        library = torch.ops.napari_colorize
        monkeypatch.setattr(library, "joint_bilateral_upsample_backward", noted)
        _, (chroma, small, guide) = upsample_case((1, 2, 4, 4), (9, 9))
        for leaves in ((chroma,), (small, guide)):
            wanted = [tensor.detach().requires_grad_() for tensor in leaves]
            tensors = [*wanted, small, guide] if len(leaves) == 1 else [chroma, *wanted]
            out = ops.joint_bilateral_upsample(*tensors, radius=2, sigma_space=1.0, sigma_range=9.0)
            out.square().sum().backward()
            assert all(tensor.grad is not None for tensor in wanted)
        assert asked == [(True, False, False), (False, True, True)]

    def test_gradients_can_be_differentiated_again(self) -> None:
        """For penalties on gradients; through the twin."""
        _, tensors = filter_case((1, 2, 3, 4))
        leaves = [(t / 20).double().requires_grad_() for t in tensors]
        assert gradgradcheck(
            lambda *t: ops.joint_bilateral(*t, radius=1, sigma_space=1.0, sigma_range=3.0), leaves
        )
        _, tensors = upsample_case((1, 2, 2, 2), (4, 3))
        leaves = [(t / 20).double().requires_grad_() for t in tensors]
        assert gradgradcheck(
            lambda *t: ops.joint_bilateral_upsample(*t, radius=1, sigma_space=1.0, sigma_range=3.0),
            leaves,
        )

    def test_refusals_say_what_is_needed(self) -> None:
        """For graphs that call the operators themselves."""
        gradient, (chroma, guide) = filter_case((1, 2, 4, 5))
        function = operator("joint_bilateral_backward")
        kinds = (RuntimeError, ValueError)
        with pytest.raises(kinds, match="needs its gradient to have the shape"):
            function(gradient[..., :3], chroma, guide, chroma, 1, *SIGMAS)
        with pytest.raises(kinds, match="needs its out to have the shape"):
            function(gradient, chroma, guide, chroma.double(), 1, *SIGMAS)
        with pytest.raises(kinds, match="radius of 0 to 1024"):
            function(gradient, chroma, guide, chroma, -1, *SIGMAS)
        upsample = operator("joint_bilateral_upsample_backward")
        with pytest.raises(kinds, match=r"(guide|guide_small) of shape"):
            upsample(gradient, chroma, guide[..., :2], guide, chroma, 1, *SIGMAS)


def test_are_well_behaved_operators() -> None:
    """Schema, fakes, autograd registration and dynamic shapes, by torch's own checks."""
    gradient, tensors = filter_case((1, 2, 2, 3))
    arguments = (gradient, *tensors, tensors[0], 0, *SIGMAS)
    for asked in ((True, True), (False, True)):
        opcheck(operator("joint_bilateral_backward").default, (*arguments, *asked))
    leaves = [t.detach().requires_grad_() for t in arguments[:4]]
    opcheck(operator("joint_bilateral_backward").default, (*leaves, *arguments[4:]))
    gradient, tensors = upsample_case((1, 2, 2, 2), (3, 4))
    out = twins.joint_bilateral_upsample(*tensors, 1, *SIGMAS)
    upsample = operator("joint_bilateral_upsample_backward").default
    opcheck(upsample, (gradient, *tensors, out, 1, *SIGMAS))
    opcheck(upsample, (gradient, *tensors, out, 1, *SIGMAS, True, False, False))
