"""Hypercolumns: what is trained at sparse positions is what is read at every cell."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_colorize.methods.colorful.hypercolumn import (
    HypercolumnNetwork,
    Hypercolumns,
    places,
    read_at,
)
from napari_colorize.methods.trunks import trunk_channels


def random_network(blocks):
    """A network whose every part says something, standardisation included."""
    torch.manual_seed(0)
    network = HypercolumnNetwork("lite0", (24, 20), context=64, blocks=blocks).eval()
    with torch.no_grad():
        for scale in (network.scale_fine, network.scale16, network.scale32):
            scale.mean.normal_()
            scale.scale.uniform_(0.5, 2)
    return network


@pytest.mark.parametrize("blocks", [0, 1])
@torch.no_grad()
def test_sparse_positions_give_what_the_dense_map_has_there(blocks):
    network = random_network(blocks)
    luma = torch.rand(2, 1, 64, 96) * 100
    dense = network(luma).flatten(2)
    columns = network.look(luma)
    cells = torch.stack([torch.randperm(16 * 24)[:40] for _ in range(2)])
    fine = torch.stack(
        [each.flatten(0, 1)[at] for each, at in zip(columns.fine, cells, strict=True)]
    )
    sparse = network.sparse(Hypercolumns(fine, columns.sixteen, columns.thirtytwo), cells)
    expected = torch.stack([each[:, at].T for each, at in zip(dense, cells, strict=True)])
    assert dense.std() > 0.05
    torch.testing.assert_close(sparse, expected, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_the_first_layer_on_upsampled_maps_is_the_layer_on_joined_hypercolumns():
    """Written out: every map brought to stride 4 first, joined, and one matrix applied."""
    network = random_network(0)
    luma = torch.rand(1, 1, 64, 64) * 100
    columns = network.look(luma)
    fine = network.scale_fine(columns.fine)[0].double().numpy()
    coarse = [
        (network.scale16(columns.sixteen)[0].double().numpy(), network.sixteen, 4),
        (network.scale32(columns.thirtytwo)[0].double().numpy(), network.thirtytwo, 8),
    ]
    joined = [fine]
    matrix = [network.fine.weight.double().numpy()]
    for values, layer, factor in coarse:
        at = (np.arange(16) + 0.5) / factor - 0.5
        grid = np.meshgrid(at, at, indexing="ij")
        planes = [
            ndimage.map_coordinates(values[..., c], grid, order=1, mode="nearest")
            for c in range(values.shape[2])
        ]
        joined.append(np.stack(planes, -1))
        matrix.append(layer.weight.double().numpy())
    mean = coarse[1][0].mean((0, 1))
    first = np.concatenate(joined, -1) @ np.concatenate(matrix, 1).T
    first += network.fine.bias.double().numpy() + network.whole.weight.double().numpy() @ mean
    rest = network.logits(network.read(torch.from_numpy(first).float()[None]))
    torch.testing.assert_close(network(luma), rest.permute(0, 3, 1, 2), atol=1e-4, rtol=1e-4)


def test_reading_at_cells_is_torchs_bilinear_upsampling():
    maps = torch.randn(1, 3, 2, 5)
    grown = torch.nn.functional.interpolate(
        maps, scale_factor=8.0, mode="bilinear", align_corners=False
    )
    every = torch.arange(2 * 8 * 5 * 8)[None]
    read = read_at(maps.permute(0, 2, 3, 1), every, 8)
    torch.testing.assert_close(read, grown.flatten(2).transpose(1, 2))


def test_places_are_the_cells_middles():
    row, column = places(torch.zeros(1, 1, 2, 4))[0]
    np.testing.assert_allclose(row[:, 0], [-0.5, 0.5])
    np.testing.assert_allclose(column[0], [0.75, 0.25, 0.25, 0.75])


@torch.no_grad()
def test_with_a_look_around_a_far_corner_matters():
    """Beyond the trunk's own field of view and the mean, which is kept equal by a swap."""
    network = random_network(1)
    x = torch.randn(1, 4, 4, trunk_channels("lite0")[4])
    swapped = x.clone()
    swapped[0, 3, 3], swapped[0, 0, 3] = x[0, 0, 3], x[0, 3, 3]
    sixteen = torch.zeros(1, 8, 8, trunk_channels("lite0")[3])
    before = network.coarse(sixteen, x)[0, 2, 0]
    assert (network.coarse(sixteen, swapped)[0, 2, 0] - before).abs().max() > 1e-4
    without = random_network(0)
    torch.testing.assert_close(
        without.coarse(sixteen, swapped)[0, 2, 0], without.coarse(sixteen, x)[0, 2, 0]
    )
