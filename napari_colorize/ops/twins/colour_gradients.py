"""Gradients of the colour operators, in differentiable torch functions (channels first inside).

Each function maps the gradient of a result to that of the input; the formulas are derivatives of
those in :mod:`napari_colorize.ops.twins.colour`. Where a value was clamped the gradient is zero.
"""

from __future__ import annotations

import torch
from torch import Tensor

from napari_colorize.ops.twins import colour

_DELTA = colour._DELTA


def rgb_to_lab(gradient: Tensor, rgb: Tensor, channel_dim: int) -> Tensor:
    """Gradient of `rgb_to_lab` towards its input."""
    code = rgb.movedim(channel_dim, 0)
    to_l, to_a, to_b = gradient.movedim(channel_dim, 0).unbind(0)
    to_f = torch.stack([500 * to_a, 116 * to_l - 500 * to_a + 200 * to_b, -200 * to_b])
    matrix = colour.xyz_matrix(code)
    xyz = colour._mix(matrix, colour.linear_from_code(code))
    to_linear = colour._mix(matrix.T, to_f * _slope_of_response(xyz))
    return (to_linear * _slope_of_decoding(code)).movedim(0, channel_dim)


def lab_to_rgb(gradient: Tensor, lab: Tensor, channel_dim: int) -> Tensor:
    """Gradient of `lab_to_rgb` towards its input."""
    planes = lab.movedim(channel_dim, 0)
    to_code = gradient.movedim(channel_dim, 0)
    to_linear = to_code * _slope_of_encoding(colour.linear_from_lab(planes))
    return torch.einsum("k...,kj...->j...", to_linear, jacobian(planes)).movedim(0, channel_dim)


def gamut_clip(gradient: Tensor, lab: Tensor, inside: Tensor, channel_dim: int) -> Tensor:
    """Gradient of `gamut_clip`'s colours towards its input.

    For a moved colour the scale s keeps one channel of linear light h at its bound,
    h(L, s a, s b) = const, which gives the derivative of s. Colours whose L was clamped, or which
    are not finite, get no gradient through L.
    """
    lightness, a, b = lab.movedim(channel_dim, 0).unbind(0)
    planes = inside.movedim(channel_dim, 0)
    to_l, to_a, to_b = gradient.movedim(channel_dim, 0).unbind(0)
    scale = _chroma_scale(a, b, planes)
    linear = colour.linear_from_lab(planes)
    binding = (linear - 0.5).abs().argmax(0, keepdim=True)
    rows = jacobian(planes)
    h_l, h_a, h_b = rows.gather(0, binding.unsqueeze(1).expand_as(rows[:1]))[0].unbind(0)
    along = a * h_a + b * h_b
    moved = (scale < 1) & (along != 0)
    pull = torch.where(moved, (to_a * a + to_b * b) / torch.where(moved, along, 1.0), 0.0)
    valid = (lightness >= 0) & (lightness <= 100)
    return torch.stack(
        [
            torch.where(valid, to_l - pull * h_l, 0.0),
            scale * (to_a - pull * h_a),
            scale * (to_b - pull * h_b),
        ]
    ).movedim(0, channel_dim)


def _chroma_scale(a: Tensor, b: Tensor, inside: Tensor) -> Tensor:
    """Read the scale off the result: exactly 1 where nothing moved, 0 where nothing is finite."""
    square = a * a + b * b
    scale = (inside[1] * a + inside[2] * b) / torch.where(square > 0, square, 1.0)
    return torch.where(square > 0, scale, 1.0).nan_to_num(nan=0.0)


def jacobian(lab: Tensor) -> Tensor:
    """Return d linear[k] / d lab[j] as (3, 3, ...), for Lab with channels first."""
    lightness, a, b = lab.unbind(0)
    f_y = (lightness + 16) / 116
    slope = _slope_of_inverse(torch.stack([f_y + a / 500, f_y, f_y - b / 200]))
    matrix = colour.rgb_matrix(lab).reshape(3, 3, *(1,) * (lab.dim() - 1))
    by_f = matrix * slope
    return torch.stack([by_f.sum(1) / 116, by_f[:, 0] / 500, -by_f[:, 2] / 200], 1)


def _slope_of_decoding(code: Tensor) -> Tensor:
    safe = code.clamp(0, 1)
    curved = (2.4 / 1.055) * ((safe + 0.055) / 1.055) ** 1.4
    slope = torch.where(code > 0.04045, curved, 1 / 12.92)
    return torch.where((code >= 0) & (code <= 1), slope, 0.0)


def _slope_of_encoding(light: Tensor) -> Tensor:
    curved = (1.055 / 2.4) * light.clamp(0.0031308, 1) ** (1 / 2.4 - 1)
    slope = torch.where(light > 0.0031308, curved, 12.92)
    return torch.where((light >= 0) & (light <= 1), slope, 0.0)


def _slope_of_response(value: Tensor) -> Tensor:
    root = value.clamp(min=_DELTA**3) ** (-2 / 3) / 3
    return torch.where(value > _DELTA**3, root, 1 / (3 * _DELTA**2))


def _slope_of_inverse(value: Tensor) -> Tensor:
    return torch.where(value > _DELTA, 3 * value**2, 3 * _DELTA**2)
