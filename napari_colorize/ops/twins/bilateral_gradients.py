"""Gradients of the joint bilateral filter and upsampling, tap by tap: memory for one tap at a time.

Both filters are out_i = Σ_j w_ij c_j / Σ_j w_ij. With q = ∂/∂out divided by the sum of weights,
∂/∂c_j = Σ_i w_ij q_i and ∂/∂w_ij = q_i · (c_j − out_i). Made of differentiable torch functions.
"""

from __future__ import annotations

import torch
from torch import Tensor

from napari_colorize.ops.twins.bilateral import (
    RANGE_FLOOR,
    check_filter,
    check_upsample,
    disk_taps,
    filter_weight,
    upsample_taps,
)


def joint_bilateral_backward(
    gradient: Tensor,
    chroma: Tensor,
    guide: Tensor,
    out: Tensor,
    radius: int,
    sigma_space: float,
    sigma_range: float,
    to_chroma: bool = True,
    to_guide: bool = True,
) -> tuple[Tensor, Tensor]:
    """Return the gradients of :func:`~.bilateral.joint_bilateral`'s chroma and guide.

    Parameters
    ----------
    gradient : torch.Tensor
        ``(N, C, H, W)``: of the loss with respect to the filter's result.
    chroma, guide, radius, sigma_space, sigma_range
        The filter's arguments.
    out : torch.Tensor
        ``(N, C, H, W)``: the filter's result.
    to_chroma, to_guide : bool
        Which gradients are wanted; the others come back without elements, and without their work.

    Returns
    -------
    tuple of torch.Tensor
        ``(N, C, H, W)`` and ``(N, 1, H, W)``.

    Notes
    -----
    Memory beside arguments and results: the compiled operator keeps one plane ``(N, 1, H, W)`` and
    a tile a thread, whatever the radius; this one keeps the planes of one tap.
    """
    name = "joint_bilateral_backward"
    check_filter(chroma, guide, radius, sigma_space, sigma_range, name)
    _check_like(name, gradient, out, tuple(chroma.shape), chroma.dtype)
    chroma_sum, guide_sum = _zeros(chroma, to_chroma), _zeros(guide, to_guide)
    if chroma.numel() == 0 or not (to_chroma or to_guide):
        return chroma_sum, guide_sum
    h, w = chroma.shape[2:]
    norm = _zeros(guide, True)
    for here, there, squared in disk_taps(h, w, radius):
        weight = filter_weight(guide[here], guide[there], squared, sigma_space, sigma_range)
        norm[here] = norm[here] + weight
    scaled = gradient / norm
    for here, there, squared in disk_taps(h, w, radius):
        weight = filter_weight(guide[here], guide[there], squared, sigma_space, sigma_range)
        if to_chroma:
            chroma_sum[there] = chroma_sum[there] + weight * scaled[here]
        if to_guide:
            to_weight = (scaled[here] * (chroma[there] - out[here])).sum(1, keepdim=True)
            pull = to_weight * weight * (guide[there] - guide[here]) / (sigma_range * sigma_range)
            guide_sum[here] = guide_sum[here] + pull
            guide_sum[there] = guide_sum[there] - pull
    return chroma_sum, guide_sum


def joint_bilateral_upsample_backward(
    gradient: Tensor,
    chroma: Tensor,
    guide_small: Tensor,
    guide: Tensor,
    out: Tensor,
    radius: int,
    sigma_space: float,
    sigma_range: float,
    to_chroma: bool = True,
    to_guide_small: bool = True,
    to_guide: bool = True,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of :func:`~.bilateral.joint_bilateral_upsample`'s three tensors.

    Parameters
    ----------
    gradient : torch.Tensor
        ``(N, C, H, W)``: of the loss with respect to the upsampling's result.
    chroma, guide_small, guide, radius, sigma_space, sigma_range
        The upsampling's arguments.
    out : torch.Tensor
        ``(N, C, H, W)``: the upsampling's result.
    to_chroma, to_guide_small, to_guide : bool
        Which gradients are wanted; the others come back without elements, and without their work.

    Returns
    -------
    tuple of torch.Tensor
        ``(N, C, h, w)``, ``(N, 1, h, w)`` and ``(N, 1, H, W)``.

    Notes
    -----
    Memory beside arguments and results: on the CPU the compiled operator keeps nothing of full
    size. It sums the small gradients by bands of full-size rows, at most 64 / N + 1 of them, each
    with the small rows it sees: its share and 2 · radius more. On a GPU it keeps one plane
    ``(N, 1, H, W)``. This one keeps the planes of one tap.
    """
    name = "joint_bilateral_upsample_backward"
    check_upsample(chroma, guide_small, guide, radius, sigma_space, sigma_range, name)
    _check_like(name, gradient, out, (*chroma.shape[:2], *guide.shape[2:]), chroma.dtype)
    chroma_sum, guide_sum = _zeros(chroma, to_chroma), _zeros(guide, to_guide)
    small_sum = _zeros(guide_small, to_guide_small)
    if gradient.numel() == 0 or not (to_chroma or to_guide_small or to_guide):
        return chroma_sum, small_sum, guide_sum
    norm = _zeros(guide, True)
    for y, x, space in upsample_taps(chroma, guide, radius, sigma_space):
        step = (guide_small[..., y[:, None], x] - guide) / sigma_range
        norm = norm + space * (torch.exp(-0.5 * step * step) + RANGE_FLOOR)
    scaled = gradient / norm
    for y, x, space in upsample_taps(chroma, guide, radius, sigma_space):
        step = (guide_small[..., y[:, None], x] - guide) / sigma_range
        near = space * torch.exp(-0.5 * step * step)
        if to_chroma:
            chroma_sum = chroma_sum + _gather((near + space * RANGE_FLOOR) * scaled, y, x, chroma)
        if to_guide or to_guide_small:
            to_weight = (scaled * (chroma[..., y[:, None], x] - out)).sum(1, keepdim=True)
            pull = to_weight * near * step / sigma_range
            if to_guide:
                guide_sum = guide_sum + pull
            if to_guide_small:
                small_sum = small_sum - _gather(pull, y, x, guide_small)
    return chroma_sum, small_sum, guide_sum


def _check_like(
    name: str, gradient: Tensor, out: Tensor, shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    """Refuse a gradient or a result that cannot be that of the filter."""
    for label, tensor in (("gradient", gradient), ("out", out)):
        if tuple(tensor.shape) != shape or tensor.dtype != dtype:
            raise ValueError(
                f"{name} needs its {label} to have the shape {shape} and dtype {dtype} of the "
                f"filter's result; it has shape {tuple(tensor.shape)} and dtype {tensor.dtype}."
            )


def _zeros(like: Tensor, asked: bool) -> Tensor:
    if not asked:
        return like.new_empty((0,))
    return torch.zeros_like(like, memory_format=torch.contiguous_format)


def _gather(full: Tensor, y: Tensor, x: Tensor, small: Tensor) -> Tensor:
    """Sum full-size values over the small pixels (y, x) that they were read from."""
    n, c, height, _ = full.shape
    columns = full.new_zeros((n, c, height, small.shape[3])).index_add(3, x, full)
    return full.new_zeros((n, c, *small.shape[2:])).index_add(2, y, columns)
