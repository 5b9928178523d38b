"""Opening what was saved: place, look and record come back; other files are not touched."""

import json
from importlib.resources import files as resources

import numpy as np
import pytest
from napari.layers import Image, Labels
from npe2 import PluginManifest
from qtpy.QtGui import QGuiApplication

from napari_colorize import colorize, colorize_stack, files
from napari_colorize.guided.hints import Hints
from napari_colorize.guided.marks import Point, Polygon
from napari_colorize.widgets import commands
from napari_colorize.widgets.layers import opening
from napari_colorize.widgets.layers.choice import PREVIEW_KEY, RECORD_KEY

PLACE = {
    "scale": (0.29, 0.26, 0.25),
    "translate": (1.0, -2.0, 3.0),
    "units": ("um", "um", "um"),
    "axis_labels": ("z", "y", "x"),
}


@pytest.fixture(autouse=True)
def plugins(npe2pm, monkeypatch):
    """Register napari's readers and writers, and ours."""
    monkeypatch.setattr("napari.plugins._npe2.pm", npe2pm)
    npe2pm.register(PluginManifest.from_file(resources("napari_builtins") / "builtins.yaml"))
    npe2pm.register(PluginManifest.from_file(resources("napari_colorize") / "napari.yaml"))
    return npe2pm


@pytest.fixture
def told(monkeypatch):
    sentences: list[str] = []
    monkeypatch.setattr("napari.utils.notifications.show_info", sentences.append)
    return sentences


@pytest.fixture
def save(viewer, tmp_path):
    """Return a function that saves a layer and clears the viewer; the layer stays as it was."""

    def saved(layer, name):
        viewer.add_layer(layer)
        viewer.layers.save(str(tmp_path / name), plugin="napari-colorize")
        viewer.layers.clear()
        return str(tmp_path / name)

    return saved


@pytest.fixture
def stack(fake_model):
    values = np.random.default_rng(5).integers(0, 256, (3, 40, 48), dtype=np.uint8)
    result = colorize_stack(values)
    return Image(result.rgb, rgb=True, name="a", metadata={RECORD_KEY: result.record}, **PLACE)


@pytest.fixture
def picture(fake_model, grey):
    result = colorize(grey, source="cells")
    place = {key: value[1:] for key, value in PLACE.items()}
    return Image(result.rgb, rgb=True, name="b", metadata={RECORD_KEY: result.record}, **place)


def lies_like(opened, saved):
    for name in ("scale", "translate", "rotate", "shear"):
        np.testing.assert_allclose(getattr(opened, name), getattr(saved, name), err_msg=name)
    np.testing.assert_allclose(opened.affine.affine_matrix, saved.affine.affine_matrix)
    assert opened.units == saved.units
    assert opened.axis_labels == saved.axis_labels
    return True


class TestRecordFile:
    """``cells.tif.json`` is opened, as by dropping it on the window."""

    @pytest.mark.parametrize("name", ["a.tif", "a.tiff", "a.png", "a.b.TIF"])
    def test_brings_a_picture_with_place_and_record(self, viewer, picture, save, name):
        path = save(picture, name)

        [opened] = viewer._open_or_raise_error([path + ".json"])  # as the window does it

        assert np.array_equal(opened.data, picture.data)
        assert opened.rgb
        assert opened.name == "b"
        assert lies_like(opened, picture)
        assert picture.metadata[RECORD_KEY].items() <= opened.metadata[RECORD_KEY].items()

    def test_brings_a_stack_rotated_as_it_was(self, viewer, stack, save):
        stack.rotate = (10, 20, 30)
        path = save(stack, "a.tif")

        [opened] = viewer.open(path + ".json", plugin="napari-colorize")

        assert np.array_equal(opened.data, stack.data)
        assert lies_like(opened, stack)

    def test_brings_axes_beyond_planes_back(self, viewer, fake_model, save):
        values = np.random.default_rng(6).integers(0, 256, (2, 3, 40, 48), dtype=np.uint8)
        result = colorize_stack(values, axis=1)
        saved = Image(result.rgb, rgb=True, metadata={RECORD_KEY: result.record})

        [opened] = viewer.open(save(saved, "a.tif") + ".json", plugin="napari-colorize")

        assert np.array_equal(opened.data, result.rgb)

    def test_brings_uncertainty_in_its_colours(self, viewer, fake_model, grey, save):
        result = colorize(grey)
        saved = Image(
            result.uncertainty,
            colormap="magma",
            contrast_limits=(0, 1),
            metadata={RECORD_KEY: result.record},
        )

        [opened] = viewer.open(save(saved, "a.tif") + ".json", plugin="napari-colorize")

        assert np.array_equal(opened.data, result.uncertainty)
        assert not opened.rgb
        assert opened.colormap.name == "magma"
        assert tuple(opened.contrast_limits) == (0, 1)

    def test_brings_clipped_colours_as_labels(self, viewer, fake_model, grey, save):
        result = colorize(grey)
        saved = Labels(result.clipped.astype(np.uint8), metadata={RECORD_KEY: result.record})

        [opened] = viewer.open(save(saved, "a.tif") + ".json", plugin="napari-colorize")

        assert isinstance(opened, Labels)
        assert np.array_equal(opened.data, result.clipped)

    def test_of_the_command_line_s_files_brings_the_record(
        self, viewer, fake_model, grey, tmp_path
    ):
        result = colorize(grey)
        files.write(tmp_path / "a.png", result)

        [opened] = viewer.open(str(tmp_path / "a.png.json"), plugin="napari-colorize")

        assert opened.metadata[RECORD_KEY] == result.record
        assert opened.name == "a"

    def test_saved_again_is_the_same(self, viewer, stack, save, tmp_path):
        path = save(stack, "a.tif")
        viewer.open(path + ".json", plugin="napari-colorize")
        viewer.layers.save(str(tmp_path / "again.tif"), plugin="napari-colorize")

        assert files.read_records(tmp_path / "again.tif") == files.read_records(path)

    def test_of_a_damaged_picture_is_told(self, viewer, picture, save):
        path = save(picture, "a.png")
        with open(path, "wb") as file:
            file.write(b"\x89PNG\r\n\x1a\nnothing")

        with pytest.raises(OSError, match=r"a\.png cannot be read"):
            viewer.open(path + ".json", plugin="napari-colorize")


