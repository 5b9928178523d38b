"""The layers that both networks are made of; each of the paper's strategies is a switch here."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

KERNEL = 4


class SameConv2d(nn.Conv2d):
    """A 4 × 4 convolution whose output has ``ceil(side / stride)`` pixels a side.

    A kernel of even size cannot be centred: at stride 1 the extra row of zeros goes below and to
    the right.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1) -> None:
        super().__init__(channels_in, channels_out, KERNEL, stride=stride)
        after = KERNEL - stride - 1
        self.same = [1, after, 1, after]

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (N, C, H, W), H and W multiples of the stride."""
        return F.conv2d(F.pad(x, self.same), self.weight, self.bias, self.stride)


class NoiseDropout(nn.Module):
    """Dropout that can also be drawn at inference, from a seed and from nothing else.

    In training this is plain dropout. In eval mode a `seed` ≥ 0 decides which values are dropped,
    by a hash of seed, channel and position: the same on every device, for every picture of a
    batch, in TorchScript and in an exported program. A seed below 0 drops nothing.

    Parameters
    ----------
    rate
        Share of values that are dropped.
    salt
        Tells the layers of a network apart, so that they do not drop alike.
    """

    def __init__(self, rate: float, salt: int) -> None:
        super().__init__()
        self.rate = rate
        self.salt = salt

    def forward(self, x: Tensor, seed: int) -> Tensor:
        """(N, C, H, W) → the same shape."""
        if self.training:
            return F.dropout(x, self.rate, True)
        if seed < 0 or self.rate == 0.0:
            return x
        return x * self._kept(x, seed) / (1.0 - self.rate)

    def _kept(self, x: Tensor, seed: int) -> Tensor:
        """(C, H, W) of 1 where a value stays: 32-bit arithmetic, carried out in int64."""
        mask = 0xFFFFFFFF
        channel = torch.arange(x.size(1), device=x.device)[:, None, None]
        row = torch.arange(x.size(2), device=x.device)[None, :, None]
        column = torch.arange(x.size(3), device=x.device)[None, None, :]
        mixed = channel * 0x1F1F1F1F + row * 0x3C6EF35F + column * 0x27D4EB2F
        mixed = (mixed + seed * 0x165667B1 + self.salt * 0x2545F491) & mask
        for _ in range(3):
            mixed = ((mixed ^ (mixed >> 16)) * 0x45D9F3B) & mask
        mixed = mixed ^ (mixed >> 16)
        return (mixed >= int(self.rate * 4294967296.0)).to(x.dtype)


def norm_of(channels: int, wanted: bool) -> nn.Module:
    """Batch norm over `channels`, or nothing where the table or the option has none."""
    return nn.BatchNorm2d(channels) if wanted else nn.Identity()


def activation(leak: float) -> nn.Module:
    """LeakyReLU with the slope `leak` for negative values; plain ReLU where it is 0."""
    return nn.LeakyReLU(leak) if leak else nn.ReLU()


def initialise(network: nn.Module, leak: float) -> None:
    """Fill every kernel as He et al. (2015) derive it for rectifiers; biases start at 0."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            transposed = isinstance(module, nn.ConvTranspose2d)
            nn.init.kaiming_normal_(
                module.weight, a=leak, mode="fan_out" if transposed else "fan_in"
            )
            if module.bias is not None:
                nn.init.zeros_(module.bias)
