"""Joint bilateral filter and joint bilateral upsampling, in plain torch.

These functions define what the compiled operators must compute and stand in for them where the
library cannot be used. They need torch alone, and torch differentiates them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

RANGE_FLOOR = 1e-4
"""Added to every range weight of the upsampling: where no neighbour shares a pixel's lightness, the
spatial weights alone decide, and the pixel gets the interpolated colour instead of 0 / 0."""


FILTER_RADII = (0, 1024)
UPSAMPLE_RADII = (1, 64)


def check_settings(
    name: str, radii: tuple[int, int], radius: int, sigma_space: float, sigma_range: float
) -> None:
    """Refuse a radius or sigmas that the bilateral operators cannot take, in a sentence."""
    least, most = radii
    if not least <= radius <= most:
        raise ValueError(f"{name} needs a radius of {least} to {most} pixels; {radius} was given.")
    for label, value in (("sigma_space", sigma_space), ("sigma_range", sigma_range)):
        if not (value > 0 and math.isfinite(value)):
            raise ValueError(f"{name} needs a finite {label} above 0; {value} was given.")


def check_planes(name: str, label: str, planes: Tensor, like: Tensor | None = None) -> None:
    """Refuse planes of another dtype or number of axes, or that do not go with ``like``."""
    if planes.dtype not in (torch.float32, torch.float64):
        raise TypeError(
            f"{name} takes float32 or float64 planes; {label} is {planes.dtype}. "
            "Convert it with .float() first."
        )
    if planes.dim() != 4:
        raise ValueError(
            f"{name} takes planes of shape (N, C, H, W); {label} has shape {tuple(planes.shape)}."
        )
    if like is not None and planes.dtype != like.dtype:
        raise TypeError(
            f"{name} needs chroma and guide of one dtype; got {like.dtype} and {planes.dtype}."
        )


def check_guide(name: str, label: str, guide: Tensor, shape: tuple[int, int, int, int]) -> None:
    """Refuse a guide that has not the shape the chroma asks for."""
    if tuple(guide.shape) != shape:
        raise ValueError(
            f"{name} needs a {label} of shape {shape} to go with its chroma; "
            f"this one has shape {tuple(guide.shape)}."
        )


def check_upsample_sizes(name: str, chroma: Tensor, height: int, width: int) -> None:
    """Refuse to make pixels out of nothing."""
    if 0 in chroma.shape[2:] and height * width > 0:
        raise ValueError(
            f"{name} cannot fill {height} × {width} pixels from chroma without pixels; "
            f"its shape is {tuple(chroma.shape)}."
        )


Within = tuple[int, int, int, int]
"""Row and column at which a piece begins in its picture, and the picture's height and width."""


def piece_of(name: str, rows: int, columns: int, within: Within) -> Within:
    """Return where full-size pixels lie in their picture; sides of 0 are their own."""
    top, left, height, width = within
    height, width = height or rows, width or columns
    if not (0 <= top <= height - rows and 0 <= left <= width - columns):
        raise ValueError(
            f"{name} was given {rows} × {columns} pixels at row {top} and column {left}, which do "
            f"not lie inside a picture of {height} × {width}."
        )
    return top, left, height, width


def check_filter(
    chroma: Tensor,
    guide: Tensor,
    radius: int,
    sigma_space: float,
    sigma_range: float,
    name: str = "joint_bilateral",
) -> None:
    """Refuse what :func:`joint_bilateral` cannot take, in a sentence."""
    check_settings(name, FILTER_RADII, radius, sigma_space, sigma_range)
    check_planes(name, "chroma", chroma)
    check_planes(name, "guide", guide, chroma)
    n, _, h, w = chroma.shape
    check_guide(name, "guide", guide, (n, 1, h, w))


def check_upsample(
    chroma: Tensor,
    guide_small: Tensor,
    guide: Tensor,
    radius: int,
    sigma_space: float,
    sigma_range: float,
    name: str = "joint_bilateral_upsample",
) -> None:
    """Refuse what :func:`joint_bilateral_upsample` cannot take, in a sentence."""
    check_settings(name, UPSAMPLE_RADII, radius, sigma_space, sigma_range)
    check_planes(name, "chroma", chroma)
    check_planes(name, "guide_small", guide_small, chroma)
    check_planes(name, "guide", guide, chroma)
    n, _, h, w = chroma.shape
    height, width = guide.shape[2:]
    check_guide(name, "guide_small", guide_small, (n, 1, h, w))
    check_guide(name, "guide", guide, (n, 1, height, width))
    check_upsample_sizes(name, chroma, height, width)


def disk_taps(h: int, w: int, radius: int) -> Iterator[tuple[tuple, tuple, int]]:
    """Yield the disk's offsets as slices of an image: the pixels, their neighbours, distance²."""
    down = min(radius, h - 1)
    for dy in range(-down, down + 1):
        reach = min(math.isqrt(radius * radius - dy * dy), w - 1)
        for dx in range(-reach, reach + 1):
            here = (..., slice(max(0, -dy), h - max(0, dy)), slice(max(0, -dx), w - max(0, dx)))
            there = (..., slice(max(0, dy), h - max(0, -dy)), slice(max(0, dx), w - max(0, -dx)))
            yield here, there, dy * dy + dx * dx


