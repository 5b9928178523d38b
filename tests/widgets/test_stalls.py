"""The window stays responsive: no long silence of the main thread while a picture is coloured."""

import numpy as np
import pytest
from stalls import Heart

pytestmark = pytest.mark.qt

SIDE = 2048
BOUND = 0.5
"""Seconds that the main thread computes at a stretch, napari's own drawing by software included.
What is promised is measured alone, by ``python tests/widgets/stalls.py``; here other programs may
make any thread wait, so that processor time is what counts."""


@pytest.fixture
def window(make_napari_viewer, qapp):
    return make_napari_viewer(show=True)


def test_a_run_on_four_megapixels_leaves_the_window_responsive(window, model, finish, qtbot):
    random = np.random.default_rng(0)
    window.add_image(random.integers(0, 4096, (SIDE, SIDE), np.uint16), name="cells")
    _, panel = window.window.add_plugin_dock_widget("napari-colorize", "Colorize")
    qtbot.wait(300)  # the first drawing is napari's
    with Heart() as heart:
        panel.ui.run.click()
        finish(panel)
        qtbot.wait(300)  # the result is drawn, its thumbnail made

    assert window.layers[-1].name == "predicted colour of cells (colorful)"
    assert heart.busiest < BOUND, heart.told()


def test_the_window_lives_while_the_network_is_busy(window, model, finish, grey, qtbot):
    window.add_image(grey)
    _, panel = window.window.add_plugin_dock_widget("napari-colorize", "Colorize")
    model.gate.clear()
    with Heart() as heart:
        panel.ui.run.click()
        qtbot.waitUntil(model.entered.is_set, timeout=20_000)
        beats = heart.beats
        qtbot.wait(300)
        assert heart.beats > beats + 5
        model.gate.set()
        finish(panel)


def test_a_silence_is_noticed(qtbot):
    import time

    with Heart() as heart:
        qtbot.wait(50)
        time.sleep(0.2)
        qtbot.wait(50)

    assert heart.longest > 0.18
    assert heart.busiest < 0.18  # it slept


def test_work_in_the_main_thread_is_noticed(qtbot):
    import time

    with Heart() as heart:
        qtbot.wait(50)
        until = time.thread_time() + 0.2
        while time.thread_time() < until:
            pass
        qtbot.wait(50)

    assert heart.busiest > 0.19
