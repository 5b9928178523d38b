"""Runs that do not go straight to their end: cancel, deletion, errors, two at once."""

import gc
import logging
import time

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QApplication

from napari_colorize import ColorizeParameters, colorize
from napari_colorize.widgets.colorize.job import plan
from napari_colorize.widgets.shared import task as _executor
from napari_colorize.widgets.shared.words import sentence_of


@pytest.fixture
def held(model):
    """Return a model that waits in the middle of a run until its gate is opened."""
    model.gate.clear()
    return model


@pytest.fixture
def start(viewer, make_panel):
    """Return a function that starts a run and waits until it is inside the network."""

    def run(layer, model, panel=None):
        panel = panel or make_panel(viewer)
        panel.choose(layer)
        model.entered.clear()
        panel.run()
        assert model.entered.wait(20)
        return panel

    return run


def wait_for_inference_thread() -> None:
    """Return once everything that was queued has run."""
    _executor.submit(int).result(timeout=20)


def delete_now(widget) -> None:
    """Delete a widget as Qt does when its dock or window goes."""
    widget.deleteLater()
    QApplication.sendPostedEvents(widget, QEvent.Type.DeferredDelete)


class TestCancel:
    def test_adds_nothing_and_is_ready_again(self, viewer, held, start, finish, grey):
        layer = viewer.add_image(grey)
        panel = start(layer, held)
        assert not panel.ui.run.isEnabled()
        assert panel.ui.cancel.isEnabled()

        panel.ui.cancel.click()
        finish(panel)

        assert list(viewer.layers) == [layer]
        assert panel.ui.status.text() == "Cancelled; nothing was added."
        assert panel.ui.run.isEnabled()
        assert not panel.ui.cancel.isEnabled()

    def test_frees_the_panel_before_the_network_returns(self, viewer, held, start, finish, grey):
        panel = start(viewer.add_image(grey), held)
        panel.cancel()
        finish(panel)

        assert not held.gate.is_set()

    @pytest.mark.alone
    @pytest.mark.parametrize("kind", ["slice", "stack", "lazy"])
    def test_takes_less_than_a_second(
        self, viewer, held, make_panel, start, finish, qtbot, grey, kind
    ):
        stack = np.stack([grey] * 4)
        layer = viewer.add_image(da.from_array(stack) if kind == "lazy" else stack)
        panel = make_panel(viewer)
        panel.ui.planes.setCurrentIndex(int(kind != "slice"))
        start(layer, held, panel)
        qtbot.wait(20)
        began = time.perf_counter()
        panel.ui.cancel.click()
        finish(panel)

        assert time.perf_counter() - began < 1
        assert not held.gate.is_set(), "the network was still busy"
        assert list(viewer.layers) == [layer]

    def test_lets_the_next_run_succeed(self, viewer, held, start, finish, grey):
        panel = start(viewer.add_image(grey), held)
        panel.cancel()
        finish(panel)
        held.gate.set()
        panel.run()
        finish(panel)

        np.testing.assert_array_equal(viewer.layers[-1].data, colorize(grey).rgb)

    def test_between_planes_ends_a_stack(self, viewer, held, make_panel, start, finish, grey):
        layer = viewer.add_image(np.stack([grey] * 40))
        panel = make_panel(viewer)
        panel.ui.planes.setCurrentIndex(1)
        start(layer, held, panel)
        panel.cancel()
        held.gate.set()
        finish(panel)
        wait_for_inference_thread()

        assert held.calls == 1
        assert list(viewer.layers) == [layer]


class TestDeletion:
    def test_of_the_layer_stops_its_run(self, viewer, held, start, finish, grey):
        other = viewer.add_image(grey)
        layer = viewer.add_image(grey, name="cells")
        panel = start(layer, held)
        viewer.layers.remove(layer)
        held.gate.set()
        finish(panel)

        assert list(viewer.layers) == [other]
        assert panel.ui.status.text() == "Stopped, because layer 'cells' was removed."

    def test_of_another_layer_does_not(self, viewer, held, start, finish, grey):
        other = viewer.add_image(grey)
        panel = start(viewer.add_image(grey, name="cells"), held)
        viewer.layers.remove(other)
        held.gate.set()
        finish(panel)

        assert viewer.layers[-1].name == "predicted colour of cells (colorful)"

    def test_of_the_panel_stops_the_run_and_leaves_the_viewer_alone(
        self, viewer, held, make_panel, start, grey, qtbot
    ):
        from napari_colorize.widgets.colorize.panel import ColorizePanel

        layer = viewer.add_image(grey)
        panel = start(layer, held, ColorizePanel(viewer))
        stop = panel.task._stop
        delete_now(panel)
        assert stop.is_set()
        held.gate.set()
        wait_for_inference_thread()
        qtbot.wait(150)  # whatever the worker still reports, it finds nobody

        assert list(viewer.layers) == [layer]
        viewer.add_image(grey, name="later")  # events find no dead listener
        viewer.layers[-1].name = "renamed"
        viewer.dims.order = (1, 0)
        viewer.layers.clear()

    def test_of_the_layer_object_is_not_prevented_by_a_job(self, viewer):
        layer = Image(np.zeros((8, 9), np.uint8))
        job = plan(layer, viewer.dims, ColorizeParameters())
        del layer
        gc.collect()

        assert job.layer() is None
        assert job.shape == (8, 9)


