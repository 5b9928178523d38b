"""Lightness to features at stride 4: what all compact networks share, whatever they predict."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_colorize.methods.trunks import LITE0_CHANNELS, EfficientNetLite0


class _Fuse(nn.Module):
    """Double a coarse map, join it with the trunk's map of that size, mix by convolutions."""

    def __init__(self, coarse: int, lateral: int, width: int) -> None:
        super().__init__()
        self.mix = nn.Sequential(
            nn.Conv2d(coarse + lateral, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        )

    def forward(self, coarse: Tensor, lateral: Tensor) -> Tensor:
        """(N, coarse, H/2, W/2) and (N, lateral, H, W) → (N, width, H, W)."""
        up = F.interpolate(coarse, scale_factor=2.0, mode="nearest")
        return self.mix(torch.cat((up, lateral), 1))


class CompactFeatures(nn.Module):
    """An EfficientNet-lite0 trunk under a small decoder to stride 4.

    The decoder joins the trunk's maps from stride 32 up to stride 4; the mean over the whole map
    is added at stride 32, since what a picture shows decides its colours. A network that stands on
    it adds its last layers; one may start from the weights of another.

    Parameters
    ----------
    widths
        Channels of the decoder at stride 32, 16, 8 and 4.
    """

    stride = 4
    multiple = 32

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        top, w16, w8, w4 = widths
        _, c4, c8, c16, c32 = LITE0_CHANNELS
        self.trunk = EfficientNetLite0()
        self.top = nn.Sequential(
            nn.Conv2d(c32, top, 1, bias=False), nn.BatchNorm2d(top), nn.ReLU(inplace=True)
        )
        self.scene = nn.Linear(c32, top)
        self.fuse16 = _Fuse(top, c16, w16)
        self.fuse8 = _Fuse(w16, c8, w8)
        self.fuse4 = _Fuse(w8, c4, w4)

    def features(self, luma: Tensor) -> Tensor:
        """Return the decoder's last map (N, C, H/4, W/4) of L* (N, 1, H, W), 0…100.

        H and W are multiples of 32.
        """
        # The trunk learnt from (value − 127) / 128; L*/100 is close to an sRGB grey value.
        x = (luma / 50.0 - 1.0).expand(-1, 3, -1, -1)
        # Depthwise convolutions on a CPU are three times faster in this layout.
        x = x.contiguous(memory_format=torch.channels_last)
        maps = self.trunk(x)
        x = self.top(maps[4]) + self.scene(maps[4].mean((2, 3)))[:, :, None, None]
        x = self.fuse16(x, maps[3])
        x = self.fuse8(x, maps[2])
        return self.fuse4(x, maps[1])
