"""sRGB to Lab and back, floats and 8-bit codes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.cases import OURS, Case, Contender, Inputs, Operator, compiled
from bench.cases import largest_difference as largest
from bench.clock import Call
from bench.limits import Limit, size_of
from napari_colorize import ops
from napari_colorize.ops.twins import colour as twins

SIZES, QUICK = (256, 512, 1024, 2048, 4096), (256, 1024)
BOTH = ("cpu", "cuda")


def delta_e(found: Tensor, wanted: Tensor) -> float:
    """Return the largest Euclidean distance in Lab of (3, H, W) planes."""
    return float((found.double() - wanted).square().sum(0).sqrt().max())


def planes_of(value: Any) -> Tensor:
    """Return planes (3, H, W) or (1, 3, H, W) as a float64 (3, H, W) tensor on the CPU."""
    tensor = torch.as_tensor(value).cpu().double()
    return tensor[0] if tensor.dim() == 4 else tensor


def pixels_of(value: Any) -> Tensor:
    """Return pixels (H, W, 3) as a float64 (3, H, W) tensor."""
    return torch.as_tensor(value).cpu().double().permute(2, 0, 1)


def interleaved(planes: Tensor) -> np.ndarray[Any, Any]:
    """Return (3, H, W) planes as an (H, W, 3) array, as OpenCV and scikit-image take them."""
    return np.ascontiguousarray(planes.permute(1, 2, 0).cpu().numpy())


def _rgb(side: int, dtype: torch.dtype, device: str, seed: int) -> Inputs:
    generator = torch.Generator().manual_seed(seed)
    codes = torch.randint(0, 256, (3, side, side), generator=generator, dtype=torch.uint8)
    if dtype == torch.uint8:
        return {"planes": codes.to(device)}
    floats = torch.rand(3, side, side, generator=generator)
    return {"planes": floats.to(device)}


def _lab(side: int, device: str, seed: int) -> Inputs:
    """Lab of colours that sRGB can show."""
    rgb = _rgb(side, torch.float32, device, seed)["planes"]
    return {"planes": ops.rgb_to_lab(rgb, channel_dim=0)}


def _on_planes(function: Callable[[Tensor], Any], inputs: Inputs) -> Call:
    planes = inputs["planes"]
    return lambda: function(planes)


def _on_pixels(function: Callable[[np.ndarray[Any, Any]], Any], inputs: Inputs) -> Call:
    pixels = interleaved(inputs["planes"])
    return lambda: function(pixels)


def _on_pixel_tensor(function: Callable[[Tensor], Any], inputs: Inputs) -> Call:
    pixels = inputs["planes"].permute(1, 2, 0).contiguous()
    return lambda: function(pixels)


def _opencv(to_lab: bool, coded: bool, inputs: Inputs) -> Call:
    import cv2

    if not coded:
        code = cv2.COLOR_RGB2Lab if to_lab else cv2.COLOR_Lab2RGB
        return _on_pixels(lambda x: cv2.cvtColor(x, code), inputs)
    unit: Any = (1 / 255, 1 / 255, 1 / 255, 0)
    if to_lab:
        return _on_pixels(
            lambda x: cv2.cvtColor(cv2.multiply(x, unit, dtype=cv2.CV_32F), cv2.COLOR_RGB2Lab),
            inputs,
        )
    return _on_pixels(
        lambda x: cv2.convertScaleAbs(cv2.cvtColor(x, cv2.COLOR_Lab2RGB), alpha=255), inputs
    )


def _scikit_image(to_lab: bool, coded: bool, inputs: Inputs) -> Call:
    from skimage import color, util

    if to_lab:
        return _on_pixels(color.rgb2lab, inputs)
    if coded:
        return _on_pixels(lambda x: util.img_as_ubyte(color.lab2rgb(x)), inputs)
    return _on_pixels(color.lab2rgb, inputs)


def _kornia(to_lab: bool, coded: bool, inputs: Inputs) -> Call:
    from kornia import color

    batch = inputs["planes"][None]
    if to_lab:
        return lambda: color.rgb_to_lab(batch.float() / 255 if coded else batch)
    if coded:
        return lambda: (color.lab_to_rgb(batch) * 255).round().to(torch.uint8)
    return lambda: color.lab_to_rgb(batch)


def _cupy(to_lab: bool, coded: bool, inputs: Inputs) -> Call:
    import cupy

    from bench.formulas import lab_of_rgb, rgb_of_lab

    planes = cupy.from_dlpack(inputs["planes"])
    if to_lab:
        return lambda: lab_of_rgb(cupy, planes / np.float32(255) if coded else planes)
    if coded:
        return lambda: cupy.rint(rgb_of_lab(cupy, planes) * 255).astype(cupy.uint8)
    return lambda: rgb_of_lab(cupy, planes)


def _read_cupy(value: Any) -> Tensor:
    return torch.as_tensor(value.get()).double()


def _contenders(to_lab: bool, coded: bool) -> tuple[Contender, ...]:
    def ours(planes: Tensor, axis: int) -> Tensor:
        if to_lab:
            return ops.rgb_to_lab(planes, channel_dim=axis)
        return ops.lab_to_rgb(planes, channel_dim=axis, dtype=torch.uint8 if coded else None)

    def twin(planes: Tensor) -> Tensor:
        return twins.rgb_to_lab(planes, 0) if to_lab else twins.lab_to_rgb(planes, 0, coded)

    return (
        Contender(OURS, partial(_on_planes, lambda x: ours(x, 0)), planes_of, "planar", BOTH),
        Contender(
            OURS, partial(_on_pixel_tensor, lambda x: ours(x, -1)), pixels_of, "interleaved", BOTH
        ),
        Contender("OpenCV", partial(_opencv, to_lab, coded), pixels_of),
        Contender("scikit-image", partial(_scikit_image, to_lab, coded), pixels_of),
        Contender("kornia", partial(_kornia, to_lab, coded), planes_of, devices=BOTH),
        Contender("torch eager", partial(_on_planes, twin), planes_of, devices=BOTH),
        Contender(
            "torch.compile",
            lambda inputs: _on_planes(compiled(twin), inputs),
            planes_of,
            devices=BOTH,
            warmups=2,
        ),
        Contender("CuPy", partial(_cupy, to_lab, coded), _read_cupy, devices=("cuda",)),
    )


def _reference(to_lab: bool, coded: bool, inputs: Inputs) -> Tensor:
    planes = inputs["planes"].cpu().double()
    if to_lab:
        return twins.rgb_to_lab(planes / 255 if coded else planes, 0)
    rgb = twins.lab_to_rgb(planes, 0, False)
    return (rgb * 255).round() if coded else rgb


def _case(to_lab: bool, coded: bool, side: int) -> Case:
    dtype = torch.uint8 if coded else torch.float32
    out_bytes = 1 if coded and not to_lab else 4
    return Case(
        operator=_name(to_lab, coded),
        size=f"{side}²",
        pixels=side * side,
        inputs=partial(_rgb, side, dtype) if to_lab else partial(_lab, side),
        contenders=_contenders(to_lab, coded),
        limit=lambda inputs: Limit("copy", size_of(inputs["planes"]) + 3 * side * side * out_bytes),
        reference=partial(_reference, to_lab, coded),
        error=delta_e if to_lab else largest,
        error_name="ΔE" if to_lab else ("codes" if coded else "sRGB 0…1"),
    )


def _name(to_lab: bool, coded: bool) -> str:
    kind = "uint8" if coded else "f32"
    return f"sRGB {kind} → Lab" if to_lab else f"Lab → sRGB {kind}"


OPERATORS = tuple(
    Operator(_name(to_lab, coded), partial(_case, to_lab, coded), SIZES, QUICK, exact_at=256)
    for coded in (False, True)
    for to_lab in (True, False)
)
