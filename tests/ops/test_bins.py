"""The 313 ab bins: derived anew from all 8-bit sRGB colours."""

import numpy as np
import torch

from napari_colorize.ops.bins import BIN_STEP, NUM_BINS, bin_centres, bin_tensor

COMPLETING_POINTS = {(40, 90), (100, -90), (100, -10), (100, 0)}


def occupied_cells() -> np.ndarray:
    """Return the 10 × 10 cells of the ab plane (lower corners / 10) that 8-bit sRGB reaches."""
    code = np.arange(256) / 255.0
    linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    to_xyz /= to_xyz.sum(axis=1, keepdims=True)  # relative to the D65 white that sRGB (1, 1, 1) is
    seen = np.zeros((32, 32), dtype=bool)
    for red in linear:
        xyz = [
            red * row[0] + (linear * row[1])[:, None] + (linear * row[2])[None, :] for row in to_xyz
        ]
        fx, fy, fz = (np.where(t > 216 / 24389, np.cbrt(t), t * 841 / 108 + 4 / 29) for t in xyz)
        a, b = 500 * (fx - fy), 200 * (fy - fz)
        seen[
            (np.floor(a / BIN_STEP) + 16).astype(int), (np.floor(b / BIN_STEP) + 16).astype(int)
        ] = 1
    return np.argwhere(seen) - 16


def test_bins_are_the_corners_of_all_occupied_cells_and_four_more() -> None:
    """Methods, section 1: four corners of each occupied cell (309 points) and four extra points."""
    corners = {
        (10 * (i + di), 10 * (j + dj))
        for i, j in occupied_cells()
        for di in (0, 1)
        for dj in (0, 1)
    }
    assert len(corners) == 309
    assert not corners & COMPLETING_POINTS
    assert {tuple(p) for p in bin_centres().astype(int).tolist()} == corners | COMPLETING_POINTS


def test_bins_are_ordered_by_a_then_b() -> None:
    """The order of the released weights' output channels."""
    assert NUM_BINS == 313
    assert bin_centres().shape == (313, 2)
    assert bin_centres().tolist() == sorted(bin_centres().tolist())


def test_the_table_cannot_be_changed_by_accident() -> None:
    """The array is shared, so it is read-only; the tensor is a fresh one each time."""
    assert not bin_centres().flags.writeable
    first = bin_tensor()
    first.zero_()
    assert np.array_equal(bin_tensor().numpy(), bin_centres())


def test_tensor_has_the_asked_type() -> None:
    """Float32 unless said otherwise."""
    assert bin_tensor().dtype == torch.float32
    assert bin_tensor(dtype=torch.float64).dtype == torch.float64
