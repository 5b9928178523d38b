"""Plausible colour for grey images: napari plugin, library and compiled torch operators.

The public names load on first use, so ``import napari_colorize`` costs nothing: torch is
imported when something is coloured, Qt and napari only by the plugin's panels.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from napari_colorize._version import __version__

if TYPE_CHECKING:
    from napari_colorize.api import Colorized, colorize
    from napari_colorize.parameters import ColorizeParameters

_HOME_OF = {
    "colorize": "napari_colorize.api",
    "Colorized": "napari_colorize.api",
    "ColorizeParameters": "napari_colorize.parameters",
}

__all__ = ["ColorizeParameters", "Colorized", "__version__", "colorize"]


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        return getattr(import_module(_HOME_OF[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
