"""The fused finish: lightness kept, colours shown, against scikit-image and the single steps."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.library import opcheck

from napari_colorize import ops
from napari_colorize.ops.bins import bin_tensor
from napari_colorize.ops.twins import finishing as twins

SETTINGS = {"radius": 2, "sigma_space": 1.0, "sigma_range": 10.0}
ARGUMENTS = tuple(SETTINGS.values())


def small_images(n: int, h: int, w: int, spread: float = 30.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Return random chroma and a random small guide."""
    generator = torch.Generator().manual_seed(n + 10 * h + 100 * w)
    chroma = torch.randn((n, 2, h, w), generator=generator) * spread
    return chroma, torch.rand((n, 1, h, w), generator=generator) * 100


def codes(*shape: int) -> torch.Tensor:
    """Return random 8-bit grey codes."""
    generator = torch.Generator().manual_seed(3)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)


def test_every_grey_code_without_chroma_is_kept() -> None:
    """All 256, exactly, and none is marked as clipped."""
    luma = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16)
    rgb, clipped = ops.finish(luma, torch.zeros(1, 2, 4, 4), torch.zeros(1, 1, 4, 4), **SETTINGS)
    assert torch.equal(rgb, luma[..., None].expand(1, 16, 16, 3))
    assert not clipped.any()


@pytest.mark.parametrize("spread", [5.0, 30.0, 200.0])
def test_lightness_is_that_of_the_input(spread: float) -> None:
    """By scikit-image's Lab: within half a code of each channel, however vivid the chroma."""
    color = pytest.importorskip("skimage.color")
    chroma, guide = small_images(1, 12, 16, spread)
    luma = codes(1, 47, 61)
    rgb, _ = ops.finish(luma, chroma, guide, **SETTINGS)
    grey = luma[0].numpy()
    wanted = color.rgb2lab(np.stack([grey] * 3, -1))[..., 0]
    found = color.rgb2lab(rgb[0].numpy())[..., 0]
    half_a_code = np.abs(np.diff(color.rgb2lab(np.stack([np.arange(256)] * 3, -1) / 255)[:, 0])) / 2
    allowed = 1.1 * np.maximum(half_a_code[np.minimum(grey, 254)], half_a_code[grey - (grey > 0)])
    # In a saturated colour a channel's code may be coarser than that of the grey of its lightness.
    assert np.mean(np.abs(found - wanted) <= allowed + 0.05) > 0.97
    assert np.abs(found - wanted).max() < 0.6


def test_chroma_inside_the_gamut_is_shown() -> None:
    """Constant chroma that sRGB can show comes back from scikit-image's Lab."""
    color = pytest.importorskip("skimage.color")
    ab = torch.tensor([12.0, -9.0])
    luma = torch.full((1, 9, 11), 55.0)
    rgb, clipped = ops.finish(
        luma, ab[None, :, None, None].expand(1, 2, 3, 4), luma[:, None, :3, :4], **SETTINGS
    )
    lab = color.rgb2lab(rgb[0].numpy())
    np.testing.assert_allclose(lab.reshape(-1, 3), [[55.0, 12.0, -9.0]] * 99, atol=0.5)
    assert not clipped.any()


def test_colours_that_cannot_be_shown_are_marked_and_keep_their_hue() -> None:
    """Vivid blue at high lightness: moved towards grey, not turned."""
    color = pytest.importorskip("skimage.color")
    luma = torch.full((1, 6, 6), 85.0)
    chroma = torch.tensor([20.0, -110.0])[None, :, None, None].expand(1, 2, 2, 2)
    rgb, clipped = ops.finish(luma, chroma, luma[:, None, :2, :2], **SETTINGS)
    assert clipped.all()
    lightness, a, b = color.rgb2lab(rgb[0].numpy())[0, 0]
    assert lightness == pytest.approx(85, abs=0.3)
    assert np.arctan2(b, a) == pytest.approx(np.arctan2(-110, 20), abs=0.05)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_equals_the_steps_one_by_one(dtype: torch.dtype) -> None:
    """Upsample, clip and convert by the single operators: same codes (±1), same mask."""
    chroma, guide = small_images(2, 10, 13, 60.0)
    luma = codes(2, 41, 299)
    lightness = ops.rgb_to_lab(luma[..., None].expand(2, 41, 299, 3))[..., 0]
    rgb, clipped = ops.finish(
        luma if dtype == torch.uint8 else lightness.contiguous(), chroma, guide, **SETTINGS
    )
    ab = ops.joint_bilateral_upsample(chroma, guide, lightness[:, None], **SETTINGS)
    inside, outside = ops.gamut_clip(torch.cat([lightness[:, None], ab], 1), channel_dim=1)
    expected = ops.lab_to_rgb(inside, channel_dim=1, dtype=torch.uint8).permute(0, 2, 3, 1)
    difference = (rgb.int() - expected.int()).abs()
    assert difference.max() <= 1
    assert (difference > 0).float().mean() < 1e-3
    assert (clipped != outside).float().mean() < 1e-3


