"""The low-level descriptor: 49 grey values, those outside the picture taken from the centre."""

import numpy as np
import pytest
import torch

from napari_colorize.methods.deep.patch import patch_descriptor, patch_rows


def by_definition(grey):
    height, width = grey.shape
    result = np.empty((49, height, width), grey.dtype)
    for y in range(height):
        for x in range(width):
            for i in range(49):
                cell = y + i // 7 - 3, x + i % 7 - 3
                inside = 0 <= cell[0] < height and 0 <= cell[1] < width
                result[i, y, x] = grey[cell if inside else (y, x)]
    return result


@pytest.mark.parametrize("shape", [(12, 15), (1, 1), (1, 9), (4, 2)])
def test_cells_row_by_row_and_the_centre_for_those_outside(shape):
    grey = torch.rand(2, 1, *shape, generator=torch.Generator().manual_seed(0))
    found = patch_descriptor(grey)
    for i in range(2):
        np.testing.assert_array_equal(found[i].numpy(), by_definition(grey[i, 0].numpy()))


def test_rows_are_those_of_the_whole_picture():
    grey = torch.rand(1, 1, 20, 11, generator=torch.Generator().manual_seed(0))
    whole = patch_descriptor(grey)
    for first, last in [(0, 3), (7, 12), (19, 20)]:
        assert torch.equal(patch_rows(grey, first, last), whole[:, :, first:last])
