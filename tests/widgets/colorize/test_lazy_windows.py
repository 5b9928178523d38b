"""Lazy layers in a real window that renders asynchronously: it lives, and ends, in every case."""

import dask.array as da
import numpy as np
import pytest
import tifffile
from qtpy.QtCore import QTimer

from napari_colorize import colorize_stack
from napari_colorize.widgets.shared import task as _executor

pytestmark = pytest.mark.qt


@pytest.fixture
def window(make_napari_viewer, qapp, monkeypatch):
    from napari.settings import get_settings

    settings = get_settings()
    monkeypatch.setattr(type(settings), "save", lambda *_, **__: None)
    viewer = make_napari_viewer(show=True)
    yield viewer
    settings.experimental.async_ = False


@pytest.fixture
def stack():
    return np.random.default_rng(0).integers(0, 255, (30, 40, 40), dtype=np.uint8)


@pytest.fixture
def panel(window):
    return window.window.add_plugin_dock_widget("napari-colorize", "Colorize")[1]


@pytest.fixture
def lazy(window, model, panel, finish, stack):
    """Return a lazy layer in a window that does not wait for planes."""
    window.add_image(da.from_array(stack, chunks=(1, 40, 40)), contrast_limits=(0, 255))
    window.dims.set_current_step(0, 2)
    panel.ui.planes.setCurrentIndex(1)
    panel.ui.stack.consistency.slider.setValue(0.25)
    panel.run()
    finish(panel)
    panel.ahead.pause()
    panel.render_in_background()
    _executor.submit(int).result(timeout=20)
    return window.layers[-1]


@pytest.fixture
def going(window, model, lazy, qtbot):
    """Move the slider while the network is held."""
    model.gate.clear()
    model.entered.clear()
    window.dims.set_current_step(0, 20)
    qtbot.waitUntil(model.entered.is_set, timeout=20_000)


def test_the_window_goes_on_while_a_plane_is_coloured(window, model, lazy, going, stack, qtbot):
    assert not lazy.loaded
    beats = []
    timer = QTimer(interval=5, timeout=lambda: beats.append(1))
    timer.start()
    qtbot.waitUntil(lambda: len(beats) > 5, timeout=5_000)
    assert not lazy.loaded, "the network is still held"
    model.gate.set()
    qtbot.waitUntil(lambda: lazy.loaded, timeout=20_000)

    whole = colorize_stack(stack, window=(0, 255), consistency=0.25).rgb
    np.testing.assert_array_equal(np.asarray(lazy._slice.image.raw), whole[20])


def test_what_is_asked_for_meanwhile_is_the_colour_and_nothing_else(
    window, model, lazy, going, stack, tmp_path
):
    model.gate.set()
    whole = colorize_stack(stack, window=(0, 255), consistency=0.25).rgb

    np.testing.assert_array_equal(np.asarray(lazy.data[20]), whole[20])
    path, *_ = lazy.save(str(tmp_path / "coloured.tif"), plugin="napari-colorize")
    np.testing.assert_array_equal(tifffile.imread(path), whole)


def test_removing_the_layer_meanwhile_is_safe(window, model, lazy, going, qtbot):
    window.layers.remove(lazy)
    model.gate.set()
    qtbot.wait(200)

    assert len(window.layers) == 1


def test_closing_the_viewer_meanwhile_is_safe(window, model, lazy, going, qtbot):
    model.gate.set()
    window.close()
    qtbot.wait(200)


def test_closing_it_while_somebody_looks_ahead_is_safe(window, model, panel, lazy, qtbot):
    model.gate.clear()
    model.entered.clear()
    panel.ahead.resume()
    qtbot.waitUntil(model.entered.is_set, timeout=20_000)
    window.close()
    model.gate.set()
    before = model.calls
    _executor.submit(int).result(timeout=20)

    assert model.calls <= before + 1, "what was queued is dropped"