class TestOtherFiles:
    def test_pictures_have_the_readers_that_they_had(self, plugins, stack, save):
        """Two readers for a name, and napari asks the person at every file."""
        for name in ("a.tif", "a.tiff", "a.png", "a.jpg", "a.ome.tif", "a.json", "a.geojson"):
            readers = {reader.plugin_name for reader in plugins.iter_compatible_readers(name)}
            assert "napari-colorize" not in readers

    @pytest.mark.parametrize(
        "content",
        ["", "no JSON", "[]", "3", "{}", '{"schema": "other"}', '{"pages": 3}', '{"pages": [{}]}'],
    )
    def test_a_json_file_that_is_not_ours_is_declined(self, tmp_path, content):
        (tmp_path / "a.tif").write_bytes(b"")
        (tmp_path / "a.tif.json").write_text(content)

        assert opening.get_reader(str(tmp_path / "a.tif.json")) is None

    def test_a_record_without_its_picture_says_what_is_missing(self, picture, save, tmp_path):
        path = save(picture, "a.tif") + ".json"
        (tmp_path / "a.tif").unlink()

        with pytest.raises(OSError, match=r"is the record of a\.tif, which is not beside it"):
            opening.get_reader(path)(path)

    def test_several_files_at_once_are_declined(self, picture, save):
        path = save(picture, "a.tif") + ".json"

        assert opening.get_reader([path, path]) is None

    def test_pages_of_different_making_are_declined(self, fake_model, grey, tmp_path):
        results = [colorize(grey), colorize(grey, temperature=0.9)]
        files.write(tmp_path / "a.tif", results)

        assert opening.get_reader(str(tmp_path / "a.tif.json")) is None


class TestHints:
    def test_come_as_layers_in_their_colours(self, viewer, tmp_path):
        labels = np.zeros((20, 30), int)
        labels[4:8] = 2
        outline = Polygon(((1, 1), (1, 9), (9, 9)), "#00ff00")
        hints = Hints(
            points=(Point(3, 4, "#ff0000", 2),),
            polygons=(outline,),
            labels=labels,
            colours={2: "#0000ff"},
        )
        hints.save(tmp_path / "cells.hints.json")
        strokes, points, outlines = viewer.open(
            tmp_path / "cells.hints.json", plugin="napari-colorize"
        )

        assert [layer.name for layer in viewer.layers] == [
            "cells (strokes)",
            "cells (points)",
            "cells (outlines)",
        ]
        np.testing.assert_array_equal(strokes.data, labels)
        np.testing.assert_allclose(strokes.get_color(2), (0, 0, 1, 1))
        np.testing.assert_allclose(points.data, [[3, 4]])
        np.testing.assert_allclose(points.face_color, [[1, 0, 0, 1]])
        np.testing.assert_allclose(outlines.data[0], outline.corners)

    def test_that_are_none_say_so(self, tmp_path):
        path = tmp_path / "a.hints.json"
        path.write_text("{}")

        with pytest.raises(OSError, match="hints"):
            opening.get_reader(str(path))(str(path))


