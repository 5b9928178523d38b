"""What the panel does to a viewer: every layer kind in, correct new layers out."""

import re
from dataclasses import replace

import cv2
import dask.array as da
import numpy as np
import pytest
from napari.layers import Image, Labels
from qtpy.QtGui import QGuiApplication

from napari_colorize import ColorizeParameters, colorize
from napari_colorize.records.record import as_python
from napari_colorize.widgets.colorize.job import plan
from napari_colorize.widgets.colorize.layout import CAVEAT
from napari_colorize.widgets.colorize.run import run


@pytest.fixture
def colour(viewer, make_panel, finish):
    """Return a function that colours a layer and returns the new layers, lowest first."""

    def run(layer, panel=None, **ticks) -> list:
        panel = panel or make_panel(viewer)
        panel.choose(layer)
        for name, checked in ticks.items():
            getattr(panel.ui, name).setChecked(checked)
        before = list(viewer.layers)
        panel.run()
        finish(panel)
        return [new for new in viewer.layers if not any(new is old for old in before)]

    return run


class TestPixels:
    def test_are_those_of_colorize(self, viewer, model, colour, grey):
        [result] = colour(viewer.add_image(grey))

        np.testing.assert_array_equal(result.data, colorize(grey).rgb)
        assert len(np.unique(result.data.reshape(-1, 3), axis=0)) > 10, "there is colour at all"

    def test_use_the_contrast_limits_as_window(self, viewer, model, colour):
        raw = np.random.default_rng(1).integers(0, 60_000, (40, 50), dtype=np.uint16)
        layer = viewer.add_image(raw, contrast_limits=(1000, 20_000))
        [result] = colour(layer)

        np.testing.assert_array_equal(result.data, colorize(raw, window=(1000, 20_000)).rgb)
        assert result.metadata["napari_colorize"]["parameters"]["window"] == [1000, 20_000]

    def test_apply_the_gamma_that_the_canvas_applies(self, viewer, model, colour, grey):
        [result] = colour(viewer.add_image(grey, gamma=0.5))
        shown = np.sqrt(grey / np.float32(255))

        np.testing.assert_array_equal(result.data, colorize(shown, window=(0, 1)).rgb)

    def test_under_gamma_are_what_the_legend_and_the_python_say(
        self, viewer, model, make_panel, colour
    ):
        raw = np.random.default_rng(1).integers(0, 4096, (40, 50), dtype=np.uint16)
        panel = make_panel(viewer)
        layer = viewer.add_image(raw, name="cells", contrast_limits=(200, 3500), gamma=0.6)
        [result] = colour(layer, panel)
        panel.copy_python()
        scope = {"viewer": viewer}
        exec(QGuiApplication.clipboard().text().replace("# image = ", "image = "), scope)

        assert "intensity window 200 to 3500, gamma 0.6;" in panel.record["legend"]
        np.testing.assert_array_equal(scope["rgb"], result.data)

    @pytest.mark.parametrize("dtype", [bool, np.uint8, np.int16, np.uint16, np.float32, np.float64])
    def test_of_any_dtype(self, viewer, model, colour, grey, dtype):
        data = (grey > 99) if dtype is bool else grey.astype(dtype)
        layer = viewer.add_image(data)
        [result] = colour(layer)

        limits = tuple(float(limit) for limit in layer.contrast_limits)
        np.testing.assert_array_equal(result.data, colorize(data, window=limits).rgb)
        assert result.data.dtype == np.uint8

    def test_with_nan_are_counted_and_finite(self, viewer, model, colour, grey):
        data = grey.astype(np.float32)
        data[3:5, 7] = np.nan
        [result] = colour(viewer.add_image(data))

        assert result.metadata["napari_colorize"]["input"]["nan_count"] == 2
        assert (result.data[3, 7] <= result.data[4, 8].max()).all()

    def test_of_rgb_use_its_lightness_and_keep_alpha(self, viewer, model, colour, grey):
        rgba = np.stack([grey, grey[::-1], grey[:, ::-1], np.full_like(grey, 77)], axis=-1)
        [result] = colour(viewer.add_image(rgba, rgb=True))

        np.testing.assert_array_equal(result.data, colorize(rgba).rgb)
        assert (result.data[..., 3] == 77).all()

    @pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 3), (29, 4)])
    def test_of_tiny_pictures_keep_their_size_and_are_rgb(self, viewer, model, colour, shape):
        [result] = colour(viewer.add_image(np.full(shape, 90, np.uint8)))

        assert result.rgb
        assert result.data.shape == (*shape, 3)
        assert result.ndim == 2

    def test_a_grey_stack_of_three_columns_is_not_taken_for_rgb(self, viewer, model, colour):
        stack = np.random.default_rng(0).integers(0, 255, (4, 40, 3), dtype=np.uint8)
        [result] = colour(viewer.add_image(stack, rgb=False))

        assert result.data.shape == (1, 40, 3, 3)


