"""The middle-level descriptor is DAISY as scikit-image computes it, at every pixel."""

import time

import numpy as np
import pytest
import skimage.data
import skimage.feature
import torch

from napari_colorize.methods.deep.daisy import Daisy, daisy_descriptor


def reference(grey, step=1):
    return skimage.feature.daisy(
        grey, step=step, radius=7, rings=1, histograms=3, orientations=8, normalization="l1"
    )


def on_its_grid(grey):
    found = daisy_descriptor(torch.from_numpy(grey)[None, None])[0]
    return found[:, 7:-7, 7:-7].permute(1, 2, 0).numpy()


def test_numbers_are_scikit_images():
    grey = skimage.data.camera()[100:164, 200:290] / 255
    # float64 parity is limited by the float32 constants.
    np.testing.assert_allclose(on_its_grid(grey), reference(grey), atol=1e-8)
    np.testing.assert_allclose(on_its_grid(grey.astype(np.float32)), reference(grey), atol=1e-6)


def test_parity_on_noise():
    grey = np.random.default_rng(0).random((40, 51))
    np.testing.assert_allclose(on_its_grid(grey), reference(grey), atol=1e-8)


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (5, 3)])
def test_tiny_pictures_have_descriptors_of_sum_one(shape):
    grey = torch.rand(1, 1, *shape, generator=torch.Generator().manual_seed(0))
    found = daisy_descriptor(grey)
    assert found.shape == (1, 32, *shape)
    torch.testing.assert_close(found.sum(1), torch.ones(1, *shape))


def test_nothing_varies_nothing_stands_out():
    found = daisy_descriptor(torch.full((1, 1, 20, 20), 0.3))
    torch.testing.assert_close(found, torch.full_like(found, 1 / 32))


def test_beyond_the_border_lie_the_mirrored_edges():
    """As scikit-image's Gaussian takes them: each border pixel twice, and so on outwards."""
    grey = torch.rand(1, 1, 30, 26, generator=torch.Generator().manual_seed(1))
    edges = Daisy()._edges(grey, -21, 51)[0].numpy()
    inside = edges[:, 21:51, 21:47]
    np.testing.assert_array_equal(edges, np.pad(inside, ((0, 0), (21, 21), (21, 21)), "symmetric"))


def test_rows_are_those_of_the_whole_picture():
    grey = torch.rand(1, 1, 50, 33, generator=torch.Generator().manual_seed(0))
    daisy = Daisy()
    whole = daisy(grey)
    for first, last in [(0, 3), (17, 30), (49, 50)]:
        rows = daisy.rows(grey, first, last)
        torch.testing.assert_close(rows, whole[:, :, first:last], atol=1e-7, rtol=0)


def test_turning_the_picture_upside_down_turns_directions():
    """A gradient downwards becomes one upwards; the histogram at the pixel shows it."""
    ramp = torch.arange(40.0)[:, None].expand(40, 40)[None, None] / 40
    down = daisy_descriptor(ramp)[0, :8, 20, 20]
    up = daisy_descriptor(ramp.flip(2))[0, :8, 20, 20]
    assert down.argmax() == 6  # −π + 6 · π/4 = π/2: downwards
    assert up.argmax() == 2


@pytest.mark.alone
def test_it_is_much_faster_than_the_reference():
    """A loose bound for a busy machine; the measured figure is in the docs."""
    grey = skimage.data.camera()[:200, :200] / 255
    tensor = torch.from_numpy(grey.astype(np.float32))[None, None]
    daisy = Daisy()
    daisy(tensor)
    begun = time.perf_counter()
    reference(grey)
    between = time.perf_counter()
    daisy(tensor)
    assert time.perf_counter() - between < between - begun
