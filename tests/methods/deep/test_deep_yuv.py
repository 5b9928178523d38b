"""Chroma as published, and back into Lab under the lightness of the picture."""

import numpy as np
import pytest
import torch
from skimage.color import rgb2lab

from napari_colorize import ops
from napari_colorize.methods.deep.yuv import luma_to_grey, rgb_to_uv, uv_to_ab

ops.load()


def colours(count=40_000):
    return torch.rand(1, 3, count // 200, 200, generator=torch.Generator().manual_seed(0))


def lab_of(rgb):
    lab = rgb2lab(rgb[0].permute(1, 2, 0).double().numpy())
    return torch.from_numpy(np.moveaxis(lab, -1, 0)[None]).float()


def test_uv_are_the_published_combinations():
    rgb = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0.4, 0.4, 0.4]]).T[None, :, None]
    expected = [[-0.147, 0.615], [-0.289, -0.515], [0.436, -0.1], [0, 0]]
    torch.testing.assert_close(rgb_to_uv(rgb)[0, :, 0].T, torch.tensor(expected))


def test_a_colours_uv_come_back_as_its_ab():
    rgb = colours()
    lab = lab_of(rgb)
    error = (uv_to_ab(rgb_to_uv(rgb), lab[:, :1]) - lab[:, 1:]).norm(dim=1)
    assert error.mean() < 0.2
    assert error.quantile(0.99) < 1.0


def test_muted_colours_come_back_closely():
    rgb = 0.3 + 0.4 * colours()
    lab = lab_of(rgb)
    error = (uv_to_ab(rgb_to_uv(rgb), lab[:, :1]) - lab[:, 1:]).norm(dim=1)
    assert error.max() < 0.5


def test_grey_stays_grey_at_every_lightness():
    luma = torch.linspace(0, 100, 101).reshape(1, 1, 1, -1)
    assert uv_to_ab(torch.zeros(1, 2, 1, 101), luma).abs().max() < 1e-3


@pytest.mark.parametrize("reach", [0.6, 3.0, 1e4])
def test_impossible_chroma_gives_finite_colour(reach):
    generator = torch.Generator().manual_seed(1)
    uv = (torch.rand(1, 2, 50, 60, generator=generator) - 0.5) * 2 * reach
    luma = torch.rand(1, 1, 50, 60, generator=generator) * 100
    ab = uv_to_ab(uv, luma)
    assert torch.isfinite(ab).all()
    assert ab.abs().max() < 130  # nothing in sRGB is further out


def test_luma_is_the_lightness_of_a_grey_code():
    codes = torch.arange(256.0).reshape(1, 1, 1, -1) / 255
    lightness = lab_of(codes.expand(1, 3, 1, 256))[:, :1]
    torch.testing.assert_close(luma_to_grey(lightness), codes, atol=2e-5, rtol=0)