class TestPlacement:
    def test_of_a_plane_is_the_source_s_and_in_its_slice(self, viewer, model, colour, grey):
        layer = viewer.add_image(
            np.stack([grey] * 5),
            scale=(2, 0.3, 0.3),
            translate=(11, 1, 2),
            units=("um", "um", "um"),
            axis_labels=("z", "y", "x"),
        )
        viewer.dims.set_current_step(0, 3)
        [result] = colour(layer)

        assert result.data.shape == (1, *grey.shape, 3)
        assert result.units == layer.units
        assert result.axis_labels == layer.axis_labels
        np.testing.assert_allclose(result.scale, layer.scale)
        np.testing.assert_allclose(result.data_to_world((0, 5, 6)), layer.data_to_world((3, 5, 6)))

    def test_of_a_side_view_lies_in_the_side_view(self, viewer, model, colour, grey):
        layer = viewer.add_image(np.stack([grey] * 33), scale=(4, 1, 1))
        viewer.dims.order = (1, 0, 2)
        viewer.dims.set_current_step(1, 9)
        [result] = colour(layer)

        assert result.data.shape == (33, 1, 40, 3)
        np.testing.assert_array_equal(result.data[:, 0], colorize(layer.data[:, 9]).rgb)
        np.testing.assert_allclose(result.data_to_world((2, 0, 4)), layer.data_to_world((2, 9, 4)))

    def test_of_a_transposed_view_colours_what_is_seen(self, viewer, model, colour, grey):
        layer = viewer.add_image(grey, scale=(1, 3))
        viewer.dims.order = (1, 0)
        [result] = colour(layer)

        np.testing.assert_array_equal(result.data, colorize(grey.T).rgb.swapaxes(0, 1))
        np.testing.assert_allclose(result.scale, layer.scale)


class TestStacks:
    def test_all_planes_are_each_coloured_with_one_window(self, viewer, model, make_panel, colour):
        stack = np.random.default_rng(2).integers(0, 4000, (3, 30, 20), dtype=np.uint16)
        layer = viewer.add_image(stack, contrast_limits=(0, 3000), scale=(5, 1, 1))
        panel = make_panel(viewer)
        panel.ui.planes.setCurrentIndex(1)
        [result] = colour(layer, panel)

        expected = [colorize(plane, window=(0, 3000)).rgb for plane in stack]
        np.testing.assert_array_equal(result.data, expected)
        np.testing.assert_allclose(result.scale, layer.scale)
        np.testing.assert_allclose(result.translate, layer.translate)
        record = result.metadata["napari_colorize"]
        assert record["source"]["planes"] == 3
        assert record["output"]["shape"] == [3, 30, 20, 3]

    def test_the_choice_is_offered_only_where_there_are_planes(self, viewer, make_panel, grey):
        stack = viewer.add_image(np.stack([grey] * 7))
        flat = viewer.add_image(grey)
        panel = make_panel(viewer)

        panel.choose(flat)
        assert not panel.ui.planes.isEnabled()
        panel.choose(stack)
        assert panel.ui.planes.isEnabled()
        assert panel.ui.planes.itemText(1) == "All 7 planes"

    def test_a_lazy_stack_is_never_computed_beyond_its_plane(self, viewer, model, colour):
        computed = set()

        def block(block_info=None):
            computed.add(block_info[None]["chunk-location"][0])
            return np.full((1, 40, 40), 100, np.uint8)

        data = da.map_blocks(block, chunks=((1,) * 50, (40,), (40,)), dtype=np.uint8)
        layer = viewer.add_image(data, contrast_limits=(0, 255))
        viewer.dims.set_current_step(0, 20)
        computed.clear()
        colour(layer)

        assert computed == {20}

    def test_a_pyramid_is_coloured_at_its_finest_level_that_fits(
        self, viewer, model, colour, monkeypatch
    ):
        from napari_colorize.widgets.layers import planes as _planes

        full = np.random.default_rng(3).integers(0, 255, (64, 96), dtype=np.uint8)
        layer = viewer.add_image([full, full[::2, ::2]], multiscale=True, contrast_limits=(0, 255))
        [fine] = colour(layer)
        monkeypatch.setattr(_planes, "MAX_LEVEL_PIXELS", 64 * 96 - 1)
        [coarse] = colour(layer)

        assert fine.data.shape == (64, 96, 3)
        np.testing.assert_array_equal(coarse.data, colorize(full[::2, ::2]).rgb)
        np.testing.assert_allclose(
            coarse.data_to_world((-0.5, -0.5)), layer.data_to_world((-0.5, -0.5))
        )
        np.testing.assert_allclose(
            coarse.data_to_world((31.5, 47.5)), layer.data_to_world((63.5, 95.5))
        )

    def test_a_stack_beyond_the_free_memory_is_refused_before_its_first_plane(
        self, viewer, model, make_panel, colour, monkeypatch
    ):
        import psutil

        class Little:
            available = 1000

        monkeypatch.setattr(psutil, "virtual_memory", lambda: Little)
        layer = viewer.add_image(np.zeros((9, 30, 30), np.uint8))
        panel = make_panel(viewer)
        panel.ui.planes.setCurrentIndex(1)

        assert colour(layer, panel) == []
        assert "Colour single planes" in panel.ui.status.text()
        assert model.calls == 0


