"""Two more ways to smooth and enlarge chroma along the edges of lightness, in plain torch.

The guided filter fits chroma as a local line over lightness; the domain transform lets colour flow
along rows and columns until an edge stops it. Neither weighs each pair of pixels as the joint
bilateral filter does, so their cost does not grow with their reach.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from napari_colorize.ops.checks import require_tensor
from napari_colorize.ops.twins.bilateral import check_guide, check_planes

_FLOATS = (torch.float32, torch.float64)


def guided_filter(chroma: Tensor, guide: Tensor, *, radius: int, sigma_range: float) -> Tensor:
    """Smooth chroma by local linear models of lightness.

    He, Sun, Tang (ECCV 2010), section 3: in each square window chroma is fitted as
    ``a · guide + b`` by ridge regression with ε = σ_r²; a pixel takes the mean of the models of all
    windows that hold it. Lightness steps well above σ_r stay edges, smaller ones are smoothed over.

    Parameters
    ----------
    chroma : torch.Tensor
        ``(N, C, H, W)`` float32 or float64.
    guide : torch.Tensor
        ``(N, 1, H, W)``, same dtype; lightness in L units.
    radius : int
        Of the square window of ``2 · radius + 1`` pixels, cut off at the border; 1 or more.
    sigma_range : float
        In L units, above 0.

    Returns
    -------
    torch.Tensor
        ``(N, C, H, W)``. Differentiable with respect to chroma and guide.

    Raises
    ------
    TypeError, ValueError
        For other dtypes, shapes that do not go together, or settings out of range.
    """
    return guided_upsample(chroma, guide, guide, radius=radius, sigma_range=sigma_range)


def guided_upsample(
    chroma: Tensor, guide_small: Tensor, guide: Tensor, *, radius: int, sigma_range: float
) -> Tensor:
    """Bring small chroma to full size by local linear models of lightness.

    The models are those of :func:`guided_filter`, fitted at the chroma's own size and interpolated
    bilinearly to full size, where they meet the full-size guide (He and Sun, "Fast guided filter",
    arXiv 1505.00996, section 2).

    Parameters
    ----------
    chroma : torch.Tensor
        ``(N, C, h, w)`` float32 or float64.
    guide_small : torch.Tensor
        ``(N, 1, h, w)``, same dtype: lightness at the chroma's size, in L units.
    guide : torch.Tensor
        ``(N, 1, H, W)``, same dtype: lightness at full size. Pixel centres are aligned
        (``align_corners=False``).
    radius : int
        Of the square window, in *small* pixels; 1 or more.
    sigma_range : float
        In L units, above 0.

    Returns
    -------
    torch.Tensor
        ``(N, C, H, W)``. Differentiable with respect to all three.

    Raises
    ------
    TypeError, ValueError
        As :func:`guided_filter`.
    """
    name = "guided_upsample"
    _check_pair(name, chroma, "guide_small", guide_small)
    require_tensor("guide", guide, _FLOATS)
    check_planes(name, "guide", guide, like=chroma)
    check_guide(name, "guide", guide, (chroma.shape[0], 1, guide.shape[2], guide.shape[3]))
    if radius < 1:
        raise ValueError(f"{name} needs a radius of 1 pixel or more; {radius} was given.")
    _check_sigma(name, "sigma_range", sigma_range)
    # Differences from the mean before squaring: L near 100 would lose digits.
    guide_mean = _window_mean(guide_small, radius)
    chroma_mean = _window_mean(chroma, radius)
    level = guide_small.mean((2, 3), keepdim=True)
    centred = guide_small - level
    centred_mean = guide_mean - level
    variance = (_window_mean(centred * centred, radius) - centred_mean**2).clamp(min=0.0)
    covariance = _window_mean(centred * chroma, radius) - centred_mean * chroma_mean
    slope = covariance / (variance + sigma_range * sigma_range)
    models = torch.cat((slope, chroma_mean - slope * guide_mean), 1)
    models = _window_mean(models, radius)
    if models.shape[2:] != guide.shape[2:]:
        models = F.interpolate(models, guide.shape[2:], mode="bilinear", align_corners=False)
    slope, offset = models.chunk(2, 1)
    return slope * guide + offset


def domain_transform(
    chroma: Tensor,
    guide: Tensor,
    *,
    sigma_space: float,
    sigma_range: float,
    iterations: int = 3,
) -> Tensor:
    """Smooth chroma along rows and columns, up to the edges of lightness.

    The recursive filter of Gastal and Oliveira (SIGGRAPH 2011, sections 4 and 5.3): neighbours are
    ``1 + σ_s / σ_r · |ΔL|`` apart; colour fades with that distance, forth and back, along rows
    and columns in turn, over smaller and smaller reaches. Cheng et al. (2015) release their
    refinement with σ_s = 10 pixels, σ_r = 0.4 of the grey range and 3 iterations.

    Parameters
    ----------
    chroma : torch.Tensor
        ``(N, C, H, W)`` float32 or float64; any H, W ≥ 1.
    guide : torch.Tensor
        ``(N, 1, H, W)``, same dtype; lightness in L units.
    sigma_space : float
        Spatial standard deviation in pixels, above 0.
    sigma_range : float
        Standard deviation of the lightness difference in L units, above 0.
    iterations : int
        1 or more; more leave fewer stripes.

    Returns
    -------
    torch.Tensor
        ``(N, C, H, W)``; constant chroma stays constant. Not differentiable.

    Raises
    ------
    TypeError, ValueError
        As :func:`guided_filter`.
    """
    name = "domain_transform"
    _check_pair(name, chroma, "guide", guide)
    _check_sigma(name, "sigma_space", sigma_space)
    _check_sigma(name, "sigma_range", sigma_range)
    if iterations < 1:
        raise ValueError(f"{name} needs 1 iteration or more; {iterations} were given.")
    with torch.no_grad():
        ratio = sigma_space / sigma_range
        across = 1 + ratio * guide.diff(dim=3).abs()
        down = 1 + ratio * guide.diff(dim=2).abs()
        # The axis that is walked along comes first, so that a step is one contiguous slice.
        across, down = across.permute(3, 0, 1, 2).contiguous(), down.permute(2, 0, 1, 3)
        planes = chroma.permute(3, 0, 1, 2).clone(memory_format=torch.contiguous_format)
        for i in range(iterations):
            share = math.sqrt(3) * 2 ** (iterations - 1 - i) / math.sqrt(4**iterations - 1)
            fading = -math.sqrt(2) / (sigma_space * share)
            _forth_and_back(planes, torch.exp(fading * across))
            planes = planes.permute(3, 1, 2, 0).contiguous()
            _forth_and_back(planes, torch.exp(fading * down))
            planes = planes.permute(3, 1, 2, 0).contiguous()
        return planes.permute(1, 2, 3, 0).contiguous()


def _forth_and_back(planes: Tensor, weights: Tensor) -> None:
    """Run ``J[n] = I[n] + w (J[n − 1] − I[n])`` along the first axis and back again, in place."""
    steps = range(1, planes.shape[0])
    for n in steps:
        torch.lerp(planes[n], planes[n - 1], weights[n - 1], out=planes[n])
    for n in reversed(steps):
        torch.lerp(planes[n - 1], planes[n], weights[n - 1], out=planes[n - 1])


def _window_mean(planes: Tensor, radius: int) -> Tensor:
    """Mean over the square window, of the pixels that lie inside the image."""
    # A window that reaches over both borders holds the whole axis, however much wider it is.
    for axis, kernel in ((2, (1, 0)), (3, (0, 1))):
        reach = min(radius, planes.shape[axis] - 1)
        size = (2 * reach * kernel[0] + 1, 2 * reach * kernel[1] + 1)
        padding = (reach * kernel[0], reach * kernel[1])
        planes = F.avg_pool2d(planes, size, 1, padding, count_include_pad=False)
    return planes


def _check_pair(name: str, chroma: Tensor, label: str, guide: Tensor) -> None:
    require_tensor("chroma", chroma, _FLOATS)
    require_tensor(label, guide, _FLOATS)
    check_planes(name, "chroma", chroma)
    check_planes(name, label, guide, like=chroma)
    check_guide(name, label, guide, (chroma.shape[0], 1, chroma.shape[2], chroma.shape[3]))


def _check_sigma(name: str, label: str, value: float) -> None:
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"{name} needs a finite {label} above 0; {value} was given.")
