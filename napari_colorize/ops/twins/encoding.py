"""Soft encoding over the ab bins and the annealed mean, in plain torch.

These functions define what the compiled operators must compute and stand in for them where the
library cannot be used. They need torch alone.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from napari_colorize.ops.bins import BIN_STEP, NUM_BINS, bin_tensor

_CHUNK = 16384
"""Pixels encoded at a time: bounds the distance table to 41 MB."""


def check_encode(ab: Tensor, neighbours: int, sigma: float) -> None:
    """Refuse what :func:`soft_encode` cannot take, in a sentence."""
    if ab.dim() != 4 or ab.shape[1] != 2:
        raise ValueError(
            "soft_encode takes ab planes of shape (N, 2, H, W); "
            f"this tensor has shape {tuple(ab.shape)}."
        )
    if ab.dtype != torch.float32:
        raise TypeError(
            f"soft_encode takes float32 ab values in Lab units; this tensor is {ab.dtype}. "
            "Convert it with .float() first."
        )
    if not 1 <= neighbours <= NUM_BINS:
        raise ValueError(
            f"soft_encode needs between 1 and {NUM_BINS} neighbours; {neighbours} was given."
        )
    if not (sigma > 0 and math.isfinite(sigma)):
        raise ValueError(f"soft_encode needs a finite sigma above 0 (Lab units); got {sigma}.")
    if ab.requires_grad and torch.is_grad_enabled():
        raise ValueError(
            "soft_encode makes training targets and has no derivative, but ab requires grad. "
            "Pass ab.detach()."
        )


def _encode_points(points: Tensor, neighbours: int, sigma: float) -> tuple[Tensor, Tensor]:
    """Encode ``(P, 2)`` float32 points; index and weight are ``(P, K)``, nearest first."""
    lattice = bin_tensor(dtype=torch.float64, device=points.device) / BIN_STEP
    i, j = lattice[:, 0], lattice[:, 1]
    finite = points.isfinite().all(dim=1, keepdim=True)
    exact = points.where(finite, torch.nan).double()
    # Half the squared distance over the step, less the part that all bins share. A float32 value
    # times a small integer is exact in float64, so ties come out alike on every machine.
    half = BIN_STEP / 2
    score = half * (i * i + j * j) - exact[:, :1] * i - exact[:, 1:] * j
    index = torch.empty(points.shape[0], neighbours, dtype=torch.int64, device=points.device)
    chosen = torch.empty(points.shape[0], neighbours, dtype=torch.float64, device=points.device)
    for k in range(neighbours):
        nearest = score.argmin(dim=1, keepdim=True)  # the first of equals: the lower bin index
        index[:, k] = nearest[:, 0]
        chosen[:, k] = score.gather(1, nearest)[:, 0]
        score.scatter_(1, nearest, torch.inf)
    weight = torch.exp((chosen[:, :1] - chosen) * (BIN_STEP / (sigma * sigma)))
    return index, (weight / weight.sum(dim=1, keepdim=True)).float()


def soft_encode(ab: Tensor, neighbours: int = 5, sigma: float = 5.0) -> tuple[Tensor, Tensor]:
    """Spread each pixel's colour over its nearest bins.

    Zhang, Isola and Efros (ECCV 2016), section 2.1: the K nearest bins, weighted by a Gaussian of
    their ab distance and normalised to sum 1.

    Arguments, results and refusals are those of :func:`napari_colorize.ops.soft_encode`.
    """
    check_encode(ab, neighbours, sigma)
    n, _, h, w = ab.shape
    points = ab.permute(0, 2, 3, 1).reshape(-1, 2)
    if points.shape[0] == 0:
        empty = ab.new_empty((n, neighbours, h, w))
        return empty.long(), empty
    pieces = [_encode_points(p, neighbours, sigma) for p in points.split(_CHUNK)]
    index = torch.cat([piece[0] for piece in pieces])
    weight = torch.cat([piece[1] for piece in pieces])
    shape = (n, h, w, neighbours)
    return (
        index.reshape(shape).permute(0, 3, 1, 2).contiguous(),
        weight.reshape(shape).permute(0, 3, 1, 2).contiguous(),
    )


def soft_encode_dense(ab: Tensor, neighbours: int = 5, sigma: float = 5.0) -> Tensor:
    """Return the soft encoding as a full distribution over the 313 bins.

    Arguments, results and refusals are those of :func:`napari_colorize.ops.soft_encode_dense`.
    """
    index, weight = soft_encode(ab, neighbours, sigma)
    n, _, h, w = ab.shape
    return ab.new_zeros((n, NUM_BINS, h, w)).scatter_(1, index, weight)


def check_annealed(
    logits: Tensor, bins: Tensor, bias: Tensor | None, temperature: float | Tensor
) -> None:
    """Refuse what :func:`annealed_mean` cannot take, in a sentence."""
    if logits.dim() != 4 or logits.shape[1] == 0:
        raise ValueError(
            "annealed_mean takes logits of shape (N, Q, H, W) with at least one bin; "
            f"this tensor has shape {tuple(logits.shape)}."
        )
    if logits.dtype not in (torch.float32, torch.float64):
        raise TypeError(
            f"annealed_mean takes float32 or float64 logits; these are {logits.dtype}. "
            "Convert them with .float() first."
        )
    q = logits.shape[1]
    if bins.dim() != 2 or bins.shape[0] != q or bins.shape[1] != 2:
        raise ValueError(
            f"annealed_mean needs one (a, b) pair for each of the {q} logit channels, a ({q}, 2) "
            f"tensor; bins has shape {tuple(bins.shape)}."
        )
    if bias is not None and (bias.dim() != 1 or bias.shape[0] != q):
        raise ValueError(
            f"annealed_mean needs one bias for each of the {q} logit channels, a ({q},) tensor; "
            f"bias has shape {tuple(bias.shape)}."
        )
    if bins.dtype != logits.dtype or (bias is not None and bias.dtype != logits.dtype):
        raise TypeError(
            f"annealed_mean needs bins and bias of the logits' dtype, {logits.dtype}; "
            f"bins is {bins.dtype}" + (f", bias is {bias.dtype}." if bias is not None else ".")
        )
    if not (temperature > 0 and math.isfinite(float(temperature))):
        raise ValueError(
            f"annealed_mean needs a finite temperature above 0; {float(temperature)} was given. "
            "Use a small one such as 0.01 for the most likely colour, 1 for the mean."
        )


def annealed_mean(
    logits: Tensor, bins: Tensor, bias: Tensor | None, temperature: Tensor
) -> tuple[Tensor, Tensor]:
    """Decode bin logits to one colour a pixel, and say how wide the prediction was.

    Zhang, Isola and Efros (ECCV 2016), section 2.3: the mean colour of the distribution, sharpened
    by a temperature. With z = logits + bias, the colour is Σ softmax(z / T) · bin; the entropy is
    that of softmax(z), the prediction itself, divided by log Q.

    Arguments, results and refusals are those of :func:`napari_colorize.ops.annealed_mean`;
    the temperature is a 0-dim float tensor on the CPU.
    """
    check_annealed(logits, bins, bias, temperature)
    z = logits if bias is None else logits + bias[:, None, None]
    z = z - z.detach().amax(dim=1, keepdim=True)
    annealed = torch.softmax(z / temperature, dim=1)
    ab = torch.einsum("nqhw,qc->nchw", annealed, bins)
    log_p = torch.log_softmax(z, dim=1)
    p = log_p.exp()
    log_q = math.log(max(logits.shape[1], 2))
    entropy = -(p * log_p.where(p != 0, 0.0)).sum(dim=1, keepdim=True) / log_q
    return ab.contiguous(), entropy.clamp(0.0, 1.0)
