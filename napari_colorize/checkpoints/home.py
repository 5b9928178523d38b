"""Where downloaded and imported weights live: the user's data folder, never site-packages."""

import os
import sys
from pathlib import Path

HOME_VARIABLE = "NAPARI_COLORIZE_HOME"


def home() -> Path:
    """Return the user's data folder for napari-colorize; it is not created here.

    ``NAPARI_COLORIZE_HOME`` wins where it is set. Otherwise it is the platform's own place:
    ``%LOCALAPPDATA%`` on Windows, ``~/Library/Application Support`` on macOS and
    ``$XDG_DATA_HOME`` (``~/.local/share``) elsewhere.
    """
    chosen = os.environ.get(HOME_VARIABLE, "").strip()
    if chosen:
        return Path(chosen).expanduser().absolute()
    return _platform_data_folder() / "napari-colorize"


def checkpoints_folder() -> Path:
    """Return the folder of the user's own weights and their records."""
    return home() / "checkpoints"


def downloads_folder() -> Path:
    """Return the folder of unfinished downloads."""
    return home() / "downloads"


def _platform_data_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    # The XDG specification says that a relative value is to be ignored.
    configured = Path(os.environ.get("XDG_DATA_HOME", ""))
    return configured if configured.is_absolute() else Path.home() / ".local" / "share"
