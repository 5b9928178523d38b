"""Low level: the grey values around a pixel."""

import torch
from torch import Tensor

PATCH_SIZE = 7
PATCH_DIMENSIONS = PATCH_SIZE * PATCH_SIZE
"""Numbers that describe one pixel."""


def patch_descriptor(grey: Tensor) -> Tensor:
    """Describe every pixel by the 7 × 7 grey values around it (Cheng 2015, section 3.2).

    Cells outside the picture take the value of the centre, as in the authors' release.

    Parameters
    ----------
    grey : torch.Tensor
        (N, 1, H, W) float, 0…1; any H, W ≥ 1.

    Returns
    -------
    torch.Tensor
        (N, 49, H, W): the cells row by row, upper left first; number 24 is the pixel itself.
    """
    return patch_rows(grey, 0, grey.shape[2])


def patch_rows(grey: Tensor, first: int, last: int, size: int = PATCH_SIZE) -> Tensor:
    """Rows ``first … last − 1`` of :func:`patch_descriptor`: (N, 49, last − first, W)."""
    n, height, width = grey.shape[0], grey.shape[2], grey.shape[3]
    reach = size // 2
    rows = torch.arange(first - reach, last + reach, device=grey.device)
    columns = torch.arange(-reach, width + reach, device=grey.device)
    around = grey.index_select(2, rows.clamp(0, height - 1))
    around = around.index_select(3, columns.clamp(0, width - 1))
    # Windows of a view, not of a copy: (N, 7, 7, rows, W).
    cells = around[:, 0].unfold(1, size, 1).unfold(2, size, 1).permute(0, 3, 4, 1, 2)
    row_inside = ((rows >= 0) & (rows < height)).unfold(0, size, 1).t()
    column_inside = ((columns >= 0) & (columns < width)).unfold(0, size, 1).t()
    inside = row_inside[:, None, :, None] & column_inside[None, :, None, :]
    centre = cells[:, reach : reach + 1, reach : reach + 1]
    return torch.where(inside, cells, centre).reshape(n, size * size, last - first, width)
