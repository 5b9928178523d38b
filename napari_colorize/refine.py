"""From the network's small chroma to full-size RGB, under the lightness of the picture itself.

uint8 results of the joint bilateral refinement leave through :func:`napari_colorize.ops.finish`
in one pass. All others take the long way in bands of rows: full-size chroma, gamut mapping, RGB.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.image import Plane, row_bands
from napari_colorize.parameters import ColorizeParameters
from napari_colorize.resample import no_finer_than, resize

if TYPE_CHECKING:
    from torch import Tensor


def full_size_rgb(
    plane: Plane,
    lightness: NDArray[np.float32],
    chroma: "Tensor",
    parameters: ColorizeParameters,
    tick: Callable[[float], None] = lambda share: None,
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Colour a plane with the chroma that a network predicted for it.

    Parameters
    ----------
    plane : Plane
        The picture.
    lightness : (H, W) float32 array
        Its L*, 0…100 (``plane.lightness()``, which the caller has at hand).
    chroma : (1, 2, h, w) float32 tensor
        a and b in Lab units, pixel centres aligned; any device, which does the work.
    parameters : ColorizeParameters
        ``refinement``, ``radius``, ``sigma_space``, ``sigma_range`` and ``dtype`` are used.
    tick : callable, optional
        Told the share done, 0…1; may raise to stop.

    Returns
    -------
    rgb : (H, W, 3) array of ``parameters.dtype``
        Its L* is ``lightness`` up to rounding; alpha is not added here.
    clipped : (H, W) bool array
        Where the predicted colour was outside sRGB and was moved towards grey.
    """
    small_height, small_width = chroma.shape[-2:]
    grid = no_finer_than((small_height, small_width), lightness.shape)
    chroma = resized_tensor(chroma, grid)
    if parameters.refinement == "joint_bilateral" and parameters.dtype == "uint8":
        return _finished(plane, lightness, chroma, parameters)
    return _in_bands(lightness, _full_size_chroma(lightness, chroma, parameters), parameters, tick)


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
    return resize(_plane_of(small), shape).clip(0.0, 1.0)


def with_alpha(rgb: NDArray[Any], alpha: NDArray[np.float32] | None) -> NDArray[Any]:
    """Append opacity (0…1) as a fourth channel, in the range of the RGB's dtype."""
    if alpha is None:
        return rgb
    if rgb.dtype.kind == "u":
        alpha = np.rint(alpha * np.iinfo(rgb.dtype).max)
    return np.concatenate([rgb, alpha[..., None].astype(rgb.dtype)], axis=-1)


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


def _guide_small(lightness: NDArray[np.float32], chroma: "Tensor") -> "Tensor":
    """Return the area-averaged lightness on the chroma's grid, (1, 1, h, w)."""
    height, width = chroma.shape[-2:]
    return as_tensor(resize(lightness, (height, width)), chroma.device)[None, None]


def _filter_options(parameters: ColorizeParameters) -> dict[str, Any]:
    return {
        "radius": parameters.radius,
        "sigma_space": parameters.sigma_space,
        "sigma_range": parameters.sigma_range,
    }


def _finished(
    plane: Plane,
    lightness: NDArray[np.float32],
    chroma: "Tensor",
    parameters: ColorizeParameters,
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    from napari_colorize import ops

    luma = as_tensor(plane.luma, chroma.device)[None]
    guide_small = _guide_small(lightness, chroma)
    rgb, clipped = ops.finish(luma, chroma, guide_small, **_filter_options(parameters))
    return rgb[0].cpu().numpy(), clipped[0].cpu().numpy()


def _full_size_chroma(
    lightness: NDArray[np.float32], chroma: "Tensor", parameters: ColorizeParameters
) -> "Tensor":
    """Return (2, H, W) chroma by the refinement that was asked for."""
    if parameters.refinement == "bilinear":
        from torch.nn.functional import interpolate

        return interpolate(chroma, lightness.shape, mode="bilinear", align_corners=False)[0]
    from napari_colorize import ops

    guide = as_tensor(lightness, chroma.device)[None, None]
    guide_small = _guide_small(lightness, chroma)
    return ops.joint_bilateral_upsample(chroma, guide_small, guide, **_filter_options(parameters))[
        0
    ]


def _in_bands(
    lightness: NDArray[np.float32],
    chroma: "Tensor",
    parameters: ColorizeParameters,
    tick: Callable[[float], None],
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Map full-size lightness and chroma into the gamut and to RGB, a band of rows at a time."""
    import torch

    from napari_colorize import ops

    height, width = lightness.shape
    rgb = np.empty((height, width, 3), dtype=parameters.dtype)
    clipped = np.empty((height, width), dtype=bool)
    # Integer codes wider than 8 bits are rounded here; the operator itself knows 8 bits.
    coded = torch.uint8 if parameters.dtype == "uint8" else torch.float32
    for rows in row_bands(height, width):
        tick(rows.start / height)
        light = as_tensor(lightness[rows], chroma.device)[None]
        lab, outside = ops.gamut_clip(torch.cat([light, chroma[:, rows]]), channel_dim=0)
        band = ops.lab_to_rgb(lab, channel_dim=0, dtype=coded)
        if parameters.dtype == "uint16":
            band = (band.clamp(0, 1) * 65535).round()
        elif parameters.dtype == "float32":
            band = band.clamp(0, 1)
        rgb[rows] = band.permute(1, 2, 0).cpu().numpy()
        clipped[rows] = outside.cpu().numpy()
    return rgb, clipped


def _plane_of(small: "Tensor") -> NDArray[np.float32]:
    return np.ascontiguousarray(small[0, 0].float().cpu().numpy())
