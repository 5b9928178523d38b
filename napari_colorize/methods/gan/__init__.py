"""Image Colorization using GANs (Nazeri, Ng, Ebrahimi 2018, arXiv 1803.05400), and pix2pix.

A U-Net turns lightness into colour. Trained with L1 alone it is the method ``unet``; trained
against a discriminator that sees the grey picture too, it is ``gan``. pix2pix (Isola, Zhu, Zhou,
Efros 2016, arXiv 1611.07004) is the same machinery with its own table, and dropout as a source of
chance.

- `tables.py`: the papers' layer tables, as data
- `layers.py`: their layers: padding, norm, LeakyReLU, dropout that a seed can repeat
- `generator.py`, `discriminator.py`: networks from tables
- `compact.py`: a generator for photographs on a pretrained trunk
- `loss.py`: what generator and discriminator are told
- `graph.py`: lightness in, chroma and uncertainty out; samples with different seeds

Three slips of the authors' released code are not repeated: batch norm uses a batch's own statistics
in training only, so that a picture's colours do not depend on its neighbours; dropout is active in
training; and the grey input is brought to −1…1 as the colours are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_colorize.methods.cards import Architecture, MethodCard, Paper

if TYPE_CHECKING:
    from torch import nn


def _cifar(**options: Any) -> nn.Module:
    from napari_colorize.methods.gan.graph import cifar_graph

    return cifar_graph(**options)


def _places(**options: Any) -> nn.Module:
    from napari_colorize.methods.gan.graph import places_graph

    return places_graph(**options)


def _pix2pix(**options: Any) -> nn.Module:
    from napari_colorize.methods.gan.graph import pix2pix_graph

    return pix2pix_graph(**options)


def _compact(**options: Any) -> nn.Module:
    from napari_colorize.methods.gan.graph import compact_graph

    return compact_graph(**options)


_NAZERI = Paper(("Nazeri", "Ng", "Ebrahimi"), 2018, "1803.05400")
_ONE_COLOUR = ("temperature", "vividness")
_EXPECTED_ERROR = (
    "the error that the network expects of its own colours, by the spread of dropout samples where "
    "it was not trained to tell"
)

CARDS = (
    # The baseline that Nazeri et al. compare their GAN with: the same generator, trained on the
    # absolute error alone.
    MethodCard(
        name="unet",
        title="U-Net, L1",
        long_title="U-Net baseline",
        paper=_NAZERI,
        uncertainty=_EXPECTED_ERROR,
        architectures={
            "unet-cifar": Architecture("U-Net for 32 px (Nazeri 2018)", _cifar),
            "unet-places": Architecture("U-Net for 256 px (Nazeri 2018)", _places),
            "unet-compact": Architecture("U-Net, compact", _compact),
        },
        without_effect=_ONE_COLOUR,
        trainer="napari_colorize.training.gan:UNET",
    ),
    # Its generators are those of the U-Net.
    MethodCard(
        name="gan",
        title="GAN",
        long_title="Image Colorization using GANs",
        paper=_NAZERI,
        uncertainty=_EXPECTED_ERROR,
        without_effect=_ONE_COLOUR,
        trainer="napari_colorize.training.gan:GAN",
    ),
    MethodCard(
        name="pix2pix",
        title="pix2pix",
        long_title="pix2pix",
        # The preprint, whose sections and appendices the code cites; CVPR 2017.
        paper=Paper(("Isola", "Zhu", "Zhou", "Efros"), 2016, "1611.07004"),
        uncertainty="the spread of its colours over dropout samples",
        architectures={"unet-pix2pix": Architecture("U-Net of pix2pix (Isola 2016)", _pix2pix)},
        without_effect=_ONE_COLOUR,
        trainer="napari_colorize.training.gan:PIX2PIX",
    ),
)
"""U-Net, GAN and pix2pix, in the order in which they are offered."""
