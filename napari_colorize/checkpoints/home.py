"""Where downloaded and imported weights live: the user's data folder, never site-packages."""

import os
from pathlib import Path

HOME_VARIABLE = "NAPARI_COLORIZE_HOME"
APPLICATION = "napari-colorize"


def home() -> Path:
    """Return the user's data folder for napari-colorize; it is not created here.

    ``NAPARI_COLORIZE_HOME`` wins where it is set. Otherwise it is the platform's own place, as
    platformdirs knows it: ``%LOCALAPPDATA%`` on Windows, ``~/Library/Application Support`` on
    macOS and ``$XDG_DATA_HOME`` (``~/.local/share``) elsewhere.

    Returns
    -------
    Path
        Absolute.
    """
    chosen = os.environ.get(HOME_VARIABLE, "").strip()
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs

    # Without appauthor=False, Windows would get the name twice.
    return platformdirs.user_data_path(APPLICATION, appauthor=False)


def checkpoints_folder() -> Path:
    """Return the folder of the user's own weights and their records."""
    return home() / "checkpoints"


def downloads_folder() -> Path:
    """Return the folder of unfinished downloads."""
    return home() / "downloads"
