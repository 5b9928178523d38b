"""Saving from napari: the record goes with predicted colour, and all else is saved as ever."""

import json
import os
from importlib.resources import files as resources
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import tifffile
from napari._app_model import get_app_model  # to run a command as a menu does
from napari.layers import Image
from napari.plugins._npe2 import write_layers
from npe2 import PluginManifest
from PIL import Image as Picture

from napari_colorize import colorize, colorize_lazy, colorize_stack, files
from napari_colorize.widgets.layers import choice as _precedence
from napari_colorize.widgets.layers.choice import PREVIEW_KEY, RECORD_KEY

OURS = resources("napari_colorize") / "napari.yaml"
NAPARIS = resources("napari_builtins") / "builtins.yaml"
CENTIMETRE = 3


@pytest.fixture(params=["napari first", "ours first"])
def plugins(request, npe2pm, monkeypatch):
    """Register napari's writers and ours, in an order in which file systems may list them."""
    monkeypatch.setattr("napari.plugins._npe2.pm", npe2pm)
    order = [NAPARIS, OURS] if request.param == "napari first" else [OURS, NAPARIS]
    for manifest in order:
        npe2pm.register(PluginManifest.from_file(manifest))
    return npe2pm


@pytest.fixture
def preferred(plugins):
    """The same after a run of the panel has added its first result."""
    _precedence.prefer_our_writers()
    return plugins


@pytest.fixture
def predicted(fake_model, grey):
    return colorize(grey, source="cells")


def add(viewer, result, **options):
    return viewer.add_image(
        result.rgb, rgb=True, name="cells", metadata={RECORD_KEY: result.record}, **options
    )


def the_record(path):
    """Return the one record inside a file, after a look that the sidecar says the same."""
    [record] = files.read_records(path)
    assert json.loads(files.sidecar_of(path).read_text("utf-8")) == record
    return record


