"""The layer tables: what the papers print, as data.

Nazeri, Ng and Ebrahimi (2018, arXiv 1803.05400) give one generator for 32 × 32 pictures of CIFAR-10
and one for 256 × 256 pictures of Places365, and one discriminator that follows their contracting
path. pix2pix (Isola, Zhu, Zhou and Efros 2016, arXiv 1611.07004) is the same machinery with another
table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

BOTTLENECK = 8
"""Fewest filters that `narrowed` leaves in a layer."""


@dataclass(frozen=True)
class Layer:
    """One 4 × 4 convolution, or transposed convolution, with all that follows it."""

    filters: int
    stride: int = 2
    norm: bool = True
    dropout: float = 0.0


@dataclass(frozen=True)
class GeneratorTable:
    """A U-Net: an encoder, and a decoder that joins the encoder's maps in mirror order.

    Parameters
    ----------
    encoder
        From the grey picture inwards.
    decoder
        From the bottleneck outwards, all transposed with stride 2.
    outputs
        Planes of the result: 3 for Lab, 2 for its chroma.
    transposed_end
        Whether the last layer is one more transposed convolution (pix2pix) and not a 1 × 1
        convolution (Nazeri).
    noise
        Whether dropout is also the source of chance at inference (Isola 2016, §3.1).
    """

    encoder: tuple[Layer, ...]
    decoder: tuple[Layer, ...]
    outputs: int = 3
    transposed_end: bool = False
    noise: bool = False

    @property
    def multiple(self) -> int:
        """Picture sides must be multiples of this."""
        product = 1
        for layer in self.encoder:
            product *= layer.stride
        return product

    def narrowed(self, width: float) -> GeneratorTable:
        """Return the table with every layer's filters multiplied by `width`."""
        return replace(
            self,
            encoder=tuple(_narrower(layer, width) for layer in self.encoder),
            decoder=tuple(_narrower(layer, width) for layer in self.decoder),
        )


@dataclass(frozen=True)
class DiscriminatorTable:
    """A patch discriminator: layers of 4 × 4 convolutions, then one to a single logit a patch.

    Parameters
    ----------
    layers
        Before the last one, which has a single filter and neither norm nor rectifier.
    gain
        Factor on the planes that it judges: chroma of photographs seldom passes a quarter of the
        range, and would go unheard beside lightness for thousands of steps.
    blur
        Side of a box over which those planes are averaged; 1: none. Compressed photographs have
        noise in their chroma that no generator of smooth colours makes: without blur, that alone
        tells true from generated.
    """

    layers: tuple[Layer, ...]
    gain: float = 1.0
    blur: int = 1

    @property
    def receptive_field(self) -> int:
        """Side of the patch that one logit sees, px; blur not counted."""
        field = 4
        for layer in reversed(self.layers):
            field = (field - 1) * layer.stride + 4
        return field

    def narrowed(self, width: float) -> DiscriminatorTable:
        """Return the table with every layer's filters multiplied by `width`."""
        return replace(self, layers=tuple(_narrower(layer, width) for layer in self.layers))


def _narrower(layer: Layer, width: float) -> Layer:
    return replace(layer, filters=max(BOTTLENECK, round(layer.filters * width)))


def _layers(*filters: int, first: Layer | None = None) -> tuple[Layer, ...]:
    return (*([first] if first else []), *(Layer(count) for count in filters))


_HALF = 0.5

GENERATORS: Mapping[str, GeneratorTable] = {
    "cifar": GeneratorTable(
        encoder=_layers(128, 256, 512, 512, first=Layer(64, stride=1)),
        decoder=(Layer(512, dropout=_HALF), Layer(256, dropout=_HALF), Layer(128), Layer(64)),
    ),
    "places": GeneratorTable(
        encoder=_layers(64, 128, 256, 512, 512, 512, 512, first=Layer(64, stride=1)),
        decoder=_layers(512, 512, 512, 256, 128, 64, 64),
    ),
    "pix2pix": GeneratorTable(
        # No norm in the first layer, nor in the last, whose map may be a single pixel.
        encoder=(Layer(64, norm=False), *_layers(128, 256, *[512] * 4), Layer(512, norm=False)),
        decoder=(*[Layer(512, dropout=_HALF)] * 3, *_layers(512, 256, 128, 64)),
        outputs=2,
        transposed_end=True,
        noise=True,
    ),
}
"""Name → generator: ``cifar`` and ``places`` of Nazeri 2018, ``pix2pix`` of Isola 2016."""

DISCRIMINATORS: Mapping[str, DiscriminatorTable] = {
    # Nazeri's discriminator is the 70 × 70 PatchGAN of Isola 2016, appendix 6.1.2.
    "patch70": DiscriminatorTable((Layer(64, norm=False), Layer(128), Layer(256), Layer(512, 1))),
    # For chroma at a quarter of the size: 34 of its pixels are 136 of the picture.
    "patch34": DiscriminatorTable(
        (Layer(64, norm=False), Layer(128), Layer(256, 1)), gain=4.0, blur=3
    ),
}
"""Name → discriminator."""
