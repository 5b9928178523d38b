"""Weights and what is known about them: registry, safe loading, download and import.

Nothing here builds pixels. torch is imported when weights are read, not before.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from napari_colorize.checkpoints.errors import (
    CheckpointError,
    DownloadCancelled,
    DownloadError,
    Remedy,
)

if TYPE_CHECKING:
    from napari_colorize.checkpoints.download import fetch
    from napari_colorize.checkpoints.importing import import_file
    from napari_colorize.checkpoints.loading import (
        LoadedModel,
        clear_cache,
        load,
        method_of,
        verify,
    )
    from napari_colorize.checkpoints.record import CheckpointRecord
    from napari_colorize.checkpoints.registry import available, default_for, known
    from napari_colorize.checkpoints.saving import save_checkpoint

_HOME_OF = {
    "CheckpointRecord": "record",
    "LoadedModel": "loading",
    "available": "registry",
    "clear_cache": "loading",
    "default_for": "registry",
    "fetch": "download",
    "import_file": "importing",
    "known": "registry",
    "load": "loading",
    "method_of": "loading",
    "save_checkpoint": "saving",
    "verify": "loading",
}

__all__ = [
    "CheckpointError",
    "CheckpointRecord",
    "DownloadCancelled",
    "DownloadError",
    "LoadedModel",
    "Remedy",
    "available",
    "clear_cache",
    "default_for",
    "fetch",
    "import_file",
    "known",
    "load",
    "method_of",
    "save_checkpoint",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
