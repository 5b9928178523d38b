"""Lightness in, chroma and uncertainty out; and samples with different seeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from napari_colorize.methods.gan.compact import CompactGenerator
from napari_colorize.methods.gan.generator import UNetGenerator
from napari_colorize.methods.gan.tables import GENERATORS
from napari_colorize.methods.padding import crop_pair, pad_to_multiple

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
