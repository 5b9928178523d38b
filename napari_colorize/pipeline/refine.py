"""From the network's small chroma to full-size RGB, under the lightness of the picture itself.

uint8 results of the joint bilateral refinement leave through :func:`napari_colorize.ops.finish`
in one pass. All others take the long way in bands of rows: full-size chroma, gamut mapping, RGB.
Where memory runs out, chroma itself is made in bands, or all is done on the CPU; see `bands.py`.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.parameters import ColorizeParameters
from napari_colorize.pipeline import memory
from napari_colorize.pipeline.bands import Rows, Upsample, banded, bilinear_rows
from napari_colorize.pipeline.image import Plane
from napari_colorize.pipeline.lightness import row_bands
from napari_colorize.pipeline.resample import no_finer_than, resize

if TYPE_CHECKING:
    from torch import Tensor


def full_size_rgb(
    plane: Plane,
    seen: NDArray[np.float32],
    chroma: "Tensor",
    parameters: ColorizeParameters,
    tick: Callable[[float], None] = lambda share: None,
    tell: Callable[[str], None] = memory.tell,
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Colour a plane with the chroma that a network predicted for it.

    Where memory runs out it is tried again in bands of rows, then on the CPU: the same pixels, up
    to rounding, later.

    Parameters
    ----------
    plane : Plane
        The picture.
    seen : (h', w') float32 array
        Its L*, 0…100, at the size at which the network saw it: ``plane.lightness_at(…)``.
    chroma : (1, 2, h, w) float32 tensor
        a and b in Lab units, pixel centres aligned; any device, which does the work.
    parameters : ColorizeParameters
        ``refinement``, ``radius``, ``sigma_space``, ``sigma_range`` and ``dtype`` are used.
    tick : callable, optional
        Told the share done, 0…1; may raise to stop.
    tell : callable, optional
        Told in a sentence what is done instead where memory runs out; by default a warning.

    Returns
    -------
    rgb : (H, W, 3) array of ``parameters.dtype``
        Its L* is that of the plane up to rounding; alpha is not added here.
    clipped : (H, W) bool array
        Where the predicted colour was outside sRGB and was moved towards grey.

    Raises
    ------
    MemoryError, RuntimeError
        Memory ran out on the CPU too; see ``memory.ran_out``.
    """
    ways: list[tuple[_Way, str]] = [(_at_once, ""), (_by_bands, "in bands of rows")]
    if chroma.device.type != "cpu":
        ways.append((_on_the_cpu, "on the CPU"))
    scarce: Exception = MemoryError()
    for way, how in ways:
        try:
            found = way(plane, seen, chroma, parameters, tick)
        except Exception as error:
            if not memory.ran_out(error):
                raise
            scarce = error.with_traceback(None)  # its frames hold what takes the memory
            memory.release()
            continue
        if found is not None:
            if how:
                tell(f"Memory ran out on {chroma.device}; the picture was refined {how} instead.")
            return found
    raise scarce


