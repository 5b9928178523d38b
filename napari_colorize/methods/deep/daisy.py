"""Middle level: DAISY, histograms of edge directions around a pixel.

Written from the descriptor's paper (Tola, Lepetit, Fua, PAMI 2010, section 3) with the shape that
Cheng et al. use: one histogram at the pixel and three on a ring of radius 7, eight directions each.
On the grid that scikit-image's ``daisy(radius=7, rings=1, histograms=3, orientations=8)`` covers,
the numbers are the same; here every pixel has one, up to the border.
"""

import math

import torch
from torch import Tensor, nn

RADIUS = 7
ORIENTATIONS = 8
RING_POINTS = 3
DAISY_DIMENSIONS = (1 + RING_POINTS) * ORIENTATIONS
"""Numbers that describe one pixel."""

SIGMA = RADIUS / 2
"""Of the Gaussian over which a histogram is taken, pixels."""

HALO = int(4 * SIGMA + 0.5)
"""Pixels after which that Gaussian is cut off: four standard deviations."""


class Daisy(nn.Module):
    """The descriptor of every pixel, whole pictures or some rows of them."""

    cosines: Tensor
    sines: Tensor
    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        angles = torch.arange(ORIENTATIONS, dtype=torch.float64)
        angles = angles * (2 * math.pi / ORIENTATIONS) - math.pi
        # How sharply a direction falls into one histogram cell: von Mises' κ.
        kappa = ORIENTATIONS / math.pi
        steps = torch.arange(-HALO, HALO + 1, dtype=torch.float64)
        kernel = torch.exp(-0.5 * (steps / SIGMA) ** 2)
        for name, values in (
            ("cosines", kappa * angles.cos()[:, None, None]),
            ("sines", kappa * angles.sin()[:, None, None]),
            ("kernel", (kernel / kernel.sum())[None, None]),
        ):
            self.register_buffer(name, values.float(), persistent=False)
        self.radius = RADIUS
        self.halo = HALO
        # (down, right) of the pixel itself and of the points on the ring.
        self.points = [(0, 0)]
        for i in range(RING_POINTS):
            angle = 2 * math.pi * i / RING_POINTS
            self.points.append((round(RADIUS * math.sin(angle)), round(RADIUS * math.cos(angle))))

    def forward(self, grey: Tensor) -> Tensor:
        """Describe all pixels: (N, 1, H, W) → (N, 32, H, W)."""
        return self.rows(grey, 0, grey.shape[2])

    @torch.jit.export
    def rows(self, grey: Tensor, first: int, last: int) -> Tensor:
        """Describe the pixels of rows ``first … last − 1``: (N, 32, last − first, W)."""
        width, radius = grey.shape[3], self.radius
        margin = radius + self.halo
        smooth = self._smoothed(self._edges(grey, first - margin, last + margin))
        parts = []
        for down, right in self.points:
            rows = smooth[:, :, radius + down : radius + down + last - first]
            parts.append(rows[:, :, :, radius + right : radius + right + width])
        # The small constant makes all numbers equal where nothing varies.
        histograms = torch.cat(parts, 1) + 1e-10
        return histograms / histograms.sum(1, keepdim=True)

    def _edges(self, grey: Tensor, first: int, last: int) -> Tensor:
        """Strength of each direction, (N, 8, last − first, W and the margins), mirrored outside."""
        height, width = grey.shape[2], grey.shape[3]
        margin = self.radius + self.halo
        rows = mirrored(torch.arange(first, last, device=grey.device), height)
        columns = mirrored(torch.arange(-margin, width + margin, device=grey.device), width)
        here = grey.index_select(2, rows)
        down = grey.index_select(2, (rows + 1).clamp(max=height - 1)) - here
        beside = torch.arange(1, width + 1, device=grey.device).clamp(max=width - 1)
        right = here.index_select(3, beside) - here
        strength = torch.hypot(right, down)
        # Where nothing varies there is no direction, and its strength of 0 lets any do.
        scale = 1.0 / strength.clamp(min=1e-30)
        towards = (right * scale) * self.cosines + (down * scale) * self.sines
        # Mirrored last: only the pixels that exist are computed.
        return (towards.exp() * strength).index_select(3, columns)

    def _smoothed(self, maps: Tensor) -> Tensor:
        """Gaussian over each map, which loses the halo on all sides."""
        n, channels, height, width = maps.shape
        kernel = self.kernel.to(maps.dtype)
        maps = maps.reshape(n * channels, 1, height, width)
        maps = torch.conv2d(maps, kernel[:, :, :, None])
        maps = torch.conv2d(maps, kernel[:, :, None, :])
        return maps.reshape(n, channels, height - 2 * self.halo, width - 2 * self.halo)


def mirrored(positions: Tensor, size: int) -> Tensor:
    """Bring positions outside 0…size − 1 back by mirroring at the border between pixels."""
    inside = positions.remainder(2 * size)
    return torch.minimum(inside, 2 * size - 1 - inside)
