"""The last step in one pass: lightness and small chroma in, 8-bit sRGB out."""

from __future__ import annotations

import torch
from torch import Tensor

from napari_colorize.ops.bindings import Operator
from napari_colorize.ops.checks import require_tensor
from napari_colorize.ops.library import load
from napari_colorize.ops.twins import finishing as twins


def finish(
    luma: Tensor,
    chroma: Tensor,
    guide_small: Tensor,
    *,
    radius: int,
    sigma_space: float,
    sigma_range: float,
    within: twins.bilateral.Within = (0, 0, 0, 0),
) -> tuple[Tensor, Tensor]:
    """Colour full-size lightness with small chroma.

    :func:`joint_bilateral_upsample`, :func:`gamut_clip` and :func:`lab_to_rgb` in one pass, without
    a full-size float plane. The lightness of the result is that of `luma` up to the rounding to
    8 bits: a pixel without chroma keeps its grey code.

    Parameters
    ----------
    luma : torch.Tensor
        ``(N, H, W)``, any strides: uint8 sRGB grey codes, or float32 L* of 0…100.
    chroma : torch.Tensor
        ``(N, 2, h, w)`` float32, a and b in Lab units, any strides.
    guide_small : torch.Tensor
        ``(N, 1, h, w)`` float32, L* at the chroma's size.
    radius, sigma_space, sigma_range
        As for :func:`joint_bilateral_upsample`: small pixels, small pixels, L units.
    within : tuple of int, optional
        As for :func:`joint_bilateral_upsample`: of what picture `luma` is a piece.

    Returns
    -------
    rgb : torch.Tensor
        ``(N, H, W, 3)`` uint8 sRGB.
    clipped : torch.Tensor
        ``(N, H, W)`` bool: where sRGB cannot show the colour at this lightness, and it was moved
        towards grey at constant lightness and hue. A pixel with NaN in its luma or its small
        neighbours is black and marked.

    Raises
    ------
    TypeError
        If an argument is not a tensor of these types.
    ValueError
        For shapes that do not go together, settings out of range, or an argument that requires
        grad: 8-bit codes have no gradient.
    """
    require_tensor("luma", luma, (torch.uint8, torch.float32))
    require_tensor("chroma", chroma, (torch.float32,))
    require_tensor("guide_small", guide_small, (torch.float32,))
    twins.check_finish(luma, chroma, guide_small, radius, sigma_space, sigma_range)
    if torch.is_grad_enabled() and any(t.requires_grad for t in (luma, chroma, guide_small)):
        raise ValueError(
            "finish makes 8-bit codes, which have no gradient, and an argument requires one: call "
            "it under torch.no_grad(), or use joint_bilateral_upsample and lab_to_rgb to train."
        )
    twins.bilateral.piece_of("finish", luma.shape[1], luma.shape[2], within)
    load()
    return torch.ops.napari_colorize.finish(
        luma, chroma, guide_small, radius, sigma_space, sigma_range, *within
    )


def _fake_finish(
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
    rgb = luma.new_empty((*luma.shape, 3), dtype=torch.uint8)
    return rgb, luma.new_empty(luma.shape, dtype=torch.bool)


OPERATORS = (
    Operator(
        schema="finish(Tensor luma, Tensor chroma, Tensor guide_small, int radius,"
        " float sigma_space, float sigma_range, int top=0, int left=0, int full_height=0,"
        " int full_width=0) -> (Tensor, Tensor)",
        twin=twins.finish,
        fake=_fake_finish,
        no_gradient="8-bit codes have none",
    ),
)
