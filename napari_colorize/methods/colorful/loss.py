"""Cross-entropy between predicted and soft-encoded colour, rare colours weighing more."""

from __future__ import annotations

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
