"""Soft encoding over the ab bins, against a brute force in float64."""

import os
import platform
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.library import opcheck

from napari_colorize import ops
from napari_colorize.ops.bins import NUM_BINS, bin_centres
from napari_colorize.ops.twins import encoding as twins


def brute_force(ab: np.ndarray, neighbours: int, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Sort all 313 distances of ``(P, 2)`` points; equal ones stay in order of number."""
    squared = ((ab[:, None, :].astype(np.float64) - bin_centres()[None]) ** 2).sum(-1)
    index = np.argsort(squared, axis=1, kind="stable")[:, :neighbours]
    near = np.take_along_axis(squared, index, 1)
    weight = np.exp(-(near - near[:, :1]) / (2 * sigma**2))
    return index, weight / weight.sum(1, keepdims=True)


def points_of(planes: torch.Tensor) -> np.ndarray:
    """(N, K, H, W) as one row a pixel."""
    return planes.permute(0, 2, 3, 1).reshape(-1, planes.shape[1]).numpy()


def in_gamut_colours(count: int) -> torch.Tensor:
    """Return ab of evenly drawn sRGB colours, ``(1, 2, count, 1)``."""
    rgb = torch.rand(count, 3, generator=torch.Generator().manual_seed(0))
    lab = ops.rgb_to_lab(rgb)
    return lab[:, 1:].T.reshape(1, 2, count, 1).contiguous()


@pytest.mark.parametrize("neighbours", [1, 5, 10, 313])
@pytest.mark.parametrize("sigma", [1.0, 5.0, 30.0])
def test_equals_brute_force_on_colours(neighbours: int, sigma: float) -> None:
    """Same bins in the same order, same weights, for colours inside and far outside the gamut."""
    inside = in_gamut_colours(300)
    anywhere = (torch.rand(1, 2, 100, 1, generator=torch.Generator().manual_seed(1)) - 0.5) * 400
    ab = torch.cat([inside, anywhere], 2)
    index, weight = ops.soft_encode(ab, neighbours=neighbours, sigma=sigma)
    expected_index, expected_weight = brute_force(points_of(ab), neighbours, sigma)
    assert np.array_equal(points_of(index), expected_index)
    np.testing.assert_allclose(points_of(weight), expected_weight, atol=2e-6)


def test_the_closed_form_and_the_scan_agree() -> None:
    """The five nearest by the closed form are the first five of ten by the scan."""
    ab = in_gamut_colours(20_000)
    five, _ = ops.soft_encode(ab, neighbours=5)
    ten, _ = ops.soft_encode(ab, neighbours=10)
    assert torch.equal(five, ten[:, :5])


def test_equals_nearest_neighbours_of_a_tree() -> None:
    """SciPy's k-d tree finds the same bins (no ties in these colours)."""
    spatial = pytest.importorskip("scipy.spatial")
    ab = in_gamut_colours(2000)
    _, expected = spatial.cKDTree(bin_centres().astype(np.float64)).query(points_of(ab), k=5)
    index, _ = ops.soft_encode(ab)
    assert np.array_equal(points_of(index), expected)


def test_equally_near_bins_rank_by_number() -> None:
    """On and half-way between lattice points the lower number comes first, as in the twin."""
    steps = torch.arange(-110.0, 111.0, 5.0)
    ab = torch.stack(torch.meshgrid(steps, steps, indexing="ij"))[None]
    index, weight = ops.soft_encode(ab)
    expected, expected_weight = brute_force(points_of(ab), 5, 5.0)
    assert np.array_equal(points_of(index), expected)
    np.testing.assert_allclose(points_of(weight), expected_weight, atol=2e-6)


def test_almost_equally_near_bins_rank_as_in_the_twin() -> None:
    """A hair beside a tie, where single precision could not tell, both say the same."""
    hairs = torch.tensor([0.0, 1e-12, -1e-12, 1e-6, -1e-6, 1e-4, -1e-4, 9e-4, 2e-3])
    steps = (torch.arange(-20.0, 21.0, 5.0)[:, None] + hairs).flatten()
    ab = torch.stack(torch.meshgrid(steps, steps, indexing="ij"))[None]
    index, weight = ops.soft_encode(ab)
    twin_index, twin_weight = twins.soft_encode(ab)
    assert torch.equal(index, twin_index)
    torch.testing.assert_close(weight, twin_weight, atol=1e-6, rtol=0)


def test_grey_is_its_own_bin_and_the_four_around() -> None:
    """By hand: weights 1 and 4 exp(−100 / 50), over their sum."""
    index, weight = ops.soft_encode(torch.zeros(1, 2, 1, 1))
    centres = bin_centres()[index.flatten()]
    assert centres.tolist() == [[0, 0], [-10, 0], [0, -10], [0, 10], [10, 0]]
    around = np.exp(-2) / (1 + 4 * np.exp(-2))
    np.testing.assert_allclose(weight.flatten()[1:], around, rtol=1e-6)


def test_dense_is_sparse_spread_out() -> None:
    """Each bin's plane holds its weight, and nothing else."""
    ab = in_gamut_colours(700).reshape(1, 2, 35, 20)
    index, weight = ops.soft_encode(ab, neighbours=7)
    dense = ops.soft_encode_dense(ab, neighbours=7)
    assert dense.shape == (1, NUM_BINS, 35, 20)
    assert torch.equal(dense, torch.zeros_like(dense).scatter_(1, index, weight))


@pytest.mark.parametrize("pixels", [26_900, 26_903])
def test_dense_past_the_caches_is_sparse_spread_out(pixels: int) -> None:
    """From 32 MiB on, with planes aligned evenly and oddly; nothing stays from before."""
    ab = in_gamut_colours(pixels)
    for colours in (ab, ab.flip(2).contiguous()):
        index, weight = ops.soft_encode(colours)
        dense = ops.soft_encode_dense(colours)
        assert dense.numel() * 4 >= 32 << 20
        assert torch.equal(dense, torch.zeros_like(dense).scatter_(1, index, weight))


IN_KEPT_MEMORY = """
import torch
from napari_colorize import ops

ab = torch.rand(1, 2, 164, 164) * 60 - 30
used = ops.soft_encode_dense(torch.rand(1, 2, 180, 180)).fill_(torch.nan)
begin, end = used.data_ptr(), used.data_ptr() + used.nbytes
del used
dense = ops.soft_encode_dense(ab)
assert begin <= dense.data_ptr() < end, "the allocator did not keep the block"
index, weight = ops.soft_encode(ab)
assert torch.equal(dense, torch.zeros_like(dense).scatter_(1, index, weight))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="settings of glibc's allocator")
@pytest.mark.skipif(ops.backend() != "native", reason="the twin makes blocks of its own")
def test_dense_into_memory_that_was_used_before() -> None:
    """What the allocator kept is not all zeros."""
    kept = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 32)}
    subprocess.run([sys.executable, "-c", IN_KEPT_MEMORY], env={**os.environ, **kept}, check=True)


def test_a_colour_that_is_none_has_weight_nan_and_valid_bins() -> None:
    """NaN and infinities stay in their pixel and index no foreign memory."""
    ab = torch.zeros(1, 2, 2, 2)
    ab[0, 0, 0, 0] = torch.nan
    ab[0, 1, 0, 1] = -torch.inf
    index, weight = ops.soft_encode(ab)
    assert index[0, :, 0].tolist() == [[k, k] for k in range(5)]
    assert weight[0, :, 0].isnan().all()
    assert not weight[0, :, 1].isnan().any()


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 3),
    st.integers(0, 17),
    st.integers(0, 19),
    st.sampled_from([1, 5, 6]),
    st.sampled_from(["plain", "transposed", "strided", "channels_last"]),
)
def test_any_shape_and_stride(n: int, h: int, w: int, neighbours: int, layout: str) -> None:
    """Empty, single, odd and non-contiguous tensors give what the twin gives."""
    ab = (torch.rand(n, 2, h, w, generator=torch.Generator().manual_seed(h * 31 + w)) - 0.5) * 200
    if layout == "transposed":
        ab = ab.transpose(2, 3)
    elif layout == "strided":
        ab = ab[:, :, ::2, ::3]
    elif layout == "channels_last":
        ab = ab.contiguous(memory_format=torch.channels_last)
    index, weight = ops.soft_encode(ab, neighbours=neighbours)
    twin_index, twin_weight = twins.soft_encode(ab, neighbours)
    assert torch.equal(index, twin_index)
    torch.testing.assert_close(weight, twin_weight, atol=1e-6, rtol=0)
    dense = ops.soft_encode_dense(ab, neighbours=neighbours)
    twin_dense = twins.soft_encode_dense(ab, neighbours)
    torch.testing.assert_close(dense, twin_dense, atol=1e-6, rtol=0)


@pytest.mark.parametrize("encode", [ops.soft_encode, ops.soft_encode_dense])
class TestRefusals:
    """Sentences that say what is accepted."""

    def test_dtype(self, encode) -> None:
        """Only float32."""
        with pytest.raises(TypeError, match="float32"):
            encode(torch.zeros(1, 2, 4, 4, dtype=torch.float64))

    def test_not_a_tensor(self, encode) -> None:
        """NumPy arrays are sent to torch.from_numpy."""
        with pytest.raises(TypeError, match="from_numpy"):
            encode(np.zeros((1, 2, 4, 4), np.float32))

    def test_shape(self, encode) -> None:
        """Two planes, four axes."""
        with pytest.raises(ValueError, match=r"\(N, 2, H, W\)"):
            encode(torch.zeros(1, 3, 4, 4))

    @pytest.mark.parametrize("neighbours", [0, 314, -1])
    def test_neighbours(self, encode, neighbours: int) -> None:
        """At least one, at most all."""
        with pytest.raises(ValueError, match="between 1 and 313"):
            encode(torch.zeros(1, 2, 4, 4), neighbours=neighbours)

    @pytest.mark.parametrize("sigma", [0.0, -1.0, float("nan"), float("inf")])
    def test_sigma(self, encode, sigma: float) -> None:
        """A positive, finite width."""
        with pytest.raises(ValueError, match="sigma above 0"):
            encode(torch.zeros(1, 2, 4, 4), sigma=sigma)

    def test_gradient(self, encode) -> None:
        """Targets have no derivative, and silence would be a wrong one."""
        with pytest.raises(ValueError, match="detach"):
            encode(torch.zeros(1, 2, 4, 4, requires_grad=True))


def test_the_operator_itself_refuses_too() -> None:
    """A graph that calls torch.ops directly gets a sentence as well, and no wrong gradient."""
    operator = torch.ops.napari_colorize.soft_encode
    with pytest.raises((RuntimeError, ValueError), match="N, 2, H, W"):
        operator(torch.zeros(2, 4, 4))
    with pytest.raises((RuntimeError, TypeError), match="float32"):
        operator(torch.zeros(1, 2, 4, 4, dtype=torch.float64))
    with pytest.raises((RuntimeError, ValueError), match="313"):
        operator(torch.zeros(1, 2, 4, 4), 400)
    _, weight = operator(torch.zeros(1, 2, 4, 4, requires_grad=True))
    with pytest.raises(RuntimeError, match="targets"):
        weight.sum().backward()


def test_is_a_well_behaved_operator() -> None:
    """Schema, fakes and autograd registration, by torch's own checks."""
    ops.load()
    ab = in_gamut_colours(12).reshape(1, 2, 4, 3)
    opcheck(torch.ops.napari_colorize.soft_encode.default, (ab, 5, 5.0))
    opcheck(torch.ops.napari_colorize.soft_encode_dense.default, (ab, 6, 4.0))
