"""The launcher says what is wrong before it opens a window."""

import importlib.util

import pytest
from click.testing import CliRunner, Result

from napari_colorize.cli import app
from napari_colorize.widgets import launch


def start(*files: object) -> Result:
    """Call ``napari-colorize napari``."""
    return CliRunner().invoke(app, ["napari", *map(str, files)])


@pytest.fixture
def opened(monkeypatch):
    """Collect what a viewer would be opened with; none is."""
    asked: list[list[str]] = []
    monkeypatch.setattr(launch, "open_viewer", lambda files: asked.append(list(files)))
    monkeypatch.setattr("napari.run", lambda: None)
    return asked


def test_a_file_that_is_missing_is_told_in_a_sentence(opened, tmp_path):
    there = tmp_path / "there.tif"
    there.touch()

    done = start(there, tmp_path / "gone.tif")

    assert done.exit_code == 1
    assert done.output.strip() == (
        f"There is no file {tmp_path / 'gone.tif'}. Check the path and start again."
    )
    assert opened == []


def test_files_folders_and_addresses_are_opened(opened, tmp_path):
    files = [str(tmp_path), "https://example.org/a.tif"]

    start(*files)

    assert opened == [files]


def test_without_files_nothing_is_missing(opened):
    assert start().exit_code == 0

    assert opened == [[]]


def test_without_napari_the_sentence_says_how_to_install_it(opened, monkeypatch):
    there = importlib.util.find_spec
    monkeypatch.setattr(launch, "find_spec", lambda name: None if name == "napari" else there(name))

    assert "pip install 'napari-colorize[pyqt6]'" in start().output
    assert opened == []
