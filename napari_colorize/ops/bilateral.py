"""Chroma smoothed and enlarged along the edges of lightness: joint bilateral filters.

Everything here is also an operator of ``torch.ops.napari_colorize``.
"""

from __future__ import annotations

import torch
from torch import Tensor

from napari_colorize.ops import bilateral_gradients as gradients
from napari_colorize.ops.bindings import Operator
from napari_colorize.ops.checks import require_tensor
from napari_colorize.ops.library import load
from napari_colorize.ops.twins import bilateral as twins
from napari_colorize.ops.twins import bilateral_grid as grid

_FLOATS = (torch.float32, torch.float64)


def joint_bilateral(
    chroma: Tensor, guide: Tensor, *, radius: int, sigma_space: float, sigma_range: float
) -> Tensor:
    """Smooth chroma within regions of equal lightness.

    Petschnigg et al. (SIGGRAPH 2004), section 3, the joint (cross) bilateral filter: each pixel
    becomes the mean of its neighbours, weighted by exp(−d² / 2σ_s² − ΔL² / 2σ_r²). Exact, over the
    disk dx² + dy² ≤ radius², renormalised over the neighbours that lie inside the image.

    Parameters
    ----------
    chroma : torch.Tensor
        ``(N, C, H, W)`` float32 or float64, any strides; ab in Lab units, or anything else.
    guide : torch.Tensor
        ``(N, 1, H, W)``, same dtype; lightness in L units.
    radius : int
        Of the disk, in pixels, 0…1024; 0 returns the chroma unchanged. Twice sigma_space or more
        holds nearly all of the Gaussian.
    sigma_space : float
        Spatial standard deviation in pixels, above 0.
    sigma_range : float
        Standard deviation of the lightness difference in L units, above 0.

    Returns
    -------
    torch.Tensor
        ``(N, C, H, W)``, dtype of the chroma. NaN in the guide or the chroma spreads over the disk.
        Differentiable with respect to both; the gradient keeps one plane ``(N, 1, H, W)`` beside
        what it returns, whatever the radius.

    Raises
    ------
    TypeError
        If an argument is not a float tensor, or dtypes differ.
    ValueError
        For shapes that do not go together, or settings out of range.
    """
    require_tensor("chroma", chroma, _FLOATS)
    require_tensor("guide", guide, _FLOATS)
    twins.check_filter(chroma, guide, radius, sigma_space, sigma_range)
    load()
    return torch.ops.napari_colorize.joint_bilateral(
        chroma, guide, radius, sigma_space, sigma_range
    )


def joint_bilateral_approximate(
    chroma: Tensor, guide: Tensor, *, radius: int, sigma_space: float, sigma_range: float
) -> Tensor:
    """Smooth chroma as :func:`joint_bilateral` does, nearly, in a time that no radius changes.

    A bilateral grid, Paris and Durand (ECCV 2006), section 4, and Chen, Paris and Durand (SIGGRAPH
    2007), sections 3 and 5: pixels are added to a coarse grid of rows, columns and lightness, which
    is blurred and read again at the pixels. Spacing of the nodes: the standard deviation of the
    exact filter's window (its Gaussian, cut off at the radius), and one `sigma_range`.

    The result differs from the exact one: on photographs at radii of 10 and 20 by less than 0.3 Lab
    units rms and by several at single pixels beside edges; on hard synthetic blocks of ±60, and at
    larger radii, by up to a tenth of what the filter itself changes, rms. Nothing in this package
    takes it unless it is asked for by name.

    Parameters
    ----------
    chroma, guide
        As for :func:`joint_bilateral`.
    radius : int
        Of the exact filter's disk, in pixels, 4…1024.
    sigma_space : float
        Spatial standard deviation in pixels, 1 or more.
    sigma_range : float
        Standard deviation of the lightness difference in L units, above 0. The grid's memory grows
        as the guide's range divided by it.

    Returns
    -------
    torch.Tensor
        ``(N, C, H, W)``, dtype of the chroma; constant chroma stays constant. A pixel whose guide
        is NaN or infinite is NaN and counts for no other; NaN in the chroma spreads over the nodes
        around it. Not differentiable.

    Raises
    ------
    TypeError
        If an argument is not a float tensor, or dtypes differ.
    ValueError
        For shapes that do not go together, settings out of range, a grid that would need more
        memory than the exact filter saves time, or an argument that requires grad.
    """
    require_tensor("chroma", chroma, _FLOATS)
    require_tensor("guide", guide, _FLOATS)
    grid.check_approximate(chroma, guide, radius, sigma_space, sigma_range)
    if torch.is_grad_enabled() and (chroma.requires_grad or guide.requires_grad):
        raise ValueError(
            "joint_bilateral_approximate has no gradient, and an argument requires one: call it "
            "under torch.no_grad(), or train with joint_bilateral."
        )
    load()
    return torch.ops.napari_colorize.joint_bilateral_approximate(
        chroma, guide, radius, sigma_space, sigma_range
    )


