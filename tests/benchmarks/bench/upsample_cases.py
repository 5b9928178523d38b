"""Joint bilateral upsampling and the fused finish: small chroma under a full-size picture."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from bench.bilateral_cases import BOTH, FLOP_PER_TAP, native_backward, planes_of, smooth
from bench.cases import (
    OURS,
    Case,
    Contender,
    Inputs,
    Operator,
    compiled,
    largest_difference,
    largest_share,
)
from bench.clock import Call
from bench.limits import Limit
from napari_colorize import ops
from napari_colorize.ops.twins import bilateral as twins
from napari_colorize.ops.twins import bilateral_gradients, colour, finishing

SMALL = 64
"""Side of the small chroma: a quarter of a network input of 256."""
UPSAMPLE = {"radius": 3, "sigma_space": 1.5, "sigma_range": 8.0}
"""The defaults of `ColorizeParameters`."""
BACKWARD_FLOP_PER_TAP = 56
"""Of its gradients: sums of weights 17, guide 9; weights again 15, chroma 6, small guide 9."""
SIDES, QUICK = (256, 512, 1024, 2048, 4096), (256, 1024)


def _upsample_inputs(side: int, device: str, seed: int) -> Inputs:
    """Codes and lightness at full size; chroma and lightness at `SMALL`."""
    small = min(SMALL, side)
    luma = (255 * (0.5 + 0.5 * smooth(1, side, 64, seed)[:, 0])).round().to(torch.uint8)
    guide = finishing.lightness_of(luma)[:, None]
    inputs = {
        "luma": luma,
        "guide": guide,
        "guide_small": F.adaptive_avg_pool2d(guide, small),
        "chroma": 50 * smooth(2, small, 16, seed + 1),
    }
    return {name: tensor.to(device) for name, tensor in inputs.items()}


def _upsample(function: Callable[..., Tensor], inputs: Inputs) -> Call:
    planes = [inputs[name] for name in ("chroma", "guide_small", "guide")]
    return lambda: function(*planes, **UPSAMPLE)


def _upsample_case(side: int) -> Case:
    twin = twins.joint_bilateral_upsample
    taps = (2 * UPSAMPLE["radius"]) ** 2 * side * side

    def exact(inputs: Inputs) -> Tensor:
        return _upsample(twin, {name: plane.cpu().double() for name, plane in inputs.items()})()

    return Case(
        operator="joint bilateral upsample",
        size=f"{side}²",
        pixels=side * side,
        inputs=partial(_upsample_inputs, side),
        contenders=(
            Contender(
                OURS, partial(_upsample, ops.joint_bilateral_upsample), planes_of, devices=BOTH
            ),
            Contender("torch eager", partial(_upsample, twin), planes_of, devices=BOTH),
            Contender(
                "torch.compile",
                lambda inputs: _upsample(compiled(twin), inputs),
                planes_of,
                devices=BOTH,
                warmups=2,
            ),
        ),
        limit=lambda inputs: (
            Limit("EX2", taps) if inputs["guide"].is_cuda else Limit("FMA", FLOP_PER_TAP * taps)
        ),
        reference=exact,
        error=largest_difference,
        error_name="Lab units",
    )


def _backward_inputs(side: int, device: str, seed: int) -> Inputs:
    inputs = _upsample_inputs(side, device, seed)
    names = ("chroma", "guide_small", "guide")
    return {
        "gradient": smooth(2, side, 64, seed + 2).to(device),
        **{name: inputs[name] for name in names},
        "out": _upsample(ops.joint_bilateral_upsample, inputs)(),
    }


def _backward(function: Callable[..., Any], inputs: Inputs) -> Call:
    names = ("gradient", "chroma", "guide_small", "guide", "out")
    planes = [inputs[name] for name in names]
    return lambda: function(*planes, **UPSAMPLE)


def _flattened(value: Any) -> Tensor:
    """Return the gradients of chroma, small guide and guide as one row each, (1, 4, 1, pixels)."""
    rows = [row for planes in value for row in planes_of(planes)[0].flatten(1)]
    longest = max(len(row) for row in rows)
    return torch.stack([F.pad(row, (0, longest - len(row))) for row in rows])[None, :, None]


def _backward_case(side: int) -> Case:
    """All three gradients."""
    twin = bilateral_gradients.joint_bilateral_upsample_backward
    taps = (2 * UPSAMPLE["radius"]) ** 2 * side * side

    def exact(inputs: Inputs) -> Tensor:
        doubles = {name: planes_of(plane) for name, plane in inputs.items()}
        doubles["out"] = _upsample(twins.joint_bilateral_upsample, doubles)()
        return _flattened(_backward(twin, doubles)())

    def limit(inputs: Inputs) -> Limit:
        if inputs["guide"].is_cuda:
            return Limit("EX2", 2 * taps)
        return Limit("FMA", BACKWARD_FLOP_PER_TAP * taps)

    native = native_backward("joint_bilateral_upsample_backward")
    return Case(
        operator="joint bilateral upsample backward",
        size=f"{side}²",
        pixels=side * side,
        inputs=partial(_backward_inputs, side),
        contenders=(
            Contender(OURS, partial(_backward, native), _flattened, devices=BOTH),
            Contender("torch eager", partial(_backward, twin), _flattened, devices=BOTH),
        ),
        limit=limit,
        reference=exact,
        error=largest_share,
        error_name="of the largest",
        outputs=("fresh",),
    )


def _finish(function: Callable[..., Any], inputs: Inputs) -> Call:
    planes = [inputs[name] for name in ("luma", "chroma", "guide_small")]
    return lambda: function(*planes, **UPSAMPLE)


def _opencv_finish(inputs: Inputs) -> Call:
    """Less work: bilinear chroma, no edges followed, out-of-gamut colours cut off."""
    import cv2

    lightness = inputs["guide"][0, 0].numpy()
    small = np.ascontiguousarray(inputs["chroma"][0].permute(1, 2, 0).numpy())
    size = lightness.shape[::-1]

    def call() -> Any:
        chroma = cv2.resize(small, size, interpolation=cv2.INTER_LINEAR)
        rgb = cv2.cvtColor(cv2.merge([lightness, *cv2.split(chroma)]), cv2.COLOR_Lab2RGB)
        return cv2.convertScaleAbs(rgb, alpha=255)

    return call


def _codes(value: Any) -> Tensor:
    return value[0][0].cpu().double()


def _opencv_codes(value: Any) -> Tensor:
    return torch.as_tensor(value).double()


def _exact_finish(inputs: Inputs) -> Tensor:
    """Upsampling, gamut and conversion one by one in float64."""
    luma, chroma, small = (inputs[name].cpu() for name in ("luma", "chroma", "guide_small"))
    guide = finishing.lightness_of(luma)[:, None].double()
    ab = twins.joint_bilateral_upsample(chroma.double(), small.double(), guide, **UPSAMPLE)
    inside, _ = colour.gamut_clip(torch.cat([guide, ab], 1), channel_dim=1)
    rgb = colour.lab_to_rgb(inside, channel_dim=1, to_uint8=False)
    return (rgb[0].permute(1, 2, 0) * 255).round()


def _finish_case(side: int) -> Case:
    return Case(
        operator="finish",
        size=f"{side}²",
        pixels=side * side,
        inputs=partial(_upsample_inputs, side),
        contenders=(
            Contender(OURS, partial(_finish, ops.finish), _codes, devices=BOTH),
            Contender("OpenCV", _opencv_finish, _opencv_codes, "bilinear, no gamut mapping"),
            Contender("torch eager", partial(_finish, finishing.finish), _codes, devices=BOTH),
            Contender(
                "torch.compile",
                lambda inputs: _finish(compiled(finishing.finish), inputs),
                _codes,
                devices=BOTH,
                warmups=2,
            ),
        ),
        # One byte of luma in; three of colour and one of mask out.
        limit=lambda inputs: Limit("copy", 5 * side * side),
        reference=_exact_finish,
        error=largest_difference,
        error_name="codes",
    )


OPERATORS = (
    Operator("joint bilateral upsample", _upsample_case, SIDES, QUICK, exact_at=256),
    Operator(
        "joint bilateral upsample backward", _backward_case, (256, 1024, 2048), (256,), exact_at=256
    ),
    Operator("finish", _finish_case, SIDES, QUICK, exact_at=256),
)
