"""A generator for photographs that fits 12 MB: EfficientNet-lite0 under a U-Net's decoder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_colorize.methods.compact import CompactFeatures
from napari_colorize.methods.gan.generator import AB_RANGE


class CompactGenerator(CompactFeatures):
    """A U-Net whose contracting half is a pretrained EfficientNet-lite0; not in the papers.

    Chroma comes at a quarter of the picture's size, where the eye's own colour vision ends; the
    refinement brings it to the picture's edges. A second, small head predicts how far off the
    colour is. Trunk and decoder are those of Colorful's compact network, so that a training may
    start from its weights.

    Input (N, 1, H, W) float32 L* 0…100, H and W multiples of 32; output (N, 2, H/4, W/4) in −1…1
    (tanh): a and b over 110.

    Parameters
    ----------
    widths
        Channels of the decoder at stride 32, 16, 8 and 4.
    """

    outputs = 2
    stochastic = False

    def __init__(self, widths: Sequence[int] = (256, 192, 128, 96)) -> None:
        super().__init__(widths)
        # TorchScript sees attributes, not a module's constants.
        self.ab_range = AB_RANGE
        w4 = widths[3]
        self.colour = nn.Conv2d(w4, 2, 1)
        # Nearly grey to begin with: the first steps need not unlearn colours made of noise.
        nn.init.normal_(self.colour.weight, std=0.01)
        assert self.colour.bias is not None
        nn.init.zeros_(self.colour.bias)
        self.error = nn.Sequential(nn.Conv2d(w4, 32, 1), nn.ReLU(), nn.Conv2d(32, 1, 1))

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
