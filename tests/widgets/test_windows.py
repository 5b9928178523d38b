"""The panel in real napari windows."""

import dask.array as da
import napari.settings
import numpy as np
import pytest
import tifffile
from napari._app_model import get_app_model  # to run a command as a menu does
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QLabel

from napari_colorize import colorize, colorize_stack, files
from napari_colorize.widgets.colorize.panel import ColorizePanel
from napari_colorize.widgets.commands import colorize_current_slice
from napari_colorize.widgets.evaluate.panel import EvaluatePanel
from napari_colorize.widgets.models.panel import ModelsPanel
from napari_colorize.widgets.shared.preferences import Preferences, preferences

pytestmark = pytest.mark.qt

# Each test sees the defaults instead; see conftest.py.
REAL_PLUGIN_SETTINGS = napari.settings.get_plugin_settings


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

    assert window.layers[-1].name == "predicted colour of cells (colorful)"


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
    stop = panel.task._stop
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
    stop = panel.task._stop
    dock.destroyOnClose()
    qtbot.waitUntil(stop.is_set, timeout=10_000)
    model.gate.set()
    qtbot.wait(150)
    window.add_image(grey)

    assert len(window.layers) == 2


def test_the_menu_command_colours_all_planes(window, model, finish, grey):
    window.layers.selection.active = window.add_image(np.stack([grey] * 3), name="cells")
    get_app_model().commands.execute_command("napari-colorize.all_planes")
    panel = panel_of(window)
    finish(panel)

    assert window.layers[-1].data.shape == (3, *grey.shape, 3)


def previewed(viewer, panel, qtbot):
    panel.ui.preview.setChecked(True)
    qtbot.waitUntil(lambda: panel.live.layer.layer is not None, timeout=30_000)
    return panel.live.layer.layer


def test_the_preview_is_drawn_follows_the_slider_and_goes_with_the_dock(window, model, grey, qtbot):
    window.add_image(np.stack([grey, grey[::-1]]), name="cells", scale=(2, 0.5, 0.5))
    dock, panel = window.window.add_plugin_dock_widget("napari-colorize", "Colorize")
    shown = previewed(window, panel, qtbot)
    window.dims.set_current_step(0, 1)
    qtbot.waitUntil(lambda: not panel.live.busy, timeout=30_000)
    np.testing.assert_array_equal(shown.data[0], colorize(grey[::-1]).rgb)

    dock.destroyOnClose()
    qtbot.waitUntil(lambda: len(window.layers) == 1, timeout=5000)
    qtbot.wait(150)
    window.dims.set_current_step(0, 0)


def test_closing_the_viewer_with_a_preview_under_way_is_safe(
    make_napari_viewer, model, grey, qtbot
):
    viewer = make_napari_viewer()
    viewer.add_image(grey)
    panel = panel_of(viewer)
    previewed(viewer, panel, qtbot)
    model.gate.clear()
    model.entered.clear()
    panel.ui.form.temperature.slider.setValue(0.2)
    qtbot.waitUntil(model.entered.is_set, timeout=20_000)
    stop = panel.live._task._stop
    viewer.close()
    qtbot.waitUntil(stop.is_set, timeout=10_000)
    model.gate.set()
    qtbot.wait(150)


def test_a_lazy_stack_is_drawn_plane_by_plane(window, model, finish, grey, qtbot):
    frames = np.stack([np.roll(grey, t, axis=0) for t in range(9)])
    window.add_image(da.from_array(frames, chunks=(1, *grey.shape)), contrast_limits=(0, 255))
    panel = panel_of(window)
    panel.ui.planes.setCurrentIndex(1)
    panel.ui.run.click()
    finish(panel)
    result = window.layers[-1]
    expected = colorize_stack(frames, window=(0, 255)).rgb
    for step in (0, 8, 3):
        window.dims.set_current_step(0, step)
        qtbot.waitUntil(lambda: result.loaded, timeout=20_000)
        np.testing.assert_array_equal(result._slice.image.raw, expected[step])


def test_rows_of_a_stack_appear_beside_their_labels(window, grey):
    window.add_image(np.stack([grey] * 3))
    panel = panel_of(window)
    rows = {"Axes", "Same colour along", "Consistency"}

    def labelled():
        return {label.text() for label in panel.findChildren(QLabel) if not label.isHidden()}

    assert not rows & labelled()
    panel.ui.planes.setCurrentIndex(1)
    assert rows <= labelled()


def test_the_menu_command_compares_the_two_selected_layers(window, grey, qtbot):
    pictures = [np.stack([grey, other, grey], axis=-1) for other in (grey[::-1], grey)]
    truth = window.add_image(pictures[0], rgb=True, name="photograph")
    predicted = {"napari_colorize": {}}
    guess = window.add_image(pictures[1], rgb=True, name="guess", metadata=predicted)
    window.layers.selection = {truth, guess}
    get_app_model().commands.execute_command("napari-colorize.evaluate_selected")
    _, panel = window.window.add_plugin_dock_widget("napari-colorize", "Evaluate")
    qtbot.waitUntil(lambda: not panel.task.busy, timeout=30_000)

    assert isinstance(panel, EvaluatePanel)
    assert window.layers[-1].name == "guess (colour error against photograph)"


