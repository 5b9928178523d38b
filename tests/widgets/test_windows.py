"""The panel in real napari windows."""

import numpy as np
import pytest
import tifffile
from napari._app_model import get_app_model  # to run a command as a menu does
from qtpy.QtGui import QGuiApplication

from napari_colorize import colorize, files
from napari_colorize.widgets.colorize import ColorizePanel, colorize_current_slice

pytestmark = pytest.mark.qt


@pytest.fixture
def window(make_napari_viewer, qapp):
    """Return a viewer with a window; its plugins are those that are installed."""
    return make_napari_viewer()


def panel_of(viewer) -> ColorizePanel:
    _, panel = viewer.window.add_plugin_dock_widget("napari-colorize", "Colorize")
    assert isinstance(panel, ColorizePanel)
    return panel


def test_opens_from_the_manifest_and_colours(window, model, finish, grey):
    layer = window.add_image(grey, scale=(0.2, 0.2), units=("um", "um"))
    panel = panel_of(window)
    panel.ui.run.click()
    finish(panel)
    result = window.layers[-1]

    np.testing.assert_array_equal(result.data, colorize(grey).rgb)
    np.testing.assert_allclose(result.scale, layer.scale)
    assert result.units == layer.units


def test_the_menu_command_colours_the_active_layer_and_opens_the_panel(window, model, finish, grey):
    window.add_image(grey, name="other")
    window.layers.selection.active = window.add_image(grey[::-1].copy(), name="cells")
    get_app_model().commands.execute_command("napari-colorize.current_slice")
    panel = panel_of(window)
    finish(panel)

    assert window.layers[-1].name == "cells (predicted colour, colorful)"


def test_the_menu_command_without_an_image_says_so(window, model):
    window.add_points(np.zeros((2, 2)))
    colorize_current_slice(window)

    assert len(window.layers) == 1
    assert model.calls == 0


def test_closing_the_viewer_in_the_middle_of_a_run_is_safe(make_napari_viewer, model, grey, qtbot):
    viewer = make_napari_viewer()
    viewer.add_image(grey)
    panel = panel_of(viewer)
    model.gate.clear()
    panel.run()
    assert model.entered.wait(20)
    stop = panel.runner._task._stop
    viewer.close()
    qtbot.waitUntil(stop.is_set, timeout=10_000)
    model.gate.set()
    qtbot.wait(150)

    assert len(viewer.layers) <= 1


def test_closing_the_dock_in_the_middle_of_a_run_is_safe(window, model, grey, qtbot):
    window.add_image(grey)
    dock, panel = window.window.add_plugin_dock_widget("napari-colorize", "Colorize")
    model.gate.clear()
    panel.run()
    assert model.entered.wait(20)
    stop = panel.runner._task._stop
    dock.destroyOnClose()
    qtbot.waitUntil(stop.is_set, timeout=10_000)
    model.gate.set()
    qtbot.wait(150)
    window.add_image(grey)

    assert len(window.layers) == 2


def test_of_a_file_panel_pixels_copied_python_and_command_line_path_agree(
    window, model, finish, grey, tmp_path
):
    path = tmp_path / "cells.tif"
    tifffile.imwrite(path, grey)
    window.open(path, plugin="napari")
    panel = panel_of(window)
    panel.run()
    finish(panel)
    result = window.layers[-1].data
    panel.copy_python()
    scope: dict = {}
    exec(QGuiApplication.clipboard().text(), scope)

    np.testing.assert_array_equal(scope["rgb"], result)
    np.testing.assert_array_equal(colorize(files.read(path)[0].pixels).rgb, result)


def test_the_sample_opens_in_the_launched_viewer(monkeypatch, make_napari_viewer):
    import napari

    from napari_colorize.widgets import launch

    monkeypatch.setattr(napari, "Viewer", lambda title: make_napari_viewer(title=title))
    viewer = launch.open_viewer()

    assert [layer.name for layer in viewer.layers] == ["Camera"]
    assert list(viewer.window.dock_widgets) == ["Colorize (napari-colorize)"]
