"""How far apart two pictures, or two sets of pictures, look to a pretrained network.

Both distances are named for what they are. The *feature distance* is built like the uncalibrated
form of Zhang et al. (2018), but on EfficientNet-lite2 and without their learned weights: it is not
LPIPS. The *Fréchet distance* follows Heusel et al. (2017), but on 120 features of
EfficientNet-lite2 rather than 2048 of Inception: it is not FID, and the numbers compare only with
each other, at the same number of pictures.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_colorize.evaluation.bootstrap import Estimate
from napari_colorize.evaluation.judges import EfficientNetLite2

DISTANCE_TAPS = (0, 3, 6, 14)
"""Blocks whose maps enter the feature distance: strides 2, 4, 8 and 16."""

POOLED_TAP = 14
"""Block whose map, averaged over the picture, is the vector of the Fréchet distance."""

FRECHET_DRAWS = 200
_TINY = 1e-10


class PretrainedFeatures:
    """Feature maps of a picture, from the network that also judges.

    Parameters
    ----------
    network : EfficientNetLite2, optional
        Shared with the judge, so that it is loaded once.
    """

    def __init__(self, network: EfficientNetLite2 | None = None) -> None:
        self._source = network or EfficientNetLite2()
        self.name = self._source.name

    def maps(self, rgb: np.ndarray) -> dict[int, np.ndarray]:
        """Return block → ``(C, h, w)`` float32 map of an ``(H, W, 3)`` uint8 picture."""
        import torch

        network = self._source.network
        maps = {}
        with torch.inference_mode():
            x = network._swish(network._bn0(network._conv_stem(self._source.prepared(rgb))))
            for index, block in enumerate(network._blocks[: max(DISTANCE_TAPS) + 1]):
                x = block(x)
                if index in DISTANCE_TAPS:
                    maps[index] = x[0].numpy()
        return maps


def feature_distance(one: dict[int, np.ndarray], other: dict[int, np.ndarray]) -> float:
    """Return the mean squared distance of unit-length features, summed over the blocks.

    Zhang et al. (2018), equation 1, with all channel weights 1.

    Returns
    -------
    float
        0 for equal pictures; at most 4 a block.
    """
    return float(sum(np.mean(_squared_distance(one[tap], other[tap])) for tap in one))


def pooled(maps: dict[int, np.ndarray]) -> list[float]:
    """Return the picture's vector for the Fréchet distance: ``(120,)`` plain numbers."""
    return [round(float(value), 6) for value in maps[POOLED_TAP].mean(axis=(1, 2))]


def frechet(one: np.ndarray, other: np.ndarray) -> float:
    """Return the Fréchet distance of two sets of vectors, taken as normally distributed.

    Heusel et al. (2017), section 3: ``|μ₁ − μ₂|² + tr(C₁ + C₂ − 2 (C₁ C₂)^½)``.

    Parameters
    ----------
    one, other : numpy.ndarray
        ``(pictures, features)``, two pictures or more each.

    Returns
    -------
    float
        0 for equal sets; biased upwards by few pictures.
    """
    return _frechet_of(*_moments(one), *_moments(other))


def frechet_estimate(truth: np.ndarray, coloured: np.ndarray, *, seed: int = 0) -> Estimate:
    """Return the Fréchet distance of paired pictures with a bootstrap interval.

    A draw repeats pictures, which by itself raises this distance; the interval is the spread of
    the draws, moved so that its median is the distance of all pictures.
    """
    value = frechet(truth, coloured)
    generator = np.random.default_rng(seed)
    drawn = []
    for _ in range(FRECHET_DRAWS):
        chosen = generator.integers(len(truth), size=len(truth))
        drawn.append(frechet(truth[chosen], coloured[chosen]))
    low, middle, high = np.quantile(drawn, [0.025, 0.5, 0.975])
    shift = value - middle
    return Estimate(value, max(0.0, float(low + shift)), float(high + shift), len(truth))


def _squared_distance(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.square(_unit(one) - _unit(other)).sum(axis=0)


def _unit(features: np.ndarray) -> np.ndarray:
    return features / (np.sqrt(np.square(features).sum(axis=0)) + _TINY)


def _moments(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if len(vectors) < 2:
        raise ValueError("The Fréchet distance compares sets; give two pictures or more.")
    vectors = np.asarray(vectors, dtype=np.float64)
    return vectors.mean(axis=0), np.cov(vectors, rowvar=False)


def _frechet_of(mean_1: Any, cov_1: Any, mean_2: Any, cov_2: Any) -> float:
    # tr (C₁C₂)^½ = Σ of the square roots of the eigenvalues of C₁^½ C₂ C₁^½, which is symmetric
    values, vectors = np.linalg.eigh(cov_1)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    mixed = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ cov_2 @ root), 0)).sum()
    spread = np.trace(cov_1) + np.trace(cov_2) - 2 * mixed
    return float(max(0.0, np.square(mean_1 - mean_2).sum() + spread))
