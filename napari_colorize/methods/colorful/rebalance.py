"""Class rebalancing: rare colours weigh more (Zhang 2016, §2.2).

Most pixels of photographs are nearly grey; a network that is right on average is therefore
nearly grey too. The paper weighs each pixel by the inverse of how common its colour is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def smooth_prior(
    prior: NDArray[np.floating], centres: NDArray[np.floating], sigma: float = 5.0
) -> NDArray[np.float64]:
    """Smooth a histogram over ab bins by a Gaussian in the ab plane.

    The distance is the two-dimensional one between bin centres, not the difference of bin numbers
    (Zhang 2016, §2.2).

    Parameters
    ----------
    prior
        (Q,) share of pixels in each bin, ≥ 0.
    centres
        (Q, 2) ab coordinates of the bins, Lab units.
    sigma
        Standard deviation, Lab units.

    Returns
    -------
    (Q,) float64, sums to 1.
    """
    prior = np.asarray(prior, np.float64)
    squared = ((np.asarray(centres, np.float64)[:, None] - centres[None]) ** 2).sum(-1)
    kernel = np.exp(-squared / (2 * sigma**2))
    # Each bin hands out exactly what it holds, so no mass is lost at the gamut's edge.
    kernel /= kernel.sum(0, keepdims=True)
    smoothed = kernel @ prior
    return smoothed / smoothed.sum()


def class_weights(
    smoothed: NDArray[np.floating], prior: NDArray[np.floating], mix: float = 0.5
) -> NDArray[np.float64]:
    """Weights ``w ∝ ((1 − λ)·p̃ + λ/Q')⁻¹`` with ``E_p̃[w] = 1`` (Zhang 2016, eq. 4).

    Parameters
    ----------
    smoothed
        (Q,) smoothed prior p̃.
    prior
        (Q,) unsmoothed prior. Bins that never occur stay out of the uniform part: no 8-bit sRGB
        colour falls nearest to them, Q' counts the others.
    mix
        λ in [0, 1]: 0 weighs by the inverse prior, 1 treats all colours alike.

    Returns
    -------
    (Q,) float64.
    """
    smoothed = np.asarray(smoothed, np.float64)
    present = np.asarray(prior) > 0
    uniform = present / present.sum()
    mixed = (1 - mix) * smoothed + mix * uniform
    # A bin that never occurs weighs as the rarest that does: its own share, made up of what was
    # smoothed into it, may be small beyond all bounds.
    weights = 1 / np.maximum(mixed, mixed[present].min())
    return weights / (smoothed * weights).sum()
