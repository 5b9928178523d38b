"""A generator for photographs that fits 12 MB: EfficientNet-lite0 under a U-Net's decoder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_colorize.methods.gan.generator import AB_RANGE, L_HALF
from napari_colorize.methods.trunks import LITE0_CHANNELS, EfficientNetLite0


class _Join(nn.Module):
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


class CompactGenerator(nn.Module):
    """A U-Net whose contracting half is a pretrained EfficientNet-lite0; not in the papers.

    Chroma comes at a quarter of the picture's size, where the eye's own colour vision ends; the
    refinement brings it to the picture's edges. A second, small head predicts how far off the
    colour is. The trunk and the decoder's layers are shaped as those of Colorful's compact
    network, so that a training may start from its weights.

    Input (N, 1, H, W) float32 L* 0…100, H and W multiples of 32; output (N, 2, H/4, W/4) in −1…1
    (tanh): a and b over 110.

    Parameters
    ----------
    widths
        Channels of the decoder at stride 32, 16, 8 and 4.
    """

    stride = 4
    multiple = 32
    outputs = 2
    stochastic = False

    def __init__(self, widths: Sequence[int] = (256, 192, 128, 96)) -> None:
        super().__init__()
        # TorchScript sees attributes, not a module's constants.
        self.l_half = L_HALF
        self.ab_range = AB_RANGE
        top, w16, w8, w4 = widths
        _, c4, c8, c16, c32 = LITE0_CHANNELS
        self.trunk = EfficientNetLite0()
        self.top = nn.Sequential(
            nn.Conv2d(c32, top, 1, bias=False), nn.BatchNorm2d(top), nn.ReLU(inplace=True)
        )
        self.scene = nn.Linear(c32, top)
        self.fuse16 = _Join(top, c16, w16)
        self.fuse8 = _Join(w16, c8, w8)
        self.fuse4 = _Join(w8, c4, w4)
        self.colour = nn.Conv2d(w4, 2, 1)
        # Nearly grey to begin with: the first steps need not unlearn colours made of noise.
        nn.init.normal_(self.colour.weight, std=0.01)
        assert self.colour.bias is not None
        nn.init.zeros_(self.colour.bias)
        self.error = nn.Sequential(nn.Conv2d(w4, 32, 1), nn.ReLU(), nn.Conv2d(32, 1, 1))

    def features(self, luma: Tensor) -> Tensor:
        """Return the decoder's last map (N, C, H/4, W/4)."""
        # The trunk learnt from (value − 127) / 128; L*/100 is close to an sRGB grey value.
        x = (luma / self.l_half - 1.0).expand(-1, 3, -1, -1)
        # Depthwise convolutions on a CPU are three times faster in this layout.
        x = x.contiguous(memory_format=torch.channels_last)
        maps = self.trunk(x)
        x = self.top(maps[4]) + self.scene(maps[4].mean((2, 3)))[:, :, None, None]
        x = self.fuse16(x, maps[3])
        x = self.fuse8(x, maps[2])
        return self.fuse4(x, maps[1])

    def colours(self, features: Tensor) -> Tensor:
        """Return chroma in −1…1 of what `features` gave."""
        return torch.tanh(self.colour(features))

    def expected_error(self, features: Tensor) -> Tensor:
        """Return the predicted distance of the colour from the true one (N, 1, h, w), Lab units.

        The features are detached: learning to judge the colours must not change them.
        """
        # A softplus of 0 stands for some 14 Lab units, a usual error.
        return F.softplus(self.error(features.detach())) * 20.0

    def forward(self, luma: Tensor) -> Tensor:
        """Chroma in −1…1 of lightness (N, 1, H, W)."""
        return self.colours(self.features(luma))

    @torch.jit.export
    def predict(self, luma: Tensor, seed: int, samples: int) -> tuple[Tensor, Tensor]:
        """Return chroma (N, 2, h, w) and its expected error (N, 1, h, w), both in Lab units.

        There is no chance here: `seed` and `samples` are without effect.
        """
        features = self.features(luma)
        return self.colours(features) * self.ab_range, self.expected_error(features)