class TestPredictedColour:
    @pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".PNG"])
    def test_a_picture_comes_back_with_its_record(
        self, viewer, preferred, predicted, tmp_path, suffix
    ):
        add(viewer, predicted)
        path = tmp_path / f"a{suffix}"

        written = viewer.layers.save(str(path))

        assert written == [str(path), str(files.sidecar_of(path))]
        [page] = files.read(path)
        assert np.array_equal(page.pixels, predicted.rgb)
        assert predicted.record.items() <= the_record(path).items()
        assert sorted(os.listdir(tmp_path)) == sorted(Path(name).name for name in written)

    def test_napari_opens_what_was_saved(self, viewer, preferred, predicted, tmp_path):
        add(viewer, predicted)
        viewer.layers.save(str(tmp_path / "a.tif"))

        [opened] = viewer.open(str(tmp_path / "a.tif"), plugin="napari")

        assert opened.rgb
        assert np.array_equal(opened.data, predicted.rgb)

    def test_sixteen_bits_and_transparency_are_kept(self, viewer, preferred, fake_model, tmp_path):
        rgba = np.random.default_rng(1).integers(0, 65536, (20, 24, 4)).astype(np.uint16)
        result = colorize(rgba, dtype="uint16")
        add(viewer, result)
        for name in ("a.png", "a.tif"):
            viewer.layers.save(str(tmp_path / name))

            assert np.array_equal(files.read(tmp_path / name)[0].pixels, result.rgb)

    def test_a_stack_becomes_pages_with_one_record(self, viewer, preferred, fake_model, tmp_path):
        stack = np.random.default_rng(2).integers(0, 256, (2, 3, 20, 24), dtype=np.uint8)
        result = colorize_stack(stack, axis=1)
        add(viewer, result)

        viewer.layers.save(str(tmp_path / "a.tif"))

        pages = [page.pixels for page in files.read(tmp_path / "a.tif")]
        assert np.array_equal(pages, result.rgb.reshape(6, 20, 24, 3))
        assert np.array_equal(tifffile.imread(tmp_path / "a.tif"), pages)
        assert the_record(tmp_path / "a.tif")["stack"] == result.record["stack"]

    def test_a_lazy_layer_is_worked_out_plane_by_plane(
        self, viewer, preferred, predicted, tmp_path
    ):
        seen = []

        def plane(block_info=None):
            number = block_info[None]["chunk-location"][0]
            seen.append(number)
            return np.full((1, 20, 24, 3), number * 10, np.uint8)

        lazy = da.map_blocks(plane, chunks=((1,) * 5, 20, 24, 3), dtype=np.uint8, meta=np.empty(0))
        viewer.add_image(
            lazy, rgb=True, metadata={RECORD_KEY: predicted.record}, visible=False, name="cells"
        )
        seen.clear()

        viewer.layers.save(str(tmp_path / "a.tif"))

        assert seen == [0, 1, 2, 3, 4]
        assert [page.pixels.max() for page in files.read(tmp_path / "a.tif")] == [0, 10, 20, 30, 40]

    def test_lazy_colours_are_those_of_the_stack(self, viewer, preferred, fake_model, tmp_path):
        stack = np.random.default_rng(3).integers(0, 256, (3, 20, 24), dtype=np.uint8)
        lazy = colorize_lazy(da.from_array(stack, chunks=(1, -1, -1)), window=(0, 255))
        viewer.add_image(lazy.rgb, rgb=True, visible=False, metadata={RECORD_KEY: lazy.record})

        viewer.layers.save(str(tmp_path / "a.tif"))

        whole = colorize_stack(stack, window=(0, 255)).rgb
        assert np.array_equal([page.pixels for page in files.read(tmp_path / "a.tif")], whole)

    def test_of_a_pyramid_the_finest_level_is_saved(self, viewer, preferred, predicted, tmp_path):
        levels = [predicted.rgb, predicted.rgb[::2, ::2]]
        viewer.add_image(levels, rgb=True, multiscale=True, metadata={RECORD_KEY: predicted.record})

        viewer.layers.save(str(tmp_path / "a.png"))

        assert np.array_equal(files.read(tmp_path / "a.png")[0].pixels, predicted.rgb)

    def test_a_plane_in_a_stack_may_be_png(self, viewer, preferred, predicted, tmp_path):
        viewer.add_image(predicted.rgb[None], rgb=True, metadata={RECORD_KEY: predicted.record})

        viewer.layers.save(str(tmp_path / "a.png"))

        assert np.array_equal(files.read(tmp_path / "a.png")[0].pixels, predicted.rgb)

    def test_uncertainty_is_a_grey_picture_of_floats(self, viewer, preferred, predicted, tmp_path):
        viewer.add_image(predicted.uncertainty, metadata={RECORD_KEY: predicted.record})

        viewer.layers.save(str(tmp_path / "a.tif"))

        assert np.array_equal(tifffile.imread(tmp_path / "a.tif"), predicted.uncertainty)
        assert predicted.record.items() <= the_record(tmp_path / "a.tif").items()

    def test_clipped_colours_are_zeros_and_ones(self, viewer, preferred, predicted, tmp_path):
        mask = predicted.clipped.astype(np.uint8)
        mask[0] = 1
        viewer.add_labels(mask, metadata={RECORD_KEY: predicted.record})

        viewer.layers.save(str(tmp_path / "a.tif"))

        saved = tifffile.imread(tmp_path / "a.tif")
        assert saved.dtype == np.uint8
        assert np.array_equal(saved, mask)
        assert predicted.record.items() <= the_record(tmp_path / "a.tif").items()


