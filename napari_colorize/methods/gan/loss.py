"""What generator and discriminator are told (Nazeri 2018, §2.2; Goodfellow 2014)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def discriminator_loss(real: Tensor, fake: Tensor, real_label: float = 0.9) -> Tensor:
    """Mean cross-entropy of telling true colours from generated ones.

    Parameters
    ----------
    real, fake
        Logits of patches with true and with generated colours.
    real_label
        Target for true ones: 0.9 is one-sided label smoothing (Salimans et al. 2016, §3.4), which
        keeps the discriminator from being certain; 1 switches it off. Generated ones always have
        the target 0: smoothing that too would reward what the generator does already.

    Returns
    -------
    0-dim Tensor; log 4 / 2 where nothing can be told.
    """
    true = F.binary_cross_entropy_with_logits(real, torch.full_like(real, real_label))
    false = F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
    return 0.5 * (true + false)


def adversarial_loss(fake: Tensor) -> Tensor:
    """Non-saturating loss of the generator: −log D(G), whose slope stays where D has won."""
    return F.binary_cross_entropy_with_logits(fake, torch.ones_like(fake))


def expected_error_loss(expected: Tensor, distance: Tensor) -> Tensor:
    """Negative log-likelihood of distances under exponentials of the expected means.

    Smallest where `expected` is the mean distance of pixels like this one.

    Parameters
    ----------
    expected
        Predicted mean distance, Lab units, > 0.
    distance
        Distance of the colour from the true one, same shape.
    """
    floor = expected.clamp(min=0.5)
    return (floor.log() + distance.detach() / floor).mean()