def _at_once(
    plane: Plane,
    seen: NDArray[np.float32],
    chroma: "Tensor",
    parameters: ColorizeParameters,
    tick: Callable[[float], None],
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    chroma = _on_a_grid(plane, chroma)
    if parameters.refinement == "bilinear":
        return _in_bands(plane, bilinear_rows(chroma, plane.luma.shape), parameters, tick)
    guide_small = _guide_small(plane, seen, chroma)
    if parameters.refinement == "joint_bilateral" and parameters.dtype == "uint8":
        return _finished(plane, chroma, guide_small, parameters)
    whole = _whole_chroma(plane, chroma, guide_small, parameters)
    return _in_bands(plane, lambda rows: whole[:, rows], parameters, tick)


def _by_bands(
    plane: Plane,
    seen: NDArray[np.float32],
    chroma: "Tensor",
    parameters: ColorizeParameters,
    tick: Callable[[float], None],
) -> tuple[NDArray[Any], NDArray[np.bool_]] | None:
    """Do the same in bands of rows; None where the refinement or the sizes forbid it."""
    upsample = _upsample(parameters)
    if upsample is None:
        return None  # these two walk through the whole picture; plain enlargement is in bands
    chroma = _on_a_grid(plane, chroma)
    guide_small = _guide_small(plane, seen, chroma)
    # A guided pixel depends on models that have each seen a window of their own.
    reach = parameters.radius * (2 if parameters.refinement == "guided" else 1)
    rows = banded(plane, chroma, guide_small, reach, upsample)
    return None if rows is None else _in_bands(plane, rows, parameters, tick)


def _on_the_cpu(
    plane: Plane,
    seen: NDArray[np.float32],
    chroma: "Tensor",
    parameters: ColorizeParameters,
    tick: Callable[[float], None],
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    return _at_once(plane, seen, chroma.cpu(), parameters, tick)


_Way = Callable[..., tuple[NDArray[Any], NDArray[np.bool_]] | None]


def full_size_map(small: "Tensor", shape: tuple[int, int]) -> NDArray[np.float32]:
    """Bring a small map of 0…1 to full size: bilinear, or area average where it is finer.

    Parameters
    ----------
    small : (1, 1, h, w) float32 tensor
        Values 0…1, for example the uncertainty.
    shape : (H, W)
        Size of the picture.

    Returns
    -------
    (H, W) float32 array
    """
    plane = np.array(small[0, 0].float().cpu().numpy(), order="C")
    resized = resize(plane, shape)
    return np.clip(resized, 0.0, 1.0, out=resized)


def with_alpha(rgb: NDArray[Any], alpha: NDArray[np.float32] | None) -> NDArray[Any]:
    """Append opacity (0…1) as a fourth channel, in the range of the RGB's dtype."""
    if alpha is None:
        return rgb
    height, width, _ = rgb.shape
    whole = np.empty((height, width, 4), dtype=rgb.dtype)
    whole[..., :3] = rgb
    for rows in row_bands(height, width):
        if rgb.dtype.kind == "u":
            whole[rows, :, 3] = np.rint(alpha[rows] * np.iinfo(rgb.dtype).max)
        else:
            whole[rows, :, 3] = alpha[rows]
    return whole


def resized_tensor(planes: "Tensor", grid: tuple[int, int]) -> "Tensor":
    """Bring (1, C, h, w) planes to another grid without aliasing; a no-op where they fit."""
    if tuple(planes.shape[-2:]) == grid:
        return planes
    import torch

    pixels = planes[0].permute(1, 2, 0).float().cpu().numpy()
    resized = resize(np.ascontiguousarray(pixels), grid)
    return torch.from_numpy(resized).permute(2, 0, 1)[None].contiguous().to(planes.device)


def as_tensor(array: NDArray[Any], device: Any) -> "Tensor":
    """Return an array as a tensor; read-only and strided arrays are copied."""
    import torch

    return torch.from_numpy(np.require(array, requirements=["C", "W"])).to(device)


def _on_a_grid(plane: Plane, chroma: "Tensor") -> "Tensor":
    """Bring chroma to a grid that the picture can carry."""
    height, width = chroma.shape[-2:]
    return resized_tensor(chroma, no_finer_than((height, width), plane.luma.shape))


def _guide_small(plane: Plane, seen: NDArray[np.float32], chroma: "Tensor") -> "Tensor":
    """Return the area-averaged lightness on the chroma's grid, (1, 1, h, w).

    Averages of averages are averages: where the network saw whole blocks of pixels, and the grid
    is made of whole blocks of what it saw, the picture need not be read again.
    """
    grid = (int(chroma.shape[-2]), int(chroma.shape[-1]))
    axes = list(zip(plane.luma.shape, seen.shape, grid, strict=True))
    nested = all(full >= middle and middle % small == 0 for full, middle, small in axes)
    lightness = resize(seen, grid) if nested else plane.lightness_at(grid)
    return as_tensor(lightness, chroma.device)[None, None]


def _filter_options(parameters: ColorizeParameters) -> dict[str, Any]:
    return {
        "radius": parameters.radius,
        "sigma_space": parameters.sigma_space,
        "sigma_range": parameters.sigma_range,
    }


def _finished(
    plane: Plane, chroma: "Tensor", guide_small: "Tensor", parameters: ColorizeParameters
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    from napari_colorize import ops

    luma = as_tensor(plane.luma, chroma.device)[None]
    rgb, clipped = ops.finish(luma, chroma, guide_small, **_filter_options(parameters))
    return rgb[0].cpu().numpy(), clipped[0].cpu().numpy()


def _whole_chroma(
    plane: Plane, chroma: "Tensor", guide_small: "Tensor", parameters: ColorizeParameters
) -> "Tensor":
    """Return (2, H, W) chroma by the refinement that was asked for."""
    from napari_colorize import ops

    guide = as_tensor(plane.lightness(), chroma.device)[None, None]
    upsample = _upsample(parameters)
    if upsample is not None:
        return upsample(chroma, guide_small, guide)[0]
    reach = parameters.sigma_space
    # These two walk from pixel to pixel of the picture, not of the chroma's grid.
    enlarged = math.sqrt(guide[0, 0].numel() / chroma[0, 0].numel())
    flat = bilinear_rows(chroma, plane.luma.shape)(slice(0, plane.luma.shape[0]))[None]
    if parameters.refinement == "bilateral_grid":
        return _smoothed_on_a_grid(flat, guide, enlarged, parameters)[0]
    return ops.domain_transform(
        flat, guide, sigma_space=reach * enlarged, sigma_range=parameters.sigma_range
    )[0]


def _upsample(parameters: ColorizeParameters) -> Upsample | None:
    """Return the refinement as an operator on planes; None where it takes two steps."""
    from napari_colorize import ops

    options = _filter_options(parameters)
    if parameters.refinement == "joint_bilateral":
        return partial(ops.joint_bilateral_upsample, **options)
    if parameters.refinement == "guided":
        del options["sigma_space"]
        return partial(ops.guided_upsample, **options)
    return None


def _smoothed_on_a_grid(
    flat: "Tensor", guide: "Tensor", enlarged: float, parameters: ColorizeParameters
) -> "Tensor":
    """Filter full-size chroma approximately; exactly where the window is too small for a grid."""
    from napari_colorize import ops

    radius = min(round(parameters.radius * enlarged), 1024)
    reach = parameters.sigma_space * enlarged
    smooth = ops.joint_bilateral_approximate
    if radius < 4 or reach < 1:
        smooth = ops.joint_bilateral
    return smooth(flat, guide, radius=radius, sigma_space=reach, sigma_range=parameters.sigma_range)


def _in_bands(
    plane: Plane, chroma_of: Rows, parameters: ColorizeParameters, tick: Callable[[float], None]
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Map lightness and full-size chroma into the gamut and to RGB, a band of rows at a time."""
    import torch

    from napari_colorize import ops

    height, width = plane.luma.shape
    rgb = np.empty((height, width, 3), dtype=parameters.dtype)
    clipped = np.empty((height, width), dtype=bool)
    # Integer codes wider than 8 bits are rounded here; the operator itself knows 8 bits.
    coded = torch.uint8 if parameters.dtype == "uint8" else torch.float32
    for rows in row_bands(height, width):
        tick(rows.start / height)
        chroma = chroma_of(rows)
        light = as_tensor(plane.lightness(rows), chroma.device)[None]
        lab, outside = ops.gamut_clip(torch.cat([light, chroma]), channel_dim=0)
        band = ops.lab_to_rgb(lab, channel_dim=0, dtype=coded)
        if parameters.dtype == "uint16":
            band = (band.clamp(0, 1) * 65535).round()
        elif parameters.dtype == "float32":
            band = band.clamp(0, 1)
        rgb[rows] = band.permute(1, 2, 0).cpu().numpy()
        clipped[rows] = outside.cpu().numpy()
    return rgb, clipped