def test_what_is_not_a_number_is_black_and_marked() -> None:
    """NaN lightness stays in its pixel."""
    chroma, guide = small_images(1, 3, 3)
    luma = torch.full((1, 12, 12), 50.0)
    luma[0, 4, 5] = torch.nan
    rgb, clipped = ops.finish(luma, chroma, guide, **SETTINGS)
    assert rgb[0, 4, 5].tolist() == [0, 0, 0]
    assert clipped[0, 4, 5]
    black = (rgb == 0).all(-1)
    assert black.sum() == 1


@settings(max_examples=30, deadline=None)
@given(
    st.tuples(st.integers(0, 2), st.integers(0, 9), st.integers(0, 23)),
    st.tuples(st.integers(1, 4), st.integers(1, 5)),
    st.sampled_from([torch.uint8, torch.float32]),
    st.booleans(),
)
def test_any_shape_and_stride(shape, small, dtype: torch.dtype, transposed: bool) -> None:
    """Empty, single, odd and non-contiguous tensors: as the twin, ±1 code by rounding."""
    chroma, guide = small_images(shape[0], *small)
    luma = codes(*shape) if dtype == torch.uint8 else codes(*shape).float() / 2.55
    if transposed:
        luma, chroma = luma.transpose(1, 2), chroma.transpose(2, 3)
        guide = guide.transpose(2, 3)
    rgb, clipped = ops.finish(luma, chroma, guide, **SETTINGS)
    expected, outside = twins.finish(luma, chroma, guide, *ARGUMENTS)
    assert rgb.shape == (*luma.shape, 3)
    assert rgb.is_contiguous()
    assert clipped.shape == luma.shape
    assert ((rgb.int() - expected.int()).abs() <= 1).all()
    assert (clipped != outside).sum() <= max(1, luma.numel() // 200)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32], ids=str)
@pytest.mark.parametrize("small", [(16, 24), (60, 70)], ids=["fewer", "more"])
def test_pieces_come_out_as_in_the_whole(small, dtype: torch.dtype) -> None:
    luma = codes(1, 45, 61) if dtype == torch.uint8 else codes(1, 45, 61).float() / 2.55
    chroma, guide = small_images(1, *small)
    whole, clipped = ops.finish(luma, chroma, guide, **SETTINGS)
    for top, left, height, width in ((0, 0, 45, 61), (7, 11, 20, 33), (38, 57, 7, 4)):
        rows, columns = slice(top, top + height), slice(left, left + width)
        within = (top, left, 45, 61)
        piece, marks = ops.finish(luma[:, rows, columns], chroma, guide, within=within, **SETTINGS)
        assert torch.equal(piece, whole[:, rows, columns])
        assert torch.equal(marks, clipped[:, rows, columns])
        twin, _ = twins.finish(luma[:, rows, columns], chroma, guide, *ARGUMENTS, *within)
        assert (piece.int() - twin.int()).abs().max() <= 1


class TestRefusals:
    def test_a_piece_outside_its_picture(self) -> None:
        chroma, guide = small_images(1, 4, 5)
        with pytest.raises(ValueError, match="do not lie inside a picture of 8 × 10"):
            ops.finish(codes(1, 8, 9), chroma, guide, within=(0, 2, 8, 10), **SETTINGS)

    """Sentences that say what is accepted."""

    def test_luma(self) -> None:
        """Codes or L*, three axes."""
        chroma, guide = small_images(1, 2, 2)
        with pytest.raises(TypeError, match="uint8 or float32"):
            ops.finish(torch.zeros(1, 4, 4, dtype=torch.float64), chroma, guide, **SETTINGS)
        with pytest.raises(ValueError, match=r"\(N, H, W\)"):
            ops.finish(codes(4, 4), chroma, guide, **SETTINGS)

    def test_chroma_and_guide(self) -> None:
        """Two planes that go with the luma."""
        chroma, guide = small_images(1, 2, 2)
        with pytest.raises(ValueError, match="a and b"):
            ops.finish(codes(1, 4, 4), chroma[:, :1], guide, **SETTINGS)
        with pytest.raises(ValueError, match="guide_small of shape"):
            ops.finish(codes(1, 4, 4), chroma, guide[..., :1], **SETTINGS)
        with pytest.raises(TypeError, match="float32"):
            ops.finish(codes(1, 4, 4), chroma.double(), guide, **SETTINGS)
        with pytest.raises(ValueError, match="without pixels"):
            ops.finish(codes(1, 4, 4), chroma[..., :0], guide[..., :0], **SETTINGS)

    def test_gradient(self) -> None:
        """8-bit codes have none; the way to train is named."""
        chroma, guide = small_images(1, 2, 2)
        with pytest.raises(ValueError, match="joint_bilateral_upsample"):
            ops.finish(codes(1, 4, 4), chroma.requires_grad_(), guide, **SETTINGS)

    def test_the_operator_itself_refuses_too(self) -> None:
        """For graphs that call it directly."""
        ops.load()
        operator = torch.ops.napari_colorize.finish
        chroma, guide = small_images(1, 2, 2)
        with pytest.raises((RuntimeError, ValueError), match="N, H, W"):
            operator(codes(4, 4), chroma, guide, *ARGUMENTS)
        with pytest.raises((RuntimeError, ValueError), match="chroma of shape"):
            operator(codes(1, 4, 4), chroma[:, :1], guide, *ARGUMENTS)


def test_is_a_well_behaved_operator() -> None:
    """Schema, fakes, autograd registration and dynamic shapes, by torch's own checks."""
    ops.load()
    chroma, guide = small_images(1, 3, 4)
    for luma in (codes(1, 7, 9), codes(1, 7, 9).float() / 2.55):
        opcheck(torch.ops.napari_colorize.finish.default, (luma, chroma, guide, *ARGUMENTS))


class Pipeline(nn.Module):
    """Everything of this project's decoding in one graph, as methods use it."""

    def __init__(self) -> None:
        super().__init__()
        self.predict = nn.Conv2d(1, 313, 3, stride=4, padding=1)
        self.register_buffer("bins", bin_tensor())
        self.register_buffer("temperature", torch.tensor(0.38))

    def forward(self, lightness: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """(N, 1, H, W) L* to rgb, smoothed chroma, sparse encoding of it."""
        library = torch.ops.napari_colorize
        logits = self.predict(lightness)
        ab, _ = library.annealed_mean(logits, self.bins, None, self.temperature)
        small = lightness[:, :, ::4, ::4]
        ab = library.joint_bilateral(ab, small, 2, 1.0, 10.0)
        rgb, _ = library.finish(lightness[:, 0], ab, small, 2, 1.0, 10.0)
        return (
            rgb,
            library.joint_bilateral_upsample(ab, small, lightness, 2, 1.0, 10.0),
            (library.soft_encode(ab)[1]),
        )


@pytest.fixture
def pipeline() -> Pipeline:
    """Return the graph with fixed weights."""
    ops.load()
    torch.manual_seed(0)
    return Pipeline().eval()


def test_a_scripted_graph_runs_in_a_new_process(pipeline, tmp_path) -> None:
    """Scripted, saved, loaded by another Python after ``ops.load()``: the same numbers."""
    lightness = torch.rand(1, 1, 24, 36, generator=torch.Generator().manual_seed(1)) * 100
    with torch.no_grad():
        expected = pipeline(lightness)
    torch.jit.script(pipeline).save(str(tmp_path / "graph.pt"))
    torch.save(lightness, tmp_path / "in.pt")
    code = (
        "import sys, torch\nfrom napari_colorize import ops\nops.load()\n"
        "folder = sys.argv[1]\ngraph = torch.jit.load(folder + '/graph.pt')\n"
        "with torch.no_grad():\n    out = graph(torch.load(folder + '/in.pt'))\n"
        "torch.save(out, folder + '/out.pt')\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code, str(tmp_path)], check=True)
    found = torch.load(tmp_path / "out.pt")
    assert torch.equal(found[0], expected[0])
    torch.testing.assert_close(found[1:], expected[1:], atol=1e-5, rtol=0)


def test_an_exported_graph_has_dynamic_sizes(pipeline, tmp_path) -> None:
    """``torch.export``, saved, loaded, run at another size: the same numbers."""
    lightness = torch.rand(1, 1, 24, 36, generator=torch.Generator().manual_seed(1)) * 100
    sizes = {2: torch.export.Dim("H", min=9, max=4096), 3: torch.export.Dim("W", min=9, max=4096)}
    with torch.no_grad():
        program = torch.export.export(pipeline, (lightness,), dynamic_shapes=(sizes,))
    torch.export.save(program, tmp_path / "graph.pt2")
    graph = torch.export.load(tmp_path / "graph.pt2").module()
    other = torch.rand(1, 1, 41, 30, generator=torch.Generator().manual_seed(2)) * 100
    for image in (lightness, other):
        with torch.no_grad():
            found, expected = graph(image), pipeline(image)
        assert torch.equal(found[0], expected[0])
        torch.testing.assert_close(found[1:], expected[1:], atol=1e-5, rtol=0)
