"""From small chroma to full-size RGB under the picture's own lightness."""

import numpy as np
import pytest
import torch

from napari_colorize.parameters import REFINEMENTS, ColorizeParameters
from napari_colorize.pipeline.image import read_plane
from napari_colorize.pipeline.refine import full_size_map, full_size_rgb, with_alpha

RNG = np.random.default_rng(1)
FULL_RANGE = {"uint8": 255, "uint16": 65535, "float32": 1}


def refined(image, chroma, **choices):
    plane = read_plane(image)
    parameters = ColorizeParameters(**choices)
    return full_size_rgb(plane, plane.lightness(), chroma, parameters)


def constant_chroma(a, b, grid=(6, 8)):
    return torch.tensor([a, b]).float()[None, :, None, None].expand(1, 2, *grid).contiguous()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("refinement", REFINEMENTS)
class TestEveryWay:
    def test_no_chroma_gives_back_the_grey_codes(self, refinement, dtype):
        image = RNG.integers(0, 256, (37, 53), dtype=np.uint8)
        rgb, clipped = refined(image, constant_chroma(0, 0), refinement=refinement, dtype=dtype)
        assert rgb.dtype == dtype
        expected = image[..., None] / 255 * FULL_RANGE[dtype]
        tolerance = {"uint8": 0, "uint16": 2, "float32": 3e-5}[dtype]
        assert np.abs(rgb - expected).max() <= tolerance
        assert not clipped.any()

    def test_impossible_colours_are_marked_and_brought_back_along_their_hue(
        self, refinement, dtype
    ):
        from skimage.color import rgb2lab

        image = np.full((20, 24), 119, np.uint8)
        rgb, clipped = refined(image, constant_chroma(0, 400), refinement=refinement, dtype=dtype)
        lab = rgb2lab(rgb.astype(float) / FULL_RANGE[dtype])
        assert clipped.all()
        assert np.abs(lab[..., 0] - 50.0).max() < 0.4
        assert lab[..., 2].min() > 40  # still as yellow as sRGB can be at this lightness
        assert np.abs(np.degrees(np.arctan2(lab[..., 1], lab[..., 2]))).max() < 1.0

    @pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1), (3, 4), (40, 3), (130, 70)])
    def test_pictures_of_any_size_keep_it(self, refinement, dtype, shape):
        image = RNG.integers(0, 256, shape, dtype=np.uint8)
        chroma = torch.from_numpy(RNG.normal(0, 20, (1, 2, 16, 16)).astype(np.float32))
        rgb, clipped = refined(image, chroma, refinement=refinement, dtype=dtype)
        assert rgb.shape == (*shape, 3)
        assert clipped.shape == shape


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_joint_bilateral_keeps_colour_on_its_side_of_an_edge(dtype):
    image = np.zeros((64, 64), np.uint8)
    image[:, :26], image[:, 26:] = 80, 190  # the edge lies inside a chroma pixel
    chroma = torch.zeros(1, 2, 16, 16)
    chroma[:, 0, :, :7], chroma[:, 0, :, 7:] = 30.0, 0.0
    across = {}
    for refinement in REFINEMENTS:
        rgb, _ = refined(image, chroma, refinement=refinement, dtype=dtype, sigma_range=3.0)
        bright = rgb[32, 26:30].astype(float) / FULL_RANGE[dtype]
        across[refinement] = np.abs(bright[:, 0] - bright[:, 1]).max()
    assert across["joint_bilateral"] < 0.1 * across["bilinear"]
    assert across["guided"] < 0.5 * across["bilinear"]
    assert across["domain_transform"] < 0.8 * across["bilinear"]


def test_all_output_types_show_the_same_picture():
    image = RNG.integers(0, 256, (45, 61), dtype=np.uint8)
    chroma = torch.from_numpy(RNG.normal(0, 25, (1, 2, 8, 11)).astype(np.float32))
    shown = {
        dtype: refined(image, chroma, dtype=dtype)[0].astype(float) / top
        for dtype, top in FULL_RANGE.items()
    }
    assert np.abs(shown["uint8"] - shown["float32"]).max() <= 0.51 / 255
    assert np.abs(shown["uint16"] - shown["float32"]).max() <= 0.51 / 65535


def test_bands_leave_no_seams(monkeypatch):
    from napari_colorize.pipeline import resample as bands

    picture = RNG.integers(0, 256, (70, 50), dtype=np.uint8)
    chroma = torch.from_numpy(RNG.normal(0, 25, (1, 2, 18, 13)).astype(np.float32))
    whole, _ = refined(picture, chroma, dtype="float32")
    monkeypatch.setattr(bands, "BAND_PIXELS", 150)  # three rows
    pieces, _ = refined(picture, chroma, dtype="float32")
    assert np.abs(whole - pieces).max() < 1e-6