class TestPlace:
    def test_pixel_size_is_in_the_tiff_and_all_of_it_in_the_record(
        self, viewer, preferred, fake_model, tmp_path
    ):
        stack = np.random.default_rng(2).integers(0, 256, (3, 20, 24), dtype=np.uint8)
        place = {"scale": (2.0, 0.25, 0.5), "translate": (0.0, 5.0, 7.0)}
        add(viewer, colorize_stack(stack), units=("s", "um", "nm"), axis_labels="tyx", **place)

        viewer.layers.save(str(tmp_path / "a.tif"))

        resolution = files.read(tmp_path / "a.tif")[0].resolution
        assert resolution.unit == CENTIMETRE
        assert resolution.y == pytest.approx(1 / 0.25e-4)
        assert resolution.x == pytest.approx(1 / 0.5e-7)
        kept = the_record(tmp_path / "a.tif")["layer"]
        assert kept["name"] == "cells"
        assert kept["units"] == ["second", "micrometer", "nanometer"]
        assert kept["axis_labels"] == ["t", "y", "x"]
        assert kept["scale"] == [2.0, 0.25, 0.5]
        assert kept["translate"] == [0.0, 5.0, 7.0]
        assert kept["affine"] == np.eye(4).tolist()

    def test_pixels_without_a_length_get_no_pixel_size(
        self, viewer, preferred, predicted, tmp_path
    ):
        add(viewer, predicted, scale=(2, 2))

        viewer.layers.save(str(tmp_path / "a.tif"))

        assert files.read(tmp_path / "a.tif")[0].resolution is None


class TestFilesAndFolders:
    def test_what_exists_is_replaced_with_its_record(self, viewer, preferred, predicted, tmp_path):
        path = tmp_path / "a.png"
        path.write_bytes(b"old")
        files.sidecar_of(path).write_text("old")
        add(viewer, predicted)

        viewer.layers.save(str(path))

        assert np.array_equal(files.read(path)[0].pixels, predicted.rgb)
        the_record(path)

    def test_without_a_suffix_it_is_a_tiff(self, viewer, preferred, predicted, tmp_path):
        layer = add(viewer, predicted)
        [writer] = [
            one
            for one in preferred.iter_compatible_writers(["image"])
            if one.command == "napari-colorize.write_image" and ".tif" in one.filename_extensions
        ]

        # This is how napari's dialog calls the writer that was chosen in it.
        for name in ("cells", "cells.2 (predicted colour)"):
            paths, _ = write_layers(str(tmp_path / name), [layer], writer=writer)
            assert paths[0] == str(tmp_path / f"{name}.tif")
            the_record(tmp_path / f"{name}.tif")

    def test_a_stack_is_no_png(self, viewer, preferred, fake_model, tmp_path):
        add(viewer, colorize_stack(np.zeros((3, 20, 24), np.uint8)))

        with pytest.raises(OSError, match=r"holds one picture; choose \.tif"):
            viewer.layers.save(str(tmp_path / "a.png"))
        assert not list(tmp_path.iterdir())

    def test_floats_are_no_png(self, viewer, preferred, predicted, tmp_path):
        viewer.add_image(predicted.uncertainty, metadata={RECORD_KEY: predicted.record})

        with pytest.raises(OSError, match=r"cannot hold float32 pixels; choose \.tif"):
            viewer.layers.save(str(tmp_path / "a.png"))
        assert not list(tmp_path.iterdir())

    def test_a_missing_folder_is_told(self, viewer, preferred, predicted, tmp_path):
        add(viewer, predicted)

        with pytest.raises(FileNotFoundError, match=r"There is no folder .*gone; create it"):
            viewer.layers.save(str(tmp_path / "gone" / "a.png"))

    def test_a_closed_folder_is_told(self, viewer, preferred, predicted, tmp_path, monkeypatch):
        def closed(*_, **__):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "touch", closed)  # whoever is root may write anywhere
        add(viewer, predicted)

        with pytest.raises(PermissionError, match=r"Nothing may be written into .*choose another"):
            viewer.layers.save(str(tmp_path / "a.png"))


