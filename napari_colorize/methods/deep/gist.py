"""The whole picture in 512 numbers: GIST, how strong which edges are in which part.

Oliva and Torralba (IJCV 2001), section 4: the picture through Gabor filters of 4 scales and 8
orientations, the magnitude of each averaged over a 4 × 4 grid.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SCALES = 4
ORIENTATIONS = 8
GRID = 4
GIST_DIMENSIONS = SCALES * ORIENTATIONS * GRID * GRID
"""Numbers that describe one picture."""

SIDE = 128
"""The picture is brought to SIDE × SIDE pixels, whatever its shape."""

MARGIN = 16
"""Pixels by which it is then mirrored outwards, so that its borders are no edges."""

_FINEST = 0.3
_COARSER = 1.85


def gabor_bank(side: int) -> Tensor:
    """Transfer functions of the filters on a periodic picture of ``side × side`` pixels.

    One-sided in frequency, so that a response is complex and its magnitude knows no phase:
    ``exp(−3.5 (f/f_s − 1)² − 2π Δθ²)`` with f_s = 0.3 / 1.85^s cycles a pixel (s = 0…3) and Δθ the
    angle, in radians, between the frequency and the orientation o · π / 8 (o = 0…7; 0 is a
    variation along x, angles grow downwards). The mean of the picture passes no filter.

    Returns
    -------
    torch.Tensor
        (32, side, side) float32, scale by scale from the finest, 0…1, laid out as
        ``torch.fft.fft2`` lays out frequencies.
    """
    axis = torch.fft.fftfreq(side, dtype=torch.float64)
    radius = torch.hypot(axis[:, None], axis[None])
    angle = torch.atan2(axis[:, None].expand(side, side), axis[None].expand(side, side))
    filters = []
    for scale in range(SCALES):
        relative = radius / (_FINEST / _COARSER**scale)
        for orientation in range(ORIENTATIONS):
            turn = angle - orientation * math.pi / ORIENTATIONS
            turn = torch.remainder(turn + math.pi, 2 * math.pi) - math.pi
            passed = torch.exp(-3.5 * (relative - 1) ** 2 - 2 * math.pi * turn**2)
            passed[0, 0] = 0.0
            filters.append(passed)
    return torch.stack(filters).float()


class Gist(nn.Module):
    """The global descriptor.

    ``forward(grey (N, 1, H, W) 0…1) → (N, 512)``: scale by scale from the finest, orientation by
    orientation, the 16 cells row by row; ≥ 0. Brightness and contrast hardly matter: differences
    from the surroundings are divided by how large they usually are there.
    """

    bank: Tensor
    surroundings: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.side, self.margin, self.grid = SIDE, MARGIN, GRID
        whole = SIDE + 2 * MARGIN
        self.register_buffer("bank", gabor_bank(whole), persistent=False)
        axis = torch.fft.fftfreq(whole, dtype=torch.float64)
        squared = axis[:, None] ** 2 + axis[None] ** 2
        # Four cycles a picture: e⁻¹ there.
        low_pass = torch.exp(-squared * (SIDE / 4) ** 2)
        self.register_buffer("surroundings", low_pass.float(), persistent=False)

    def forward(self, grey: Tensor) -> Tensor:
        """Describe pictures (N, 1, H, W), 0…1, by (N, 512) numbers."""
        square = F.interpolate(
            grey, (self.side, self.side), mode="bilinear", align_corners=False, antialias=True
        )
        # Mirrored by index: each border pixel twice, so that a cosine goes on as a cosine.
        side, margin = self.side, self.margin
        positions = torch.arange(-margin, side + margin, device=grey.device)
        positions = torch.where(positions < 0, -1 - positions, positions)
        positions = torch.minimum(positions, 2 * side - 1 - positions)
        framed = square[:, 0].index_select(1, positions).index_select(2, positions)
        return self.energies(self.evened(framed))

    def evened(self, picture: Tensor) -> Tensor:
        """Remove local brightness, divide by local contrast: (N, 160, 160) → (N, 160, 160)."""
        detail = picture - self._blurred(picture)
        # Squares blurred are ≥ 0 up to rounding; the constant keeps flat pictures flat.
        contrast = self._blurred(detail * detail).clamp(min=0.0).sqrt()
        return detail / (contrast + 0.05)

    def energies(self, picture: Tensor) -> Tensor:
        """Mean magnitude of each filter's response in each cell: (N, 160, 160) → (N, 512)."""
        spectrum = torch.fft.fft2(picture)
        response = torch.fft.ifft2(spectrum[:, None] * self.bank).abs()
        inside = slice(self.margin, self.margin + self.side)
        return F.avg_pool2d(response[:, :, inside, inside], self.side // self.grid).flatten(1)

    def _blurred(self, picture: Tensor) -> Tensor:
        return torch.fft.ifft2(torch.fft.fft2(picture) * self.surroundings).real
