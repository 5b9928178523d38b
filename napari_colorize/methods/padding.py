"""Any size in, the size that belongs to it out: padding and cropping around a network."""

import torch
from torch import Tensor
from torch.nn import functional as F


def pad_to_multiple(luma: Tensor, multiple: int) -> Tensor:
    """Continue (N, 1, H, W) below and to the right by its last row and column.

    Both sides become multiples of `multiple`, px.
    """
    below, right = -luma.shape[2] % multiple, -luma.shape[3] % multiple
    return F.pad(luma, [0, right, 0, below], mode="replicate")


def crop_pair(ab: Tensor, uncertainty: Tensor, luma: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    """Cut chroma (N, 2, h, w) and uncertainty (N, 1, h, w) back to the unpadded picture.

    Returns
    -------
    tuple of Tensor
        Both with ceil(H / stride) rows and ceil(W / stride) columns, H and W those of `luma`.
    """
    # Not a slice: whether that is contiguous depends on the size, which an exported graph
    # would then be bound to.
    rows = torch.arange((luma.shape[2] + stride - 1) // stride, device=ab.device)
    columns = torch.arange((luma.shape[3] + stride - 1) // stride, device=ab.device)
    both = torch.cat((ab, uncertainty), 1).index_select(2, rows).index_select(3, columns)
    return both[:, :2], both[:, 2:]
