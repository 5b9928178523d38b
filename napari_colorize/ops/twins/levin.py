"""Levin's propagation of colour in plain torch: the same system, on grids with other smoothing.

Levin, Lischinski and Weiss (SIGGRAPH 2004), section 2. The compiled operator smooths by incomplete
factors, which are walked through pixel by pixel; here four colours of pixels take turns, which
whole tensors can do. Both end at the same solution. What a level is, and why restriction follows
the columns of the system, stands in ``csrc/cpu/levin_levels.h``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional as F

NAME = "levin_propagate"
OFFSETS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
VARIANCE_SHARE, FLOOR = 0.6, 2e-6
NEAREST_SHARE = 1 / math.log(100)
SWEEPS = 2
CAUTION = 1.5
"""What is expected to come is taken for so many times as much."""
LOWEST = 256
"""A grid of so few pixels is solved directly."""
ROWS, COLUMNS = ((0, 1, 2), (5, 6, 7)), ((0, 3, 5), (2, 4, 7))
"""Neighbours above and below, to the left and to the right, as places in OFFSETS."""


def check_levin(
    luma: Tensor,
    chroma: Tensor,
    mask: Tensor,
    walls: Tensor | None,
    prior: Tensor | None,
    certainty: Tensor | None,
    tolerance: float,
    cycles: int,
    stop: Tensor | None = None,
) -> None:
    """Refuse what :func:`levin_propagate` cannot take, in a sentence."""
    if chroma.dim() != 4:
        raise ValueError(
            f"{NAME} takes chroma of shape (N, C, H, W); {tuple(chroma.shape)} was given."
        )
    one = (chroma.shape[0], 1, *chroma.shape[2:])
    planes = (
        ("luma", luma, one, chroma.dtype),
        ("mask", mask, one, torch.bool),
        ("walls", walls, one, torch.bool),
        ("prior", prior, tuple(chroma.shape), chroma.dtype),
        ("certainty", certainty, one, chroma.dtype),
    )
    for label, plane, shape, dtype in planes:
        if plane is None:
            continue
        if tuple(plane.shape) != shape:
            raise ValueError(
                f"{NAME} needs a {label} of shape {shape} to go with its chroma; "
                f"{tuple(plane.shape)} was given."
            )
        if plane.dtype != dtype:
            raise TypeError(
                f"{NAME} needs a {label} of dtype {str(dtype).removeprefix('torch.')}; "
                f"{str(plane.dtype).removeprefix('torch.')} was given."
            )
        if plane.device != chroma.device:
            raise ValueError(f"{NAME} needs all tensors on one device.")
    if (prior is None) != (certainty is None):
        raise ValueError(f"{NAME} takes prior and certainty together, or neither.")
    if not tolerance >= 0:
        raise ValueError(f"{NAME} needs a tolerance of 0 or more; {tolerance} was given.")
    if cycles < 1:
        raise ValueError(f"{NAME} needs 1 cycle or more; {cycles} were given.")
    if stop is not None and (stop.dtype != torch.bool or stop.numel() != 1 or stop.is_cuda):
        raise ValueError(f"{NAME} takes stop as one bool on the CPU.")


def levin_propagate(
    luma: Tensor,
    chroma: Tensor,
    mask: Tensor,
    walls: Tensor | None,
    prior: Tensor | None,
    certainty: Tensor | None,
    tolerance: float = 0.25,
    cycles: int = 60,
    stop: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Twin of :func:`napari_colorize.ops.levin_propagate`."""
    check_levin(luma, chroma, mask, walls, prior, certainty, tolerance, cycles, stop)
    out = chroma.clone(memory_format=torch.contiguous_format)
    remaining = torch.zeros(chroma.shape[:2], dtype=torch.float64, device=chroma.device)
    if out.numel() == 0:
        return out, remaining
    for n in range(len(out)):
        blocked = None if walls is None else walls[n, 0]
        weight = None if certainty is None else certainty[n, 0]
        levels = _levels(luma[n, 0], mask[n, 0], blocked, weight)
        for c in range(out.shape[1]):
            towards = None if prior is None else prior[n, c]
            out[n, c], remaining[n, c] = _solve(levels, out[n, c], towards, tolerance, cycles, stop)
    return out, remaining


