"""The generators and their graph: lightness in, chroma and uncertainty out, samples by seed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_colorize.methods.compact import CompactFeatures
from napari_colorize.methods.gan.layers import (
    KERNEL,
    NoiseDropout,
    SameConv2d,
    activation,
    initialise,
    norm_of,
)
from napari_colorize.methods.gan.tables import GENERATORS, GeneratorTable, Layer
from napari_colorize.methods.padding import crop_pair, pad_to_multiple

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


SAMPLES = 8
"""Dropout samples that the uncertainty is measured on."""

HALF_UNCERTAIN = 15.0
"""Spread or expected error, in Lab units, that counts as an uncertainty of one half."""


class GanGraph(nn.Module):
    """A generator, made ready for pictures of any size.

    Parameters
    ----------
    network
        The generator. Pictures are extended below and to the right to multiples of
        ``network.multiple`` by repeating their last row and column, and the result is cut back.
    samples
        Dropout samples that the uncertainty is measured on; 0: none.
    seed
        Of those samples, and of the colours of pix2pix.
    """

    def __init__(
        self, network: UNetGenerator | CompactGenerator, samples: int = SAMPLES, seed: int = 0
    ) -> None:
        super().__init__()
        if samples < 0 or seed < 0:
            raise ValueError(f"samples and seed must be 0 or more; they are {samples} and {seed}.")
        self.network = network
        self.multiple: int = network.multiple
        self.stride: int = network.stride
        self.half_uncertain = HALF_UNCERTAIN
        self.samples = samples
        self.seed = seed

    def forward(
        self, luma: Tensor, temperature: Tensor, vividness: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Predict chroma.

        Parameters
        ----------
        luma
            (N, 1, H, W) float32, L* 0…100; any H, W ≥ 1.
        temperature, vividness
            0-dim float32. Without effect: the network predicts one colour, not a distribution.

        Returns
        -------
        ab
            (N, 2, ceil(H / stride), ceil(W / stride)) float32, Lab units, −110…110.
        uncertainty
            (N, 1, ceil(H / stride), ceil(W / stride)) float32, 0…1: d / (d + 15 Lab units), d being
            the expected error that a compact generator predicts with its colours, or the spread
            over `samples` dropout samples (Gal and Ghahramani 2016). 1 throughout where a network
            has neither: nothing is known then.
        """
        return self._coloured(luma, self.seed, self.samples)

    @torch.jit.export
    def sample(self, luma: Tensor, seed: int) -> Tensor:
        """Return the chroma (N, 2, h, w) that a seed gives; only dropout's noise depends on it."""
        return self._coloured(luma, seed, 0)[0]

    def _coloured(self, luma: Tensor, seed: int, samples: int) -> tuple[Tensor, Tensor]:
        ab, spread = self.network.predict(pad_to_multiple(luma, self.multiple), seed, samples)
        uncertainty = torch.where(spread < 0, 1.0, spread / (spread + self.half_uncertain))
        return crop_pair(ab, uncertainty, luma, self.stride)


@torch.no_grad()
def draw_samples(graph: nn.Module, luma: Tensor, seeds: Iterable[int]) -> Tensor:
    """Colour the same pictures with different seeds.

    Parameters
    ----------
    graph
        A `GanGraph`, or the ``graph`` of `napari_colorize.checkpoints.load` for one.
    luma
        (N, 1, H, W) float32, L* 0…100.
    seeds
        Whole numbers ≥ 0; the same seed gives the same colours again.

    Returns
    -------
    (S, N, 2, h, w) float32, Lab units, one for each seed.

    Raises
    ------
    ValueError
        No seed, or the network has no chance in it: every seed would give the same colours.
    """
    if not getattr(graph.network, "noise", False):
        raise ValueError(
            "This network draws nothing by chance, so every seed gives the same colours; pix2pix "
            "does."
        )
    colours = [graph.sample(luma, int(seed)) for seed in seeds]  # type: ignore[operator]
    if not colours:
        raise ValueError("Give at least one seed.")
    return torch.stack(colours)


def table_graph(
    table: str,
    width: float = 1.0,
    norm: bool = True,
    leak: float = 0.2,
    dropout: float | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
) -> GanGraph:
    """Build an untrained graph from a layer table.

    Parameters
    ----------
    table
        Key of `tables.GENERATORS`.
    width
        Factor on the number of filters of every layer; 1 as published.
    norm, leak, dropout
        See `UNetGenerator`.
    samples, seed
        See `GanGraph`.
    """
    if width <= 0:
        raise ValueError(f"width must be above 0; it is {width}.")
    chosen = GENERATORS[table].narrowed(width)
    return GanGraph(UNetGenerator(chosen, norm, leak, dropout), samples, seed)


def cifar_graph(**options: bool | float | int | None) -> GanGraph:
    """Build Nazeri's generator for 32 × 32 pictures, untrained: 16.65 million parameters."""
    return table_graph("cifar", **options)  # type: ignore[arg-type]


def places_graph(**options: bool | float | int | None) -> GanGraph:
    """Build Nazeri's generator for 256 × 256 pictures, untrained: 42.02 million parameters."""
    return table_graph("places", **options)  # type: ignore[arg-type]


def pix2pix_graph(**options: bool | float | int | None) -> GanGraph:
    """Build the generator of pix2pix, untrained."""
    return table_graph("pix2pix", **options)  # type: ignore[arg-type]


def compact_graph(widths: Sequence[int] = (256, 192, 128, 96)) -> GanGraph:
    """Build an untrained `CompactGenerator` graph: what the shipped weights fill."""
    return GanGraph(CompactGenerator(widths), samples=0)