def test_edits_of_the_layer_during_a_run_do_not_reach_it(viewer, held, start, finish, grey):
    layer = viewer.add_image(grey, scale=(2, 2), contrast_limits=(0, 255))
    panel = start(layer, held)
    layer.scale, layer.contrast_limits, layer.data = (9, 9), (50, 60), np.zeros_like(grey)
    held.gate.set()
    finish(panel)

    np.testing.assert_array_equal(viewer.layers[-1].data, colorize(grey).rgb)
    np.testing.assert_allclose(viewer.layers[-1].scale, (2, 2))


class TestTwoRuns:
    def test_of_one_panel_are_refused_politely(self, viewer, held, start, finish, grey):
        panel = start(viewer.add_image(grey), held)
        panel.run()
        held.gate.set()
        finish(panel)

        assert held.calls == 1
        assert len(viewer.layers) == 2

    def test_of_two_panels_both_arrive(self, viewer, held, make_panel, start, finish, grey):
        first = start(viewer.add_image(grey, name="a"), held)
        second = make_panel(viewer)
        second.choose(viewer.add_image(grey[::-1].copy(), name="b"))
        second.run()
        held.gate.set()
        finish(first)
        finish(second)

        found = {layer.name: layer.data for layer in viewer.layers}
        np.testing.assert_array_equal(found["predicted colour of a (colorful)"], colorize(grey).rgb)
        np.testing.assert_array_equal(
            found["predicted colour of b (colorful)"], colorize(grey[::-1]).rgb
        )


class TestErrors:
    @pytest.mark.parametrize(
        "error", [RuntimeError("CUDA says no"), ValueError("Do this."), KeyError("x")]
    )
    def test_are_shown_and_free_the_panel(
        self, viewer, model, make_panel, finish, grey, error, monkeypatch, caplog
    ):
        shown: list[str] = []
        monkeypatch.setattr("napari.utils.notifications.show_error", shown.append)
        caplog.set_level(logging.CRITICAL)
        model.error = error
        layer = viewer.add_image(grey)
        panel = make_panel(viewer)
        panel.run()
        finish(panel)

        assert shown == [sentence_of(error, "Colouring failed")] == [panel.ui.status.text()]
        assert panel.ui.run.isEnabled()
        assert list(viewer.layers) == [layer]

    def test_our_own_sentences_are_shown_as_they_are(self):
        assert sentence_of(ValueError("Do this."), "Colouring failed") == "Do this."
        said = sentence_of(RuntimeError("boom"), "Colouring failed")
        assert said == "Colouring failed: RuntimeError: boom"

    def test_of_the_form_are_shown_before_anything_runs(
        self, viewer, model, make_panel, grey, monkeypatch
    ):
        shown: list[str] = []
        monkeypatch.setattr("napari.utils.notifications.show_error", shown.append)
        viewer.add_image(grey)
        panel = make_panel(viewer)
        panel.ui.form.network_size.value = 7
        panel.run()

        assert "network_size is 7" in shown[0]
        assert not panel.task.busy
        assert model.calls == 0


def test_memory_that_ran_out_is_made_up_for_and_told(
    viewer, model, make_panel, finish, grey, monkeypatch
):
    from napari_colorize import ops
    from napari_colorize.pipeline import resample

    whole, picture = ops.finish, np.tile(grey, (8, 4))

    def scarce(luma, *args, **options):
        if luma.shape[-2] >= len(picture):
            raise MemoryError
        return whole(luma, *args, **options)

    expected = colorize(picture).rgb
    monkeypatch.setattr(resample, "BAND_PIXELS", 64 * picture.shape[1])
    monkeypatch.setattr(ops, "finish", scarce)
    viewer.add_image(picture)
    panel = make_panel(viewer)
    panel.run()
    finish(panel)  # Python's own warning goes astray: the worker's thread takes warnings for itself

    assert np.abs(viewer.layers[-1].data.astype(int) - expected).max() <= 1
    assert "refined in bands of rows instead" in panel.ui.status.text()
    assert "refined in bands" in viewer.layers[-1].metadata["napari_colorize"]["memory"][0]


def test_progress_grows_and_names_planes(viewer, model, make_panel, finish, grey):
    model.seconds = 0.2  # long enough for several looks at how far it is
    viewer.add_image(np.stack([grey] * 3))
    panel = make_panel(viewer)
    panel.ui.planes.setCurrentIndex(1)
    seen: list = []
    panel.task.progressed.connect(lambda *step: seen.append(step))
    panel.run()
    finish(panel)
    told = [step for step in seen if step[0] is not None]
    fractions = [share for share, _ in told]

    assert fractions == sorted(fractions)
    planes = {text.partition(":")[0] for _, text in told if ":" in text}
    assert planes <= {f"Plane {number} of 3" for number in (1, 2, 3)}
    assert planes
    assert panel.ui.progress.isHidden()
