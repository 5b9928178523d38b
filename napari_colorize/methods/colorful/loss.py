"""Cross-entropy between predicted and soft-encoded colour, rare colours weighing more."""

from __future__ import annotations

import torch
from torch import Tensor

NEARLY_GREY = 5.0
"""A picture whose every |a| and |b| stays below this teaches nothing about colour (Lab units)."""


def rebalanced_cross_entropy(
    logits: Tensor, index: Tensor, weight: Tensor, class_weights: Tensor
) -> Tensor:
    """Mean over pixels of ``w(q*) · −Σ_q z_q log ẑ_q`` (Zhang 2016, eq. 2).

    Parameters
    ----------
    logits
        (N, Q, H, W) float.
    index, weight
        (N, K, H, W) int64 and float: the sparse soft encoding of the true colour.
    class_weights
        (Q,) float, taken at the heaviest bin q* of each pixel, mean about 1.

    Returns
    -------
    Tensor
        0-dim; the weights scale the loss and thereby the gradient, and are not normalised within
        a batch, so that a batch of grey pictures pulls less than a colourful one.
    """
    log_probability = logits.log_softmax(1).gather(1, index)
    heaviest = index.gather(1, weight.argmax(1, keepdim=True)).squeeze(1)
    pixel_loss = -(weight * log_probability).sum(1)
    return (class_weights[heaviest] * pixel_loss).mean()


def decoded_colour_error(
    logits: Tensor, bins: Tensor, bias: Tensor, ab: Tensor, typical: float = 5.0
) -> Tensor:
    """Mean over pictures of log RMS between the decoded mean colour and the true one.

    Not in the paper, which trains the distribution alone. Averaging the logarithm is what
    averaging PSNR over pictures does: a greyish picture that is coloured wrongly costs as much as
    a vivid one that is missed.

    Parameters
    ----------
    logits
        (N, Q, H, W) float.
    bins
        (Q, 2), Lab units.
    bias
        (Q,) shift of the logits: the vividness to decode at.
    ab
        (N, 2, H, W) true colour, Lab units.
    typical
        Lab units, added in quadrature: below it an error is nobody's concern.

    Returns
    -------
    Tensor
        0-dim.
    """
    guess = _mean_colour(logits, bins, bias)
    squared = (guess - ab).square().mean((1, 2, 3))
    return 0.5 * (squared + typical**2).log().mean()


def rebalanced_colour_error(
    logits: Tensor, bins: Tensor, bias: Tensor, ab: Tensor, pixel_weights: Tensor
) -> Tensor:
    """Weighted mean distance between decoded and true colour, as a share of 30 Lab units.

    Not in the paper. Its rebalanced AuC falls with this distance, each pixel weighing by how rare
    its colour is.

    Parameters
    ----------
    logits, bins, bias, ab
        As for `decoded_colour_error`.
    pixel_weights
        (N, H, W), mean about 1; not normalised within a batch.

    Returns
    -------
    Tensor
        0-dim.
    """
    guess = _mean_colour(logits, bins, bias)
    # The small constant keeps the slope finite where a pixel is hit exactly.
    distance = ((guess - ab).square().sum(1) + 1.0).sqrt()
    return (pixel_weights * distance).mean() / 30.0


def _mean_colour(logits: Tensor, bins: Tensor, bias: Tensor) -> Tensor:
    # Not ops.annealed_mean: a training has no use for its entropy, whose gradient costs more than
    # all of this.
    share = (logits + bias[:, None, None]).softmax(1)
    return torch.einsum("nqhw,qc->nchw", share, bins)
