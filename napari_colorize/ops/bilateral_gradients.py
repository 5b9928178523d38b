"""The gradients of the joint bilateral operators: operators, too, which autograd calls.

They have no functions of their own here; their arguments and results are told of in
:mod:`napari_colorize.ops.twins.bilateral_gradients`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from napari_colorize.ops.bindings import Operator
from napari_colorize.ops.twins import bilateral_gradients as twins


def _fake_filter_backward(
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
    return _fake_gradient(chroma, to_chroma), _fake_gradient(guide, to_guide)


def _fake_upsample_backward(
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
    return (
        _fake_gradient(chroma, to_chroma),
        _fake_gradient(guide_small, to_guide_small),
        _fake_gradient(guide, to_guide),
    )


def _fake_gradient(of: Tensor, asked: bool) -> Tensor:
    return of.new_empty(of.shape if asked else (0,))


def save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    """Keep what the gradient needs: the tensors, the settings behind them, and the result."""
    tensors = [value for value in inputs if isinstance(value, Tensor)]
    ctx.settings = inputs[len(tensors) :]
    ctx.save_for_backward(*tensors, output)


def save_whole(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    """As :func:`save`, and remember whether it was a piece of a picture, which has no gradient."""
    save(ctx, inputs, output)
    ctx.piece = any(ctx.settings[3:])


def filter_backward(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
    """Pass a gradient back through `joint_bilateral`."""
    return _gradients(torch.ops.napari_colorize.joint_bilateral_backward, ctx, gradient)


def upsample_backward(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
    """Pass a gradient back through `joint_bilateral_upsample`."""
    if ctx.piece:
        raise RuntimeError(
            "joint_bilateral_upsample has no gradient for a piece of a picture; leave `within` out."
        )
    return _gradients(torch.ops.napari_colorize.joint_bilateral_upsample_backward, ctx, gradient)


def _gradients(operator: Any, ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
    """Call the gradient's operator for the tensors that ask for one; None for all others."""
    needed = (
        ctx.needs_input_grad
    )  # as many as were given: defaults that were left out are not there
    asked = needed[: len(ctx.saved_tensors) - 1]
    found = operator(gradient, *ctx.saved_tensors, *ctx.settings[:3], *asked)
    pairs = zip(found, asked, strict=True)
    to_tensors = [each if wanted else None for each, wanted in pairs]
    return *to_tensors, *(None for _ in needed[len(asked) :])


def _save_backward(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    """Keep the tensors, the settings behind them, and which gradients were asked for."""
    tensors = [value for value in inputs if isinstance(value, Tensor)]
    ctx.settings = inputs[len(tensors) :]
    ctx.asked = ctx.settings[3:]
    ctx.save_for_backward(*tensors)


def _filter_second(ctx: Any, *to_gradients: Tensor) -> tuple[Any, ...]:
    return _second(twins.joint_bilateral_backward, ctx, to_gradients)


def _upsample_second(ctx: Any, *to_gradients: Tensor) -> tuple[Any, ...]:
    return _second(twins.joint_bilateral_upsample_backward, ctx, to_gradients)


def _second(twin: Any, ctx: Any, to_gradients: tuple[Tensor, ...]) -> tuple[Any, ...]:
    """Differentiate the gradient: rare, so torch does it, through the twin, all taps in memory."""
    needed = ctx.needs_input_grad[: len(ctx.saved_tensors)]
    with torch.enable_grad():
        # Views, so that the way from one argument to another through the graph is not counted.
        tensors = [tensor.view_as(tensor) for tensor in ctx.saved_tensors]
        results = twin(*tensors, *ctx.settings)
        wanted = [each for each, need in zip(tensors, needed, strict=True) if need]
        both = [
            (result, outer)
            for result, outer, asked in zip(results, to_gradients, ctx.asked, strict=True)
            if asked and result.requires_grad
        ]
        found = torch.autograd.grad(
            [result for result, _ in both],
            wanted,
            [outer for _, outer in both],
            create_graph=True,
            allow_unused=True,
        )
    each = iter(found)
    return *(next(each) if need else None for need in needed), *(None for _ in ctx.settings)


OPERATORS = (
    Operator(
        schema="joint_bilateral_backward(Tensor gradient, Tensor chroma, Tensor guide, Tensor out,"
        " int radius, float sigma_space, float sigma_range, bool to_chroma=True,"
        " bool to_guide=True) -> (Tensor, Tensor)",
        twin=twins.joint_bilateral_backward,
        fake=_fake_filter_backward,
        setup_context=_save_backward,
        backward=_filter_second,
    ),
    Operator(
        schema="joint_bilateral_upsample_backward(Tensor gradient, Tensor chroma,"
        " Tensor guide_small, Tensor guide, Tensor out, int radius, float sigma_space,"
        " float sigma_range, bool to_chroma=True, bool to_guide_small=True, bool to_guide=True)"
        " -> (Tensor, Tensor, Tensor)",
        twin=twins.joint_bilateral_upsample_backward,
        fake=_fake_upsample_backward,
        setup_context=_save_backward,
        backward=_upsample_second,
    ),
)
