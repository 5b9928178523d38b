"""The generator: a U-Net from a layer table. Trained with L1 alone, it is the U-Net baseline."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from napari_colorize.methods.gan.layers import (
    KERNEL,
    NoiseDropout,
    SameConv2d,
    activation,
    initialise,
    norm_of,
)
from napari_colorize.methods.gan.tables import GeneratorTable, Layer

L_HALF = 50.0
"""L* / 50 − 1 is what the network sees."""
AB_RANGE = 110.0
"""Chroma that tanh = ±1 stands for, Lab units."""


class _Down(nn.Module):
    """Convolution, norm, LeakyReLU."""

    def __init__(self, channels_in: int, layer: Layer, norm: bool, leak: float) -> None:
        super().__init__()
        self.convolution = SameConv2d(channels_in, layer.filters, layer.stride)
        self.norm = norm_of(layer.filters, layer.norm and norm)
        self.activation = activation(leak)

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.norm(self.convolution(x)))


class _Up(nn.Module):
    """Transposed convolution that doubles the size, norm, ReLU, dropout."""

    def __init__(self, channels_in: int, layer: Layer, norm: bool, salt: int) -> None:
        super().__init__()
        self.convolution = nn.ConvTranspose2d(
            channels_in, layer.filters, KERNEL, stride=2, padding=1
        )
        self.norm = norm_of(layer.filters, layer.norm and norm)
        self.activation = nn.ReLU()
        self.dropout = NoiseDropout(layer.dropout, salt)

    def forward(self, x: Tensor, seed: int) -> Tensor:
        return self.dropout(self.activation(self.norm(self.convolution(x))), seed)


class UNetGenerator(nn.Module):
    """Lightness in, Lab (or its chroma) out, by a U-Net that a table describes.

    Input (N, 1, H, W) float32 L* 0…100, H and W multiples of ``multiple``; output
    (N, 2 or 3, H, W) in −1…1 (tanh): L* as L* / 50 − 1 where the table has three outputs, a and b
    over 110.

    Parameters
    ----------
    table
        Layers.
    norm
        Batch norm where the table has it; it uses a batch's own statistics in training only.
    leak
        Slope of the encoder's LeakyReLU for negative values; 0 for plain ReLU.
    dropout
        Rate in place of the table's own in the layers where it has one; ``None``: the table's.
    """

    stride = 1

    def __init__(
        self,
        table: GeneratorTable,
        norm: bool = True,
        leak: float = 0.2,
        dropout: float | None = None,
    ) -> None:
        super().__init__()
        # TorchScript sees attributes, not a module's constants.
        self.l_half = L_HALF
        self.ab_range = AB_RANGE
        self.multiple: int = table.multiple
        self.outputs: int = table.outputs
        self.noise: bool = table.noise
        encoder, widths = [], []
        channels = 1
        for layer in table.encoder:
            encoder.append(_Down(channels, layer, norm, leak))
            channels = layer.filters
            widths.append(channels)
        self.encoder = nn.ModuleList(encoder)
        decoder = []
        rates = [layer.dropout if dropout is None else dropout for layer in table.decoder]
        for number, layer in enumerate(table.decoder):
            rate = rates[number] if layer.dropout else 0.0
            changed = Layer(layer.filters, norm=layer.norm, dropout=rate)
            decoder.append(_Up(channels, changed, norm, salt=number))
            # The encoder's map of the new size joins what has been made of the coarser ones.
            channels = layer.filters + widths[-2 - number]
        self.decoder = nn.ModuleList(decoder)
        self.end: nn.Module
        if table.transposed_end:
            self.end = nn.ConvTranspose2d(channels, table.outputs, KERNEL, stride=2, padding=1)
        else:
            self.end = nn.Conv2d(channels, table.outputs, 1)
        self.stochastic: bool = any(up.dropout.rate > 0 for up in decoder)
        initialise(self, leak)

    def encode(self, luma: Tensor) -> list[Tensor]:
        """Return the encoder's maps, from the finest to the bottleneck."""
        x = luma / self.l_half - 1.0
        maps: list[Tensor] = []
        for down in self.encoder:
            x = down(x)
            maps.append(x)
        return maps

    def decode(self, maps: list[Tensor], seed: int) -> Tensor:
        """Return the planes in −1…1; `seed` < 0: without noise."""
        x = maps[-1]
        for number, up in enumerate(self.decoder):
            x = torch.cat((up(x, seed), maps[-2 - number]), 1)
        return torch.tanh(self.end(x))

    def forward(self, luma: Tensor) -> Tensor:
        """Planes in −1…1 of lightness (N, 1, H, W), without noise outside training."""
        return self.decode(self.encode(luma), -1)

    @torch.jit.export
    def predict(self, luma: Tensor, seed: int, samples: int) -> tuple[Tensor, Tensor]:
        """Return chroma and how far samples of it spread, both in Lab units.

        Parameters
        ----------
        luma
            (N, 1, H, W) float32 L*.
        seed
            Of the first sample; of the colours themselves where the table makes dropout a source
            of chance. Without effect otherwise.
        samples
            How many to draw; below 2, or in a network without dropout: none.

        Returns
        -------
        ab
            (N, 2, H, W).
        spread
            (N, 1, H, W): root-mean-square distance of the samples from their mean; −1 where none
            were drawn.
        """
        maps = self.encode(luma)
        ab = self.decode(maps, seed if self.noise else -1)[:, -2:] * self.ab_range
        if not self.stochastic or samples < 2:
            return ab, torch.full_like(ab[:, :1], -1.0)
        first = self.decode(maps, seed)[:, -2:] * self.ab_range
        # Differences from the first sample: no cancellation where all agree.
        total, squares = torch.zeros_like(first), torch.zeros_like(first)
        for number in range(1, samples):
            difference = self.decode(maps, seed + number)[:, -2:] * self.ab_range - first
            total = total + difference
            squares = squares + difference.square()
        variance = (squares / samples - (total / samples).square()).sum(1, keepdim=True)
        return ab, variance.clamp(min=0.0).sqrt()