def filter_weight(
    here: Tensor, there: Tensor, squared: int, sigma_space: float, sigma_range: float
) -> Tensor:
    """Weigh neighbours by distance² in pixels and by their lightness."""
    step = (there - here) / sigma_range
    return torch.exp(-0.5 * step * step - squared / (2 * sigma_space * sigma_space))


def joint_bilateral(
    chroma: Tensor, guide: Tensor, radius: int, sigma_space: float, sigma_range: float
) -> Tensor:
    """Smooth chroma within regions of equal lightness.

    Petschnigg et al. (SIGGRAPH 2004), section 3, the joint (cross) bilateral filter: each pixel
    becomes the mean of its neighbours, weighted by exp(−d² / 2σ_s² − ΔL² / 2σ_r²). Exact, over the
    disk dx² + dy² ≤ radius², renormalised over the neighbours that lie inside the image.

    Arguments, results and refusals are those of :func:`napari_colorize.ops.joint_bilateral`.
    """
    check_filter(chroma, guide, radius, sigma_space, sigma_range)
    h, w = chroma.shape[2:]
    total = torch.zeros_like(chroma, memory_format=torch.contiguous_format)
    norm = torch.zeros_like(guide, memory_format=torch.contiguous_format)
    if total.numel() == 0:
        return total + chroma
    for here, there, squared in disk_taps(h, w, radius):
        weight = filter_weight(guide[here], guide[there], squared, sigma_space, sigma_range)
        total[here] = total[here] + weight * chroma[there]
        norm[here] = norm[here] + weight
    return total / norm


def upsample_axis(
    start: int, size: int, full: int, small: int, radius: int, sigma_space: float
) -> tuple[Tensor, Tensor]:
    """Return one axis' small pixels and spatial weights for full-size pixels start … start + size.

    The centre of full-size pixel i lies at ``(i + 1/2) · small / full − 1/2`` on the small grid;
    its window is the small pixels nearer than ``radius``. Further ones, and those outside the
    image, have weight 0. Weights are relative to the nearest pixel's: they cannot all underflow.

    Returns
    -------
    index : torch.Tensor
        ``(2 · radius, size)`` int64, inside 0…small − 1.
    weight : torch.Tensor
        ``(2 · radius, size)`` float64.
    """
    # Rounded once, so that positions on a small pixel are exact and mirror images stay mirrored.
    pixels = torch.arange(start, start + size)
    where = ((2 * pixels + 1) * small - full).double() / (2 * full)
    taps = where.floor().long() + torch.arange(1 - radius, radius + 1)[:, None]
    inside = (taps >= 0) & (taps < small) & ((where - taps).abs() < radius)
    exponent = ((where - taps) / sigma_space) ** 2 / 2
    nearest = exponent.where(inside, torch.inf).amin(dim=0)
    return taps.clamp(0, small - 1), torch.exp(nearest - exponent) * inside


def upsample_taps(
    chroma: Tensor,
    guide: Tensor,
    radius: int,
    sigma_space: float,
    within: Within = (0, 0, 0, 0),
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield small rows (H,), small columns (W,) and spatial weights (H, W) of the window."""
    (h, w), (height, width) = chroma.shape[2:], guide.shape[2:]
    top, left, full_height, full_width = piece_of("upsampling", height, width, within)
    rows, row_weight = upsample_axis(top, height, full_height, h, radius, sigma_space)
    columns, column_weight = upsample_axis(left, width, full_width, w, radius, sigma_space)
    rows, columns = rows.to(chroma.device), columns.to(chroma.device)
    row_weight, column_weight = row_weight.to(chroma), column_weight.to(chroma)
    for ky in range(2 * radius):
        for kx in range(2 * radius):
            yield rows[ky], columns[kx], row_weight[ky, :, None] * column_weight[kx]


def joint_bilateral_upsample(
    chroma: Tensor,
    guide_small: Tensor,
    guide: Tensor,
    radius: int,
    sigma_space: float,
    sigma_range: float,
    top: int = 0,
    left: int = 0,
    full_height: int = 0,
    full_width: int = 0,
) -> Tensor:
    """Bring small chroma to full size along the edges of a full-size guide.

    Kopf et al. (SIGGRAPH 2007), section 3: each full-size pixel becomes the mean of the small
    pixels around it, weighted by their distance and by how near their lightness is to its own. The
    weight of a small pixel is exp(−d² / 2σ_s²) · (exp(−ΔL² / 2σ_r²) + 1e-4), over the small pixels
    nearer than the radius along either axis, renormalised over those inside the image. The small
    constant makes a pixel whose lightness no neighbour shares fall back to spatial interpolation.

    Arguments, results and refusals are those of
    :func:`napari_colorize.ops.joint_bilateral_upsample`.
    """
    check_upsample(chroma, guide_small, guide, radius, sigma_space, sigma_range)
    within = (top, left, full_height, full_width)
    piece_of("joint_bilateral_upsample", guide.shape[2], guide.shape[3], within)
    n, c = chroma.shape[:2]
    total = chroma.new_zeros((n, c, *guide.shape[2:]))
    if total.numel() == 0:
        return total
    norm = chroma.new_zeros(guide.shape)
    for y, x, space in upsample_taps(chroma, guide, radius, sigma_space, within):
        step = (guide_small[..., y[:, None], x] - guide) / sigma_range
        weight = space * (torch.exp(-0.5 * step * step) + RANGE_FLOOR)
        total = total + weight * chroma[..., y[:, None], x]
        norm = norm + weight
    return total / norm
