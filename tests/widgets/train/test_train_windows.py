"""The panel *Train on my images* in a real napari window."""

from threading import Event

import numpy as np
import pytest

from napari_colorize.api import Cancelled
from napari_colorize.widgets.train.panel import PANEL, TrainPanel

pytestmark = pytest.mark.qt


@pytest.fixture
def held(monkeypatch):
    """A training that goes on until it is told to stop."""
    from napari_colorize.training import teaching

    entered, left = Event(), Event()

    def teach(*_, watch, **__):
        watch.progress(0.1, "fitting")
        entered.set()
        while not watch.should_stop():
            left.wait(0.01)
        left.set()
        raise Cancelled("nothing was kept")

    monkeypatch.setattr(teaching, "teach", teach)
    return entered, left


def start(viewer) -> TrainPanel:
    viewer.add_image(np.zeros((20, 20, 3), np.uint8), rgb=True, name="slide")
    _, panel = viewer.window.add_plugin_dock_widget("napari-colorize", PANEL)
    assert isinstance(panel, TrainPanel)
    panel.ui.form.weights.value = "of-this-test"
    panel.ui.run.click()
    return panel


def test_closing_the_viewer_in_the_middle_is_safe(make_napari_viewer, held, qtbot):
    entered, left = held
    viewer = make_napari_viewer()
    start(viewer)
    assert entered.wait(60)
    viewer.close()
    qtbot.waitUntil(left.is_set, timeout=10_000)
    qtbot.wait(100)


def test_closing_the_dock_in_the_middle_is_safe(make_napari_viewer, held, qtbot):
    entered, left = held
    viewer = make_napari_viewer()
    start(viewer)
    assert entered.wait(60)
    viewer.window.remove_dock_widget("all")
    qtbot.waitUntil(left.is_set, timeout=10_000)
    viewer.add_image(np.zeros((9, 9, 3), np.uint8))
    qtbot.wait(100)

    assert len(viewer.layers) == 2


def test_colorize_with_it_opens_the_panel_with_the_new_weights(make_napari_viewer, monkeypatch):
    viewer = make_napari_viewer()
    _, panel = viewer.window.add_plugin_dock_widget("napari-colorize", PANEL)
    panel.taught = ("deep", "deep")  # as if the shipped weights had just been trained
    panel.ui.use.setEnabled(True)
    panel.ui.use.click()
    _, colorize = viewer.window.add_plugin_dock_widget("napari-colorize", "Colorize")

    assert colorize.ui.form.method.value == "deep"
    assert colorize.ui.form.checkpoint.value == "deep"
