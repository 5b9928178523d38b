"""From colours to distributions over the ab bins, and back: soft encoding and the annealed mean.

Everything here is also an operator of ``torch.ops.napari_colorize``.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from napari_colorize.ops.bindings import Operator
from napari_colorize.ops.bins import NUM_BINS
from napari_colorize.ops.checks import require_tensor
from napari_colorize.ops.library import load
from napari_colorize.ops.twins import encoding as twins

_FLOATS = (torch.float32, torch.float64)


def soft_encode(ab: Tensor, *, neighbours: int = 5, sigma: float = 5.0) -> tuple[Tensor, Tensor]:
    """Spread each pixel's colour over its nearest ab bins, in sparse form.

    Zhang, Isola and Efros (ECCV 2016), section 2.1: the K nearest bins, weighted by a Gaussian of
    their ab distance and normalised to sum 1.

    Parameters
    ----------
    ab : torch.Tensor
        ``(N, 2, H, W)`` float32, Lab units, any strides.
    neighbours : int
        How many bins share a pixel, 1…313; the paper takes 5.
    sigma : float
        Standard deviation of the Gaussian in Lab units, above 0; the paper takes 5.

    Returns
    -------
    index : torch.Tensor
        ``(N, K, H, W)`` int64, bin numbers 0…312, nearest first; of equally near bins the one with
        the lower number comes first. A pixel with NaN or infinite ab gets 0…K−1.
    weight : torch.Tensor
        ``(N, K, H, W)`` float32, each pixel's sum is 1; NaN where ab is NaN or infinite.

    Raises
    ------
    TypeError
        If `ab` is not a float32 tensor.
    ValueError
        For another shape, settings out of range, or `ab` that requires grad: targets have none.
    """
    require_tensor("ab", ab, (torch.float32,))
    twins.check_encode(ab, neighbours, sigma)
    load()
    return torch.ops.napari_colorize.soft_encode(ab, neighbours, sigma)


def soft_encode_dense(ab: Tensor, *, neighbours: int = 5, sigma: float = 5.0) -> Tensor:
    """Spread each pixel's colour over its nearest ab bins, as a full distribution.

    Parameters
    ----------
    ab, neighbours, sigma
        As for :func:`soft_encode`.

    Returns
    -------
    torch.Tensor
        ``(N, 313, H, W)`` float32; each pixel sums to 1 and is 0 outside its K nearest bins. A
        pixel with NaN or infinite ab has NaN in its first K bins.

    Raises
    ------
    TypeError, ValueError
        As :func:`soft_encode`.
    """
    require_tensor("ab", ab, (torch.float32,))
    twins.check_encode(ab, neighbours, sigma)
    load()
    return torch.ops.napari_colorize.soft_encode_dense(ab, neighbours, sigma)


def annealed_mean(
    logits: Tensor, bins: Tensor, bias: Tensor | None = None, *, temperature: float = 0.38
) -> tuple[Tensor, Tensor]:
    """Decode bin logits to one colour a pixel, and say how wide the prediction was.

    Zhang, Isola and Efros (ECCV 2016), section 2.3: the mean colour of the distribution, sharpened
    by a temperature. With z = logits + bias, the colour is Σ softmax(z / T) · bin; the entropy is
    that of softmax(z), the prediction itself, divided by log Q.

    Parameters
    ----------
    logits : torch.Tensor
        ``(N, Q, H, W)`` float32 or float64, any strides (contiguous ones are not copied).
    bins : torch.Tensor
        ``(Q, 2)``, the bins' a and b in Lab units, same dtype.
    bias : torch.Tensor, optional
        ``(Q,)``, added to every pixel's logits, same dtype.
    temperature : float
        T, above 0. T → 0 gives the mode (the mean of the modes if several are equal), 1 the mean.

    Returns
    -------
    ab : torch.Tensor
        ``(N, 2, H, W)``, Lab units.
    entropy : torch.Tensor
        ``(N, 1, H, W)``, 0 (certain) … 1 (all bins alike); 0 when there is one bin only.

    Notes
    -----
    A logit of −inf takes its bin out. A pixel with a NaN or +inf logit, or with all bins taken out,
    gives NaN in both results and leaves its neighbours alone. Differentiable with respect to
    logits, bins and bias.

    Raises
    ------
    TypeError
        If an argument is not a float tensor, or dtypes differ.
    ValueError
        For shapes that do not fit, no bins, or a temperature that is not finite and above 0.
    """
    require_tensor("logits", logits, _FLOATS)
    require_tensor("bins", bins, _FLOATS)
    if bias is not None:
        require_tensor("bias", bias, _FLOATS)
    twins.check_annealed(logits, bins, bias, temperature)
    load()
    number = torch.tensor(temperature, dtype=torch.float64)
    return torch.ops.napari_colorize.annealed_mean(logits, bins, bias, number)


def _fake_soft_encode(ab: Tensor, neighbours: int = 5, sigma: float = 5.0) -> tuple[Tensor, Tensor]:
    shape = (ab.shape[0], neighbours, ab.shape[2], ab.shape[3])
    return ab.new_empty(shape, dtype=torch.int64), ab.new_empty(shape)


def _fake_soft_encode_dense(ab: Tensor, neighbours: int = 5, sigma: float = 5.0) -> Tensor:
    return ab.new_empty((ab.shape[0], NUM_BINS, ab.shape[2], ab.shape[3]))


def _fake_annealed_mean(
    logits: Tensor, bins: Tensor, bias: Tensor | None, temperature: Tensor
) -> tuple[Tensor, Tensor]:
    n, _, h, w = logits.shape
    return logits.new_empty((n, 2, h, w)), logits.new_empty((n, 1, h, w))


def _save_annealed(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    logits, bins, bias, ctx.temperature = inputs
    if ctx.temperature.requires_grad:
        raise ValueError(
            "annealed_mean has no gradient with respect to its temperature; detach it."
        )
    ctx.save_for_backward(logits, bins, bias)
    ctx.set_materialize_grads(False)  # a result that nothing came of costs nothing


def _annealed_backward(
    ctx: Any, to_ab: Tensor | None, to_entropy: Tensor | None
) -> tuple[Any, ...]:
    """Differentiate the two softmaxes; made of torch functions, so that it differentiates again."""
    logits, bins, bias = ctx.saved_tensors
    z = logits if bias is None else logits + bias[:, None, None]
    to_z, to_bins, to_bias = None, None, None
    if to_ab is not None:
        to_z, to_bins = _colour_backward(z, bins, ctx.temperature, to_ab)
    if to_entropy is not None:
        of_width = _entropy_backward(z, to_entropy)
        to_z = of_width if to_z is None else to_z + of_width
    if to_z is not None and ctx.needs_input_grad[2]:
        to_bias = to_z.sum((0, 2, 3))
    return to_z, to_bins if ctx.needs_input_grad[1] else None, to_bias, None


def _colour_backward(
    z: Tensor, bins: Tensor, temperature: Tensor, to_ab: Tensor
) -> tuple[Tensor, Tensor]:
    """Return what a change of the colour asks of z and of the bins."""
    annealed = torch.softmax((z - z.detach().amax(1, keepdim=True)) / temperature, dim=1)
    along = torch.einsum("nchw,qc->nqhw", to_ab, bins)
    to_z = annealed * (along - (annealed * along).sum(1, keepdim=True)) / temperature
    return to_z, torch.einsum("nqhw,nchw->qc", annealed, to_ab)


def _entropy_backward(z: Tensor, to_entropy: Tensor) -> Tensor:
    """Return what a change of the entropy asks of z."""
    log_p = torch.log_softmax(z, dim=1)
    p = log_p.exp()
    log_p = log_p.where(p != 0, 0.0)
    nats = -(p * log_p).sum(1, keepdim=True)
    return -to_entropy * p * (log_p + nats) / math.log(max(z.shape[1], 2))


OPERATORS = (
    Operator(
        schema="soft_encode(Tensor ab, int neighbours=5, float sigma=5.0) -> (Tensor, Tensor)",
        twin=twins.soft_encode,
        fake=_fake_soft_encode,
        no_gradient="it makes training targets",
    ),
    Operator(
        schema="soft_encode_dense(Tensor ab, int neighbours=5, float sigma=5.0) -> Tensor",
        twin=twins.soft_encode_dense,
        fake=_fake_soft_encode_dense,
        no_gradient="it makes training targets",
    ),
    Operator(
        schema="annealed_mean(Tensor logits, Tensor bins, Tensor? bias, Tensor temperature)"
        " -> (Tensor, Tensor)",
        twin=twins.annealed_mean,
        fake=_fake_annealed_mean,
        setup_context=_save_annealed,
        backward=_annealed_backward,
    ),
)
