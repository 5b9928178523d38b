"""The methods, one folder a paper: network, target encoding, loss and graph.

Nothing here reads files: an architecture is built untrained, and `napari_colorize.checkpoints`
fills it with weights. `ARCHITECTURES` maps the name that a checkpoint's record carries to the
function that builds its graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

Builder = Callable[..., "nn.Module"]


def _deferred(module: str, function: str) -> Builder:
    """A builder that imports torch and its module only when a graph is wanted."""

    def build(**options: Any) -> nn.Module:
        return getattr(import_module(module), function)(**options)

    build.__name__ = function
    return build


ARCHITECTURES: Mapping[str, Builder] = {
    "colorful-paper": _deferred("napari_colorize.methods.colorful.graph", "paper_graph"),
    "colorful-compact": _deferred("napari_colorize.methods.colorful.graph", "compact_graph"),
    "colorful-hypercolumn": _deferred(
        "napari_colorize.methods.colorful.graph", "hypercolumn_graph"
    ),
    "deep": _deferred("napari_colorize.methods.deep.graph", "deep_graph"),
    "unet-cifar": _deferred("napari_colorize.methods.gan.graph", "cifar_graph"),
    "unet-places": _deferred("napari_colorize.methods.gan.graph", "places_graph"),
    "unet-pix2pix": _deferred("napari_colorize.methods.gan.graph", "pix2pix_graph"),
    "unet-compact": _deferred("napari_colorize.methods.gan.graph", "compact_graph"),
}
"""Architecture name → builder; ``builder(**options)`` returns an untrained graph."""

METHODS: Mapping[str, str] = {
    "colorful": "Colorful Image Colorization (Zhang, Isola, Efros 2016)",
    "deep": "Deep Colorization (Cheng, Yang, Sheng 2015)",
    "unet": "U-Net baseline (Nazeri, Ng, Ebrahimi 2018)",
    "gan": "Image Colorization using GANs (Nazeri, Ng, Ebrahimi 2018)",
    "pix2pix": "pix2pix (Isola, Zhu, Zhou, Efros 2016)",
}
"""Method name → the paper it comes from, in the order in which they are offered."""

WITHOUT_EFFECT: Mapping[str, tuple[str, ...]] = {
    "deep": ("temperature", "vividness"),
    "unet": ("temperature", "vividness"),
    "gan": ("temperature", "vividness"),
    "pix2pix": ("temperature", "vividness"),
}
"""Method name → the settings of `ColorizeParameters` that it has no use for; records say so."""

__all__ = ["ARCHITECTURES", "METHODS", "WITHOUT_EFFECT", "Builder"]
