"""The error that the tree is grown by: PSNR of colours whose luma is right."""

from __future__ import annotations

import torch
from torch import Tensor

RGB_OF_UV = ((0.0, 1.14), (-0.39, -0.58), (2.03, 0.0))
"""What a unit of U and of V adds to R, G and B (the paper's released code)."""


def squared_error(predicted: Tensor, true: Tensor) -> Tensor:
    """Mean squared RGB error of each pixel that wrong chrominance brings about.

    Parameters
    ----------
    predicted, true
        (..., 2) U and V of colours in [0, 1].

    Returns
    -------
    Tensor
        (...), in squares of the range [0, 1], averaged over the three channels.
    """
    matrix = torch.tensor(RGB_OF_UV, dtype=predicted.dtype, device=predicted.device)
    return ((predicted - true) @ matrix.T).square().mean(-1)


def psnr(mean_squared: Tensor) -> Tensor:
    """Peak signal-to-noise ratio, dB, of mean squared errors of colours in [0, 1]."""
    return -10 * mean_squared.clamp(min=1e-10).log10()