class TestRestore:
    """The picture itself is opened, by napari's own reader."""

    @pytest.mark.parametrize("name", ["a.tif", "a.png"])
    def test_gives_place_and_record_back(self, viewer, picture, save, told, name):
        path = save(picture, name)
        [opened] = viewer.open(path, plugin="napari")
        assert RECORD_KEY not in opened.metadata
        viewer.layers.selection.active = opened

        opening.restore(viewer)

        assert lies_like(opened, picture)
        assert picture.metadata[RECORD_KEY].items() <= opened.metadata[RECORD_KEY].items()
        assert "lies where it was saved" in told[-1]

    def test_gives_a_stack_back(self, viewer, stack, save, told):
        [opened] = viewer.open(save(stack, "a.tif"), plugin="napari")
        viewer.layers.selection.active = opened

        opening.restore(viewer)

        assert lies_like(opened, stack)

    def test_gives_lost_axes_back(self, viewer, fake_model, save, told):
        values = np.random.default_rng(6).integers(0, 256, (2, 3, 40, 48), dtype=np.uint8)
        result = colorize_stack(values, axis=1)
        saved = Image(
            result.rgb, rgb=True, metadata={RECORD_KEY: result.record}, scale=(4, 3, 2, 1)
        )
        [opened] = viewer.open(save(saved, "a.tif"), plugin="napari")
        viewer.layers.selection.active = opened
        assert opened.ndim == 3

        opening.restore(viewer)

        [restored] = viewer.layers
        assert np.array_equal(restored.data, result.rgb)
        assert lies_like(restored, saved)
        assert viewer.layers.selection.active is restored

    def test_gives_the_axis_of_a_single_plane_back(self, viewer, picture, save, told):
        """The plane on screen of a stack is a layer with all axes of the stack."""
        place = {**PLACE, "rotate": (10, 20, 30)}
        plane = Image(picture.data[None], rgb=True, metadata=picture.metadata, **place)
        [opened] = viewer.open(save(plane, "a.tif"), plugin="napari")
        below, above = viewer.add_points(name="below"), viewer.add_points(name="above")
        viewer.layers.move(viewer.layers.index(below), 0)
        viewer.layers.selection.active = opened

        opening.restore(viewer)

        assert [layer.name for layer in viewer.layers] == ["below", "a", "above"]
        assert lies_like(viewer.layers["a"], plane)
        assert viewer.layers[-1] is above

    def test_gives_clipped_colours_back_as_labels(self, viewer, fake_model, grey, save, told):
        result = colorize(grey)
        saved = Labels(result.clipped.astype(np.uint8), metadata={RECORD_KEY: result.record})
        [opened] = viewer.open(save(saved, "a.tif"), plugin="napari", layer_type="image")
        viewer.layers.selection.active = opened

        opening.restore(viewer)

        assert isinstance(viewer.layers[-1], Labels)

    def test_gives_colours_that_napari_took_for_an_axis_back(self, viewer, told, save, stack):
        small = Image(stack.data[:, :20, :20], rgb=True, metadata=stack.metadata)
        [opened] = viewer.open(save(small, "a.tif"), plugin="napari")
        viewer.layers.selection.active = opened
        assert not opened.rgb

        opening.restore(viewer)

        assert viewer.layers[-1].rgb
        assert np.array_equal(viewer.layers[-1].data, small.data)

    def test_of_any_other_layer_says_what_to_select(self, viewer, grey, told, tmp_path):
        opening.restore(viewer)
        viewer.add_image(grey)
        opening.restore(viewer)
        files_path = tmp_path / "plain.png"
        from PIL import Image as Picture

        Picture.fromarray(grey).save(files_path)
        viewer.open(str(files_path), plugin="napari")
        opening.restore(viewer)

        assert len(told) == 3
        assert all("opened from a file that Colorize has saved" in one for one in told)


class TestCopies:
    @pytest.mark.parametrize("name", ["a.tif", "a.png"])
    def test_of_a_reopened_picture_find_the_legend_in_its_file(
        self, viewer, picture, save, told, name, qapp
    ):
        [opened] = viewer.open(save(picture, name), plugin="napari")
        viewer.layers.selection.active = opened

        commands.copy_legend(viewer)

        assert QGuiApplication.clipboard().text() == picture.metadata[RECORD_KEY]["legend"]

    def test_of_a_preview_say_that_it_is_none(self, viewer, grey, told):
        viewer.add_image(np.zeros((4, 4, 3), np.uint8), metadata={PREVIEW_KEY: True})

        commands.copy_legend(viewer)

        assert told == [
            "A preview is no result and has no record; press Run, and select the new layer."
        ]


class TestFormatsWithoutRoom:
    @pytest.mark.parametrize("name", ["a.jpg", "a.JPEG", "a.bmp", "a.gif"])
    def test_are_refused_for_predicted_colour(self, viewer, picture, tmp_path, name):
        from napari_colorize.widgets.layers.choice import prefer_our_writers

        prefer_our_writers()
        viewer.add_layer(picture)

        with pytest.raises(OSError, match=r"\.png") as caught:
            viewer.layers.save(str(tmp_path / name), selected=True)

        assert ".tif" in str(caught.value)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("name", ["a.jpg", "a.bmp"])
    def test_are_written_for_all_other_layers(self, viewer, grey, tmp_path, name):
        from napari_colorize.widgets.layers.choice import prefer_our_writers

        prefer_our_writers()
        viewer.add_image(grey)

        assert viewer.layers.save(str(tmp_path / name)) == [str(tmp_path / name)]
        assert (tmp_path / name).stat().st_size > 100


def test_a_saved_record_says_what_the_layer_was(stack, save):
    path = save(stack, "a.tif")
    kept = json.loads(files.sidecar_of(path).read_text("utf-8"))["layer"]

    assert kept["kind"] == "image"
    assert kept["shape"] == [3, 40, 48, 3]
