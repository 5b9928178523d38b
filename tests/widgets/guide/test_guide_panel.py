"""The panel *Guide*, beside a viewer without a window: strokes in, pixels out."""

import json

import numpy as np
import pytest
from skimage.color import rgb2lab

from napari_colorize import Hints, colorize
from napari_colorize.guided.hints import Point
from napari_colorize.widgets.guide.dialogs import GamutDialog, plane_of_colours
from napari_colorize.widgets.guide.panel import GuidePanel
from napari_colorize.widgets.layers.choice import PREVIEW_KEY, RECORD_KEY


@pytest.fixture
def started(viewer, model, grey, qtbot):
    """Return a panel that follows a grey picture of odd place, and its layer."""
    layer = viewer.add_image(grey, name="cells", scale=(2, 3), translate=(5, 7), units="um")
    panel = GuidePanel(viewer)
    qtbot.addWidget(panel)
    panel.start()
    qtbot.waitUntil(lambda: panel.shown is not None, timeout=30_000)
    return panel, layer


def follow(panel, qtbot):
    """Wait until the picture shows what is painted now."""
    panel.shown = None
    panel.poke()
    qtbot.waitUntil(lambda: panel.shown is not None, timeout=30_000)


def picture_of(viewer):
    [layer] = [layer for layer in viewer.layers if PREVIEW_KEY in layer.metadata]
    return layer


def test_start_lays_strokes_and_points_over_the_picture(started, viewer):
    panel, layer = started
    for made in (panel.session.labels, panel.session.points, picture_of(viewer)):
        assert np.array_equal(made.scale, layer.scale)
        assert np.array_equal(made.translate, layer.translate)
        assert made.units == layer.units
    assert panel.session.labels.data.shape == layer.data.shape
    assert viewer.layers.selection.active is panel.session.labels


def test_the_picture_follows_strokes_and_undo(started, viewer, qtbot, grey):
    panel, _ = started
    before = picture_of(viewer).data.copy()
    assert np.array_equal(before, colorize(grey, window=(0, 255)).rgb)
    panel.session.labels.paint((20, 20), 1)
    follow(panel, qtbot)
    painted = picture_of(viewer).data.copy()
    assert not np.array_equal(painted, before)
    panel.session.labels.undo()
    follow(panel, qtbot)
    assert np.array_equal(picture_of(viewer).data, before)


def test_panel_python_and_files_give_the_same_pixels(
    started, viewer, qtbot, grey, finish, tmp_path
):
    panel, _ = started
    panel.session.labels.paint((20, 20), 1)
    panel.add_colour("wall")
    panel.session.labels.paint((40, 10), 2)
    panel.session.points.add([[8.0, 30.0]])
    panel.session.points.features["label"] = [1]
    follow(panel, qtbot)
    shown = picture_of(viewer).data.copy()

    panel.run()
    finish(panel)
    [result] = [layer for layer in viewer.layers if RECORD_KEY in layer.metadata]
    assert np.array_equal(result.data, shown)
    record = result.metadata[RECORD_KEY]
    assert "scribbles" in record["legend"]
    json.dumps(record)

    hints = panel.session.hints()
    assert np.array_equal(colorize(grey, hints=hints, window=(0, 255)).rgb, shown)
    panel.save(tmp_path / "a.hints.json")
    finish(panel)
    assert Hints.from_file(tmp_path / "a.hints.json") == hints


def test_a_session_opens_again(started, viewer, qtbot, tmp_path):
    panel, _ = started
    labels = np.zeros((48, 40), int)
    labels[10:14, 10:14], labels[30] = 3, 5
    hints = Hints(
        labels=labels,
        colours={3: "#204080", 5: "locked"},
        points=[Point(4, 6, "neutral", 2)],
        shape=(48, 40),
    )
    panel.open(hints.save(tmp_path / "b.hints.json"))
    again = panel.session.hints()
    assert np.array_equal(again.labels, labels)
    assert again.points == hints.points
    assert {3: "#204080", 5: "locked"}.items() <= panel.session.table.items()
    Hints(labels=np.ones((3, 3), int), colours={1: "red"}).save(tmp_path / "c.hints.json")
    panel.open(tmp_path / "c.hints.json")
    assert "picture of 3 × 3 pixels, this one has 48 × 40" in panel.ui.status.text()
    assert np.array_equal(panel.session.hints().labels, labels)