def joint_bilateral_upsample(
    chroma: Tensor,
    guide_small: Tensor,
    guide: Tensor,
    *,
    radius: int,
    sigma_space: float,
    sigma_range: float,
    within: twins.Within = (0, 0, 0, 0),
) -> Tensor:
    """Bring small chroma to full size along the edges of a full-size guide.

    Kopf et al. (SIGGRAPH 2007), section 3: each full-size pixel becomes the mean of the small
    pixels around it, weighted by their distance and by how near their lightness is to its own. The
    weight of a small pixel is exp(−d² / 2σ_s²) · (exp(−ΔL² / 2σ_r²) + 1e-4), over the small pixels
    nearer than the radius along either axis, renormalised over those inside the image. The small
    constant makes a pixel whose lightness no neighbour shares fall back to spatial interpolation.

    Parameters
    ----------
    chroma : torch.Tensor
        ``(N, C, h, w)`` float32 or float64, any strides.
    guide_small : torch.Tensor
        ``(N, 1, h, w)``, same dtype: the guide at the chroma's size, in L units.
    guide : torch.Tensor
        ``(N, 1, H, W)``, same dtype: lightness at full size, in L units. Pixel centres are aligned
        (``align_corners=False``): both images cover the same area. Any ratio of sizes.
    radius : int
        Of the square window, in small pixels, 1…64.
    sigma_space : float
        Spatial standard deviation in *small* pixels, above 0.
    sigma_range : float
        Standard deviation of the lightness difference in L units, above 0.
    within : tuple of int, optional
        ``(top, left, height, width)``: the guide is that piece of a picture of height × width
        which begins at this row and column; the small images cover the whole picture. Each pixel
        comes out as it does in the whole. A piece has no gradient. Default: the whole picture.

    Returns
    -------
    torch.Tensor
        ``(N, C, H, W)``, dtype of the chroma; constant chroma stays constant. NaN in the full-size
        guide stays in its pixel; NaN in the small images spreads over their windows. Differentiable
        with respect to all three; on the CPU the gradient keeps nothing of full size beside what it
        returns, on a GPU one plane ``(N, 1, H, W)``.

    Raises
    ------
    TypeError
        If an argument is not a float tensor, or dtypes differ.
    ValueError
        For shapes that do not go together, or settings out of range.
    """
    require_tensor("chroma", chroma, _FLOATS)
    require_tensor("guide_small", guide_small, _FLOATS)
    require_tensor("guide", guide, _FLOATS)
    twins.check_upsample(chroma, guide_small, guide, radius, sigma_space, sigma_range)
    twins.piece_of("joint_bilateral_upsample", guide.shape[2], guide.shape[3], within)
    load()
    return torch.ops.napari_colorize.joint_bilateral_upsample(
        chroma, guide_small, guide, radius, sigma_space, sigma_range, *within
    )


def _fake_filter(
    chroma: Tensor, guide: Tensor, radius: int, sigma_space: float, sigma_range: float
) -> Tensor:
    return chroma.new_empty(chroma.shape)


def _fake_upsample(
    chroma: Tensor,
    guide_small: Tensor,
    guide: Tensor,
    radius: int,
    sigma_space: float,
    sigma_range: float,
    top: int = 0,
    left: int = 0,
    full_height: int = 0,
    full_width: int = 0,
) -> Tensor:
    return chroma.new_empty((*chroma.shape[:2], *guide.shape[2:]))


OPERATORS = (
    Operator(
        schema="joint_bilateral(Tensor chroma, Tensor guide, int radius, float sigma_space,"
        " float sigma_range) -> Tensor",
        twin=twins.joint_bilateral,
        fake=_fake_filter,
        setup_context=gradients.save,
        backward=gradients.filter_backward,
    ),
    Operator(
        schema="joint_bilateral_approximate(Tensor chroma, Tensor guide, int radius,"
        " float sigma_space, float sigma_range) -> Tensor",
        twin=grid.joint_bilateral_approximate,
        fake=_fake_filter,
        no_gradient="it is an approximation; joint_bilateral has one",
    ),
    Operator(
        schema="joint_bilateral_upsample(Tensor chroma, Tensor guide_small, Tensor guide,"
        " int radius, float sigma_space, float sigma_range, int top=0, int left=0,"
        " int full_height=0, int full_width=0) -> Tensor",
        twin=twins.joint_bilateral_upsample,
        fake=_fake_upsample,
        setup_context=gradients.save_whole,
        backward=gradients.upsample_backward,
    ),
)