class TestLayers:
    def test_a_run_never_touches_what_is_there(self, viewer, model, colour, grey):
        layer = viewer.add_image(grey.copy(), name="cells")
        first = colour(layer)
        second = colour(layer)

        np.testing.assert_array_equal(layer.data, grey)
        assert [len(first), len(second), len(viewer.layers)] == [1, 1, 3]
        assert first[0].name == "predicted colour of cells (colorful)"
        assert second[0].name == "predicted colour of cells (colorful) [1]"

    def test_a_layer_that_has_the_result_s_name_already_survives(self, viewer, model, colour, grey):
        taken = viewer.add_image(grey, name="predicted colour of cells (colorful)")
        [result] = colour(viewer.add_image(grey, name="cells"))

        assert result is not taken
        assert not taken.rgb
        np.testing.assert_array_equal(taken.data, grey)

    def test_uncertainty_and_clipped_colours_are_added_on_request(
        self, viewer, model, colour, grey
    ):
        layer = viewer.add_image(np.stack([grey] * 2), scale=(1, 2, 2), units=("um",) * 3)
        rgb, uncertainty, clipped = colour(layer, uncertainty=True, clipped=True)
        expected = colorize(grey)

        assert type(uncertainty) is Image
        assert type(clipped) is Labels
        np.testing.assert_array_equal(uncertainty.data[0], expected.uncertainty)
        np.testing.assert_array_equal(clipped.data[0], expected.clipped)
        assert tuple(uncertainty.contrast_limits) == (0, 1)
        for extra in (uncertainty, clipped):
            np.testing.assert_allclose(extra.scale, rgb.scale)
            np.testing.assert_allclose(extra.translate, rgb.translate)
            assert extra.units == layer.units

    def test_a_tiny_uncertainty_map_is_not_taken_for_rgb(self, viewer, model, colour):
        _, uncertainty = colour(viewer.add_image(np.zeros((40, 3), np.uint8)), uncertainty=True)

        assert not uncertainty.rgb
        assert uncertainty.data.shape == (40, 3)

    def test_the_record_names_layer_plane_and_contrast(self, viewer, model, colour, grey):
        layer = viewer.add_image(np.stack([grey] * 3), name="cells")
        viewer.dims.set_current_step(0, 2)
        [result] = colour(layer)
        source = result.metadata["napari_colorize"]["source"]

        assert source["name"] == "cells[2, :, :]"
        assert source["plane"] == {"0": 2}
        assert source["contrast_limits"] == [0, 255]

    def test_a_reading_of_colour_says_that_it_is_predicted(
        self, viewer, model, make_panel, finish, grey
    ):
        viewer.add_image(grey, name="cells")
        panel = make_panel(viewer)
        panel.ui.uncertainty.setChecked(True)
        panel.ui.clipped.setChecked(True)
        panel.run()
        finish(panel)
        source, *results = viewer.layers

        said = [layer.get_status((5, 5))["layer_name"] for layer in results]
        assert "predicted" not in source.get_status((5, 5))["layer_name"]
        assert ["predicted" in said[0], "uncertainty" in said[1], "clipped" in said[2]] == [
            True
        ] * 3


class TestFile:
    """The record's Python reads the file, as long as the layer is what the file holds."""

    @staticmethod
    def coloured(job):
        """Run a job to its end without a panel."""
        return run(job, lambda share, text: None, lambda: False)

    @pytest.mark.parametrize("suffix", [".png", ".tif"])
    def test_is_read_by_the_python(self, viewer, model, grey, tmp_path, suffix):
        path = tmp_path / f"cells{suffix}"
        cv2.imwrite(str(path), grey)
        job = plan(viewer.add_image(grey, gamma=0.6), viewer.dims, ColorizeParameters())
        result = self.coloured(replace(job, path=str(path)))
        scope: dict = {}
        exec(as_python(result.record), scope)

        assert result.record["source"]["path"] == str(path)
        np.testing.assert_array_equal(scope["rgb"], result.rgb)

    @pytest.mark.parametrize("change", [lambda grey: grey[::-1].copy(), np.float32])
    def test_is_not_named_once_the_layer_is_another(self, viewer, model, grey, tmp_path, change):
        path = tmp_path / "cells.tif"
        cv2.imwrite(str(path), grey)
        job = plan(viewer.add_image(change(grey)), viewer.dims, ColorizeParameters())
        for named in (path, tmp_path / "gone.tif", tmp_path):
            source = self.coloured(replace(job, path=str(named))).record["source"]
            assert "path" not in source
            assert source["file"] == str(named)


