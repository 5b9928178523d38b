"""Open napari with the panel docked: ``napari-colorize napari [FILE …]``.

torch is loaded before Qt, which Windows needs. Without a file, a sample is opened.
"""

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlparse

import click

if TYPE_CHECKING:
    import napari


def open_viewer(files: Sequence[str] = ()) -> "napari.Viewer":
    """Return a new viewer with the panel docked and the files, or a sample, opened.

    Parameters
    ----------
    files : sequence of str
        Anything that napari can open.
    """
    from napari_colorize.widgets.shared.preflight import load_torch

    load_torch()
    import napari

    from napari_colorize.sample_data import camera
    from napari_colorize.widgets.shared.panel import COLORIZE, open_panel

    viewer = napari.Viewer(title="napari-colorize")
    if files:
        viewer.open(list(files), plugin=None)
    else:
        [(picture, settings, _)] = camera()
        viewer.add_image(picture, **settings)
    open_panel(viewer, COLORIZE)  # the one that the menus open, too
    return viewer


@click.command("napari")
@click.argument("files", nargs=-1)
def command(files: Sequence[str]) -> None:
    """Open napari with the panel docked, PyTorch loaded first.

    FILES: pictures that napari can open; without any, a sample.
    """
    from napari_colorize.widgets.shared.preflight import TorchUnavailableError

    if find_spec("napari") is None:
        sys.exit("napari is not installed. Install it with: pip install 'napari-colorize[pyqt6]'")
    missing = [file for file in files if not _may_exist(file)]
    if missing:
        sys.exit(f"There is no file {', '.join(missing)}. Check the path and start again.")
    try:
        viewer = open_viewer(files)
    except TorchUnavailableError as error:
        sys.exit(str(error))
    import napari

    napari.run()
    del viewer  # kept alive until here


def _may_exist(file: str) -> bool:
    """Whether a path leads somewhere; of addresses in the net napari says so by itself."""
    return len(urlparse(file).scheme) > 1 or Path(file).exists()  # one letter is a drive


if __name__ == "__main__":
    command()
