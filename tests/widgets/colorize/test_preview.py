"""The live preview: what is on screen, in the background, never in the way, never a result."""

import numpy as np
import pytest
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QApplication, QVBoxLayout, QWidget

from napari_colorize import ColorizeParameters, colorize
from napari_colorize.widgets import commands
from napari_colorize.widgets.colorize import preview as _preview
from napari_colorize.widgets.colorize.panel import ColorizePanel
from napari_colorize.widgets.colorize.preview import PAUSE_MS, plan_preview, reduced
from napari_colorize.widgets.layers.choice import PREVIEW_KEY, RECORD_KEY
from napari_colorize.widgets.shared import task as _executor


@pytest.fixture
def panel(viewer, make_panel):
    return make_panel(viewer)


@pytest.fixture
def settle(qtbot):
    """Return a function that waits until a panel's preview is up to date."""

    def wait(panel) -> None:
        qtbot.waitUntil(lambda: not panel.live.busy, timeout=30_000)

    return wait


@pytest.fixture
def previewed(viewer, panel, settle):
    """Return a function that previews a layer and returns the layer of the preview."""

    def show(layer):
        panel.choose(layer)
        panel.ui.preview.setChecked(True)
        settle(panel)
        return panel.live.layer.layer

    return show


class TestPixels:
    def test_are_those_of_the_plane_on_screen(self, viewer, model, previewed, grey):
        layer = viewer.add_image(np.stack([grey, grey[::-1]]), contrast_limits=(10, 200))
        viewer.dims.set_current_step(0, 1)
        shown = previewed(layer)

        expected = colorize(grey[::-1], window=(10, 200)).rgb
        np.testing.assert_array_equal(shown.data[0], expected)
        np.testing.assert_allclose(shown.data_to_world((0, 3, 4)), layer.data_to_world((1, 3, 4)))

    def test_of_a_large_plane_are_reduced_and_said_to_be(
        self, viewer, model, panel, previewed, grey, monkeypatch
    ):
        monkeypatch.setattr(_preview, "MAX_PIXELS", grey.size // 4)
        layer = viewer.add_image(grey, scale=(0.5, 2), translate=(7, 9))
        shown = previewed(layer)

        assert shown.data.shape == (24, 20, 3)
        assert "Preview at 1/2 of the size" in panel.ui.status.text()
        for corner in ((-0.5, -0.5), (47.5, 39.5)):
            small = (np.array(corner) + 0.5) / 2 - 0.5
            np.testing.assert_allclose(shown.data_to_world(small), layer.data_to_world(corner))

    def test_of_odd_sides_cover_the_plane_exactly(self, viewer, model, previewed, monkeypatch):
        monkeypatch.setattr(_preview, "MAX_PIXELS", 600)
        layer = viewer.add_image(np.zeros((47, 31), np.uint8))
        shown = previewed(layer)

        end = np.array(shown.data.shape[:2]) - 0.5
        np.testing.assert_allclose(shown.data_to_world(end), (46.5, 30.5))
        np.testing.assert_allclose(shown.data_to_world((-0.5, -0.5)), (-0.5, -0.5))

    def test_of_a_pyramid_come_from_a_level_that_fits(
        self, viewer, model, previewed, grey, monkeypatch
    ):
        monkeypatch.setattr(_preview, "MAX_PIXELS", grey.size // 4)
        levels = [grey, grey[::2, ::2]]
        layer = viewer.add_image(levels, multiscale=True, contrast_limits=(0, 255))
        shown = previewed(layer)

        np.testing.assert_array_equal(shown.data, colorize(levels[1]).rgb)
        np.testing.assert_allclose(shown.data_to_world((-0.5, -0.5)), (-0.5, -0.5))

    def test_of_a_side_view_lie_in_it(self, viewer, model, previewed, grey):
        layer = viewer.add_image(np.stack([grey] * 33), scale=(4, 1, 1), contrast_limits=(0, 255))
        viewer.dims.order = (1, 2, 0)
        viewer.dims.set_current_step(1, 9)
        shown = previewed(layer)

        assert shown.data.shape == (33, 1, 40, 3)
        expected = colorize(layer.data[:, 9].T).rgb.swapaxes(0, 1)
        np.testing.assert_array_equal(shown.data[:, 0], expected)

    @pytest.mark.parametrize("dtype", [bool, np.uint8, np.int16, np.uint32, np.float16, np.float64])
    def test_are_averaged_in_any_dtype(self, dtype):
        picture = (np.arange(24).reshape(4, 6) % 7 > 3) if dtype is bool else np.arange(24)
        picture = picture.reshape(4, 6).astype(dtype)
        small = reduced(picture, (2, 3))
        means = picture.astype(float).reshape(2, 2, 3, 2).mean(axis=(1, 3))

        assert small.dtype == dtype
        np.testing.assert_allclose(small.astype(float), means, atol=0.51)


class TestFollowing:
    @pytest.fixture
    def shown(self, viewer, model, previewed, grey):
        return previewed(viewer.add_image(np.stack([grey, 255 - grey]), name="cells"))

    def test_a_setting_replaces_the_pixels_of_the_same_layer(
        self, viewer, panel, settle, shown, grey
    ):
        panel.ui.form.refinement.value = "bilinear"
        settle(panel)

        assert panel.live.layer.layer is shown
        assert len(viewer.layers) == 2
        np.testing.assert_array_equal(shown.data[0], colorize(grey, refinement="bilinear").rgb)

    def test_the_slider_moves_it_along(self, viewer, panel, settle, shown, grey):
        viewer.dims.set_current_step(0, 1)
        settle(panel)

        assert panel.live.layer.layer is shown
        np.testing.assert_array_equal(shown.data[0], colorize(255 - grey).rgb)
        np.testing.assert_allclose(shown.data_to_world((0, 0, 0)), (1, 0, 0))

    def test_contrast_and_gamma_of_the_source_count(self, viewer, panel, settle, shown, grey):
        viewer.layers["cells"].contrast_limits = (50, 100)
        settle(panel)
        np.testing.assert_array_equal(shown.data[0], colorize(grey, window=(50, 100)).rgb)

        viewer.layers["cells"].gamma = 0.5
        settle(panel)
        light = np.sqrt(((grey.astype(np.float32) - 50) / 50).clip(0, 1))
        np.testing.assert_array_equal(shown.data[0], colorize(light, window=(0, 1)).rgb)

    def test_a_moved_source_takes_it_with_it(self, viewer, panel, settle, shown):
        viewer.layers["cells"].translate = (0, 5, 6)
        settle(panel)

        np.testing.assert_allclose(shown.data_to_world((0, 0, 0)), (0, 5, 6))

    def test_another_layer_gets_its_own(self, viewer, panel, settle, shown, grey):
        other = viewer.add_image(grey.T.copy(), name="other")
        panel.choose(other)
        settle(panel)
        previews = [layer for layer in viewer.layers if PREVIEW_KEY in layer.metadata]

        assert [layer.name for layer in previews] == ["other (preview, predicted colour)"]
        np.testing.assert_array_equal(previews[0].data, colorize(grey.T).rgb)

    def test_many_moves_in_a_row_cost_one_prediction(self, panel, model, settle, shown, qtbot):
        before = model.calls
        for value in np.linspace(0.1, 0.9, 9):
            panel.ui.form.temperature.slider.setValue(float(value))
            qtbot.wait(PAUSE_MS // 10)
        settle(panel)

        assert model.calls == before + 1

    def test_what_is_out_of_date_is_dropped(self, viewer, panel, model, settle, shown, grey, qtbot):
        model.gate.clear()
        model.entered.clear()
        panel.ui.form.network_size.value = 96
        qtbot.waitUntil(model.entered.is_set, timeout=20_000)
        drawn = []
        shown.events.data.connect(lambda event: drawn.append(shown.data))
        panel.ui.form.network_size.value = 32
        model.gate.set()
        settle(panel)

        assert len(drawn) == 1
        np.testing.assert_array_equal(drawn[0][0], colorize(grey, network_size=32).rgb)

    def test_where_the_source_is_not_visible_there_is_none(
        self, viewer, panel, settle, shown, grey
    ):
        viewer.add_image(np.stack([grey] * 9), name="long")
        panel.choose(viewer.layers["cells"])
        viewer.dims.set_current_step(0, 7)
        settle(panel)

        assert panel.live.layer.layer is None
        assert "'cells' is not on screen where the sliders stand" in panel.ui.status.text()


class TestIsNoResult:
    @pytest.fixture
    def shown(self, viewer, model, previewed, grey):
        return previewed(viewer.add_image(grey, name="cells"))

    def test_says_so_in_name_and_metadata(self, shown):
        assert shown.name == "cells (preview, predicted colour)"
        assert RECORD_KEY not in shown.metadata
        assert "not a result" in shown.metadata[PREVIEW_KEY]

    def test_has_no_legend(self, viewer, shown, monkeypatch):
        told: list[str] = []
        monkeypatch.setattr("napari.utils.notifications.show_info", told.append)
        viewer.layers.selection.active = shown
        commands.copy_legend(viewer)

        assert "A preview is no result" in told[0]

    def test_is_never_offered_as_an_image(self, panel, shown):
        assert [layer.name for layer in panel.ui.layer.layers] == ["cells"]

    def test_leaves_the_selection_alone(self, viewer, shown):
        assert viewer.layers.selection.active is viewer.layers["cells"]

    def test_lies_on_top_of_all_layers_and_comes_back_there(
        self, viewer, panel, settle, shown, grey, qtbot
    ):
        def top() -> str:
            return viewer.layers[-1].name

        viewer.add_image(grey, name="result")
        qtbot.waitUntil(lambda: top() == "cells (preview, predicted colour)", timeout=5000)
        viewer.layers.move(2, 0)
        panel.live.poke()
        settle(panel)

        assert top() == "cells (preview, predicted colour)"

    def test_is_swiped_between_before_and_after(self, viewer, panel, settle, shown, grey):
        viewer.layers["cells"].contrast_limits = (20, 200)
        viewer.layers["cells"].gamma = 0.7
        settle(panel)
        after = shown.data.copy()
        before = np.clip((grey - 20.0) / 180, 0, 1) ** 0.7 * 255
        assert panel.ui.swiped.isVisibleTo(panel)
        panel.ui.swipe.setValue(50)

        np.testing.assert_array_equal(shown.data[:, :20], after[:, :20])
        np.testing.assert_array_equal(shown.data[:, 20], np.full((48, 3), 255))
        np.testing.assert_allclose(shown.data[:, 21:, 1], before[:, 21:], atol=1)
        panel.ui.swipe.setValue(0)
        np.testing.assert_allclose(shown.data[:, 1:, 2], before[:, 1:], atol=1)
        panel.ui.swipe.setValue(100)
        np.testing.assert_array_equal(shown.data, after)
        panel.ui.preview.setChecked(False)
        assert not panel.ui.swiped.isVisibleTo(panel)


class TestEnd:
    @pytest.fixture
    def shown(self, viewer, model, previewed, grey):
        return previewed(viewer.add_image(grey, name="cells"))

    def test_when_it_is_switched_off(self, viewer, panel, shown):
        panel.ui.preview.setChecked(False)

        assert [layer.name for layer in viewer.layers] == ["cells"]
        assert not panel.live.busy

    def test_when_a_result_arrives_and_can_be_switched_on_again(
        self, viewer, panel, finish, settle, shown
    ):
        panel.run()
        finish(panel)
        settle(panel)
        names = [layer.name for layer in viewer.layers]
        assert names == ["cells", "predicted colour of cells (colorful)"]

        assert not panel.ui.preview.isChecked()

        panel.ui.preview.setChecked(True)
        settle(panel)
        assert panel.live.layer.layer is not None

    def test_when_its_source_goes(self, viewer, panel, shown, qtbot):
        viewer.layers.remove("cells")
        qtbot.waitUntil(lambda: not viewer.layers, timeout=5000)

    def test_when_somebody_takes_it_away_by_hand(self, viewer, panel, shown, qtbot):
        viewer.layers.remove(shown)
        qtbot.wait(2 * PAUSE_MS)

        assert not panel.ui.preview.isChecked()
        assert [layer.name for layer in viewer.layers] == ["cells"]

    def test_when_the_dock_is_closed(self, viewer, panel, shown):
        dock = QWidget()
        QVBoxLayout(dock).addWidget(panel)
        panel.setParent(None)

        assert [layer.name for layer in viewer.layers] == ["cells"]

    def test_of_the_panel_in_the_middle_is_safe(self, viewer, model, settle, grey, qtbot):
        viewer.add_image(grey, name="cells")
        panel = ColorizePanel(viewer)
        panel.ui.preview.setChecked(True)
        settle(panel)
        model.gate.clear()
        model.entered.clear()
        panel.ui.form.temperature.slider.setValue(0.2)
        qtbot.waitUntil(model.entered.is_set, timeout=20_000)
        panel.deleteLater()
        QApplication.sendPostedEvents(panel, QEvent.Type.DeferredDelete)
        model.gate.set()
        _executor.submit(int).result(timeout=20)
        qtbot.wait(2 * PAUSE_MS)

        viewer.layers["cells"].contrast_limits = (0, 99)  # events find no dead listener
        viewer.layers.clear()


class TestRuns:
    def test_leave_the_network_to_a_run(self, viewer, model, panel, finish, settle, grey, qtbot):
        viewer.add_image(grey)
        model.gate.clear()
        panel.run()
        assert model.entered.wait(20)
        panel.ui.preview.setChecked(True)
        panel.ui.form.temperature.slider.setValue(0.2)
        qtbot.wait(2 * PAUSE_MS)
        assert model.calls == 1
        panel.cancel()
        finish(panel)
        model.gate.set()
        settle(panel)

        assert panel.live.layer.layer is not None, "after a cancelled run the preview goes on"

    def test_their_status_is_not_overwritten(self, viewer, model, panel, finish, grey):
        viewer.add_image(grey)
        panel.ui.preview.setChecked(True)
        panel.run()
        finish(panel)

        assert panel.ui.status.text().startswith("Done in")


class TestErrors:
    def test_are_told_in_the_panel_and_end_nothing(
        self, viewer, model, panel, settle, grey, monkeypatch, caplog
    ):
        shown: list[str] = []
        monkeypatch.setattr("napari.utils.notifications.show_error", shown.append)
        caplog.set_level("CRITICAL")
        viewer.add_image(grey)
        model.error = ValueError("Do this.")
        panel.ui.preview.setChecked(True)
        settle(panel)
        assert panel.ui.status.text() == "Do this."
        assert shown == [], "a slider must not rain notifications"

        model.error = None
        panel.ui.form.temperature.slider.setValue(0.2)
        settle(panel)
        assert panel.live.layer.layer is not None

    def test_of_the_form_are_told_too(self, viewer, model, panel, settle, grey):
        viewer.add_image(grey)
        panel.ui.preview.setChecked(True)
        panel.ui.form.network_size.value = 7
        settle(panel)

        assert "network_size is 7" in panel.ui.status.text()
        assert panel.live.layer.layer is None

    def test_without_an_image_there_is_nothing_to_do(self, viewer, model, panel, settle):
        panel.ui.preview.setChecked(True)
        settle(panel)

        assert len(viewer.layers) == 0


def test_planning_reads_no_pixel(viewer):
    class Unread:
        shape, dtype, ndim = (4, 2000, 2000), np.dtype(np.uint8), 3

        def __getitem__(self, index):
            raise AssertionError("a plane was read")

    from napari.layers import Image

    layer = Image(np.zeros((4, 8, 8), np.uint8))
    layer._data = Unread()
    viewer.dims.ndim = 3
    look = plan_preview(layer, viewer.dims, ColorizeParameters())

    assert look.size == (1000, 1000)
    assert look.reduction == 2
