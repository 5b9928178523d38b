"""Gradients of the joint bilateral filter and upsampling, tap by tap: memory for one tap at a time.

Both filters are out_i = Σ_j w_ij c_j / Σ_j w_ij. With q = ∂/∂out divided by the sum of weights,
∂/∂c_j = Σ_i w_ij q_i and ∂/∂w_ij = q_i · (c_j − out_i). Made of differentiable torch functions.
"""

from __future__ import annotations

import torch
from torch import Tensor

from napari_colorize.ops.twins.bilateral import (
    RANGE_FLOOR,
    disk_taps,
    filter_weight,
    upsample_taps,
)


def joint_bilateral(
    gradient: Tensor,
    chroma: Tensor,
    guide: Tensor,
    out: Tensor,
    radius: int,
    sigma_space: float,
    sigma_range: float,
) -> tuple[Tensor, Tensor]:
    """Return the gradients of chroma and guide."""
    to_chroma, to_guide = _zeros(chroma), _zeros(guide)
    if chroma.numel() == 0:
        return to_chroma, to_guide
    h, w = chroma.shape[2:]
    norm = _zeros(guide)
    for here, there, squared in disk_taps(h, w, radius):
        weight = filter_weight(guide[here], guide[there], squared, sigma_space, sigma_range)
        norm[here] = norm[here] + weight
    scaled = gradient / norm
    for here, there, squared in disk_taps(h, w, radius):
        weight = filter_weight(guide[here], guide[there], squared, sigma_space, sigma_range)
        to_chroma[there] = to_chroma[there] + weight * scaled[here]
        to_weight = (scaled[here] * (chroma[there] - out[here])).sum(1, keepdim=True)
        pull = to_weight * weight * (guide[there] - guide[here]) / (sigma_range * sigma_range)
        to_guide[here] = to_guide[here] + pull
        to_guide[there] = to_guide[there] - pull
    return to_chroma, to_guide


def joint_bilateral_upsample(
    gradient: Tensor,
    chroma: Tensor,
    guide_small: Tensor,
    guide: Tensor,
    out: Tensor,
    radius: int,
    sigma_space: float,
    sigma_range: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of chroma, small guide and full-size guide."""
    to_chroma, to_small, to_guide = _zeros(chroma), _zeros(guide_small), _zeros(guide)
    if gradient.numel() == 0:
        return to_chroma, to_small, to_guide
    norm = _zeros(guide)
    for y, x, space in upsample_taps(chroma, guide, radius, sigma_space):
        step = (guide_small[..., y[:, None], x] - guide) / sigma_range
        norm = norm + space * (torch.exp(-0.5 * step * step) + RANGE_FLOOR)
    scaled = gradient / norm
    for y, x, space in upsample_taps(chroma, guide, radius, sigma_space):
        step = (guide_small[..., y[:, None], x] - guide) / sigma_range
        nearness = space * torch.exp(-0.5 * step * step)
        to_chroma = to_chroma + _gather((nearness + space * RANGE_FLOOR) * scaled, y, x, chroma)
        to_weight = (scaled * (chroma[..., y[:, None], x] - out)).sum(1, keepdim=True)
        pull = to_weight * nearness * step / sigma_range
        to_guide = to_guide + pull
        to_small = to_small - _gather(pull, y, x, guide_small)
    return to_chroma, to_small, to_guide


def _zeros(like: Tensor) -> Tensor:
    return torch.zeros_like(like, memory_format=torch.contiguous_format)


def _gather(full: Tensor, y: Tensor, x: Tensor, small: Tensor) -> Tensor:
    """Sum full-size values over the small pixels (y, x) that they were read from."""
    n, c, height, _ = full.shape
    columns = full.new_zeros((n, c, height, small.shape[3])).index_add(3, x, full)
    return full.new_zeros((n, c, *small.shape[2:])).index_add(2, y, columns)
