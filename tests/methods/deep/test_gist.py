"""GIST against closed forms: what a filter answers to a pure grating can be written down."""

import math

import numpy as np
import pytest
import torch

from napari_colorize.methods.deep.gist import MARGIN, SIDE, Gist, gabor_bank

WHOLE = SIDE + 2 * MARGIN


@pytest.fixture(scope="module")
def gist():
    return Gist()


def transfer(frequency, angle, scale, orientation):
    """The filter's formula at one frequency, cycles a pixel."""
    centre = 0.3 / 1.85**scale
    turn = (angle - orientation * math.pi / 8 + math.pi) % (2 * math.pi) - math.pi
    return math.exp(-3.5 * (frequency / centre - 1) ** 2 - 2 * math.pi * turn**2)


def grating(down, across, phase=0.7):
    """A cosine of whole periods on WHOLE × WHOLE pixels."""
    y, x = torch.meshgrid(torch.arange(WHOLE), torch.arange(WHOLE), indexing="ij")
    return torch.cos(2 * math.pi * (down * y + across * x) / WHOLE + phase)[None].float()


@pytest.mark.parametrize(("down", "across"), [(0, 48), (26, 0), (10, 10), (-20, 31), (7, -3)])
def test_the_energy_of_a_grating(gist, down, across):
    """A cosine is two spectral lines of height 1/2; the filter passes its share of each."""
    found = gist.energies(grating(down, across)).reshape(4, 8, 16)
    frequency, angle = math.hypot(down, across) / WHOLE, math.atan2(down, across)
    for scale in range(4):
        for orientation in range(8):
            there = transfer(frequency, angle, scale, orientation)
            back = transfer(frequency, angle + math.pi, scale, orientation)
            cells = found[scale, orientation]
            # Where both pass, they beat; their amplitudes bound the magnitude everywhere.
            assert cells.max() <= 0.5 * (there + back) + 1e-5
            assert cells.min() >= 0.5 * abs(there - back) - 1e-5


@pytest.mark.parametrize("orientation", range(8))
@pytest.mark.parametrize("scale", range(4))
def test_a_grating_is_seen_best_by_its_own_filter(gist, scale, orientation):
    frequency, angle = 0.3 / 1.85**scale * WHOLE, orientation * math.pi / 8
    down, across = round(frequency * math.sin(angle)), round(frequency * math.cos(angle))
    found = gist.energies(grating(down, across)).reshape(32, 16).mean(1)
    assert found.argmax() == scale * 8 + orientation


def test_a_grating_in_a_picture_is_an_even_field_of_one_filter(gist):
    """Half-sample cosines go on through the mirrored margin, so every cell answers alike."""
    x = (torch.arange(SIDE) + 0.5) / 32 * 9  # 9/32 cycles a pixel
    picture = 0.5 + 0.4 * torch.cos(2 * math.pi * x).expand(1, 1, SIDE, SIDE)
    cells = gist(picture).reshape(4, 8, 16)[0, 0]
    assert cells.std() < 1e-3 * cells.mean()
    contrast = 0.4 / math.sqrt(2)  # of a cosine; what the picture is divided by
    expected = 0.5 * 0.4 / (contrast + 0.05) * transfer(9 / 32, 0.0, 0, 0)
    assert float(cells.mean()) == pytest.approx(expected, rel=0.01)


def test_the_bank_is_its_formula():
    bank = gabor_bank(20)
    assert bank.shape == (32, 20, 20)
    assert (bank[:, 0, 0] == 0).all()
    for scale, orientation, row, column in [
        (0, 0, 0, 6),
        (1, 3, 3, 2),
        (3, 7, -1, 1),
        (2, 5, 4, -3),
    ]:
        frequency, angle = math.hypot(row, column) / 20, math.atan2(row, column)
        expected = transfer(frequency, angle, scale, orientation)
        assert float(bank[scale * 8 + orientation, row, column]) == pytest.approx(
            expected, rel=1e-5
        )


def test_flat_pictures_have_no_gist(gist):
    assert gist(torch.full((1, 1, 50, 70), 0.6)).abs().max() < 1e-4


def test_brightness_and_contrast_hardly_matter(gist):
    picture = torch.from_numpy(np.random.default_rng(0).random((1, 1, 128, 128))).float()
    full, faint = gist(picture), gist(0.3 + 0.5 * picture)
    assert (full - faint).norm() < 0.2 * full.norm()
    torch.testing.assert_close(gist(picture * 0.5), gist(picture * 0.5 + 0.4), atol=1e-4, rtol=0)


def test_a_mirrored_picture_has_mirrored_cells_and_orientations(gist):
    picture = torch.rand(1, 1, 128, 128, generator=torch.Generator().manual_seed(3))
    found = gist(picture).reshape(4, 8, 4, 4)
    mirrored = gist(picture.flip(3)).reshape(4, 8, 4, 4).flip(3)
    # Orientation o · π/8 becomes π − o · π/8, whose filter sees the other of a line's two signs.
    # The highest frequency has one sign only, so the two are not exactly alike.
    for orientation in range(8):
        torch.testing.assert_close(
            mirrored[:, orientation], found[:, -orientation % 8], atol=1e-3, rtol=5e-3
        )


def test_texture_shows_in_the_cell_where_it_lies(gist):
    picture = torch.full((1, 1, 128, 128), 0.5)
    picture[..., 64:96, 0:32] += 0.4 * torch.cos(2 * math.pi * 0.3 * torch.arange(32.0))
    cells = gist(picture).reshape(4, 8, 4, 4)[0, 0]
    assert cells.argmax() == 2 * 4


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (33, 500)])
def test_any_shape_has_512_numbers(gist, shape):
    picture = torch.rand(2, 1, *shape, generator=torch.Generator().manual_seed(0))
    found = gist(picture)
    assert found.shape == (2, 512)
    assert torch.isfinite(found).all()
    assert (found >= 0).all()
