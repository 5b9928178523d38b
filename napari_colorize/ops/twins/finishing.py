"""The fused finish in plain torch, one full-size plane after another: the definition of right."""

from __future__ import annotations

import torch
from torch import Tensor

from napari_colorize.ops.twins import bilateral, colour


def check_finish(
    luma: Tensor,
    chroma: Tensor,
    guide_small: Tensor,
    radius: int,
    sigma_space: float,
    sigma_range: float,
) -> None:
    """Refuse what :func:`finish` cannot take, in a sentence."""
    name = "finish"
    bilateral.check_settings(name, bilateral.UPSAMPLE_RADII, radius, sigma_space, sigma_range)
    if luma.dtype not in (torch.uint8, torch.float32):
        raise TypeError(
            "finish takes luma as uint8 sRGB grey codes or as float32 L* of 0 to 100; "
            f"this one is {luma.dtype}."
        )
    if luma.dim() != 3:
        raise ValueError(
            f"finish takes luma of shape (N, H, W); this one has shape {tuple(luma.shape)}."
        )
    for label, planes in (("chroma", chroma), ("guide_small", guide_small)):
        if planes.dtype != torch.float32:
            raise TypeError(f"finish takes a float32 {label}; this one is {planes.dtype}.")
    if chroma.dim() != 4 or chroma.shape[1] != 2 or chroma.shape[0] != luma.shape[0]:
        raise ValueError(
            f"finish takes chroma of shape ({luma.shape[0]}, 2, h, w), a and b for each image of "
            f"luma; this one has shape {tuple(chroma.shape)}."
        )
    n, _, h, w = chroma.shape
    bilateral.check_guide(name, "guide_small", guide_small, (n, 1, h, w))
    bilateral.check_upsample_sizes(name, chroma, luma.shape[1], luma.shape[2])


def lightness_of(luma: Tensor) -> Tensor:
    """Return L* as float32: of uint8 sRGB grey codes by a table of 256, of floats themselves."""
    if luma.dtype != torch.uint8:
        return luma
    codes = torch.arange(256, dtype=torch.float64, device=luma.device) / 255
    table = 116 * colour.lightness_response(colour.linear_from_code(codes)) - 16
    return table.float()[luma.long()]


def finish(
    luma: Tensor,
    chroma: Tensor,
    guide_small: Tensor,
    radius: int,
    sigma_space: float,
    sigma_range: float,
    top: int = 0,
    left: int = 0,
    full_height: int = 0,
    full_width: int = 0,
) -> tuple[Tensor, Tensor]:
    """Twin of :func:`napari_colorize.ops.finish`."""
    check_finish(luma, chroma, guide_small, radius, sigma_space, sigma_range)
    lightness = lightness_of(luma)[:, None]
    asked = (top, left, full_height, full_width)
    within = bilateral.piece_of("finish", luma.shape[1], luma.shape[2], asked)
    ab = bilateral.joint_bilateral_upsample(
        chroma, guide_small, lightness, radius, sigma_space, sigma_range, *within
    )
    inside, clipped = colour.gamut_clip(torch.cat([lightness, ab], 1), channel_dim=1)
    rgb = colour.lab_to_rgb(inside, channel_dim=1, to_uint8=True)
    return rgb.permute(0, 2, 3, 1).contiguous(), clipped
