"""The two networks of this method: both map a lightness plane to logits over the 313 ab bins."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from napari_colorize.methods.compact import CompactFeatures
from napari_colorize.ops.bins import NUM_BINS, bin_centres


def _paper_block(
    channels_in: int, widths: tuple[int, ...], stride: int = 1, dilation: int = 1
) -> nn.Sequential:
    """3×3 convolutions with ReLU, the last one strided, then batch norm."""
    layers: list[nn.Module] = []
    for i, width in enumerate(widths):
        last = i == len(widths) - 1
        layers += [
            nn.Conv2d(
                channels_in,
                width,
                3,
                stride=stride if last else 1,
                padding=dilation,
                dilation=dilation,
            ),
            nn.ReLU(inplace=True),
        ]
        channels_in = width
    return nn.Sequential(*layers, nn.BatchNorm2d(channels_in))


class PaperNetwork(nn.Module):
    """The network of the paper: eight convolutional blocks, no pooling, 32,236,011 parameters.

    Input (N, 1, H, W) float32 L* 0…100, H and W multiples of 8; output (N, 313, H/4, W/4) logits.
    Submodules carry the names of the public ``colorization_release_v2`` weights.
    """

    stride = 4
    multiple = 8

    def __init__(self) -> None:
        super().__init__()
        # Zhang 2016, table 4.
        self.model1 = _paper_block(1, (64, 64), stride=2)
        self.model2 = _paper_block(64, (128, 128), stride=2)
        self.model3 = _paper_block(128, (256, 256, 256), stride=2)
        self.model4 = _paper_block(256, (512, 512, 512))
        self.model5 = _paper_block(512, (512, 512, 512), dilation=2)
        self.model6 = _paper_block(512, (512, 512, 512), dilation=2)
        self.model7 = _paper_block(512, (512, 512, 512))
        self.model8 = nn.Sequential(
            nn.ConvTranspose2d(512, 256, 4, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, NUM_BINS, 1),
        )
        # Not learnt: the bin centres over 110, kept as the public file keeps them.
        centres = torch.from_numpy(bin_centres() / 110.0)
        self.model_out = nn.Conv2d(NUM_BINS, 2, 1, bias=False).requires_grad_(False)
        self.model_out.weight.copy_(centres.T[:, :, None, None])

    def forward(self, luma: Tensor) -> Tensor:
        """Logits (N, 313, H/4, W/4) of lightness (N, 1, H, W)."""
        # The released weights expect L centred at 50 and divided by 100.
        x = (luma - 50.0) / 100.0
        x = self.model1(x)
        x = self.model2(x)
        x = self.model3(x)
        x = self.model4(x)
        x = self.model5(x)
        x = self.model6(x)
        x = self.model7(x)
        return self.model8(x)

    @torch.jit.unused
    def last_layer(self) -> nn.Conv2d:
        """The convolution that makes the logits; a training starts it from the colour prior."""
        layer = self.model8[6]
        assert isinstance(layer, nn.Conv2d)
        return layer


class CompactNetwork(CompactFeatures):
    """An EfficientNet-lite0 trunk under a small decoder to stride 4: 4.7 M parameters.

    Input (N, 1, H, W) float32 L* 0…100, H and W multiples of 32; output (N, 313, H/4, W/4)
    logits.

    Parameters
    ----------
    widths
        Channels of the decoder at stride 32, 16, 8 and 4.
    """

    def __init__(self, widths: Sequence[int] = (256, 192, 128, 96)) -> None:
        super().__init__(widths)
        self.logits = nn.Conv2d(widths[3], NUM_BINS, 1)

    def forward(self, luma: Tensor) -> Tensor:
        """Logits (N, 313, H/4, W/4) of lightness (N, 1, H, W)."""
        return self.logits(self.features(luma))

    @torch.jit.unused
    def last_layer(self) -> nn.Conv2d:
        """The convolution that makes the logits; a training starts it from the colour prior."""
        return self.logits
