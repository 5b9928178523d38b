"""The joint bilateral filter over a bilateral grid, in plain torch: approximate at large radii.

Paris and Durand (ECCV 2006), section 4; Chen, Paris and Durand (SIGGRAPH 2007), sections 3 and 5.
The constants are those of ``csrc/math/bilateral_grid.h``, where the derivation stands.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from napari_colorize.ops.twins.bilateral import check_filter

NAME = "joint_bilateral_approximate"
TAPS = (0.02533553647460298, 0.23199118743492136, 0.4853465521809514)
"""Of the blur along each axis, from the outermost to the middle one: sum 1, variance 2/3."""
LEAST_RADIUS, LEAST_SIGMA = 4, 1.0
NODES_PER_PIXEL, FREE_NODES = 4.0, 65536.0


def disk_sigma(radius: int, sigma_space: float) -> float:
    """Return the standard deviation, along one axis, of a Gaussian that ends at a disk's edge."""
    t = radius * radius / (2 * sigma_space * sigma_space)
    if t < 1e-4:
        return 0.5 * radius * math.sqrt(1 - t / 6)
    # Past that exponent the disk cuts nothing off, and expm1 would overflow.
    return sigma_space * math.sqrt(1 - t / math.expm1(t)) if t < 700 else sigma_space


def range_of(guide: Tensor) -> tuple[float, float]:
    """Return the lowest and the highest finite lightness; 0 and 0 where there is none."""
    low, high = (end.item() for end in guide.aminmax())
    if math.isfinite(low) and math.isfinite(high):
        return low, high
    finite = guide[guide.isfinite()]
    if finite.numel() == 0:
        return 0.0, 0.0
    low, high = (end.item() for end in finite.aminmax())
    return low, high


def check_grid(guide: Tensor, radius: int, sigma_space: float, sigma_range: float) -> None:
    """Refuse settings that would ask for more memory than the exact filter, in a sentence."""
    h, w = guide.shape[2:]
    spacing = disk_sigma(radius, sigma_space)
    for image in guide:
        low, high = range_of(image)
        nodes = (
            (math.floor((h - 1) / spacing) + 2)
            * (math.floor((w - 1) / spacing) + 2)
            * ((high - low) / sigma_range + 2)
        )
        if nodes > NODES_PER_PIXEL * h * w + FREE_NODES:
            raise ValueError(
                f"{NAME} would need a grid of {nodes:.3g} nodes for {h} × {w} pixels, because "
                f"sigma_range is small beside the guide's range of {high - low:.3g}. Take a larger "
                "sigma_range, a larger radius, or joint_bilateral."
            )


def check_approximate(
    chroma: Tensor, guide: Tensor, radius: int, sigma_space: float, sigma_range: float
) -> None:
    """Refuse what :func:`joint_bilateral_approximate` cannot take, in a sentence."""
    check_filter(chroma, guide, radius, sigma_space, sigma_range, name=NAME)
    if radius < LEAST_RADIUS or sigma_space < LEAST_SIGMA:
        raise ValueError(
            f"{NAME} needs a radius of {LEAST_RADIUS} pixels or more and a sigma_space of "
            f"{LEAST_SIGMA:g} or more; joint_bilateral is exact and as fast below. Given were "
            f"{radius} and {sigma_space}."
        )
    if chroma.numel() > 0:
        check_grid(guide, radius, sigma_space, sigma_range)


def joint_bilateral_approximate(
    chroma: Tensor, guide: Tensor, radius: int, sigma_space: float, sigma_range: float
) -> Tensor:
    """Twin of :func:`napari_colorize.ops.joint_bilateral_approximate`."""
    check_approximate(chroma, guide, radius, sigma_space, sigma_range)
    out = torch.empty_like(chroma, memory_format=torch.contiguous_format)
    if out.numel() == 0:
        return out
    spacing = disk_sigma(radius, sigma_space)
    for n in range(len(out)):
        out[n] = _filtered(chroma[n], guide[n, 0], spacing, sigma_range)
    return out


def _filtered(chroma: Tensor, guide: Tensor, spacing: float, sigma_range: float) -> Tensor:
    """Filter one image: (C, H, W) chroma under an (H, W) guide."""
    finite = guide.isfinite()
    low, _ = range_of(guide)
    level = (guide.where(finite, guide.new_tensor(low)) - low) * (1 / sigma_range)
    rows = torch.arange(guide.shape[0], dtype=torch.float64, device=guide.device) / spacing
    columns = torch.arange(guide.shape[1], dtype=torch.float64, device=guide.device) / spacing
    places = (_place(rows[:, None], guide), _place(columns, guide), _place(level, guide))
    sizes = [int(node.max()) + 2 for node, _ in places]
    weighted = torch.cat([torch.ones_like(guide)[None], chroma]).where(finite, guide.new_zeros(()))
    grid = weighted.new_zeros((len(weighted), math.prod(sizes)))
    for index, weight in _corners(places, sizes):
        grid.index_add_(1, index.flatten(), (weighted * weight).flatten(1))
    grid = _blurred(grid.reshape(-1, *sizes)).flatten(1)
    total = torch.zeros_like(weighted)
    for index, weight in _corners(places, sizes):
        total += grid[:, index] * weight
    return (total[1:] / total[0]).where(finite, guide.new_tensor(torch.nan))


def _place(coordinate: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return the node below a coordinate, and the fraction of the way to the next."""
    node = coordinate.floor()
    return node.long(), (coordinate - node).to(like)


def _corners(
    places: tuple[tuple[Tensor, Tensor], ...], sizes: list[int]
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the eight nodes around each pixel as flat (H, W) indices, and their weights."""
    (y, to_y), (x, to_x), (z, to_z) = places
    for below, right, lighter in itertools.product((0, 1), repeat=3):
        index = ((y + below) * sizes[1] + x + right) * sizes[2] + z + lighter
        weight = (
            (to_y if below else 1 - to_y)
            * (to_x if right else 1 - to_x)
            * (to_z if lighter else 1 - to_z)
        )
        yield index, weight


def _blurred(grid: Tensor) -> Tensor:
    """Blur (C, rows, columns, levels) along its last three axes; beyond them is nothing."""
    taps = grid.new_tensor([*TAPS, *TAPS[1::-1]])
    for axis in (1, 2, 3):
        lines = grid.movedim(axis, -1)
        flat = lines.reshape(-1, 1, lines.shape[-1])
        blurred = F.conv1d(flat, taps[None, None], padding=2)
        grid = blurred.reshape(lines.shape).movedim(-1, axis)
    return grid
