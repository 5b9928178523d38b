from .download import fetch
from .errors import CheckpointError, DownloadCancelled, DownloadError, Remedy
from .loading import LoadedModel, clear_cache, load, method_of, verify
from .record import CheckpointRecord
from .registry import available, default_for, known
from .saving import import_file, save_checkpoint

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
