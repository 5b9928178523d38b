"""Soft encoding (sparse, dense) and the annealed mean, at the sizes of training and use."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench import machine
from bench.cases import OURS, Case, Contender, Inputs, Operator, compiled, largest_difference
from bench.clock import Call
from bench.limits import Limit, size_of
from napari_colorize import ops
from napari_colorize.ops.bins import NUM_BINS, bin_centres, bin_tensor
from napari_colorize.ops.twins import encoding as twins

BATCH = 40
"""Pictures a training step of the paper encodes."""
NEIGHBOURS, SIGMA, TEMPERATURE = 5, 5.0, 0.38
BOTH = ("cpu", "cuda")


def _colours(side: int, device: str, seed: int) -> Inputs:
    """Ab of random sRGB colours, and the bins."""
    generator = torch.Generator().manual_seed(seed)
    rgb = torch.rand(BATCH, 3, side, side, generator=generator)
    ab = ops.rgb_to_lab(rgb, channel_dim=1)[:, 1:].contiguous()
    return {"ab": ab.to(device), "bins": bin_tensor(device=device)}


def _points(inputs: Inputs) -> Tensor:
    return inputs["ab"].permute(0, 2, 3, 1).reshape(-1, 2).contiguous()


def _gaussian(distance: Any, exp: Any) -> Any:
    weight = exp(-distance * distance / (2 * SIGMA * SIGMA))
    return weight / weight.sum(1)[:, None]


def _cdist(dense: bool, inputs: Inputs) -> Call:
    points, bins = _points(inputs), inputs["bins"]

    def call() -> Any:
        distance, index = torch.cdist(points, bins).topk(NEIGHBOURS, dim=1, largest=False)
        weight = _gaussian(distance, torch.exp)
        if dense:
            return points.new_zeros(len(points), NUM_BINS).scatter_(1, index, weight)
        return index, weight

    return call


def _ckdtree(dense: bool, inputs: Inputs) -> Call:
    from scipy.spatial import cKDTree

    points, tree = _points(inputs).numpy(), cKDTree(bin_centres())
    workers = machine.threads()

    def call() -> Any:
        distance, index = tree.query(points, k=NEIGHBOURS, workers=workers)
        return _spread(index, _gaussian(distance, np.exp), dense)

    return call


def _ball_tree(dense: bool, inputs: Inputs) -> Call:
    from sklearn.neighbors import NearestNeighbors

    points = _points(inputs).numpy()
    tree = NearestNeighbors(n_neighbors=NEIGHBOURS, algorithm="ball_tree", n_jobs=machine.threads())
    tree.fit(bin_centres())

    def call() -> Any:
        distance, index = tree.kneighbors(points)
        return _spread(index, _gaussian(distance, np.exp), dense)

    return call


def _spread(index: np.ndarray, weight: np.ndarray, dense: bool) -> Any:
    if not dense:
        return index, weight
    full = np.zeros((len(index), NUM_BINS), dtype=np.float32)
    full[np.arange(len(index))[:, None], index] = weight
    return full


def _on_ab(function: Any, inputs: Inputs) -> Call:
    ab = inputs["ab"]
    return lambda: function(ab)


def _dense_of_points(value: Any) -> Tensor:
    """Return (P, 313) of a peer that works point by point."""
    if not isinstance(value, tuple):
        return torch.as_tensor(value).cpu().double()
    index, weight = (torch.as_tensor(part).cpu() for part in value)
    zeros = torch.zeros(len(index), NUM_BINS, dtype=torch.float64)
    return zeros.scatter_(1, index.long(), weight.double())


def _dense_of_planes(value: Any) -> Tensor:
    """Return (P, 313) of sparse or dense planes."""
    if not isinstance(value, tuple):
        return value.cpu().double().permute(0, 2, 3, 1).reshape(-1, NUM_BINS)
    index, weight = (part.cpu().permute(0, 2, 3, 1).reshape(-1, NEIGHBOURS) for part in value)
    return _dense_of_points((index, weight))


def _exact_encoding(inputs: Inputs) -> Tensor:
    """All distances in float64, the five smallest, one Gaussian."""
    points, bins = _points(inputs).cpu().double(), inputs["bins"].cpu().double()
    pieces = []
    for piece in points.split(16384):
        squared = (piece[:, None] - bins).square().sum(-1)
        nearest, index = squared.topk(NEIGHBOURS, dim=1, largest=False)
        weight = torch.exp(-nearest / (2 * SIGMA * SIGMA))
        weight = weight / weight.sum(1, keepdim=True)
        pieces.append(piece.new_zeros(len(piece), NUM_BINS).scatter_(1, index, weight))
    return torch.cat(pieces)


def _encoding_case(dense: bool, side: int) -> Case:
    function = ops.soft_encode_dense if dense else ops.soft_encode
    twin = twins.soft_encode_dense if dense else twins.soft_encode
    points = BATCH * side * side
    written = points * (4 * NUM_BINS if dense else NEIGHBOURS * (8 + 4))
    return Case(
        operator=_encoding_name(dense),
        size=f"{BATCH}×{side}²",
        pixels=points,
        inputs=partial(_colours, side),
        contenders=(
            Contender(OURS, partial(_on_ab, function), _dense_of_planes, devices=BOTH),
            Contender("cKDTree", partial(_ckdtree, dense), _dense_of_points),
            Contender("cdist + topk", partial(_cdist, dense), _dense_of_points, devices=BOTH),
            Contender("ball tree", partial(_ball_tree, dense), _dense_of_points),
            Contender("torch eager", partial(_on_ab, twin), _dense_of_planes, devices=BOTH),
            Contender(
                "torch.compile",
                lambda inputs: _on_ab(compiled(twin), inputs),
                _dense_of_planes,
                devices=BOTH,
                warmups=2,
            ),
        ),
        limit=lambda inputs: Limit("fill", written),
        reference=_exact_encoding,
        error=largest_difference,
        error_name="weight",
    )


def _encoding_name(dense: bool) -> str:
    return "soft encode, dense" if dense else "soft encode, sparse"


def _logits(side: int, device: str, seed: int) -> Inputs:
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(1, NUM_BINS, side, side, generator=generator)
    return {"logits": logits.to(device), "bins": bin_tensor(device=device)}


def _annealed(inputs: Inputs) -> Call:
    logits, bins = inputs["logits"], inputs["bins"]
    return lambda: ops.annealed_mean(logits, bins, temperature=TEMPERATURE)


def _annealed_twin(compile_it: bool, inputs: Inputs) -> Call:
    logits, bins = inputs["logits"], inputs["bins"]
    temperature = torch.tensor(TEMPERATURE)
    twin = compiled(twins.annealed_mean) if compile_it else twins.annealed_mean
    return lambda: twin(logits, bins, None, temperature)


def _exact_mean(inputs: Inputs) -> Tensor:
    logits, bins = inputs["logits"].cpu().double(), inputs["bins"].cpu().double()
    return twins.annealed_mean(logits, bins, None, torch.tensor(TEMPERATURE).double())[0]


def _ab_of(value: Any) -> Tensor:
    return value[0].cpu().double()


def _annealed_case(side: int) -> Case:
    return Case(
        operator="annealed mean",
        size=f"313×{side}²",
        pixels=side * side,
        inputs=partial(_logits, side),
        contenders=(
            Contender(OURS, _annealed, _ab_of, devices=BOTH),
            Contender("torch eager", partial(_annealed_twin, False), _ab_of, devices=BOTH),
            Contender(
                "torch.compile", partial(_annealed_twin, True), _ab_of, devices=BOTH, warmups=2
            ),
        ),
        limit=lambda inputs: Limit("read", size_of(inputs["logits"])),
        reference=_exact_mean,
        error=largest_difference,
        error_name="Lab units",
    )


OPERATORS = (
    *(
        Operator(_encoding_name(dense), partial(_encoding_case, dense), (64,), (32,), exact_at=32)
        for dense in (False, True)
    ),
    Operator("annealed mean", _annealed_case, (64, 128, 256), (64, 128), exact_at=64),
)
