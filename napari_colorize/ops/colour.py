"""Colour conversion between sRGB and CIE L*a*b*, and the way back into the sRGB gamut.

Lab is CIE 1976 L*a*b* for D65 and the 2° observer: L 0…100, a and b in Lab units; sRGB after
IEC 61966-2-1. Everything here is also an operator of ``torch.ops.napari_colorize``.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from napari_colorize.ops.bindings import Operator
from napari_colorize.ops.checks import require_tensor
from napari_colorize.ops.library import load
from napari_colorize.ops.twins import colour as twins
from napari_colorize.ops.twins import colour_gradients as gradients

_FLOATS = (torch.float32, torch.float64)


def rgb_to_lab(rgb: Tensor, *, channel_dim: int = -1) -> Tensor:
    """Convert sRGB to CIE L*a*b*.

    Parameters
    ----------
    rgb : torch.Tensor
        Three channels along `channel_dim` and any other axes, any strides: uint8 0…255, or float32
        or float64 0…1. Floats outside [0, 1] are clamped; NaN gives NaN.
    channel_dim : int
        Axis of the channels: −1 for interleaved pixels, −3 for planes.

    Returns
    -------
    torch.Tensor
        L 0…100, a and b, of the shape of `rgb`, contiguous; float64 for float64, else float32.
        Within ΔE 2.5e-4 of the exact value in float32. Differentiable where `rgb` is a float.

    Raises
    ------
    TypeError
        If `rgb` is not a torch tensor of one of these types.
    ValueError
        If the axis does not exist or does not hold three channels.
    """
    require_tensor("rgb", rgb, (torch.uint8, *_FLOATS))
    _require_channels("rgb", rgb, channel_dim)
    load()
    return torch.ops.napari_colorize.rgb_to_lab(rgb, channel_dim)


def lab_to_rgb(lab: Tensor, *, channel_dim: int = -1, dtype: torch.dtype | None = None) -> Tensor:
    """Convert CIE L*a*b* to sRGB.

    Parameters
    ----------
    lab : torch.Tensor
        L 0…100, a and b along `channel_dim` and any other axes, any strides; float32 or float64.
        Colours outside sRGB are clamped channel by channel in linear light, which changes their
        lightness and hue: use :func:`gamut_clip` first to keep both.
    channel_dim : int
        Axis of the channels: −1 for interleaved pixels, −3 for planes.
    dtype : torch.dtype, optional
        torch.uint8 for codes 0…255 rounded to nearest (NaN becomes 0); torch.float32 or
        torch.float64 for 0…1. The type of `lab` when left out.

    Returns
    -------
    torch.Tensor
        sRGB of the shape of `lab`, contiguous. Within 1e-5 of the exact value in float32.

    Raises
    ------
    TypeError
        If `lab` is not a float tensor, or `dtype` is another type.
    ValueError
        If the axis does not exist or does not hold three channels, or if the gradient of uint8
        codes is asked for.
    """
    require_tensor("lab", lab, _FLOATS)
    _require_channels("lab", lab, channel_dim)
    to_uint8 = dtype == torch.uint8
    if dtype is not None and not to_uint8 and dtype not in _FLOATS:
        raise TypeError(f"dtype must be torch.uint8, torch.float32 or torch.float64, not {dtype}.")
    if to_uint8 and lab.requires_grad and torch.is_grad_enabled():
        raise ValueError(
            "uint8 codes have no gradient, and lab requires one: pass lab.detach(), or leave dtype "
            "out to get differentiable floats."
        )
    load()
    rgb = torch.ops.napari_colorize.lab_to_rgb(lab, channel_dim, to_uint8)
    return rgb if dtype is None else rgb.to(dtype)


def gamut_clip(lab: Tensor, *, channel_dim: int = -1) -> tuple[Tensor, Tensor]:
    """Move colours that sRGB cannot show towards grey, at constant lightness and hue.

    Parameters
    ----------
    lab : torch.Tensor
        L 0…100, a and b along `channel_dim` and any other axes, any strides; float32 or float64.
    channel_dim : int
        Axis of the channels: −1 for interleaved pixels, −3 for planes.

    Returns
    -------
    inside : torch.Tensor
        `lab` with a and b multiplied by the largest scale in [0, 1] at which linear red, green and
        blue are in [0, 1] (to 1e-5). L outside 0…100 is clamped. A colour with a NaN or an infinity
        becomes NaN throughout. Contiguous; differentiable.
    clipped : torch.Tensor
        bool, the shape of `lab` without the channel axis: True where the colour was changed.

    Raises
    ------
    TypeError
        If `lab` is not a float tensor.
    ValueError
        If the axis does not exist or does not hold three channels.
    """
    require_tensor("lab", lab, _FLOATS)
    _require_channels("lab", lab, channel_dim)
    load()
    return torch.ops.napari_colorize.gamut_clip(lab, channel_dim)


def _require_channels(name: str, colours: Tensor, channel_dim: int) -> None:
    try:
        twins.require_channels(name, colours, channel_dim)
    except RuntimeError as error:
        advice = "Channels last are channel_dim=-1, planes are channel_dim=-3."
        raise ValueError(f"{error} {advice}") from None


def _fake_rgb_to_lab(rgb: Tensor, channel_dim: int = -1) -> Tensor:
    twins.require_channels("rgb", rgb, channel_dim)
    dtype = torch.float64 if rgb.dtype == torch.float64 else torch.float32
    return rgb.new_empty(rgb.shape, dtype=dtype)


def _fake_lab_to_rgb(lab: Tensor, channel_dim: int = -1, to_uint8: bool = False) -> Tensor:
    twins.require_channels("lab", lab, channel_dim)
    return lab.new_empty(lab.shape, dtype=torch.uint8 if to_uint8 else lab.dtype)


def _fake_gamut_clip(lab: Tensor, channel_dim: int = -1) -> tuple[Tensor, Tensor]:
    twins.require_channels("lab", lab, channel_dim)
    pixels = list(lab.shape)
    pixels.pop(channel_dim)
    return lab.new_empty(lab.shape), lab.new_empty(pixels, dtype=torch.bool)


def _save_input(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    ctx.channel_dim = inputs[1]
    ctx.save_for_backward(inputs[0])


def _save_input_and_result(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    ctx.channel_dim = inputs[1]
    ctx.save_for_backward(inputs[0], output[0])


def _rgb_to_lab_backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
    (rgb,) = ctx.saved_tensors
    return gradients.rgb_to_lab(gradient, rgb, ctx.channel_dim), None


def _lab_to_rgb_backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
    (lab,) = ctx.saved_tensors
    return gradients.lab_to_rgb(gradient, lab, ctx.channel_dim), None, None


def _gamut_clip_backward(ctx: Any, gradient: Tensor, _: Any) -> tuple[Tensor | None, ...]:
    lab, inside = ctx.saved_tensors
    return gradients.gamut_clip(gradient, lab, inside, ctx.channel_dim), None


OPERATORS = (
    Operator(
        schema="rgb_to_lab(Tensor rgb, int channel_dim=-1) -> Tensor",
        twin=twins.rgb_to_lab,
        fake=_fake_rgb_to_lab,
        setup_context=_save_input,
        backward=_rgb_to_lab_backward,
    ),
    Operator(
        schema="lab_to_rgb(Tensor lab, int channel_dim=-1, bool to_uint8=False) -> Tensor",
        twin=twins.lab_to_rgb,
        fake=_fake_lab_to_rgb,
        setup_context=_save_input,
        backward=_lab_to_rgb_backward,
    ),
    Operator(
        schema="gamut_clip(Tensor lab, int channel_dim=-1) -> (Tensor, Tensor)",
        twin=twins.gamut_clip,
        fake=_fake_gamut_clip,
        setup_context=_save_input_and_result,
        backward=_gamut_clip_backward,
    ),
)
