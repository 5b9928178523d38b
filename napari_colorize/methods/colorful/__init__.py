"""Colorful Image Colorization (Zhang, Isola, Efros, ECCV 2016, arXiv 1603.08511).

Colour is predicted as a distribution over 313 ab bins for every pixel, trained by cross-entropy
with rare colours given more weight, and read out by the annealed mean.

- `network.py`: the paper's network, and a compact one on a pretrained trunk
- `hypercolumn.py`: a read-out of a frozen trunk's maps, learnt at sparse positions
- `listening.py`: what hints say of the rest of a picture, beside that read-out
- `rebalance.py`: the class weights of the paper's §2.2
- `loss.py`: cross-entropy on soft-encoded targets
- `graph.py`: lightness in, chroma and uncertainty out: what TorchScript and ``torch.export`` get
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_colorize.methods.cards import Architecture, MethodCard, Paper, PublicLayout

if TYPE_CHECKING:
    from torch import nn


def _paper(**options: Any) -> nn.Module:
    from napari_colorize.methods.colorful.graph import paper_graph

    return paper_graph(**options)


def _compact(**options: Any) -> nn.Module:
    from napari_colorize.methods.colorful.graph import compact_graph

    return compact_graph(**options)


def _hypercolumn(**options: Any) -> nn.Module:
    from napari_colorize.methods.colorful.graph import hypercolumn_graph

    return hypercolumn_graph(**options)


def _listening(**options: Any) -> nn.Module:
    from napari_colorize.methods.colorful.listening import listening_graph

    return listening_graph(**options)


CARDS = (
    MethodCard(
        name="colorful",
        title="Colorful",
        long_title="Colorful Image Colorization",
        paper=Paper(("Zhang", "Isola", "Efros"), 2016, "1603.08511"),
        uncertainty="the entropy of the predicted distribution of colours, as a share of the "
        "largest possible",
        architectures={
            "colorful-paper": Architecture("Colorful (Zhang 2016)", _paper),
            "colorful-compact": Architecture("Colorful, compact", _compact),
            "colorful-hypercolumn": Architecture("Colorful, hypercolumns", _hypercolumn),
            "colorful-listening": Architecture("Colorful, listening", _listening),
        },
        layouts=(
            PublicLayout(
                architecture="colorful-paper",
                marks=("model1.0.weight", "model8.4.bias", "model_out.weight"),
                prefix="network.",
                fixed=("model_out.weight",),
            ),
        ),
        trainer="napari_colorize.training.colorful:TRAINER",
        further_trainers={"hints": "napari_colorize.training.colorful:HINTS"},
    ),
)
"""Colorful alone."""
