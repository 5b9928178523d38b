"""Colour conversion in plain torch: the definition of right for the compiled operators.

sRGB after IEC 61966-2-1; CIE 1976 L*a*b* for D65 and the 2° observer. The white is the sum of the
matrix's columns, as in OpenCV, so that grey has a = b = 0. Everything is computed in the type of
the input; uint8 in float32.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

_XYZ_FROM_RGB = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
_DELTA = 6.0 / 29.0
_GAMUT_SLACK = 1e-5
"""Of linear light: how far outside [0, 1] still counts as inside, ten times float32's rounding."""
_LIGHTNESS_SLACK = 1e-3


def xyz_matrix(like: Tensor) -> Tensor:
    """Return the matrix from linear sRGB to X, Y, Z relative to the white: rows sum to one."""
    matrix = torch.tensor(_XYZ_FROM_RGB, dtype=torch.float64)
    return (matrix / matrix.sum(1, keepdim=True)).to(like)


def rgb_matrix(like: Tensor) -> Tensor:
    """Return the inverse of `xyz_matrix`."""
    matrix = torch.tensor(_XYZ_FROM_RGB, dtype=torch.float64)
    return torch.linalg.inv(matrix / matrix.sum(1, keepdim=True)).to(like)


def linear_from_code(code: Tensor) -> Tensor:
    """Decode sRGB codes, clamped to [0, 1], to linear light."""
    code = code.clamp(0, 1)
    return torch.where(code > 0.04045, ((code + 0.055) / 1.055) ** 2.4, code / 12.92)


def code_from_linear(light: Tensor) -> Tensor:
    """Encode linear light, clamped to [0, 1], as sRGB codes."""
    light = light.clamp(0, 1)
    return torch.where(light > 0.0031308, 1.055 * light ** (1 / 2.4) - 0.055, light * 12.92)


def lightness_response(value: Tensor) -> Tensor:
    """CIE's f: a cube root, and a line near black."""
    root = value.clamp(min=_DELTA**3) ** (1 / 3)
    return torch.where(value > _DELTA**3, root, value / (3 * _DELTA**2) + 4 / 29)


def inverse_response(value: Tensor) -> Tensor:
    """Invert `lightness_response`."""
    return torch.where(value > _DELTA, value**3, (value - 4 / 29) * (3 * _DELTA**2))


def lab_from_linear(linear: Tensor) -> Tensor:
    """Convert linear sRGB to Lab; channels first."""
    f_x, f_y, f_z = lightness_response(_mix(xyz_matrix(linear), linear)).unbind(0)
    return torch.stack([116 * f_y - 16, 500 * (f_x - f_y), 200 * (f_y - f_z)])


def linear_from_lab(lab: Tensor) -> Tensor:
    """Convert Lab to linear sRGB, outside [0, 1] where sRGB cannot show it; channels first."""
    lightness, a, b = lab.unbind(0)
    f_y = (lightness + 16) / 116
    xyz = inverse_response(torch.stack([f_y + a / 500, f_y, f_y - b / 200]))
    return _mix(rgb_matrix(lab), xyz)


def rgb_to_lab(rgb: Tensor, channel_dim: int = -1) -> Tensor:
    """Twin of :func:`napari_colorize.ops.rgb_to_lab`."""
    require_channels("rgb", rgb, channel_dim)
    if rgb.dtype == torch.uint8:
        rgb = rgb.to(torch.float32) / 255
    lab = lab_from_linear(linear_from_code(rgb.movedim(channel_dim, 0)))
    return lab.movedim(0, channel_dim).contiguous()


def lab_to_rgb(lab: Tensor, channel_dim: int = -1, to_uint8: bool = False) -> Tensor:
    """Twin of :func:`napari_colorize.ops.lab_to_rgb`."""
    require_channels("lab", lab, channel_dim)
    rgb = code_from_linear(linear_from_lab(lab.movedim(channel_dim, 0)))
    if to_uint8:
        rgb = (rgb.nan_to_num(nan=0.0) * 255 + 0.5).to(torch.uint8)
    return rgb.movedim(0, channel_dim).contiguous()


