"""Whole stacks from the panel: the library's pixels, in the layer's place, at once or lazily."""

import gc
from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
import tifffile
from qtpy.QtGui import QGuiApplication

from napari_colorize import colorize_channels, colorize_multiscale, colorize_stack, files
from napari_colorize.api import Colorized
from napari_colorize.records import record as provenance
from napari_colorize.sequences.parameters import StackParameters
from napari_colorize.widgets.colorize.hold import Hold
from napari_colorize.widgets.colorize.job import LAZY, plan
from napari_colorize.widgets.colorize.run import run
from napari_colorize.widgets.shared import task as _executor


@pytest.fixture
def film():
    """Six 12-bit planes, (40, 56), of a scene that drifts, each with noise of its own."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:40, :56]
    planes = [2000 + 1200 * np.sin((rows + 2 * t) / 6) * np.cos(columns / 9) for t in range(6)]
    return (np.stack(planes) + random.normal(0, 60, (6, 40, 56))).clip(0, 4095).astype(np.uint16)


@pytest.fixture
def panel(viewer, make_panel):
    return make_panel(viewer)


@pytest.fixture
def colour(viewer, panel, finish):
    """Return a function that colours all planes of a layer and returns the new layers."""

    def start(layer, *, axes="", along=..., consistency=None, **ticks):
        panel.choose(layer)
        panel.ui.planes.setCurrentIndex(panel.ui.planes.findData(True))
        if axes:
            panel.ui.stack.axes.setText(axes)
            panel.ui.stack.axes.textEdited.emit(axes)
        if along is not ...:
            boxes = panel.ui.stack.along
            [row] = [i for i in range(boxes.count()) if boxes.itemData(i) == along]
            boxes.setCurrentIndex(row)
        if consistency is not None:
            panel.ui.stack.consistency.slider.setValue(consistency)
        for name, checked in ticks.items():
            getattr(panel.ui, name).setChecked(checked)
        before = list(viewer.layers)
        panel.run()
        finish(panel)
        return [new for new in viewer.layers if not any(new is old for old in before)]

    return start


def again(panel, image):
    """Run what *Copy as Python* puts on the clipboard."""
    panel.copy_python()
    scope = {"image": image}
    exec(QGuiApplication.clipboard().text(), scope)
    return scope["rgb"]


def job_of(viewer, data):
    layer = viewer.add_image(data)
    return plan(layer, viewer.dims, StackParameters(), hold=Hold(along=0))


def finished(job):
    """Run a job to its end without a panel."""
    return run(job, lambda share, text: None, lambda: False)


class TestPixels:
    def test_are_those_of_colorize_stack(self, viewer, model, colour, film):
        [result] = colour(viewer.add_image(film, contrast_limits=(0, 4000)))
        expected = colorize_stack(film, axis=0, window=(0, 4000))

        np.testing.assert_array_equal(result.data, expected.rgb)
        assert expected.record["stack"]["consistency"] == StackParameters().consistency

    def test_obey_the_chosen_axis_and_strength(self, viewer, model, colour, film):
        stack = np.stack([film, film[::-1]])
        layer = viewer.add_image(stack, contrast_limits=(0, 4095))
        [result] = colour(layer, along=1, consistency=0.25)

        expected = colorize_stack(stack, axis=1, consistency=0.25, window=(0, 4095))
        np.testing.assert_array_equal(result.data, expected.rgb)

    def test_of_a_side_view_are_held_along_what_is_behind_the_screen(
        self, viewer, model, colour, film
    ):
        film = film[:, :8]
        layer = viewer.add_image(film, contrast_limits=(0, 4095), scale=(3, 1, 1))
        viewer.dims.order = (1, 2, 0)  # x down, z across
        result, uncertainty, clipped = colour(layer, uncertainty=True, clipped=True)
        expected = colorize_stack(film.transpose(1, 2, 0), axis=0, window=(0, 4095))

        np.testing.assert_array_equal(result.data, expected.rgb.transpose(2, 0, 1, 3))
        np.testing.assert_array_equal(uncertainty.data, expected.uncertainty.transpose(2, 0, 1))
        np.testing.assert_array_equal(clipped.data, expected.clipped.transpose(2, 0, 1))
        np.testing.assert_allclose(result.scale, layer.scale)

    def test_of_channels_have_windows_of_their_own(self, viewer, model, colour, film):
        stack = np.stack([film, film[::-1] // 20], axis=1)
        [result] = colour(viewer.add_image(stack), axes="zcyx")

        expected = colorize_channels(stack, channel_axis=1, axis=0)
        np.testing.assert_array_equal(result.data, expected.rgb)
        one, other = expected.record["stack"]["windows"]
        assert one[1] > 10 * other[1]

    def test_are_coloured_wherever_the_slider_stands(self, viewer, model, colour, film):
        viewer.add_image(np.zeros((90, 9, 9), np.uint8))
        layer = viewer.add_image(film, contrast_limits=(0, 4095))
        viewer.dims.set_current_step(0, 80)
        [result] = colour(layer)

        np.testing.assert_array_equal(result.data, colorize_stack(film, window=(0, 4095)).rgb)

    def test_apply_gamma(self, viewer, model, colour, film):
        [result] = colour(viewer.add_image(film, contrast_limits=(0, 4095), gamma=0.5))

        shown = np.sqrt(film / 4095)
        expected = colorize_stack(shown, axis=0, window=(0, 1))
        np.testing.assert_array_equal(result.data, expected.rgb)

    def test_under_gamma_are_what_the_legend_and_the_python_say(
        self, viewer, model, panel, colour, film
    ):
        layer = viewer.add_image(film, contrast_limits=(200, 3500), gamma=0.6)
        [result] = colour(layer)

        assert "intensity window 200 to 3500, gamma 0.6, for all 6 planes" in panel.record["legend"]
        np.testing.assert_array_equal(again(panel, film), result.data)

    def test_of_channels_under_gamma_do_both(self, viewer, model, colour, film):
        stack = np.stack([film, film[::-1] // 20])
        [result] = colour(viewer.add_image(stack, gamma=0.5), axes="czyx")

        for channel in range(2):
            low, high = colorize_stack(stack[channel]).record["parameters"]["window"]
            shown = ((stack[channel].astype(float) - low) / (high - low)).clip(0, 1) ** 0.5
            expected = colorize_stack(shown, window=(0, 1)).rgb
            np.testing.assert_array_equal(result.data[channel], expected)

    def test_of_rgba_keep_alpha(self, viewer, model, colour, film):
        codes = (film // 16).astype(np.uint8)
        stack = np.stack([codes, codes[::-1], codes, np.full_like(codes, 90)], axis=-1)
        [result] = colour(viewer.add_image(stack, rgb=True))

        np.testing.assert_array_equal(result.data, colorize_stack(stack, rgb=True).rgb)


class TestPlacement:
    def test_is_the_source_s_in_every_respect(self, viewer, model, colour, film):
        layer = viewer.add_image(
            film,
            scale=(2, 0.3, 0.4),
            translate=(11, 1, 2),
            rotate=(10, 20, 30),
            shear=(0.1, 0.2, 0.3),
            affine=np.diag([1.0, 2.0, 1.0, 1.0]),
            units=("um", "um", "um"),
            axis_labels=("z", "y", "x"),
        )
        for result in colour(layer, uncertainty=True, clipped=True):
            np.testing.assert_allclose(result.scale, layer.scale)
            np.testing.assert_allclose(result.translate, layer.translate)
            np.testing.assert_allclose(result.rotate, layer.rotate)
            np.testing.assert_allclose(result.shear, layer.shear)
            np.testing.assert_allclose(result.affine.affine_matrix, layer.affine.affine_matrix)
            assert result.units == layer.units
            assert result.axis_labels == layer.axis_labels
            corner = (5, 39, 55)
            np.testing.assert_allclose(result.data_to_world(corner), layer.data_to_world(corner))


class TestRecord:
    def test_says_what_was_done_and_the_python_does_it_again(
        self, viewer, model, panel, colour, film
    ):
        [result] = colour(viewer.add_image(film, name="cells"), axes="zyx", consistency=0.5)
        record = result.metadata["napari_colorize"]

        assert record["stack"]["axis"] == 0
        assert record["stack"]["consistency"] == 0.5
        assert record["source"]["name"] == "cells"
        assert "colour was smoothed along z (depth)" in record["legend"]
        assert "up to 4 planes to either side" in record["legend"]
        panel.copy_legend()
        assert QGuiApplication.clipboard().text() == record["legend"]
        np.testing.assert_array_equal(again(panel, film), result.data)

    def test_of_a_side_view_names_the_order_of_the_axes(self, viewer, model, panel, colour, film):
        film = film[:, :8]
        layer = viewer.add_image(film, name="cells")
        viewer.dims.order = (1, 0, 2)
        [result] = colour(layer)

        assert panel.record["source"]["name"] == "cells.transpose(1, 0, 2)"
        repeated = again(panel, film.transpose(1, 0, 2))
        np.testing.assert_array_equal(repeated.transpose(1, 0, 2, 3), result.data)

    def test_of_channels_names_each_window(self, viewer, model, panel, colour, film):
        stack = np.stack([film, film // 9])
        [result] = colour(viewer.add_image(stack), axes="czyx")

        assert "each channel on its own with an intensity window" in panel.record["legend"]
        assert "for all 6 planes of each channel" in panel.record["legend"]
        np.testing.assert_array_equal(again(panel, stack), result.data)

    def test_without_holding_claims_nothing(self, viewer, model, panel, colour, film):
        [result] = colour(viewer.add_image(film), along=None)

        assert "smoothed" not in panel.record["legend"]
        np.testing.assert_array_equal(again(panel, film), result.data)

    def test_of_a_file_reads_the_file(self, viewer, model, film, tmp_path):
        path = tmp_path / "cells.tif"
        tifffile.imwrite(path, film, photometric="minisblack")
        outcome = finished(replace(job_of(viewer, film), path=str(path)))
        scope: dict = {}
        exec(provenance.as_python(outcome.record), scope)

        assert outcome.record["source"]["path"] == str(path)
        np.testing.assert_array_equal(scope["rgb"], outcome.rgb)

    def test_of_a_file_of_channels_reads_the_file(self, viewer, model, film, tmp_path):
        path, stack = tmp_path / "cells.tif", np.stack([film, film // 2], axis=1)
        tifffile.imwrite(path, stack, imagej=True, metadata={"axes": "ZCYX"})
        job = job_of(viewer, stack)
        outcome = finished(replace(job, path=str(path), hold=Hold(0, 1, axes="zcyx")))
        scope: dict = {}
        exec(provenance.as_python(outcome.record), scope)

        np.testing.assert_array_equal(scope["rgb"], outcome.rgb)

    def test_of_a_file_that_holds_other_pixels_by_now_does_not(self, viewer, model, film, tmp_path):
        path = tmp_path / "cells.tif"
        tifffile.imwrite(path, film, photometric="minisblack")
        outcome = finished(replace(job_of(viewer, film // 2), path=str(path)))

        assert "path" not in outcome.record["source"]

    def test_offers_the_pixels_as_the_console_has_them(self, viewer, model, panel, colour, film):
        layer = viewer.add_image(film[:, :8], name="it's")
        viewer.dims.order = (1, 0, 2)
        [result] = colour(layer)
        panel.copy_python()
        code = QGuiApplication.clipboard().text()
        scope = {"viewer": viewer}
        exec(code.replace("# image = ", "image = "), scope)

        np.testing.assert_array_equal(scope["rgb"].transpose(1, 0, 2, 3), result.data)
        assert code == code.strip()

    def test_of_a_guessed_axis_does_not_name_it(self, viewer, model, panel, colour, film):
        colour(viewer.add_image(film))

        assert "along the first axis of the stack" in panel.record["legend"]
        assert "guessed; see Axes" in panel.ui.status.text()

    def test_of_a_file_whose_pages_are_not_the_planes_does_not(self, viewer, model, film, tmp_path):
        path = tmp_path / "cells.tif"
        tifffile.imwrite(path, film[:5], photometric="minisblack")
        for elsewhere in (path, tmp_path / "gone.tif", tmp_path):
            outcome = finished(replace(job_of(viewer, film), path=str(elsewhere)))
            assert "path" not in outcome.record["source"]

    def test_travels_with_the_saved_pixels(self, viewer, model, panel, colour, film, tmp_path):
        [result] = colour(viewer.add_image(film))
        record = result.metadata["napari_colorize"]
        planes = [Colorized(plane, None, None, record) for plane in result.data]
        files.write(tmp_path / "result.tif", planes)
        assert files.read_records(tmp_path / "result.tif")[0]["stack"] == record["stack"]


class Watched:
    """A dask stack, one chunk a plane, that knows which planes were computed."""

    def __init__(self, stack):
        self.computed = set()

        def block(block_info=None):
            place = block_info[None]["chunk-location"][0]
            self.computed.add(place)
            return stack[place][None]

        chunks = ((1,) * len(stack), *((side,) for side in stack.shape[1:]))
        self.array = da.map_blocks(block, chunks=chunks, dtype=stack.dtype)


class TestLazyLayers:
    def test_give_a_lazy_result_of_the_same_pixels(self, viewer, model, panel, colour, film):
        layer = viewer.add_image(da.from_array(film, chunks=(1, 40, 56)), contrast_limits=(0, 4095))
        result, uncertainty, clipped = colour(layer, uncertainty=True, clipped=True)
        expected = colorize_stack(film, window=(0, 4095))

        assert isinstance(result.data, da.Array)
        assert panel.ui.status.text().startswith(LAZY)
        np.testing.assert_array_equal(np.asarray(result.data), expected.rgb)
        np.testing.assert_array_equal(np.asarray(uncertainty.data), expected.uncertainty)
        np.testing.assert_array_equal(np.asarray(clipped.data), expected.clipped)

    def test_compute_only_what_is_looked_at(self, viewer, model, colour):
        watched = Watched(np.random.default_rng(0).integers(0, 255, (60, 40, 40), dtype=np.uint8))
        layer = viewer.add_image(watched.array, contrast_limits=(0, 255))
        viewer.dims.set_current_step(0, 30)
        watched.computed.clear()
        colour(layer, consistency=0.25)
        assert watched.computed <= set(range(28, 33))

        watched.computed.clear()
        viewer.dims.set_current_step(0, 50)
        assert watched.computed <= set(range(48, 53))
        assert 50 in watched.computed

    def test_are_there_when_they_appear(self, viewer, model, colour, film):
        layer = viewer.add_image(da.from_array(film, chunks=(1, 40, 56)), contrast_limits=(0, 4095))
        viewer.dims.set_current_step(0, 4)
        [result] = colour(layer, along=None)

        assert model.calls == 1, "predicted in the background, and not again to be shown"
        expected = colorize_stack(film, axis=None, window=(0, 4095)).rgb[4]
        np.testing.assert_array_equal(result._slice.image.raw, expected)

    def test_of_memory_maps_are_lazy_too(self, viewer, model, colour, film, tmp_path):
        mapped = np.memmap(tmp_path / "film.raw", film.dtype, "w+", shape=film.shape)
        mapped[:] = film
        [result] = colour(viewer.add_image(mapped, contrast_limits=(0, 4095)))

        assert isinstance(result.data, da.Array)
        expected = colorize_stack(film, window=(0, 4095))
        np.testing.assert_array_equal(np.asarray(result.data), expected.rgb)

    def test_of_side_views_and_channels_fit_too(self, viewer, model, panel, colour, film):
        stack = np.stack([film, film // 9])[:, :, :5]
        layer = viewer.add_image(da.from_array(stack, chunks=(1, 1, 5, 56)))
        viewer.dims.order = (0, 2, 1, 3)
        [result] = colour(layer, axes="czyx")

        seen = stack.transpose(0, 2, 1, 3)
        expected = colorize_channels(seen, channel_axis=0, axis=1)
        np.testing.assert_array_equal(
            np.asarray(result.data).transpose(0, 2, 1, 3, 4), expected.rgb
        )
        np.testing.assert_array_equal(again(panel, seen), expected.rgb)

    def test_outlive_their_source(self, viewer, model, colour, film):
        layer = viewer.add_image(da.from_array(film, chunks=(1, 40, 56)), contrast_limits=(0, 4095))
        [result] = colour(layer)
        viewer.layers.remove(layer)
        del layer
        gc.collect()

        expected = colorize_stack(film, window=(0, 4095)).rgb[5]
        np.testing.assert_array_equal(np.asarray(result.data[5]), expected)

    def test_a_cancelled_run_predicts_no_further(self, viewer, model, panel, film):
        layer = viewer.add_image(da.from_array(film, chunks=(1, 40, 56)), contrast_limits=(0, 4095))
        panel.choose(layer)
        panel.ui.planes.setCurrentIndex(1)
        model.gate.clear()
        panel.run()
        assert model.entered.wait(20)
        panel.cancel()
        model.gate.set()
        _executor.submit(int).result(timeout=20)

        assert model.calls == 1
        assert list(viewer.layers) == [layer]


class TestPyramids:
    def test_of_a_stack_are_lazy_with_all_levels(self, viewer, model, panel, colour, film):
        levels = [film, film[:, ::2, ::2]]
        layer = viewer.add_image(
            levels, multiscale=True, contrast_limits=(0, 4095), scale=(5, 1, 1)
        )
        result, uncertainty, clipped = colour(layer, uncertainty=True, clipped=True)
        expected = colorize_multiscale(levels, axis=0, window=(0, 4095))

        assert result.multiscale
        assert uncertainty.multiscale
        assert clipped.multiscale
        for found, wanted in zip(result.data, expected.rgb, strict=True):
            np.testing.assert_array_equal(np.asarray(found), np.asarray(wanted))
        np.testing.assert_allclose(result.scale, layer.scale)
        for found, wanted in zip(again(panel, levels), expected.rgb, strict=True):
            np.testing.assert_array_equal(np.asarray(found), np.asarray(wanted))

    def test_of_one_picture_are_coloured_at_all_levels(self, viewer, model, colour, film):
        levels = [film[0], film[0, ::2, ::2]]
        layer = viewer.add_image(levels, multiscale=True, contrast_limits=(0, 4095))
        [result] = colour(layer)

        assert [level.shape for level in result.data] == [(40, 56, 3), (20, 28, 3)]
        expected = colorize_multiscale(levels, axis=None, window=(0, 4095))
        np.testing.assert_array_equal(np.asarray(result.data[0]), np.asarray(expected.rgb[0]))


class TestLife:
    @pytest.fixture
    def held(self, viewer, model, panel, film):
        """Start a run on a stack that waits in its first prediction."""
        layer = viewer.add_image(film, name="cells")
        viewer.add_image(film[0], name="other")
        panel.choose(layer)
        panel.ui.planes.setCurrentIndex(1)
        model.gate.clear()
        panel.run()
        assert model.entered.wait(20)
        return layer

    def test_the_source_s_removal_stops_it(self, viewer, model, panel, held, finish):
        viewer.layers.remove(held)
        model.gate.set()
        finish(panel)

        assert [layer.name for layer in viewer.layers] == ["other"]
        assert "layer 'cells' was removed" in panel.ui.status.text()

    def test_a_second_run_is_refused(self, viewer, model, panel, held, finish):
        panel.run()
        model.gate.set()
        finish(panel)

        assert len(viewer.layers) == 3

    def test_another_choice_meanwhile_does_not_reach_it(
        self, viewer, model, panel, held, film, finish
    ):
        panel.ui.stack.along.setCurrentIndex(panel.ui.stack.along.count() - 1)
        held.contrast_limits = (0, 10)
        model.gate.set()
        finish(panel)

        limits = tuple(panel.record["parameters"]["window"])
        expected = colorize_stack(film, axis=0, window=limits)
        np.testing.assert_array_equal(viewer.layers[-1].data, expected.rgb)
        assert limits[1] > 10


def test_a_job_reads_no_pixel(viewer):
    def refuse(*_, **__):
        raise AssertionError("a plane was read")

    array = da.map_blocks(
        refuse, chunks=((1,) * 4, (8,), (8,)), dtype=np.uint8, meta=np.empty((0,) * 3, np.uint8)
    )
    from napari.layers import Image

    layer = Image(array, contrast_limits=(0, 255), visible=False)
    job = plan(layer, viewer.dims, StackParameters(), hold=Hold(along=0))

    assert job.shape == (4, 8, 8)
    assert job.lazy
    assert job.parameters.consistency == Hold().consistency


def test_the_record_s_python_of_a_plane_never_speaks_of_stacks(viewer, model, panel, finish, film):
    viewer.add_image(film)
    panel.run()
    finish(panel)

    assert "colorize_stack" not in provenance.as_python(panel.record)