class TestOtherLayers:
    """Layers without a record are saved to the byte as if we were not there."""

    @pytest.mark.parametrize("suffix", [".png", ".tif"])
    @pytest.mark.parametrize("metadata", [{}, {PREVIEW_KEY: "a preview"}, {RECORD_KEY: "torn"}])
    def test_images_are_saved_by_napari(
        self, viewer, preferred, npe2pm, grey, tmp_path, suffix, metadata
    ):
        viewer.add_image(grey, metadata=metadata)
        with_us, alone = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"

        written = viewer.layers.save(str(with_us))
        viewer.layers.save(str(alone), plugin="napari")

        assert written == [str(with_us)]
        assert with_us.read_bytes() == alone.read_bytes()
        assert sorted(os.listdir(tmp_path)) == [with_us.name, alone.name]

    def test_labels_are_saved_by_napari(self, viewer, preferred, grey, tmp_path):
        viewer.add_labels(grey)

        assert viewer.layers.save(str(tmp_path / "a.tif")) == [str(tmp_path / "a.tif")]
        assert tifffile.imread(tmp_path / "a.tif").dtype == np.uint32

    def test_other_kinds_of_file_are_saved_by_napari(self, viewer, preferred, grey, tmp_path):
        viewer.add_image(grey)

        viewer.layers.save(str(tmp_path / "a.bmp"))

        assert np.array_equal(Picture.open(tmp_path / "a.bmp"), grey)

    def test_another_plugin_that_came_before_napari_still_does(
        self, viewer, npe2pm, grey, tmp_path
    ):
        saved = []
        with npe2pm.tmp_plugin(name="another") as another:

            @another.contribute.writer(layer_types=["image"], filename_extensions=[".tif"])
            def write(path: str, data, meta) -> list[str]:
                saved.append(path)
                return [path]

            for manifest in (NAPARIS, OURS):
                npe2pm.register(PluginManifest.from_file(manifest))
            _precedence.prefer_our_writers()
            viewer.add_image(grey)
            viewer.layers.save(str(tmp_path / "a.tif"))

        assert saved == [str(tmp_path / "a.tif")]

    def test_an_ending_that_nobody_writes_is_told(self, preferred, grey, tmp_path):
        from napari_colorize.widgets.layers.saving import write_image

        with pytest.raises(
            ValueError, match=r"No plugin of this napari saves image layers as a\.x"
        ):
            write_image(str(tmp_path / "a.xyz"), *Image(grey).as_layer_data_tuple()[:2])


class TestFolder:
    def test_each_predicted_layer_has_its_record(
        self, viewer, preferred, predicted, grey, tmp_path
    ):
        viewer.add_image(grey, name="source")
        viewer.add_points([[1, 2]], name="marks")
        add(viewer, predicted).name = "cells/1 (predicted colour)"
        viewer.add_labels(
            predicted.clipped.astype(np.uint8),
            name="clipped",
            metadata={RECORD_KEY: predicted.record},
        )

        written = viewer.layers.save(str(tmp_path / "out"))

        names = ["cells_1 (predicted colour).tif", "clipped.tif"]
        expected = {*names, *(f"{name}.json" for name in names), "source.tif", "marks.csv"}
        assert set(os.listdir(tmp_path / "out")) == expected
        assert {Path(file).name for file in written} == expected
        for name in names:
            the_record(tmp_path / "out" / name)

    def test_without_predicted_layers_napari_saves_all(self, viewer, preferred, grey, tmp_path):
        viewer.add_image(grey, name="a")
        viewer.add_image(grey, name="b")

        viewer.layers.save(str(tmp_path / "out"))

        assert sorted(os.listdir(tmp_path / "out")) == ["a.tif", "b.tif"]

    def test_only_predicted_layers_make_their_folder(self, viewer, preferred, predicted, tmp_path):
        add(viewer, predicted)
        add(viewer, predicted)

        viewer.layers.save(str(tmp_path / "out"))

        assert len(os.listdir(tmp_path / "out")) == 4


