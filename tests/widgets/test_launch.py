"""The launcher says what is wrong before it opens a window."""

import pytest

from napari_colorize.widgets import launch


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

    with pytest.raises(SystemExit) as caught:
        launch.main([str(there), str(tmp_path / "gone.tif")])

    assert str(caught.value) == (
        f"There is no file {tmp_path / 'gone.tif'}. Check the path and start again."
    )
    assert opened == []


def test_files_folders_and_addresses_are_opened(opened, tmp_path):
    files = [str(tmp_path), "https://example.org/a.tif"]

    launch.main(files)

    assert opened == [files]


def test_without_files_nothing_is_missing(opened):
    launch.main([])

    assert opened == [[]]