@dataclass
class _Level:
    """The system on one grid, and the way to the next."""

    connections: Tensor  # (8, H, W)
    pull: Tensor  # (H, W)
    free: Tensor  # (H, W), 1 or 0
    reciprocal: Tensor  # (H, W), of the diagonal; 0 at fixed pixels
    takes: Tensor | None = None  # (8, H, W)
    gives: Tensor | None = None
    to_fine: tuple[Tensor, ...] = ()
    to_coarse: tuple[Tensor, ...] = ()
    factors: tuple[Tensor, Tensor] | None = None  # of the lowest level's matrix


def _moved(plane: Tensor, offset: tuple[int, int]) -> Tensor:
    """Return what lies at (y + dy, x + dx); zeros beyond the border."""
    dy, dx = offset
    height, width = plane.shape[-2:]
    padded = F.pad(plane, (1, 1, 1, 1))
    return padded[..., 1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]


def _reciprocal(plane: Tensor) -> Tensor:
    some = plane > 1e-30
    return torch.where(some, 1 / torch.where(some, plane, torch.ones_like(plane)), 0.0)


def levin_weights(luma: Tensor, inside: Tensor) -> Tensor:
    """Return (8, H, W): what pixels take from their neighbours, before rows are normalised.

    Parameters
    ----------
    luma : torch.Tensor
        ``(H, W)`` in [0, 1].
    inside : torch.Tensor
        ``(H, W)``, same dtype: 0 in walls, else 1.
    """
    near = torch.stack([_moved(inside, offset) for offset in OFFSETS])
    steps = torch.stack([_moved(luma, offset) - luma for offset in OFFSETS]) * near
    count = near.sum(0) + 1
    squares = steps * steps
    variance = squares.sum(0) / count - (steps.sum(0) / count) ** 2
    nearest = squares.masked_fill(near == 0, 4.0).amin(0)
    spread = torch.maximum(VARIANCE_SHARE * variance, NEAREST_SHARE * nearest).clamp(min=FLOOR)
    return torch.exp(-squares / spread) * near * inside


def _level(connections: Tensor, pull: Tensor, free: Tensor) -> _Level:
    return _Level(connections, pull, free, _reciprocal(connections.sum(0) + pull) * free)


def _levels(
    luma: Tensor, fixed: Tensor, walls: Tensor | None, certainty: Tensor | None
) -> list[_Level]:
    inside = torch.ones_like(luma) if walls is None else (~walls).to(luma)
    connections = levin_weights(luma, inside)
    total = connections.sum(0)
    free = (~fixed & (total > 0)).to(luma)
    pull = torch.zeros_like(luma) if certainty is None else certainty * total * free
    levels = [_level(connections * free, pull, free)]
    while levels[-1].pull.numel() > LOWEST:
        levels.append(_coarser(levels[-1]))
    levels[-1].factors = _factors(levels[-1])
    return levels


def _factors(level: _Level) -> tuple[Tensor, Tensor]:
    """Return the factors of a small level's matrix; fixed pixels have a row of their own."""
    size = level.pull.numel()
    pixels = torch.eye(size, dtype=level.pull.dtype, device=level.pull.device)
    columns = _product(level, pixels.reshape(size, *level.pull.shape)).reshape(size, size)
    idle = (level.reciprocal == 0).to(columns).flatten()
    # A part without any fixed pixel has no solution of its own: the least pull decides for 0.
    least = 1e-12 + 1e-7 * float(columns.dtype == torch.float32)
    factors, pivots = torch.linalg.lu_factor(columns.T + torch.diag(idle + least))
    return factors, pivots


