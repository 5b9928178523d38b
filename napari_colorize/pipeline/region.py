"""Where a picture is to have colour: a region that is given, or all inside the border of a print.

Outside, the picture stays grey at its own lightness.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.pipeline.plane import ColouredPlane
from napari_colorize.pipeline.resample import row_bands

INSIDE_BORDER = "inside border"
"""In the place of a region: all inside the border of the picture, which is found."""

LIKE = 7.0
"""L* units: so far from a border's own lightness its pixels may be, for stains and noise."""

FULL = 0.9
"""Share of a row or column that must be like the border for the row to belong to it."""

DEEPEST = 0.3
"""Of a side's length; what goes deeper is no border."""

SIDES = 3
"""So many sides of the picture must have a border for one to be taken for a frame."""


@dataclass(frozen=True, eq=False)
class Region:
    """Where a picture is to have colour.

    Parameters
    ----------
    inside : (H, W) bool array, of a stack (…, H, W)
    found : bool
        Whether it was found, as what is inside a border, and not given.
    """

    inside: NDArray[np.bool_]
    found: bool = False

    def described(self) -> dict[str, Any]:
        """Return what a record keeps of it; plain JSON."""
        rows, columns = (np.flatnonzero(self.inside.any(axis)) for axis in (1, 0))
        box = [
            [int(side[0]), int(side[-1]) + 1] if len(side) else [0, 0] for side in (rows, columns)
        ]
        packed = np.packbits(self.inside).tobytes()
        return {
            "found": self.found,
            "share": float(self.inside.mean()),
            "box": box,
            "sha256": hashlib.sha256(str(self.inside.shape).encode() + packed).hexdigest(),
        }


def checked_region(region: Any, shape: tuple[int, ...]) -> NDArray[np.bool_] | str | None:
    """Return a region as a mask of a shape, as ``"inside border"``, or ``None``.

    Parameters
    ----------
    region : array-like of that shape, "inside border", or None
        Bool or whole numbers; 0 is outside.
    shape : tuple of int
        Of the picture, without its channels.

    Raises
    ------
    ValueError
        It has another shape, holds something else, or leaves nothing to colour.
    """
    if region is None or (isinstance(region, str) and region == INSIDE_BORDER):
        return region
    mask = np.asarray(region)
    if isinstance(region, str) or mask.dtype.kind not in "biu":
        raise ValueError(
            f"region is {region if isinstance(region, str) else mask.dtype}; give an array of bool "
            f"or whole numbers, 0 where nothing is to be coloured, or {INSIDE_BORDER!r}."
        )
    if mask.shape != tuple(shape):
        raise ValueError(
            f"The region has shape {mask.shape} and the picture {tuple(shape)}; give one of the "
            "picture's own rows and columns."
        )
    if not mask.any():
        raise ValueError("The region is empty, so there is nothing to colour; draw one.")
    return mask != 0


def within(coloured: ColouredPlane, region: NDArray[np.bool_] | str | None) -> ColouredPlane:
    """Leave a coloured plane neutral outside of a region; inside, its pixels stay as they are.

    Parameters
    ----------
    coloured : ColouredPlane
    region : (H, W) bool array, "inside border" or None
        From :func:`checked_region`. Where no border is found, all of the plane is inside.

    Returns
    -------
    ColouredPlane
        Its uncertainty is 0 and nothing is clipped where nothing was predicted; ``facts`` say what
        was left out, as ``region``.
    """
    if region is None:
        return coloured
    if isinstance(region, str):
        inside = inside_border(coloured.plane.lightness())
        known = Region(inside, True)
    else:
        known = Region(region)
    outside = ~known.inside
    rgb, uncertainty, clipped = (
        np.array(values) for values in (coloured.rgb, coloured.uncertainty, coloured.clipped)
    )
    rgb[..., :3] = np.where(outside[..., None], grey_of(coloured), rgb[..., :3])
    uncertainty[outside] = 0
    clipped[outside] = False
    facts: Mapping[str, Any] = {**coloured.facts, "region": known.described()}
    return replace(coloured, rgb=rgb, uncertainty=uncertainty, clipped=clipped, facts=facts)


def grey_of(coloured: ColouredPlane) -> NDArray[Any]:
    """Return a plane's own lightness as neutral sRGB, (H, W, 1), of the result's type."""
    import torch

    from napari_colorize import ops

    dtype = coloured.rgb.dtype
    height, width = coloured.plane.luma.shape
    grey = np.empty((height, width, 1), dtype)
    most = np.iinfo(dtype).max if dtype.kind == "u" else 1
    for rows in row_bands(height, width):
        light = torch.from_numpy(np.ascontiguousarray(coloured.plane.lightness(rows)))[None]
        lab = torch.cat([light, torch.zeros(2, *light.shape[1:])])
        code = ops.lab_to_rgb(lab, channel_dim=0, dtype=torch.float32)[0].clamp(0, 1).numpy()
        grey[rows, :, 0] = np.rint(code * most) if most != 1 else code
    return grey


def inside_border(lightness: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Find the border or frame of a print or slide, and return what is inside.

    From each side, rows and columns belong to the border as long as nearly all of them is as light
    as the outermost one. A frame of several lines, white and then black, is taken off line by
    line. A border on fewer than three sides is none: sky and table tops are uniform, too.

    Parameters
    ----------
    lightness : (H, W) array of float
        L*, 0…100.

    Returns
    -------
    (H, W) bool array
        A rectangle; all True where there is no border.

    Examples
    --------
    >>> picture = np.random.default_rng(0).uniform(20, 80, (60, 80))
    >>> picture[:6] = picture[-6:] = picture[:, :5] = picture[:, -5:] = 95
    >>> int(inside_border(picture).sum()) == 48 * 70
    True
    """
    light = np.asarray(lightness, dtype=np.float32)
    height, width = light.shape
    box = [0, height, 0, width]
    for _ in range(4):  # lines of a frame
        part = light[box[0] : box[1], box[2] : box[3]]
        if min(part.shape) < 8:
            break
        depths = [_depth(view) for view in (part, part[::-1], part.T, part.T[::-1])]
        if sum(depth > 0 for depth in depths) < SIDES:
            break
        box = [box[0] + depths[0], box[1] - depths[1], box[2] + depths[2], box[3] - depths[3]]
    inside = np.zeros(light.shape, bool)
    inside[box[0] : box[1], box[2] : box[3]] = True
    return inside


def _depth(rows: NDArray[np.float32]) -> int:
    """Return how many rows from the top belong to a border; 0 where there is none."""
    most = int(len(rows) * DEEPEST)
    level = float(np.median(rows[0]))
    for number in range(most + 1):
        if float(np.mean(np.abs(rows[number] - level) <= LIKE)) < FULL:
            return number
    return 0  # all of it is alike: no border, but a background