def gamut_clip(lab: Tensor, channel_dim: int = -1) -> tuple[Tensor, Tensor]:
    """Twin of :func:`napari_colorize.ops.gamut_clip`."""
    require_channels("lab", lab, channel_dim)
    lightness, a, b = lab.movedim(channel_dim, 0).unbind(0)
    shown = torch.stack([lightness.clamp(0, 100), a, b])
    finite = torch.isfinite(lightness) & torch.isfinite(a) & torch.isfinite(b)
    valid = (lightness >= -_LIGHTNESS_SLACK) & (lightness <= 100 + _LIGHTNESS_SLACK)
    scale = gamut_scale(shown)
    inside = torch.stack([shown[0], scale * a, scale * b])
    inside = torch.where(finite, inside, math.nan)
    return inside.movedim(0, channel_dim).contiguous(), ~(finite & valid & (scale == 1))


def gamut_scale(lab: Tensor) -> Tensor:
    """Return the largest scale of chroma in [0, 1] that sRGB can show; channels first.

    The scale is bisected under those bounds of linear light that the full chroma breaks; where the
    point found breaks another bound, because the gamut has a dent, it is bisected again below it
    under all bounds.
    """
    outside = _breaches(linear_from_lab(lab)) > 0
    scale = torch.ones_like(lab[0])
    scale[outside] = _scale_of_outsiders(lab[:, outside])  # most images have few, and each is dear
    return scale


def _scale_of_outsiders(lab: Tensor) -> Tensor:
    linear = linear_from_lab(lab)
    broken = torch.cat([linear < -_GAMUT_SLACK, linear > 1 + _GAMUT_SLACK])
    scale = _bisect(lab, torch.ones_like(lab[0]), broken)
    dented = _breaches(linear_from_lab(_scale_chroma(lab, scale))) > 0
    scale[dented] = _bisect(lab[:, dented], scale[dented], torch.ones_like(broken[:, dented]))
    return scale


def _bisect(lab: Tensor, outside: Tensor, bounds: Tensor) -> Tensor:
    """Halve [0, outside] to 1e-6 (float64: the last bit); `bounds` (6, ...) says which count."""
    inside = torch.zeros_like(outside)
    for _ in range(53 if lab.dtype == torch.float64 else 20):
        middle = (inside + outside) / 2
        fits = _breaches(linear_from_lab(_scale_chroma(lab, middle)), bounds) == 0
        inside = torch.where(fits, middle, inside)
        outside = torch.where(fits, outside, middle)
    return inside


def _breaches(linear: Tensor, bounds: Tensor | None = None) -> Tensor:
    """Count the bounds that linear light breaks; NaN breaks them all."""
    breaks = torch.cat([~(linear >= -_GAMUT_SLACK), ~(linear <= 1 + _GAMUT_SLACK)])
    return (breaks if bounds is None else breaks & bounds).sum(0)


def _scale_chroma(lab: Tensor, scale: Tensor) -> Tensor:
    return torch.stack([lab[0], scale * lab[1], scale * lab[2]])


def _mix(matrix: Tensor, channels: Tensor) -> Tensor:
    """Multiply three planes by a 3 × 3 matrix, without torch's reduced-precision modes."""
    return (matrix.reshape(3, 3, *(1,) * (channels.dim() - 1)) * channels).sum(1)


def require_channels(name: str, colours: Tensor, channel_dim: int) -> None:
    """Raise ``RuntimeError`` unless the axis exists and holds three channels."""
    dims = colours.dim()
    if not -dims <= channel_dim < dims:
        raise RuntimeError(f"channel_dim is {channel_dim}, and {name} has {dims} axes.")
    if colours.shape[channel_dim] != 3:
        raise RuntimeError(
            f"{name} must have three channels along axis {channel_dim}, and it has "
            f"{colours.shape[channel_dim]}."
        )