def _coarser(level: _Level) -> _Level:
    """Set the ways between a level and the next, and return that one."""
    free = torch.stack([_moved(level.free, offset) for offset in OFFSETS])
    level.takes = level.connections * free
    pull = (level.pull + (level.connections - level.takes).sum(0)).clamp(min=0)
    level.gives = (
        torch.stack(
            [_moved(level.connections[7 - i], offset) for i, offset in enumerate(OFFSETS)]
        ).clamp(min=0)
        * level.free
    )
    takes = level.takes.clamp(min=0)
    level.to_fine = _ways(takes, takes, pull)
    level.to_coarse = _ways(level.gives, takes, pull)
    height, width = ((size + 1) // 2 for size in level.pull.shape)
    connections = level.pull.new_zeros((8, height, width))
    row_sums = level.pull.new_zeros((height, width))
    # Every third coarse pixel along both axes at a time: their stencils do not meet.
    for y in range(3):
        for x in range(3):
            probe = level.pull.new_zeros((height, width))
            probe[y::3, x::3] = 1
            product = _restricted(level, _product(level, _interpolated(level, probe)))
            row_sums += product
            for i, offset in enumerate(OFFSETS):
                connections[i] -= _moved(probe, offset) * product
    free_below = level.free[::2, ::2].clone()
    return _level(connections, row_sums.clamp(min=0), free_below)


def _ways(weights: Tensor, takes: Tensor, pull: Tensor) -> tuple[Tensor, ...]:
    """Return weights to the left and right, up and down, and what a cell's middle is divided by."""
    ways: list[Tensor] = []
    for sides in (COLUMNS, ROWS):
        pair = [weights[list(side)].sum(0) for side in sides]
        full = sum(takes[list(side)].sum(0) for side in sides) + pull
        scale = _reciprocal(torch.maximum(full, pair[0] + pair[1]))
        ways += [pair[0] * scale, pair[1] * scale]
    full = takes.sum(0) + pull
    ways.append(_reciprocal(torch.maximum(full, weights.sum(0))))
    return tuple(ways)


def _product(level: _Level, x: Tensor) -> Tensor:
    total = level.pull * x
    for k, offset in zip(level.connections, OFFSETS, strict=True):
        total = total + k * (x - _moved(x, offset))
    return total * level.free


def _interpolated(level: _Level, coarse: Tensor) -> Tensor:
    assert level.takes is not None
    left, right, up, down, middle = level.to_fine
    fine = torch.zeros_like(level.pull)
    fine[::2, ::2] = coarse * level.free[::2, ::2]
    across = left * _moved(fine, (0, -1)) + right * _moved(fine, (0, 1))
    along = up * _moved(fine, (-1, 0)) + down * _moved(fine, (1, 0))
    fine[::2, 1::2] = (across * level.free)[::2, 1::2]
    fine[1::2, ::2] = (along * level.free)[1::2, ::2]
    mixed = torch.zeros_like(fine)
    for k, offset in zip(level.takes.clamp(min=0), OFFSETS, strict=True):
        mixed += k * _moved(fine, offset)
    fine[1::2, 1::2] = (mixed * middle * level.free)[1::2, 1::2]
    return fine


def _restricted(level: _Level, fine: Tensor) -> Tensor:
    assert level.gives is not None
    left, right, up, down, middle = level.to_coarse
    fine = fine * level.free
    centres = torch.zeros_like(fine)
    centres[1::2, 1::2] = (fine * middle)[1::2, 1::2]
    for k, (dy, dx) in zip(level.gives, OFFSETS, strict=True):
        fine = fine + _moved(centres * k, (-dy, -dx))
    beside, below = torch.zeros_like(fine), torch.zeros_like(fine)
    beside[::2, 1::2] = fine[::2, 1::2]
    below[1::2, ::2] = fine[1::2, ::2]
    fine = fine + _moved(beside * left, (0, 1)) + _moved(beside * right, (0, -1))
    fine = fine + _moved(below * up, (1, 0)) + _moved(below * down, (-1, 0))
    return (fine * level.free)[::2, ::2]


def _smooth(level: _Level, x: Tensor, right: Tensor, *, back: bool) -> None:
    """Let four colours of pixels take turns: Gauss and Seidel's relaxation, in place."""
    colours = [(0, 0), (0, 1), (1, 0), (1, 1)]
    for _ in range(SWEEPS):
        for y, x0 in reversed(colours) if back else colours:
            step = (right - _product(level, x)) * level.reciprocal
            x[y::2, x0::2] += step[y::2, x0::2]


def _cycle(levels: list[_Level], depth: int, right: Tensor) -> Tensor:
    level = levels[depth]
    if level.factors is not None:
        return torch.linalg.lu_solve(*level.factors, right.reshape(-1, 1)).reshape(right.shape)
    x = torch.zeros_like(right)
    _smooth(level, x, right, back=False)
    x += _interpolated(
        level, _improved(levels, depth + 1, _restricted(level, right - _product(level, x)))
    )
    _smooth(level, x, right, back=True)
    return x


def _share(
    right: Tensor, along: Tensor, product: Tensor, before: tuple[Tensor, Tensor] | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Make a direction orthogonal to the one before; return it, its product and its share."""
    if before is not None:
        norm = (before[1] * before[1]).sum()
        if norm > 0:
            overlap = (product * before[1]).sum() / norm
            along, product = along - overlap * before[0], product - overlap * before[1]
    norm = (product * product).sum()
    share = (right * product).sum() / norm if norm > 0 else torch.zeros_like(norm)
    return along, product, share


def _improved(levels: list[_Level], depth: int, right: Tensor) -> Tensor:
    total, before = torch.zeros_like(right), None
    for _ in range(1 if depth + 1 == len(levels) else 2):
        along = _cycle(levels, depth, right)
        along, product, share = _share(right, along, _product(levels[depth], along), before)
        total = total + share * along
        right = right - share * product
        before = (along, product)
    return total


def _expected(changes: list[float]) -> float:
    """Return what is still to come after changes: the rest of a geometric series.

    Its ratio is the largest of five steps, its beginning the larger of two changes: the part that
    shrinks slowest shows itself only now and then.
    """
    steps = [b / a if a > 0 else 0.0 for a, b in pairwise(changes[-6:])]
    ratio = min(max([*steps, 0.5 if steps else 0.7]), 0.98)
    return CAUTION * max(changes[-2:]) * ratio / (1 - ratio)


def _solve(
    levels: list[_Level],
    chroma: Tensor,
    prior: Tensor | None,
    tolerance: float,
    cycles: int,
    stop: Tensor | None,
) -> tuple[Tensor, float]:
    level = levels[0]
    towards = 0 if prior is None else level.pull * prior
    x = chroma.clone()
    right = (towards - _product(level, x)) * level.free
    before, expected = None, math.inf
    changes: list[float] = []
    for _ in range(cycles):
        if stop is not None and bool(stop):
            return x, expected
        along = _cycle(levels, 0, right)
        scaled = (_product(level, along) * level.reciprocal, right * level.reciprocal)
        along, product, share = _share(scaled[1], along, scaled[0], before)
        x = x + share * along
        right = (towards - _product(level, x)) * level.free
        before = (along, product)
        changes.append(float((share * along).abs().max()))
        expected = _expected(changes)
        if expected <= tolerance:
            break
    held = chroma[level.free == 0]
    if prior is not None:
        held = torch.cat([held, prior[level.pull > 0]])
    if held.numel() > 0:
        x = torch.where(level.free == 0, x, x.clamp(held.min(), held.max()))
    return x, expected