def test_the_models_open_from_the_manifest_with_a_card(window):
    _, panel = window.window.add_plugin_dock_widget("napari-colorize", "Models")

    assert isinstance(panel, ModelsPanel)
    assert panel.ui.models.topLevelItemCount() >= 1
    assert "SHA-256" in panel.ui.card.toPlainText()


def test_closing_the_viewer_in_the_middle_of_a_comparison_is_safe(
    make_napari_viewer, grey, qtbot, monkeypatch
):
    from threading import Event

    from napari_colorize.evaluation import comparison

    gate, entered = Event(), Event()
    monkeypatch.setattr(
        comparison, "compare_planes", lambda *_, **__: entered.set() or gate.wait(20)
    )
    viewer = make_napari_viewer()
    for name in ("one", "other"):
        viewer.add_image(np.stack([grey] * 3, axis=-1), rgb=True, name=name)
    _, panel = viewer.window.add_plugin_dock_widget("napari-colorize", "Evaluate")
    panel.run()
    assert entered.wait(20)
    stop = panel.task._stop
    viewer.close()
    qtbot.waitUntil(stop.is_set, timeout=10_000)
    gate.set()
    qtbot.wait(150)


def test_the_palette_offers_every_command(window):
    offered = {action.id for action in get_app_model().registered_actions.values()}

    for name in ("current_slice", "all_planes", "evaluate_selected", "copy_legend", "copy_python"):
        assert f"napari-colorize.{name}" in offered
    titles = [action.title for action in get_app_model().registered_actions.values()]
    for panel in ("Colorize", "Models", "Evaluate", "Colorization Turing test"):
        assert any(panel in title for title in titles)


def test_a_key_colours_the_active_layer(window, model, finish, grey):
    window.add_image(grey, name="cells")
    panel = panel_of(window)
    window.window._qt_viewer._key_map_handler.press_key("Control-Alt-C")
    finish(panel)

    assert window.layers[-1].name == "predicted colour of cells (colorful)"


def test_the_preferences_page_is_napari_s_own(window, tmp_path, monkeypatch):
    from napari.settings import _clear_plugin_settings_cache as forget

    monkeypatch.setattr(napari.settings, "get_plugin_settings", REAL_PLUGIN_SETTINGS)
    monkeypatch.setattr(napari.settings, "_CFG_PATH", str(tmp_path / "settings.yaml"))
    forget()
    try:
        assert preferences() == Preferences()
        page = REAL_PLUGIN_SETTINGS("napari-colorize")
        page.colorize.threads = 2
        page.colorize.dtype = "uint16"
        assert preferences() == Preferences(threads=2, dtype="uint16")
        with pytest.raises(ValueError, match="dtype"):
            page.colorize.dtype = "int8"
        assert "threads: 2" in (tmp_path / "napari-colorize.yaml").read_text()
    finally:
        forget()


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


@pytest.mark.slow
def test_what_is_shown_is_what_is_coloured_and_lies_on_top(window, model, finish, grey, qtbot):
    """One window, all that hangs on what napari itself shows."""
    stack = np.stack([grey, grey[::-1] // 4, grey[:, ::-1], grey, grey // 2])
    layer = window.add_image(stack, name="cells", contrast_limits=(0, 255))
    panel = panel_of(window)
    window.dims.set_point(0, 2)
    window.dims.margin_left = window.dims.margin_right = (1, 0, 0)
    for mode in ("max", "mean", "sum"):
        layer.projection_mode = mode
        shown = np.asarray(layer._slice.image.raw)
        panel.run()
        finish(panel)
        assert window.layers.selection.active is window.layers[-1]
        np.testing.assert_array_equal(
            window.layers[-1].data[0], colorize(shown, window=(0, 255)).rgb
        )
    window.dims.margin_left = window.dims.margin_right = (0, 0, 0)
    panel.ui.preview.setChecked(True)
    qtbot.waitUntil(lambda: panel.live.layer.layer is not None, timeout=30_000)
    preview = panel.live.layer.layer
    assert window.layers[-1] is preview
    coloured = np.asarray(preview._slice.image.raw).astype(int)
    assert np.ptp(coloured, axis=-1).max() > 10
    panel.ui.swipe.setValue(0)
    before = np.asarray(preview._slice.image.raw)
    np.testing.assert_array_equal(before[:, 1:, 0], stack[2][:, 1:])
    assert (np.ptp(before.astype(int), axis=-1) == 0).all()
    layer.axis_labels = ("t", "y", "x")
    panel.ui.planes.setCurrentIndex(1)
    assert "t (time): 5 planes" in panel.ui.stack.along.currentText()
