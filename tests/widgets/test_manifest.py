"""The manifest is valid, and everything that it names exists and works."""

import re
import subprocess
import sys
from importlib.resources import files

import numpy as np
import pytest
from npe2 import PluginManifest

PATH = files("napari_colorize") / "napari.yaml"


@pytest.fixture(scope="module")
def manifest() -> PluginManifest:
    return PluginManifest.from_file(PATH)


def test_passes_npe2_validate():
    done = subprocess.run(
        [sys.executable, "-m", "npe2", "validate", str(PATH)],
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_command_can_be_imported(manifest):
    manifest.validate_imports()


def test_the_panel_is_a_widget_called_colorize(manifest):
    widgets = {widget.display_name: widget.command for widget in manifest.contributions.widgets}

    assert widgets["Colorize"] == "napari-colorize.panel"


def test_a_submenu_in_visualize_offers_the_current_slice_for_images_only(manifest):
    [entry] = manifest.contributions.menus["napari/layers/visualize"]
    commands = {command.id: command for command in manifest.contributions.commands}
    items = [item.command for item in manifest.contributions.menus[entry.submenu]]

    assert "napari-colorize.current_slice" in items
    assert (
        commands["napari-colorize.current_slice"].enablement
        == "active_layer_type == 'image' or num_selected_image_layers > 1"
    )


def test_the_submenu_has_every_command_that_opens_and_saves_nothing(manifest):
    [entry] = manifest.contributions.menus["napari/layers/visualize"]
    in_menu = [item.command for item in manifest.contributions.menus[entry.submenu]]
    samples = {sample.command for sample in manifest.contributions.sample_data}
    files = {one.command for one in manifest.contributions.writers}
    files |= {one.command for one in manifest.contributions.readers}
    commands = {command.id for command in manifest.contributions.commands} - samples - files

    assert sorted(in_menu) == sorted(commands)


def test_readers_and_writers_are_no_commands_of_the_palette(manifest):
    writers = {writer.command for writer in manifest.contributions.writers}
    writers |= {reader.command for reader in manifest.contributions.readers}
    enablement = {c.id: c.enablement for c in manifest.contributions.commands}

    assert {enablement[writer] for writer in writers} == {"False"}


def test_every_sample_is_a_grey_picture_that_ships_with_scikit_image(manifest, monkeypatch):
    import skimage.data._fetchers as fetchers

    # Without its fetcher scikit-image opens what is in its wheel, and refuses all else.
    monkeypatch.setattr(fetchers, "_image_fetcher", None)
    assert len(manifest.contributions.sample_data) >= 4
    names = {c.id: c.python_name for c in manifest.contributions.commands}
    for sample in manifest.contributions.sample_data:
        module, _, function = names[sample.command].partition(":")
        [(picture, settings, kind)] = getattr(__import__(module, fromlist=["_"]), function)()
        assert kind == "image"
        assert picture.ndim == 2
        assert picture.dtype == np.uint8
        assert picture.std() > 5
        assert settings["name"]


def test_importing_the_widgets_package_loads_neither_qt_nor_torch():
    code = (
        "import sys, napari_colorize.widgets, napari_colorize.sample_data, "
        "napari_colorize.widgets.launch; print(sorted(sys.modules))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout

    assert not re.search(r"'(torch|qtpy|PyQt6|napari)'", loaded)


@pytest.mark.parametrize("module", ["colorize", "models", "evaluate", "train", "commands"])
def test_importing_a_panel_does_not_load_torch(module):
    code = f"import sys, napari_colorize.widgets.{module}; print('torch' in sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout

    assert loaded.strip() == "False"


def test_titles_say_in_the_palette_what_they_are_for(manifest):
    """There nothing else stands beside them: no menu, and no plugin's name."""
    titles = [command.title for command in manifest.contributions.commands]

    assert len(set(titles)) == len(titles)
    for title in titles:
        verb, _, rest = title.partition(" ")
        assert verb in ("Open", "Colorize", "Evaluate", "Copy", "Restore", "Save"), title
        assert len(rest.split()) >= 2, title
