"""The joint bilateral filter, exact and approximate, with OpenCV's, kornia's and the twin's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from bench import machine
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
from bench.clock import Call, Missing
from bench.limits import Limit, size_of
from napari_colorize import ops
from napari_colorize.ops.twins import bilateral as twins
from napari_colorize.ops.twins import bilateral_gradients, bilateral_grid

FLOP_PER_TAP = 20
"""Of the exact filter over two planes: exponent 4, exponential 11, three sums 5."""
BACKWARD_FLOP_PER_TAP = 47
"""Of its gradients: sums of weights 16, then exponent and exponential 15, chroma 4, guide 12."""
SIGMA_RANGE = 10.0
RADII = (5, 10, 20)
BACKWARD_RADII = (5, 10)
LARGE_RADII = (20, 80)
"""Of the approximate filter."""
MOST_COMPILED_TAPS = 100
MOST_EXACT = 50_000
"""Radius times side up to which an exact filter is called beside the approximate one."""
BOTH = ("cpu", "cuda")


def disk_size(radius: int) -> int:
    """Return how many pixels the disk dx² + dy² ≤ radius² holds."""
    reach = range(-radius, radius + 1)
    return sum(dx * dx + dy * dy <= radius * radius for dy in reach for dx in reach)


def smooth(channels: int, side: int, coarse: int, seed: int) -> Tensor:
    """Noise of -1…1 with structure at two scales, (1, channels, side, side)."""
    generator = torch.Generator().manual_seed(seed)
    large = torch.rand(1, channels, min(coarse, side), min(coarse, side), generator=generator)
    fine = torch.rand(1, channels, side, side, generator=generator)
    return 1.6 * F.interpolate(large, (side, side), mode="bilinear") + 0.4 * fine - 1


def _filter_inputs(side: int, device: str, seed: int) -> Inputs:
    guide = 50 + 50 * smooth(1, side, 32, seed)
    chroma = 60 * smooth(2, side, 16, seed + 1)
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


def planes_of(value: Any) -> Tensor:
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
            Contender(OURS, partial(_filter, ops.joint_bilateral, radius), planes_of, devices=BOTH),
            *(
                Contender("OpenCV", partial(_opencv_filter, radius, merged), _opencv_planes, name)
                for merged, name in ((False, "plane by plane"), (True, "three channels"))
            ),
            Contender("OpenCV uint8", partial(_opencv_filter_uint8, radius), _uint8_planes),
            Contender("kornia", partial(_kornia_filter, radius), planes_of, devices=BOTH),
            Contender(
                "torch eager",
                partial(_filter, twins.joint_bilateral, radius),
                planes_of,
                devices=BOTH,
            ),
            Contender(
                "torch.compile",
                partial(_compiled_filter, radius),
                planes_of,
                devices=BOTH,
                warmups=2,
            ),
        ),
        limit=limit,
        reference=exact,
        error=partial(_inner_difference, radius),
        error_name="Lab units",
        outputs=("fresh",),  # page faults are nothing beside a thousand taps
    )


def _backward_inputs(side: int, radius: int, device: str, seed: int) -> Inputs:
    inputs = _filter_inputs(side, device, seed)
    return {
        "gradient": smooth(2, side, 64, seed + 2).to(device),
        **inputs,
        "out": ops.joint_bilateral(**inputs, **_settings(radius)),
    }


def _backward(function: Callable[..., Any], radius: int, inputs: Inputs) -> Call:
    planes = [inputs[name] for name in ("gradient", "chroma", "guide", "out")]
    return lambda: function(*planes, **_settings(radius))


def native_backward(name: str) -> Callable[..., Any]:
    """Return a gradient's operator, which has no function of its own in `ops`."""
    ops.load()
    return getattr(torch.ops.napari_colorize, name)


def _stacked(value: Any) -> Tensor:
    return torch.cat([planes_of(planes) for planes in value], 1)


def _backward_case(radius: int, side: int) -> Case:
    """Both gradients. Peers have no formula of their own; torch's autograd would keep every tap."""
    twin = bilateral_gradients.joint_bilateral_backward

    def exact(inputs: Inputs) -> Tensor:
        doubles = {name: planes_of(plane) for name, plane in inputs.items()}
        chroma, guide = doubles["chroma"], doubles["guide"]
        doubles["out"] = twins.joint_bilateral(chroma, guide, **_settings(radius))
        return _stacked(_backward(twin, radius, doubles)())

    def limit(inputs: Inputs) -> Limit:
        taps = disk_size(radius) * side * side
        if inputs["chroma"].is_cuda:
            return Limit("EX2", 2 * taps)
        return Limit("FMA", BACKWARD_FLOP_PER_TAP * taps)

    native = native_backward("joint_bilateral_backward")
    return Case(
        operator=f"joint bilateral backward, r = {radius}",
        size=f"{side}²",
        pixels=side * side,
        inputs=partial(_backward_inputs, side, radius),
        contenders=(
            Contender(OURS, partial(_backward, native, radius), _stacked, devices=BOTH),
            Contender("torch eager", partial(_backward, twin, radius), _stacked, devices=BOTH),
        ),
        limit=limit,
        reference=exact,
        error=largest_share,
        error_name="of the largest",
        outputs=("fresh",),
    )


def _root_mean_square(margin: int, found: Tensor, wanted: Tensor) -> float:
    inner = (..., slice(margin, -margin), slice(margin, -margin))
    return float((found[inner] - wanted[inner]).square().mean().sqrt())


def _out_of_reach(inputs: Inputs) -> Call:
    raise Missing("exact at this radius and size, it would take longer than any patience")


def _approximate_case(radius: int, side: int) -> Case:
    """The bilateral grid; its error is that from the exact filter. OpenCV's is exact, too."""

    def exact(inputs: Inputs) -> Tensor:
        # float32, whose 1e-3 is nothing beside an approximation; float64 takes minutes.
        return planes_of(_filter(ops.joint_bilateral, radius, inputs)())

    # OpenCV's time grows with the radius squared: at 80 it is far beyond any patience, and is not
    # called only to say so.
    opencv = Contender("OpenCV", partial(_opencv_filter, radius, True), _opencv_planes, "exact")
    within_reason = radius * side <= MOST_EXACT
    exact_peer = (opencv,) if within_reason else (replace(opencv, bind=_out_of_reach),)
    return Case(
        operator=f"approximate joint bilateral, r = {radius}",
        size=f"{side}²",
        pixels=side * side,
        inputs=partial(_filter_inputs, side),
        contenders=(
            Contender(
                OURS,
                partial(_filter, ops.joint_bilateral_approximate, radius),
                planes_of,
                devices=BOTH,
            ),
            *exact_peer,
            Contender(
                "torch eager",
                partial(_filter, bilateral_grid.joint_bilateral_approximate, radius),
                planes_of,
                devices=BOTH,
            ),
        ),
        # Three planes in, two out: what the least work would move.
        limit=lambda inputs: Limit("copy", 5 * 4 * side * side),
        reference=exact,
        error=partial(_root_mean_square, min(radius, side // 4)),
        error_name="Lab units rms",
    )


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
    *(
        Operator(
            f"joint bilateral backward, r = {radius}",
            partial(_backward_case, radius),
            (256, 1024, 2048),
            (256,),
            exact_at=128,
        )
        for radius in BACKWARD_RADII
    ),
    *(
        Operator(
            f"approximate joint bilateral, r = {radius}",
            partial(_approximate_case, radius),
            (1024, 2048),
            (256,),
            exact_at=256,
        )
        for radius in LARGE_RADII
    ),
)
