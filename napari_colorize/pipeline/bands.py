"""Full-size chroma a band of rows at a time, where memory does not hold all of it at once.

A band is refined from the rows of small chroma that it can see. It begins and ends where a row of
the chroma's grid begins together with a row of the picture, so that its pixel centres lie exactly
where they lie in the whole, and every pixel gets what it would get there.
"""

from collections.abc import Callable
from math import gcd
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from napari_colorize.pipeline.image import Plane

Rows = Callable[[slice], "Tensor"]
"""Gives (2, rows, W) chroma of a band of rows."""

Upsample = Callable[["Tensor", "Tensor", "Tensor"], "Tensor"]
"""``upsample(chroma, guide_small, guide)`` of planes that belong together, as in ``ops``."""

SMALLEST_GAIN = 2
"""A band must be this many times smaller than the picture to be worth a try."""


def banded(
    plane: "Plane", chroma: "Tensor", guide_small: "Tensor", reach: int, upsample: Upsample
) -> Rows | None:
    """Return what gives the refined chroma of any band of rows.

    Parameters
    ----------
    plane : Plane
        The picture, (H, W).
    chroma, guide_small : (1, 2, h, w) and (1, 1, h, w) tensors
        What the refinement starts from.
    reach : int
        Rows of small chroma, above and below a pixel's own, that its colour may depend on.
    upsample : callable
        The refinement.

    Returns
    -------
    callable or None
        ``None`` where the rows of picture and grid never begin together, or so rarely that a band
        would be nearly all of the picture.
    """
    height, small = plane.luma.shape[0], int(chroma.shape[-2])
    common = gcd(height, small)
    full_step, small_step = height // common, small // common
    margin = -(-(reach + 1) // small_step)  # in steps
    if (2 * margin + 1) * full_step * SMALLEST_GAIN > height:
        return None

    def of(rows: slice) -> Any:
        import torch

        first = max(0, rows.start // full_step - margin)
        last = min(common, -(-rows.stop // full_step) + margin)
        some, top = slice(first * small_step, last * small_step), first * full_step
        light = plane.lightness(slice(top, last * full_step))
        guide = torch.tensor(light, device=chroma.device)[None, None]
        band = upsample(
            chroma[:, :, some].contiguous(), guide_small[:, :, some].contiguous(), guide
        )
        return band[0, :, rows.start - top : rows.stop - top]

    return of


def bilinear_rows(chroma: "Tensor", shape: tuple[int, int]) -> Rows:
    """Return what gives (2, rows, W) chroma of a band of rows: bilinear, pixel centres aligned."""
    import torch
    from torch.nn.functional import interpolate

    height, width = shape
    if tuple(chroma.shape[-2:]) == (height, width):
        return lambda rows: chroma[0, :, rows]
    last = chroma.shape[-2] - 1

    def of(rows: slice) -> "Tensor":
        centres = torch.arange(rows.start, rows.stop, device=chroma.device) + 0.5
        at = (centres * (chroma.shape[-2] / height) - 0.5).clamp(0, last)
        above = at.floor().long()
        below = (above + 1).clamp(max=last)
        band = torch.lerp(chroma[:, :, above], chroma[:, :, below], (at - above)[:, None])
        return interpolate(band, (*band.shape[-2:-1], width), mode="bilinear")[0]

    return of
