"""What the colours of a set of pictures have in common: variety, mean hue, agreement on it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Palette:
    """The mean colours of some pictures, summed up.

    Parameters
    ----------
    variety
        Root-mean-square distance of the pictures' mean colours from the mean of all, Lab units.
    hue
        Direction of the mean of all, degrees: 0 red, 90 yellow, 180 green, 270 blue.
    agreement
        0 (the pictures' mean hues cancel each other) … 1 (all have the same): length of the mean
        of all over the mean of the lengths.
    chroma
        Mean length of the pictures' mean colours, Lab units.
    """

    variety: float
    hue: float
    agreement: float
    chroma: float

    @classmethod
    def of(cls, means: Tensor) -> Palette:
        """Sum up (P, 2) mean colours of pictures, Lab units."""
        means = means.double()
        centre = means.mean(0)
        lengths = means.norm(dim=1)
        chroma = float(lengths.mean())
        return cls(
            variety=float((means - centre).square().sum(1).mean().sqrt()),
            hue=math.degrees(math.atan2(float(centre[1]), float(centre[0]))) % 360.0,
            agreement=float(centre.norm()) / chroma if chroma > 0 else 0.0,
            chroma=chroma,
        )


def colourfulness(ab: Tensor) -> Tensor:
    """Return how colourful pictures are: Hasler and Süsstrunk (2003), eq. 1, in Lab.

    Parameters
    ----------
    ab
        (N, 2, H, W), Lab units.

    Returns
    -------
    (N,): standard deviation of the colour plus 0.37 times the mean chroma.
    """
    deviation = ab.var((2, 3), correction=0).sum(1).sqrt()
    return deviation + 0.37 * torch.linalg.vector_norm(ab, dim=1).mean((1, 2))
