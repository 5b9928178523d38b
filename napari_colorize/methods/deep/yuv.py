"""The chroma that Cheng et al. predict, and the way from there to ab.

YUV as in the authors' release, on sRGB-coded values:

    Y =  0.299 R + 0.587 G + 0.114 B        R = Y          + 1.14 V
    U = −0.147 R − 0.289 G + 0.436 B        G = Y − 0.39 U − 0.58 V
    V =  0.615 R − 0.515 G − 0.100 B        B = Y + 2.03 U

The two sides are inverse to each other up to the rounding of the published numbers (0.005).
"""

import torch
from torch import Tensor

U_FROM_RGB = (-0.147, -0.289, 0.436)
V_FROM_RGB = (0.615, -0.515, -0.100)


def rgb_to_uv(rgb: Tensor) -> Tensor:
    """Chroma of sRGB-coded colours.

    Parameters
    ----------
    rgb : torch.Tensor
        (..., 3, H, W) float, 0…1.

    Returns
    -------
    torch.Tensor
        (..., 2, H, W): U in ±0.436, V in ±0.615; both 0 for grey.
    """
    red, green, blue = rgb.unbind(-3)
    u = U_FROM_RGB[0] * red + U_FROM_RGB[1] * green + U_FROM_RGB[2] * blue
    v = V_FROM_RGB[0] * red + V_FROM_RGB[1] * green + V_FROM_RGB[2] * blue
    return torch.stack((u, v), -3)


def luma_to_grey(luma: Tensor) -> Tensor:
    """Turn L* 0…100, (N, 1, H, W), into the sRGB grey code 0…1 that shows it."""
    nothing = torch.zeros_like(luma)
    lab = torch.cat((luma, nothing, nothing), 1)
    return torch.ops.napari_colorize.lab_to_rgb(lab, 1, False)[:, :1]


def uv_to_ab(uv: Tensor, luma: Tensor) -> Tensor:
    """Chroma in Lab of the colour that has this U, V and this lightness.

    The paper keeps Y; this project keeps L*, and saturated colours of one Y differ in L*. Y is
    therefore chosen for each pixel so that the colour has the pixel's L*: a few secant steps,
    starting from the grey of that L*. Channels that leave sRGB are cut off, as in the release.

    Parameters
    ----------
    uv : torch.Tensor
        (N, 2, H, W) float32.
    luma : torch.Tensor
        (N, 1, H, W) float32, L* 0…100.

    Returns
    -------
    torch.Tensor
        (N, 2, H, W), a and b in Lab units. What `rgb_to_uv` gives for a colour comes back as that
        colour's ab, within about one Lab unit (see the tests).
    """
    u, v = uv[:, :1], uv[:, 1:]
    offsets = torch.cat((1.14 * v, -0.39 * u - 0.58 * v, 2.03 * u), 1)
    y = luma_to_grey(luma)
    lab = torch.ops.napari_colorize.rgb_to_lab(y + offsets, 1)
    slope = torch.full_like(y, 100.0)
    for _ in range(4):
        missing = luma - lab[:, :1]
        step = missing / slope
        y = y + step
        found = torch.ops.napari_colorize.rgb_to_lab(y + offsets, 1)
        gained = found[:, :1] - lab[:, :1]
        # The slope of the last step, where it is one: L* per unit of Y is 40…200 inside sRGB.
        steep = (gained / step).clamp(40.0, 200.0)
        slope = torch.where(step.abs() > 1e-4, steep, slope)
        lab = found
    return lab[:, 1:]
