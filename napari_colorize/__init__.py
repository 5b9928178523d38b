"""Plausible colour for grey images: napari plugin, library and compiled torch operators.

The public names load on first use, so ``import napari_colorize`` costs nothing: torch is
imported when something is coloured, Qt and napari only by the plugin's panels.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from napari_colorize._version import __version__

if TYPE_CHECKING:
    from napari_colorize.api import colorize
    from napari_colorize.parameters import ColorizeParameters
    from napari_colorize.results import Colorized, ColorizedStack
    from napari_colorize.sequences.channels import colorize_channels
    from napari_colorize.sequences.lazy import colorize_lazy, colorize_multiscale
    from napari_colorize.sequences.parameters import StackParameters
    from napari_colorize.sequences.stack import colorize_stack
    from napari_colorize.sequences.stream import colorize_planes

_HOME_OF = {
    "colorize": "napari_colorize.api",
    "Colorized": "napari_colorize.results",
    "ColorizeParameters": "napari_colorize.parameters",
    "colorize_stack": "napari_colorize.sequences.stack",
    "colorize_planes": "napari_colorize.sequences.stream",
    "colorize_channels": "napari_colorize.sequences.channels",
    "colorize_lazy": "napari_colorize.sequences.lazy",
    "colorize_multiscale": "napari_colorize.sequences.lazy",
    "ColorizedStack": "napari_colorize.results",
    "StackParameters": "napari_colorize.sequences.parameters",
}

__all__ = [
    "ColorizeParameters",
    "Colorized",
    "ColorizedStack",
    "StackParameters",
    "__version__",
    "colorize",
    "colorize_channels",
    "colorize_lazy",
    "colorize_multiscale",
    "colorize_planes",
    "colorize_stack",
]


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        return getattr(import_module(_HOME_OF[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