class TestWhatIsTold:
    """The sentence of a finished run."""

    @pytest.fixture
    def told(self, viewer, model, make_panel, colour):
        def of(data):
            panel = make_panel(viewer)
            colour(viewer.add_image(data, contrast_limits=(0, 255)), panel)
            return panel.ui.status.text()

        return of

    def test_is_the_time_alone_where_all_is_well(self, told, grey):
        assert re.fullmatch(r"Done in \d+\.\d s\.", told(grey // 4 + 90))

    def test_says_where_there_was_nothing_to_be_seen(self, told):
        assert "all of it is of one shade" in told(np.full((30, 40), 90, np.uint8))
        assert "all of it is of one shade" in told(np.full((30, 40), -5.0))
        assert "All of it is missing (NaN); the result is black." in told(np.full((30, 40), np.nan))

    def test_counts_missing_pixels(self, told, grey):
        data = grey.astype(np.float32)
        data[0, 0] = np.nan
        assert "1 pixel is missing (NaN) and black." in told(data)
        data[0, :3] = np.nan
        assert "3 pixels are missing (NaN) and black." in told(data)

    def test_speaks_of_colours_that_srgb_has_not(self, told, model, grey, monkeypatch):
        monkeypatch.setattr(
            type(model),
            "__call__",
            lambda self, luma, *_: (luma.repeat(1, 2, 1, 1) * 3, luma / 100),
        )
        assert "% of the pixels are paler than predicted: sRGB has no such colour." in told(grey)
        dark = (grey // 20).astype(np.uint8)
        assert "paler" not in told(dark), "next to black there is no colour that could be missed"


class TestPanel:
    def test_says_what_predicted_colour_is_not(self, viewer, make_panel):
        from qtpy.QtWidgets import QLabel

        panel = make_panel(viewer)
        labels = panel.findChildren(QLabel)

        assert CAVEAT == "Predicted colour is plausible, not measured."
        assert CAVEAT in [label.text() for label in labels]

    def test_without_an_image_it_cannot_run(self, viewer, make_panel, grey):
        panel = make_panel(viewer)
        assert not panel.ui.run.isEnabled()

        viewer.add_points(np.zeros((3, 2)))
        assert not panel.ui.run.isEnabled()
        viewer.add_image(grey)
        assert panel.ui.run.isEnabled()

    def test_copies_the_legend_and_the_python_of_the_last_result(
        self, viewer, model, make_panel, colour, grey
    ):
        panel = make_panel(viewer)
        assert not panel.ui.copy_legend.isEnabled()
        panel.ui.form.temperature.slider.setValue(0.25)
        [result] = colour(viewer.add_image(grey, name="cells"), panel)

        panel.ui.copy_legend.click()
        assert QGuiApplication.clipboard().text() == colorize(grey, temperature=0.25).legend
        panel.ui.copy_python.click()
        scope = {"image": grey}
        exec(QGuiApplication.clipboard().text(), scope)
        np.testing.assert_array_equal(scope["rgb"], result.data)

    def test_says_whose_legend_it_copies(self, viewer, model, make_panel, colour, grey):
        panel = make_panel(viewer)
        [result] = colour(viewer.add_image(grey, name="cells"), panel)
        panel.choose(viewer.add_image(grey, name="other"))
        panel.copy_legend()
        name = "predicted colour of cells (colorful)"
        assert panel.ui.status.text() == f"The figure legend of '{name}' is on the clipboard."

        result.name = "figure 1"
        panel.copy_python()
        assert panel.ui.status.text() == "The Python code of 'figure 1' is on the clipboard."
        viewer.layers.clear()
        panel.copy_legend()
        assert "of 'figure 1' is" in panel.ui.status.text()

    def test_the_source_stays_chosen_after_a_run_and_after_a_rename(
        self, viewer, model, make_panel, colour, grey
    ):
        layer = viewer.add_image(grey, name="a")
        panel = make_panel(viewer)
        colour(layer, panel)
        layer.name = "b"

        assert panel.ui.layer.layer is layer
        assert panel.ui.layer.currentText() == "b"

    def test_passes_what_its_form_says(self, viewer, make_panel):
        panel = make_panel(viewer)
        form = panel.ui.form
        form.vividness.slider.setValue(0.9)
        form.refinement.value = "bilinear"
        form.network_size.value = 128

        assert form.values() == ColorizeParameters(
            vividness=0.9, refinement="bilinear", network_size=128
        )
