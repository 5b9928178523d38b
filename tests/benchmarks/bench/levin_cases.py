"""Levin's propagation of colour: from nothing, after one more stroke, and as a first look."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench import machine
from bench.cases import OURS, Case, Contender, Inputs, Operator, largest_difference
from bench.clock import Call, Missing
from bench.limits import Limit
from napari_colorize import ops
from napari_colorize.guided.levin import LARGEST_LUMA, propagate
from napari_colorize.ops.twins import levin as twins

SIDES, QUICK = (512, 1024, 2048, 4096, 8192), (256,)
STROKES = 12
TOLERANCE = 0.25
FGS_LAMBDA, FGS_SIGMA = 1000.0, 4.0
"""Of OpenCV's fast global smoother, the settings that come nearest to the exact solution."""


def _picture(side: int) -> np.ndarray:
    """Return lightness of 0…1 with areas, gradients, fine texture and noise."""
    random = np.random.default_rng(1)
    y, x = np.mgrid[:side, :side].astype(np.float32) / side
    areas = 0.3 * (np.sin(9 * x * y + 4 * y) > 0.2) + 0.2 * ((x - 0.5) ** 2 + (y - 0.4) ** 2 < 0.06)
    texture = 0.05 * np.sin(180 * x + 40 * np.sin(6 * y)) * (x > 0.5)
    noise = random.normal(0, 0.01, (side, side)).astype(np.float32)
    return (0.25 + 0.2 * y + areas + texture + noise).clip(0, 1).astype(np.float32)


def _inputs(more: bool, side: int, device: str, seed: int) -> Inputs:
    """Return luma, strokes and a start; with `more`, the start is what one stroke less gave."""
    random = np.random.default_rng(seed)
    luma = torch.from_numpy(_picture(side))[None, None]
    mask = torch.zeros(1, 1, side, side, dtype=torch.bool)
    chroma = torch.zeros(1, 2, side, side)
    for stroke in range(STROKES):
        if more and stroke == STROKES - 1:
            chroma, _ = ops.levin_propagate(luma, chroma, mask, tolerance=TOLERANCE, cycles=200)
        y, x = (int(v) for v in random.integers(0, side - side // 8, 2))
        part = np.s_[..., y : y + max(2, side // 200), x : x + side // 10]
        mask[part] = True
        chroma[part] = torch.from_numpy(random.uniform(-60, 60, (2, 1, 1))).float()
    return {name: t.to(device) for name, t in (("luma", luma), ("chroma", chroma), ("mask", mask))}


def _ours(function: Callable[..., Any], inputs: Inputs) -> Call:
    luma, chroma, mask = (inputs[name] for name in ("luma", "chroma", "mask"))
    return lambda: function(luma, chroma, mask, tolerance=TOLERANCE, cycles=200)[0]


def _twin(luma: Tensor, chroma: Tensor, mask: Tensor, **settings: Any) -> Any:
    return twins.levin_propagate(luma, chroma, mask, None, None, None, **settings)


def _preview(inputs: Inputs) -> Call:
    luma, chroma = LARGEST_LUMA * inputs["luma"][0, 0], inputs["chroma"][0].permute(1, 2, 0)
    mask = inputs["mask"][0, 0]
    return lambda: propagate(luma, chroma, mask, preview=True).permute(2, 0, 1)[None]


def _system(inputs: Inputs) -> tuple[Any, np.ndarray]:
    """Return the system as SciPy's sparse matrix, and its right side for both planes."""
    from scipy import sparse

    luma, mask = inputs["luma"][0, 0].cpu().double(), inputs["mask"][0, 0].cpu()
    weights = twins.levin_weights(luma, torch.ones_like(luma))
    weights = (weights / weights.sum(0) * ~mask).numpy()
    height, width = luma.shape
    places = np.arange(height * width).reshape(height, width)
    padded = np.pad(places, 1)
    columns = [
        padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width] for dy, dx in twins.OFFSETS
    ]
    rows = np.broadcast_to(places, weights.shape)
    kept = weights.ravel() > 0
    index = rows.ravel()[kept], np.stack(columns).ravel()[kept]
    near = sparse.csr_matrix((weights.ravel()[kept], index), shape=(luma.numel(),) * 2)
    held = inputs["chroma"][0].cpu().double() * mask
    return sparse.eye(luma.numel(), format="csr") - near, held.flatten(1).numpy().T


def _planes(found: np.ndarray, inputs: Inputs) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(found.T)).reshape(inputs["chroma"].shape)


def _lu(inputs: Inputs) -> Call:
    from scipy.sparse.linalg import splu

    def call() -> Tensor:
        matrix, right = _system(inputs)
        return _planes(splu(matrix.tocsc()).solve(right), inputs)

    return call


def _amg(inputs: Inputs) -> Call:
    import pyamg
    from scipy.sparse.linalg import bicgstab

    def call() -> Tensor:
        matrix, right = _system(inputs)
        preconditioner = pyamg.ruge_stuben_solver(matrix).aspreconditioner()
        found = [
            bicgstab(matrix, plane, rtol=1e-5, maxiter=200, M=preconditioner)[0]
            for plane in right.T
        ]
        return _planes(np.stack(found, 1), inputs)

    return call


def _smoother(inputs: Inputs) -> Call:
    """Return filtered marks over the filtered mask: near the solution, and no solution."""
    import cv2

    if not hasattr(cv2, "ximgproc"):
        raise Missing("this OpenCV is without contrib's ximgproc")
    cv2.setNumThreads(machine.threads())
    guide = (255 * inputs["luma"][0, 0]).round().byte().numpy()
    mask = inputs["mask"][0, 0].float().numpy()
    planes = [np.ascontiguousarray(p) for p in (inputs["chroma"][0] * inputs["mask"][0]).numpy()]

    def call() -> Tensor:
        smooth = cv2.ximgproc.createFastGlobalSmootherFilter(guide, FGS_LAMBDA, FGS_SIGMA)
        share = np.maximum(smooth.filter(mask), 1e-12)
        return torch.from_numpy(np.stack([smooth.filter(plane) / share for plane in planes]))[None]

    return call


def _exact(inputs: Inputs) -> Tensor:
    return _lu(inputs)().double()


def _read(value: Tensor) -> Tensor:
    return value.cpu().double()


def _median(found: Tensor, wanted: Tensor) -> float:
    return float((found.double() - wanted).abs().median())


def _case(name: str, ours: Callable[[Inputs], Call], side: int) -> Case:
    look = name.endswith("preview")
    peers = (
        Contender("SciPy LU", _lu, _read),
        Contender("pyamg + BiCGSTAB", _amg, _read),
        Contender("torch eager", partial(_ours, _twin), _read),
    )
    return Case(
        operator=name,
        size=f"{side}²",
        pixels=side * side,
        inputs=partial(_inputs, name.endswith("stroke"), side),
        contenders=(
            Contender(OURS, ours, _read),
            Contender("OpenCV", _smoother, _read, "fast global smoother"),
            *(() if look else peers),
        ),
        # Luma, marks and two planes in, two planes out: what the least work would move.
        limit=lambda inputs: Limit("copy", 21 * side * side),
        reference=_exact,
        error=_median if look else largest_difference,
        error_name="Lab units, median" if look else "Lab units of 0.25",
        outputs=("reused",),
    )


OPERATORS = tuple(
    Operator(name, partial(_case, name, ours), SIDES, QUICK, exact_at=256)
    for name, ours in (
        ("levin", partial(_ours, ops.levin_propagate)),
        ("levin, one more stroke", partial(_ours, ops.levin_propagate)),
        ("levin, preview", _preview),
    )
)
