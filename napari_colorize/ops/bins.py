"""The 313 colour bins of *Colorful Image Colorization* on the ab plane.

Zhang, Isola and Efros (ECCV 2016, section 2.1) cut the ab plane into squares of side 10 and keep
those that sRGB can show: 313 of them. The bins lie on a lattice, in rows of equal a whose b values
are contiguous, so twenty rows say it all. They can be derived without a data file: the four corners
of every 10 × 10 cell that holds at least one 8-bit sRGB colour (D65) are 309 points, and (40, 90),
(100, −90), (100, −10), (100, 0) complete the published set. A test holds this.

The order is that of the released weights: a ascending, then b ascending. Pixels are encoded over
this table by :func:`napari_colorize.ops.soft_encode`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

BIN_STEP = 10
"""Distance of neighbouring bins on the ab plane, in Lab units."""

BIN_ROWS: tuple[tuple[int, int, int], ...] = (
    (-90, 50, 90),
    (-80, 20, 90),
    (-70, 0, 90),
    (-60, -20, 90),
    (-50, -30, 100),
    (-40, -40, 100),
    (-30, -50, 100),
    (-20, -50, 100),
    (-10, -60, 100),
    (0, -70, 100),
    (10, -80, 90),
    (20, -80, 90),
    (30, -90, 90),
    (40, -100, 90),
    (50, -100, 80),
    (60, -110, 80),
    (70, -110, 80),
    (80, -110, 70),
    (90, -110, 70),
    (100, -90, 0),
)
"""Each row of the lattice: a, lowest b, highest b (both ends included), in Lab units."""

NUM_BINS = sum((high - low) // BIN_STEP + 1 for _, low, high in BIN_ROWS)
"""How many bins there are: 313."""


_CENTRES = [(a, b) for a, low, high in BIN_ROWS for b in range(low, high + 1, BIN_STEP)]


@cache
def bin_centres() -> np.ndarray:
    """Return the centres of the ab bins as a read-only array.

    Returns
    -------
    numpy.ndarray
        ``(313, 2)`` float32, columns a and b in Lab units, a ascending, then b ascending.
    """
    centres = np.array(_CENTRES, dtype=np.float32)
    centres.setflags(write=False)
    return centres


def bin_tensor(
    *, dtype: torch.dtype | None = None, device: torch.device | str | None = None
) -> torch.Tensor:
    """Return the centres of the ab bins as a fresh tensor.

    Parameters
    ----------
    dtype : torch.dtype, optional
        Type of the tensor; float32 when left out.
    device : torch.device or str, optional
        Where the tensor lives; the CPU when left out.

    Returns
    -------
    torch.Tensor
        ``(313, 2)``, columns a and b in Lab units, in the order of :func:`bin_centres`.
    """
    import torch

    # From numbers, not from the array: torch.compile cannot follow how that is made.
    return torch.tensor(_CENTRES, dtype=dtype or torch.float32, device=device)