def test_regions_take_a_palette_and_say_what_the_rest_does(viewer, model, grey, qtbot):
    viewer.add_image(grey, name="cells")
    regions = np.zeros(grey.shape, np.uint16)
    regions[:10], regions[20:30] = 7, 300
    layer = viewer.add_labels(regions, name="segmented")
    panel = GuidePanel(viewer)
    qtbot.addWidget(panel)
    panel.ui.strokes.setCurrentIndex(panel.ui.strokes.findText("segmented"))
    panel.start()
    assert panel.session.labels is layer
    assert set(panel.session.table) == {7, 300}
    panel.ui.map.setCurrentIndex(panel.ui.map.findText("Palette tol-bright"))
    panel.ui.assign.click()
    assert panel.session.table == {7: "#4477aa", 300: "#ee6677"}
    panel.ui.elsewhere.setCurrentIndex(panel.ui.elsewhere.findData("neutral"))
    follow(panel, qtbot)
    shown = picture_of(viewer).data[15]
    assert np.ptp(shown.astype(int), axis=-1).max() <= 1
    assert np.array_equal(layer.data, regions)


def test_words_colours_and_removal_change_the_list(started, qtbot):
    panel, _ = started
    panel.ui.meanings["neutral"].click()
    panel.add_colour("#123456")
    assert panel.session.table == {1: "#b03a2e", 2: "neutral", 3: "#123456"}
    assert panel.session.labels.selected_label == 3
    panel.ui.swatches.setCurrentRow(0)
    assert panel.session.labels.selected_label == 1
    panel.ui.remove.click()
    assert panel.session.table == {2: "neutral", 3: "#123456"}
    panel.add_colour("reddish")
    assert "is no colour" in panel.ui.status.text()


def test_what_was_removed_is_said(started, viewer, qtbot):
    panel, _ = started
    viewer.layers.remove(panel.session.labels)
    panel.run()
    assert "were removed; press Start again" in panel.ui.status.text()


def test_the_dialog_offers_what_exists_at_a_lightness(qtbot):
    pixels = plane_of_colours(50.0, 45)
    assert 0.05 < (pixels[..., 3] > 0).mean() < 0.6
    assert pixels[22, 22, 3] == 255
    assert np.ptp(pixels[22, 22, :3].astype(int)) <= 1
    dialog = GamutDialog(50.0, "#0000ff")
    qtbot.addWidget(dialog)
    dialog.plane.picked.emit(100.0, 100.0)
    colour = dialog.colour
    rgb = np.array([[[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]]])
    assert rgb2lab(rgb)[0, 0, 0] == pytest.approx(50, abs=1)


def test_five_structures_get_the_same_pixels_from_panel_python_and_command_line(
    viewer, model, qtbot, finish, tmp_path
):
    """The case of a scanning electron micrograph: a grey picture, a segmentation, five colours."""
    from click.testing import CliRunner
    from PIL import Image

    from napari_colorize.cli import app

    random = np.random.default_rng(0)
    rows, columns = np.indices((48, 60))
    regions = (rows // 16 * 2 + columns // 30).astype(np.uint8)  # 0 is the ground
    micrograph = np.clip(60 + 30 * regions + random.normal(0, 6, regions.shape), 0, 255)
    micrograph = micrograph.astype(np.uint8)
    colours = {1: "#8a7060", 2: "#607a8a", 3: "#6a8060", 4: "#806a80", 5: "#8a8a60"}

    viewer.add_image(micrograph, name="sem", contrast_limits=(0, 255))
    viewer.add_labels(regions, name="structures")
    panel = GuidePanel(viewer)
    qtbot.addWidget(panel)
    panel.ui.strokes.setCurrentIndex(panel.ui.strokes.findText("structures"))
    panel.start()
    for label, colour in colours.items():
        panel.change_colour(label, colour)
    panel.run()
    finish(panel)
    [result] = [layer for layer in viewer.layers if RECORD_KEY in layer.metadata]

    hints = Hints.from_labels(regions, colours)
    python = colorize(micrograph, hints=hints)
    assert python.record["guide"]["hints"]["held"] == np.count_nonzero(regions)
    assert np.array_equal(result.data, python.rgb)

    Image.fromarray(micrograph).save(tmp_path / "sem.png")
    hints.save(tmp_path / "sem.hints.json")
    words = ["colorize", "sem.png", "-o", "out", "--hints", "sem.hints.json"]
    words = [str(tmp_path / w) if w[-4:] in ("json", ".png") or w == "out" else w for w in words]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    written = np.asarray(Image.open(tmp_path / "out" / "sem_colorized.png"))
    assert np.array_equal(written, python.rgb)
    lab = rgb2lab(python.rgb)
    for label, colour in colours.items():
        true = rgb2lab(np.array([[[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]]]))[0, 0]
        assert np.linalg.norm(lab[regions == label][:, 1:] - true[1:], axis=-1).mean() < 2
