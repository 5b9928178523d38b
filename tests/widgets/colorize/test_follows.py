"""The panel follows its layer, whatever becomes of it, and forgets what is past."""

from importlib.resources import files as resources

import numpy as np
import pytest
import tifffile
from npe2 import PluginManifest
from qtpy.QtGui import QGuiApplication
from skimage.color import rgb2lab

from napari_colorize import colorize, colorize_stack
from napari_colorize.records.legend import short_legend
from napari_colorize.widgets.colorize.runs import Pace, pace, said_of_time
from napari_colorize.widgets.layers.opening import said_by_file


@pytest.fixture
def stack(grey) -> np.ndarray:
    return np.stack([grey, grey[::-1] // 4, grey[:, ::-1], grey, grey, grey, grey])


@pytest.fixture
def run(finish):
    """Return a function that runs a panel and returns the layers that came."""

    def run(viewer, panel) -> list:
        before = list(viewer.layers)
        panel.run()
        finish(panel)
        return [new for new in viewer.layers if not any(new is old for old in before)]

    return run


class TestAxes:
    def test_named_after_the_layer_was_chosen_are_used(self, viewer, model, make_panel, stack, run):
        layer = viewer.add_image(stack)
        panel = make_panel(viewer)
        panel.ui.planes.setCurrentIndex(1)
        assert panel.ui.stack.guessed
        layer.axis_labels = ("t", "y", "x")

        assert panel.ui.stack.axes.text() == "tyx"
        assert not panel.ui.stack.guessed
        [result] = run(viewer, panel)
        assert "along t (time)" in result.metadata["napari_colorize"]["legend"]
        assert result.axis_labels == ("t", "y", "x")

    def test_of_a_layer_count_more_than_what_was_typed_before(self, viewer, make_panel, stack):
        layer = viewer.add_image(stack)
        panel = make_panel(viewer)
        panel.ui.stack.say("zyx")
        layer.axis_labels = ("c", "y", "x")

        assert panel.ui.stack.hold.channel == 0

    def test_that_lose_their_names_are_a_guess_again(self, viewer, make_panel, stack):
        layer = viewer.add_image(stack, axis_labels=("t", "y", "x"))
        panel = make_panel(viewer)
        layer.axis_labels = ("a1", "y", "x")

        assert panel.ui.stack.guessed
        assert panel.ui.stack.hold.axes == ""

    def test_are_asked_for_by_two_buttons_where_nothing_names_them(self, viewer, make_panel, stack):
        viewer.add_image(stack)
        panel = make_panel(viewer)
        panel.ui.planes.setCurrentIndex(1)
        buttons = panel.ui.stack.buttons

        assert [button.text() for button in buttons] == ["z, depth", "t, time"]
        buttons[1].click()
        assert panel.ui.stack.hold.axes == "tyx"
        assert not panel.ui.stack.guessed
        assert panel.ui.stack.guess.isHidden()

    def test_z_is_held_before_t_only_when_asked(self, viewer, make_panel, grey):
        layer = viewer.add_image(np.stack([[grey] * 6] * 7), axis_labels=("z", "t", "y", "x"))
        panel = make_panel(viewer)

        assert panel.ui.stack.hold.along == 1
        layer.axis_labels = ("-4", "-3", "-2", "-1")
        assert panel.ui.stack.axes.text() == "tzyx"
        assert [button.text() for button in panel.ui.stack.buttons] == ["t, z", "z, t"]


class TestCounts:
    def test_follow_the_data(self, viewer, make_panel, stack):
        layer = viewer.add_image(stack, axis_labels=("t", "y", "x"))
        panel = make_panel(viewer)
        panel.ui.planes.setCurrentIndex(1)
        layer.data = stack[:3]

        assert panel.ui.planes.itemText(1) == "All 3 planes"
        assert panel.ui.stack.along.currentText() == "t (time): 3 planes"
        layer.data = stack[0]
        assert not panel.ui.planes.isEnabled()
        layer.data = np.stack([stack] * 2)
        assert panel.ui.planes.itemText(1) == "All 14 planes"


class TestThickSlices:
    @pytest.mark.parametrize("mode", ["max", "mean", "min"])
    def test_are_coloured_as_shown(self, viewer, model, make_panel, stack, run, mode):
        layer = viewer.add_image(stack, projection_mode=mode, contrast_limits=(0, 255), name="s")
        viewer.dims.set_point(0, 2)
        viewer.dims.margin_left = viewer.dims.margin_right = (1, 0, 0)
        panel = make_panel(viewer)
        [result] = run(viewer, panel)
        shown = getattr(stack[1:4], mode)(axis=0)

        np.testing.assert_array_equal(result.data[0], colorize(shown, window=(0, 255)).rgb)
        off = (
            rgb2lab(result.data[0])[..., 0]
            - rgb2lab(np.dstack([np.rint(shown).astype(np.uint8)] * 3))[..., 0]
        )
        assert np.abs(off).max() < 1
        assert result.data_to_world((0, 0, 0))[0] == 2
        word = {"max": "maximum projection", "mean": "mean", "min": "minimum projection"}[mode]
        assert f"of the {word} of planes 1 to 3" in panel.record["legend"]
        panel.copy_python()
        scope = {"viewer": viewer}
        exec(QGuiApplication.clipboard().text().replace("# image = ", "image = "), scope)
        np.testing.assert_array_equal(scope["rgb"], result.data[0])
        assert layer.projection_mode == mode

    def test_of_a_layer_that_projects_nothing_are_one_plane(
        self, viewer, model, make_panel, stack, run
    ):
        viewer.add_image(stack, projection_mode="none")
        viewer.dims.margin_left = viewer.dims.margin_right = (1, 0, 0)
        viewer.dims.set_point(0, 2)
        [result] = run(viewer, make_panel(viewer))

        np.testing.assert_array_equal(result.data[0], colorize(stack[2], window=(0, 255)).rgb)

    def test_say_so_where_all_planes_are_coloured(self, viewer, model, make_panel, stack, run):
        viewer.add_image(stack, projection_mode="max")
        viewer.dims.margin_left = viewer.dims.margin_right = (1, 0, 0)
        panel = make_panel(viewer)
        panel.ui.planes.setCurrentIndex(1)
        run(viewer, panel)

        assert "thick" in panel.ui.status.text()


class TestStatus:
    def test_of_a_result_goes_with_the_result(self, viewer, model, make_panel, grey, run):
        viewer.add_image(grey)
        panel = make_panel(viewer)
        [result] = run(viewer, panel)
        panel.ui.form.temperature.value = 0.6
        assert panel.ui.status.text().startswith("Done")
        viewer.layers.remove(result)

        assert panel.ui.status.text() == ""

    def test_of_a_slider_goes_when_it_moves(self, viewer, model, make_panel, stack):
        layer = viewer.add_image(stack, translate=(20, 0, 0))
        viewer.add_image(stack)
        panel = make_panel(viewer)
        panel.choose(layer)
        viewer.dims.set_point(0, 0)
        panel.run()
        assert "not on screen" in panel.ui.status.text()
        viewer.dims.set_point(0, 21)

        assert panel.ui.status.text() == ""

    def test_of_one_layer_is_not_shown_with_another(self, viewer, model, make_panel, grey, run):
        one, other = viewer.add_image(grey), viewer.add_image(grey)
        panel = make_panel(viewer)
        panel.choose(one)
        run(viewer, panel)
        panel.choose(other)

        assert panel.ui.status.text() == ""

    def test_of_a_preview_goes_with_the_preview(self, viewer, model, make_panel, grey, qtbot):
        viewer.add_image(grey)
        panel = make_panel(viewer)
        panel.ui.preview.setChecked(True)
        qtbot.waitUntil(lambda: "Run gives" in panel.ui.status.text(), timeout=30_000)
        panel.ui.preview.setChecked(False)

        assert panel.ui.status.text() == ""


class TestErrors:
    @pytest.mark.parametrize("seen", [True, False])
    def test_are_shown_once(self, viewer, make_panel, monkeypatch, seen):
        """In the panel where somebody sees it, else as a notification."""
        notified = []
        monkeypatch.setattr("napari.utils.notifications.show_error", notified.append)
        panel = make_panel(viewer)
        panel.setVisible(seen)
        panel.run()

        assert "open an image first" in panel.ui.status.text()
        assert len(notified) == (not seen)


class TestSources:
    def test_are_no_results_maps_or_saved_results(self, viewer, model, make_panel, grey, run):
        source = viewer.add_image(grey)
        panel = make_panel(viewer)
        panel.ui.uncertainty.setChecked(True)
        colour, uncertainty = run(viewer, panel)

        assert panel.ui.layer.layers == [source]
        panel.choose(colour)
        assert panel.ui.layer.layer is source
        assert uncertainty.metadata["napari_colorize"]

    def test_that_were_predicted_before_are_said_in_the_legend(self, fake_model, grey):
        record = colorize(grey, source={"name": "a", "predicted": True}).record

        assert "whose own colour had been predicted before" in record["legend"]
        assert short_legend(record).endswith("not a measurement.")

    def test_the_colour_is_active_and_uncertainty_is_seen(
        self, viewer, model, make_panel, grey, run
    ):
        viewer.add_image(grey)
        panel = make_panel(viewer)
        panel.ui.uncertainty.setChecked(True)
        panel.ui.clipped.setChecked(True)
        colour, uncertainty, _ = run(viewer, panel)
        mean = panel.record["output"]["mean_uncertainty"]

        assert viewer.layers.selection.active is colour
        assert viewer.layers.index(uncertainty) > viewer.layers.index(colour)
        assert uncertainty.colorbar.visible
        assert f"Mean uncertainty {mean:.2f}" in panel.ui.status.text()


class TestSeveral:
    def test_selected_layers_are_coloured_one_after_the_other(
        self, viewer, model, make_panel, grey, run, stack
    ):
        one, other = viewer.add_image(grey, name="a"), viewer.add_image(stack[1], name="b")
        third = viewer.add_image(stack[2], name="c")
        panel = make_panel(viewer)
        viewer.layers.selection = {one, third}
        panel.ui.layer.choose_selected()
        assert panel.ui.layer.currentText() == "The 2 selected layers"
        results = run(viewer, panel)

        np.testing.assert_array_equal(results[0].data, colorize(grey, window=(0, 255)).rgb)
        assert [result.name.split()[-2] for result in results] == ["a", "c"]
        assert panel.ui.status.text().startswith("2 of 2 layers coloured")
        assert viewer.layers.selection == {one, third}
        assert len(panel.ui.tries.tries) == 2
        assert other in viewer.layers

    def test_one_cancel_ends_all_and_keeps_what_is_done(
        self, viewer, model, make_panel, grey, qtbot
    ):
        layers = [viewer.add_image(grey, name=name) for name in "abc"]
        panel = make_panel(viewer)
        viewer.layers.selection = set(layers)
        panel.ui.layer.choose_selected()
        panel.run()
        qtbot.waitUntil(lambda: len(viewer.layers) == 4, timeout=30_000)
        model.gate.clear()
        assert panel.runner.job is not None
        panel.cancel()
        model.gate.set()
        qtbot.wait(200)

        assert len(viewer.layers) == 4
        assert panel.ui.status.text().startswith("Cancelled. 1 of 3 layers coloured")
        assert panel.runner.job is None

    def test_those_that_fail_are_named_and_the_others_go_on(
        self, viewer, model, make_panel, grey, run
    ):
        good = viewer.add_image(np.stack([grey] * 3), name="good")
        bad = viewer.add_image(np.stack([grey] * 3), name="bad", translate=(50, 0, 0))
        viewer.dims.set_point(0, 0)
        panel = make_panel(viewer)
        viewer.layers.selection = {good, bad}
        panel.ui.layer.choose_selected()
        [result] = run(viewer, panel)

        assert "good" in result.name
        assert "1 of 2 layers coloured" in panel.ui.status.text()
        assert "'bad': Layer 'bad' is not on screen" in panel.ui.status.text()


class TestTries:
    def test_are_shown_restored_removed_and_kept(self, viewer, model, make_panel, grey, run):
        viewer.add_image(grey, name="cells")
        panel = make_panel(viewer)
        panel.ui.form.temperature.value = 0.7
        [first] = run(viewer, panel)
        panel.ui.form.temperature.value = 0.2
        [second] = run(viewer, panel)
        strip = panel.ui.tries
        assert [one.title for one in strip.tries] == ["Colorful 0.7", "Colorful 0.2"]
        assert not strip.list.item(0).icon().isNull()
        assert "cells" in strip.list.item(0).toolTip()

        strip.list.setCurrentRow(0)
        strip.show_it.click()
        assert (first.visible, second.visible) == (True, False)
        strip.restore.click()
        assert panel.ui.form.values().temperature == 0.7
        assert panel.ui.form.values().vividness is None, "what was left to the weights still is"
        strip.keep.click()
        assert second not in viewer.layers
        strip.remove.click()
        assert first not in viewer.layers
        assert not strip.tries

    def test_go_with_their_layers(self, viewer, model, make_panel, grey, run):
        viewer.add_image(grey)
        panel = make_panel(viewer)
        [result] = run(viewer, panel)
        viewer.layers.remove(result)

        assert not panel.ui.tries.tries
        assert panel.ui.tries.isHidden()


class TestFiles:
    @pytest.fixture(autouse=True)
    def plugins(self, npe2pm, monkeypatch):
        """Register napari's own readers."""
        monkeypatch.setattr("napari.plugins._npe2.pm", npe2pm)
        npe2pm.register(PluginManifest.from_file(resources("napari_builtins") / "builtins.yaml"))

    @pytest.fixture
    def hyperstack(self, tmp_path):
        path = tmp_path / "cells.tif"
        pixels = np.random.default_rng(0).integers(0, 255, (3, 2, 20, 30), dtype=np.uint8)
        tifffile.imwrite(
            path,
            pixels,
            imagej=True,
            resolution=(2, 2),
            metadata={"axes": "ZCYX", "spacing": 2.0, "unit": "um"},
        )
        return path

    def test_say_axes_and_steps_that_are_taken_over(
        self, viewer, model, make_panel, hyperstack, run
    ):
        [layer] = viewer.open(hyperstack, plugin="napari")
        panel = make_panel(viewer)

        assert panel.ui.in_file.text() == "The file says zcyx, 2 × 0.5 × 0.5 µm."
        viewer.dims.set_point(0, 1)
        panel.ui.take_over.click()
        np.testing.assert_array_equal(layer._slice.image.raw, layer.data[1, 0])  # it stays in view
        assert panel.ui.said_by_file.isHidden()
        assert layer.axis_labels == ("z", "c", "y", "x")
        np.testing.assert_allclose(layer.scale, (2, 1, 0.5, 0.5))
        assert [str(unit) for unit in layer.units] == ["micrometer", "pixel"] + ["micrometer"] * 2
        assert panel.ui.stack.hold.channel == 1
        assert said_by_file(layer) is None

    def test_that_name_no_axes_say_the_size_of_a_pixel(self, viewer, tmp_path):
        path = tmp_path / "flat.tif"
        tifffile.imwrite(
            path, np.zeros((8, 9), np.uint8), resolution=(1e4, 2e4), resolutionunit="CENTIMETER"
        )
        [layer] = viewer.open(path, plugin="napari")
        said = said_by_file(layer)

        assert (said.axes, said.scale) == ("yx", (0.5, 1.0))

    def test_of_another_shape_say_nothing(self, viewer, hyperstack):
        [layer] = viewer.open(hyperstack, plugin="napari")
        layer.data = layer.data[0]

        assert said_by_file(layer) is None


class TestRegions:
    def test_outlines_and_labels_are_kept_to(self, viewer, model, make_panel, grey, run):
        viewer.add_image(grey, scale=(2, 2))
        viewer.add_shapes([[[10, 8], [10, 60], [70, 60], [70, 8]]], name="outline")
        labels = np.zeros(grey.shape, np.uint8)
        labels[5:36, 4:31] = 1
        viewer.add_labels(labels, name="painted", scale=(2, 2))
        panel = make_panel(viewer)
        whole = colorize(grey, window=(0, 255)).rgb
        for name in ("outline", "painted"):
            panel.ui.region.setCurrentIndex(panel.ui.region.findText(f"Inside '{name}'"))
            [result] = run(viewer, panel)
            rows, columns = np.mgrid[:48, :40]
            core = (rows > 6) & (rows < 34) & (columns > 5) & (columns < 29)
            rim = (rows < 4) | (rows > 36) | (columns < 3) | (columns > 31)
            np.testing.assert_array_equal(result.data[core], whole[core])
            np.testing.assert_array_equal(result.data[rim], np.dstack([grey] * 3)[rim])
            assert "inside a region set by hand" in panel.record["legend"]

    def test_of_stacks_are_each_planes_own(self, viewer, model, make_panel, stack, run):
        viewer.add_image(stack, axis_labels=("t", "y", "x"))
        labels = np.zeros(stack.shape, np.uint8)
        labels[2, 10:] = 4
        viewer.add_labels(labels, name="cells")
        panel = make_panel(viewer)
        panel.ui.planes.setCurrentIndex(1)
        panel.ui.region.setCurrentIndex(2)
        [result] = run(viewer, panel)
        own = colorize_stack(stack, window=(0, 255)).rgb

        np.testing.assert_array_equal(result.data[2, 10:], own[2, 10:])
        np.testing.assert_array_equal(result.data[3], np.dstack([stack[3]] * 3))

    def test_of_another_size_are_refused(self, viewer, model, make_panel, grey, run):
        viewer.add_image(grey)
        viewer.add_labels(np.ones((5, 5), np.uint8), name="small")
        panel = make_panel(viewer)
        panel.ui.region.setCurrentIndex(2)

        assert run(viewer, panel) == []
        assert "have the shape (5, 5)" in panel.ui.status.text()


class TestTime:
    def test_left_is_told_of_long_work_only(self):
        assert said_of_time(0.25, 60) == "About 3 min left."
        assert said_of_time(0.5, 20) == "About 20 s left."
        assert said_of_time(0.9, 20) == ""
        assert said_of_time(0.01, 20) == said_of_time(None, 20) == ""

    def test_before_a_run_is_learned_from_runs_of_other_sizes(self):
        known = Pace()
        assert known.seconds("colorful", 1e6) is None
        known.see("colorful", 1e6, 9.0)
        assert known.seconds("colorful", 4e6) == pytest.approx(36)
        known.see("colorful", 1e6, 2.0)
        known.see("colorful", 2e6, 3.0)
        assert known.seconds("colorful", 4e6) == pytest.approx(5)  # 1 s, and 1 s a megapixel

    def test_is_shown_before_a_long_run(self, viewer, model, make_panel, stack):
        viewer.add_image(stack, axis_labels=("t", "y", "x"))
        panel = make_panel(viewer)
        pace.cache_clear()
        pace().see("colorful", stack[0].size, 10.0)
        panel.ui.planes.setCurrentIndex(1)

        assert panel.ui.estimate.text() == "This will take about 1 min."
        pace.cache_clear()