def test_bilinear_chroma_is_that_of_the_whole_picture(monkeypatch):
    from torch.nn.functional import interpolate

    from napari_colorize import ops
    from napari_colorize.pipeline import resample as bands

    monkeypatch.setattr(bands, "BAND_PIXELS", 150)
    picture = RNG.integers(60, 200, (70, 50), dtype=np.uint8)
    chroma = torch.from_numpy(RNG.normal(0, 5, (1, 2, 18, 13)).astype(np.float32))
    rgb, _ = refined(picture, chroma, dtype="float32", refinement="bilinear")
    wanted = interpolate(chroma, picture.shape, mode="bilinear", align_corners=False)
    light = torch.from_numpy(read_plane(picture).lightness())[None, None]
    inside, _ = ops.gamut_clip(torch.cat([light, wanted], 1), channel_dim=1)
    expected = ops.lab_to_rgb(inside, channel_dim=1)[0].permute(1, 2, 0)
    assert np.abs(rgb - expected.numpy()).max() < 1e-5


@pytest.mark.parametrize("shape", [(128, 192), (130, 201), (20, 400), (400, 9)])
def test_the_small_guide_is_the_mean_lightness_of_each_cell(shape, monkeypatch):
    """Whether it is made of what the network saw or of the picture itself."""
    from napari_colorize import ops
    from napari_colorize.pipeline.resample import network_shape, no_finer_than, resize

    guides = []
    finish = ops.finish

    def watched(luma, chroma, guide_small, **options):
        guides.append(guide_small)
        return finish(luma, chroma, guide_small, **options)

    monkeypatch.setattr(ops, "finish", watched)
    plane = read_plane(RNG.integers(0, 256, shape, dtype=np.uint8))
    seen = network_shape(*shape, 64)
    chroma = constant_chroma(0, 0, (seen[0] // 4, seen[1] // 4))
    full_size_rgb(plane, plane.lightness_at(seen), chroma, ColorizeParameters())
    grid = no_finer_than(tuple(chroma.shape[-2:]), shape)
    assert guides[0][0, 0].numpy() == pytest.approx(resize(plane.lightness(), grid), abs=1e-3)


def test_progress_is_told_and_may_stop_the_work():
    plane = read_plane(np.zeros((8, 8), np.uint8))
    parameters = ColorizeParameters(dtype="float32")

    def stop(share):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        full_size_rgb(plane, plane.lightness(), constant_chroma(0, 0), parameters, stop)


def test_small_maps_grow_bilinearly_and_stay_between_0_and_1():
    small = torch.tensor([[[[0.0, 1.0]]]])
    assert full_size_map(small, (3, 4))[1] == pytest.approx([0, 0.25, 0.75, 1])
    assert full_size_map(torch.full((1, 1, 2, 2), 1.00001), (5, 5)).max() == 1


def test_alpha_is_appended_in_the_range_of_the_result():
    alpha = np.array([[0.0, 0.5, 1.0]], np.float32)
    for dtype, expected in {"uint8": [0, 128, 255], "uint16": [0, 32768, 65535]}.items():
        assert with_alpha(np.zeros((1, 3, 3), dtype), alpha)[0, :, 3].tolist() == expected
    assert with_alpha(np.zeros((1, 3, 3), np.float32), alpha)[0, :, 3].tolist() == [0, 0.5, 1]


def test_sixteen_bit_alpha_survives_exactly():
    image = np.zeros((256, 256, 4), np.uint16)
    image[..., 3] = np.arange(65536).reshape(256, 256)
    alpha = read_plane(image).alpha
    assert (with_alpha(image[..., :3], alpha)[..., 3] == image[..., 3]).all()


def test_large_pictures_are_finished_in_pieces_between_which_a_run_can_be_stopped(monkeypatch):
    image = RNG.integers(0, 256, (131, 90), dtype=np.uint8)
    chroma = torch.from_numpy(RNG.normal(0, 20, (1, 2, 17, 11)).astype(np.float32))
    whole, moved = refined(image, chroma)
    monkeypatch.setattr("napari_colorize.pipeline.refine.AT_ONCE", 90 * 13)
    plane, told = read_plane(image), []
    rgb, clipped = full_size_rgb(
        plane, plane.lightness(), chroma, ColorizeParameters(), tick=told.append
    )

    np.testing.assert_array_equal(rgb, whole)
    np.testing.assert_array_equal(clipped, moved)
    assert told == [first / 131 for first in range(0, 131, 13)]
