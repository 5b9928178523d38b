"""The joint bilateral filter, its upsampling form, and the fused finish."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from bench import machine
from bench.cases import OURS, Case, Contender, Inputs, Operator, compiled, largest_difference
from bench.clock import Call, Missing
from bench.limits import Limit, size_of
from napari_colorize import ops
from napari_colorize.ops.twins import bilateral as twins
from napari_colorize.ops.twins import finishing

FLOP_PER_TAP = 20
"""Of the exact filter over two planes: exponent 4, exponential 11, three sums 5."""
SIGMA_RANGE = 10.0
RADII = (5, 10, 20)
SMALL = 64
"""Side of the small chroma: a quarter of a network input of 256."""
UPSAMPLE = {"radius": 3, "sigma_space": 1.5, "sigma_range": 8.0}
"""The defaults of `ColorizeParameters`."""
MOST_COMPILED_TAPS = 100
BOTH = ("cpu", "cuda")


def disk_size(radius: int) -> int:
    """Return how many pixels the disk dx² + dy² ≤ radius² holds."""
    reach = range(-radius, radius + 1)
    return sum(dx * dx + dy * dy <= radius * radius for dy in reach for dx in reach)


def _smooth(channels: int, side: int, coarse: int, seed: int) -> Tensor:
    """Noise of -1…1 with structure at two scales, (1, channels, side, side)."""
    generator = torch.Generator().manual_seed(seed)
    large = torch.rand(1, channels, min(coarse, side), min(coarse, side), generator=generator)
    fine = torch.rand(1, channels, side, side, generator=generator)
    return 1.6 * F.interpolate(large, (side, side), mode="bilinear") + 0.4 * fine - 1


def _filter_inputs(side: int, device: str, seed: int) -> Inputs:
    guide = 50 + 50 * _smooth(1, side, 32, seed)
    chroma = 60 * _smooth(2, side, 16, seed + 1)
    return {"chroma": chroma.to(device), "guide": guide.to(device)}


def _settings(radius: int) -> dict[str, Any]:
    return {"radius": radius, "sigma_space": radius / 2, "sigma_range": SIGMA_RANGE}


def _filter(function: Callable[..., Tensor], radius: int, inputs: Inputs) -> Call:
    chroma, guide, settings = inputs["chroma"], inputs["guide"], _settings(radius)
    return lambda: function(chroma, guide, **settings)


def _compiled_filter(radius: int, inputs: Inputs) -> Call:
    if disk_size(radius) > MOST_COMPILED_TAPS:
        raise Missing(f"the twin unrolls {disk_size(radius)} taps, which compiles for many minutes")
    return _filter(compiled(twins.joint_bilateral), radius, inputs)


def _opencv_filter(radius: int, merged: bool, inputs: Inputs) -> Call:
    """OpenCV takes one or three channels: both planes in turn, or with a third, empty one."""
    joint_filter = _ximgproc().jointBilateralFilter
    a, b = (np.ascontiguousarray(plane.numpy()) for plane in inputs["chroma"][0])
    guide = np.ascontiguousarray(inputs["guide"][0, 0].numpy())
    arguments = (2 * radius + 1, SIGMA_RANGE, radius / 2)
    if not merged:
        return lambda: [joint_filter(guide, plane, *arguments) for plane in (a, b)]
    three = np.ascontiguousarray(np.stack([a, b, np.zeros_like(a)], -1))
    return lambda: joint_filter(guide, three, *arguments)


def _opencv_filter_uint8(radius: int, inputs: Inputs) -> Call:
    """The same over 8-bit codes of a + 128, b + 128 and 2.55 L."""
    joint_filter = _ximgproc().jointBilateralFilter
    codes = (inputs["chroma"][0] + 128).round().to(torch.uint8)
    a, b = (np.ascontiguousarray(plane.numpy()) for plane in codes)
    guide = (inputs["guide"][0, 0] * 2.55).round().to(torch.uint8).numpy()
    three = np.ascontiguousarray(np.stack([a, b, np.zeros_like(a)], -1))
    return lambda: joint_filter(guide, three, 2 * radius + 1, 2.55 * SIGMA_RANGE, radius / 2)


def _ximgproc() -> Any:
    import cv2

    if not hasattr(cv2, "ximgproc"):
        raise Missing("this OpenCV is without contrib's ximgproc")
    return cv2.ximgproc


def _kornia_filter(radius: int, inputs: Inputs) -> Call:
    from kornia.filters import joint_bilateral_blur

    chroma, guide, width = inputs["chroma"], inputs["guide"], 2 * radius + 1
    needed = 4 * width * width * size_of(chroma, guide)  # windows, and what is made of them
    if chroma.device.type == "cpu" and needed > 0.7 * machine.available_bytes():
        raise Missing(f"it unfolds every window, about {needed / 2**30:.0f} GiB")
    return lambda: joint_bilateral_blur(
        chroma, guide, (width, width), SIGMA_RANGE, (radius / 2, radius / 2)
    )


def _planes(value: Any) -> Tensor:
    return value.cpu().double()


def _opencv_planes(value: Any) -> Tensor:
    """Return (1, 2, H, W) of two arrays, or of one with three channels."""
    array = np.stack(value) if isinstance(value, list) else np.moveaxis(value, -1, 0)[:2]
    return torch.as_tensor(np.ascontiguousarray(array)).double()[None]


def _uint8_planes(value: Any) -> Tensor:
    return _opencv_planes(value) - 128


def _inner_difference(margin: int, found: Tensor, wanted: Tensor) -> float:
    """Compare where no window is cut by the border: there the peers mirror and we renormalise."""
    inner = (..., slice(margin, -margin), slice(margin, -margin))
    return largest_difference(found[inner], wanted[inner])


def _filter_case(radius: int, side: int) -> Case:
    twin = twins.joint_bilateral

    def exact(inputs: Inputs) -> Tensor:
        chroma, guide = (inputs[name].cpu().double() for name in ("chroma", "guide"))
        return twin(chroma, guide, **_settings(radius))

    def limit(inputs: Inputs) -> Limit:
        taps = disk_size(radius) * side * side
        if inputs["chroma"].is_cuda:
            return Limit("EX2", taps)
        return Limit("FMA", FLOP_PER_TAP * taps)

    return Case(
        operator=f"joint bilateral, r = {radius}",
        size=f"{side}²",
        pixels=side * side,
        inputs=partial(_filter_inputs, side),
        contenders=(
            Contender(OURS, partial(_filter, ops.joint_bilateral, radius), _planes, devices=BOTH),
            *(
                Contender("OpenCV", partial(_opencv_filter, radius, merged), _opencv_planes, name)
                for merged, name in ((False, "plane by plane"), (True, "three channels"))
            ),
            Contender("OpenCV uint8", partial(_opencv_filter_uint8, radius), _uint8_planes),
            Contender("kornia", partial(_kornia_filter, radius), _planes, devices=BOTH),
            Contender(
                "torch eager",
                partial(_filter, twins.joint_bilateral, radius),
                _planes,
                devices=BOTH,
            ),
            Contender(
                "torch.compile", partial(_compiled_filter, radius), _planes, devices=BOTH, warmups=2
            ),
        ),
        limit=limit,
        reference=exact,
        error=partial(_inner_difference, radius),
        error_name="Lab units",
        outputs=("fresh",),  # page faults are nothing beside a thousand taps
    )


def _upsample_inputs(side: int, device: str, seed: int) -> Inputs:
    """Codes and lightness at full size; chroma and lightness at `SMALL`."""
    small = min(SMALL, side)
    luma = (255 * (0.5 + 0.5 * _smooth(1, side, 64, seed)[:, 0])).round().to(torch.uint8)
    guide = finishing.lightness_of(luma)[:, None]
    inputs = {
        "luma": luma,
        "guide": guide,
        "guide_small": F.adaptive_avg_pool2d(guide, small),
        "chroma": 50 * _smooth(2, small, 16, seed + 1),
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
                OURS, partial(_upsample, ops.joint_bilateral_upsample), _planes, devices=BOTH
            ),
            Contender("torch eager", partial(_upsample, twin), _planes, devices=BOTH),
            Contender(
                "torch.compile",
                lambda inputs: _upsample(compiled(twin), inputs),
                _planes,
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
    from napari_colorize.ops.twins import colour

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


_SIDES, _QUICK = (256, 512, 1024, 2048, 4096), (256, 1024)

OPERATORS = (
    *(
        Operator(
            f"joint bilateral, r = {radius}",
            partial(_filter_case, radius),
            (256, 1024, 2048),
            (256,),
            exact_at=128,
        )
        for radius in RADII
    ),
    Operator("joint bilateral upsample", _upsample_case, _SIDES, _QUICK, exact_at=256),
    Operator("finish", _finish_case, _SIDES, _QUICK, exact_at=256),
)