class TestPrecedence:
    def test_a_result_of_the_panel_is_saved_with_its_record(
        self, viewer, plugins, model, make_panel, finish, grey, tmp_path
    ):
        viewer.add_image(grey, name="cells")
        panel = make_panel(viewer)
        panel.ui.run.click()
        finish(panel)
        [layer] = [one for one in viewer.layers if one.rgb]
        viewer.layers.selection.active = layer

        viewer.layers.save(str(tmp_path / "a.png"), selected=True)

        assert layer.metadata[RECORD_KEY].items() <= the_record(tmp_path / "a.png").items()

    def test_our_writer_can_be_named(self, viewer, plugins, predicted, tmp_path):
        add(viewer, predicted)

        viewer.layers.save(str(tmp_path / "a.png"), plugin="napari-colorize")

        the_record(tmp_path / "a.png")

    def test_the_others_keep_their_order(self, plugins):
        def others():
            writers = plugins.iter_compatible_writers(["image"])
            return [one for one in writers if one.plugin_name != "napari-colorize"]

        before = others()
        _precedence.prefer_our_writers()

        assert others() == before

    def test_an_unknown_npe2_is_left_alone(self, monkeypatch):
        monkeypatch.setattr("npe2.PluginManager.instance", lambda: object())

        _precedence.prefer_our_writers()


@pytest.mark.qt
class TestDialog:
    """*File → Save …* in a real window with the plugins that are installed.

    Only the file dialog itself is answered by the test.
    """

    @pytest.fixture
    def proposed(self, monkeypatch):
        """Answer the dialog with a name, and with the first kind of file that starts so."""

        class Answer:
            name, kind, kinds = "", "", ()

        def answer(*_, filter, **__):
            Answer.kinds = filter.split(";;")
            return Answer.name, next(one for one in Answer.kinds if one.startswith(Answer.kind))

        monkeypatch.setattr("napari._qt.qt_viewer.QFileDialog.getSaveFileName", answer)
        return Answer

    @pytest.fixture
    def window(self, make_napari_viewer, model, finish, grey):
        """Return a viewer in which a picture was coloured by the panel."""
        viewer = make_napari_viewer()
        viewer.add_image(grey, name="cells")
        _, panel = viewer.window.add_plugin_dock_widget("napari-colorize", "Colorize")
        panel.ui.run.click()
        finish(panel)
        return viewer

    def test_keeps_the_record_of_the_selected_layer(self, window, proposed, tmp_path):
        [layer] = [one for one in window.layers if one.rgb]
        window.layers.selection.active = layer
        proposed.name = str(tmp_path / "a.png")

        get_app_model().commands.execute_command("napari.window.file.save_layers_dialog.selected")

        assert proposed.kinds[0] == "Colorize with record (*.tif *.tiff *.png)"
        assert layer.metadata[RECORD_KEY].items() <= the_record(tmp_path / "a.png").items()

    def test_saves_the_picture_itself_as_ever(self, window, proposed, grey, tmp_path):
        window.layers.selection.active = window.layers["cells"]
        proposed.name = str(tmp_path / "a.jpg")

        get_app_model().commands.execute_command("napari.window.file.save_layers_dialog.selected")

        assert os.listdir(tmp_path) == ["a.jpg"]
        assert Picture.open(tmp_path / "a.jpg").size == grey.shape[::-1]

    def test_keeps_records_when_all_layers_go_into_a_folder(self, window, proposed, tmp_path):
        proposed.name, proposed.kind = str(tmp_path / "out"), "Colorize"

        get_app_model().commands.execute_command("napari.window.file.save_layers_dialog")

        saved = {file.name for file in (tmp_path / "out").iterdir()}
        assert "cells.tif" in saved
        assert "cells.tif.json" not in saved
        assert "predicted colour of cells (colorful).tif.json" in saved
