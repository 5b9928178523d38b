"""The picture under the brush: looks while it moves, the exact solve when it is lifted."""

from types import SimpleNamespace

import numpy as np
import pytest

from napari_colorize import Hints, colorize, colorize_stack
from napari_colorize.widgets.guide.panel import GuidePanel
from napari_colorize.widgets.layers.choice import PREVIEW_KEY, RECORD_KEY


@pytest.fixture
def guide(viewer, model, qtbot):
    """Return a function that starts a panel on a picture and waits for its first picture."""

    def begin(data, strokes=None, **settings):
        viewer.add_image(data, contrast_limits=(0, 255), name="cells", **settings)
        panel = GuidePanel(viewer)
        qtbot.addWidget(panel)
        panel.choose(viewer.layers["cells"])
        if strokes is not None:
            panel.ui.strokes.setCurrentIndex(panel.ui.strokes.findData(strokes))
        panel.start()
        settled(panel, qtbot)
        return panel

    return begin


def settled(panel, qtbot):
    """Wait until nothing is awaited and an exact picture is shown."""

    def at_rest():
        busy = panel.live.busy or panel.live._pause._timer.isActive()
        assert panel.shown is not None
        assert not busy

    qtbot.waitUntil(at_rest, timeout=30_000)


def picture_of(viewer):
    [layer] = [layer for layer in viewer.layers if PREVIEW_KEY in layer.metadata]
    return layer.data


def results_of(viewer):
    return [layer for layer in viewer.layers if RECORD_KEY in layer.metadata]


@pytest.fixture
def large():
    """Return 150 × 130 pixels, more than the cells that looks are solved on."""
    rows, columns = np.mgrid[:150, :130]
    return (120 + 60 * np.sin(rows / 20) + 40 * np.cos(columns / 15)).astype(np.uint8)


def test_looks_follow_the_brush_and_the_exact_picture_its_release(guide, viewer, qtbot, large):
    panel = guide(large)
    before, frames = picture_of(viewer).copy(), []
    panel.live.shown.connect(frames.append)
    labels = panel.session.labels
    with labels.block_history():  # as while the button is down
        for column in range(20, 50, 10):
            labels.paint((75, column), 1)
            qtbot.waitUntil(lambda: not panel.live.busy, timeout=10_000)
    assert frames
    assert not any(frame.exact for frame in frames[:-1])
    looked = frames[-1].rgb if not frames[-1].exact else frames[-2].rgb
    settled(panel, qtbot)
    exact = picture_of(viewer)
    hints = panel.session.hints()
    assert np.array_equal(exact, colorize(large, hints=hints, window=(0, 255)).rgb)
    moved = np.abs(exact.astype(int) - before).max(-1)
    off = np.abs(exact.astype(int) - looked).max(-1)
    assert np.median(off) < 12 < np.median(moved)


def test_undo_and_redo_are_followed_by_themselves(guide, viewer, qtbot, grey):
    panel = guide(grey)
    before = picture_of(viewer).copy()
    panel.session.labels.paint((20, 20), 1)
    settled(panel, qtbot)
    painted = picture_of(viewer).copy()
    assert not np.array_equal(painted, before)
    for step, expected in (("undo", before), ("redo", painted)):
        panel.shown = None
        getattr(panel.session.labels, step)()
        settled(panel, qtbot)
        assert np.array_equal(picture_of(viewer), expected)


def test_a_stroke_while_the_network_is_busy_is_not_lost(guide, viewer, qtbot, grey, model):
    viewer.add_image(grey, name="other")
    panel = guide(grey)
    model.gate.clear()
    panel.ui.spread.setValue(0.5)
    viewer.layers["cells"].contrast_limits = (0, 200)  # needs another prediction
    qtbot.wait(120)
    panel.session.labels.paint((20, 20), 1)
    model.gate.set()
    panel.shown = None
    settled(panel, qtbot)
    hints = panel.session.hints()
    assert hints.labels.any()
    expected = colorize(grey, hints=hints, window=(0, 200), spread=0.5).rgb
    assert np.array_equal(picture_of(viewer), expected)


def test_what_says_nothing_is_said(guide, qtbot, grey):
    panel = guide(grey)
    panel.session.labels.selected_label = 9
    panel.session.labels.paint((20, 20), 9)
    panel.session.points.add([[900.0, 3.0]])
    panel.session.points.features = {"label": [1]}
    panel.shown = None
    panel.poke()
    settled(panel, qtbot)
    said = panel.ui.status.text()
    assert "painted with label 9 has no colour yet" in said
    assert "1 point lies outside of the picture" in said
    panel.add_colour("#3050a0")  # goes to the label that is chosen
    assert panel.session.table[9] == "#3050a0"


@pytest.mark.parametrize("swatches", [False, True])
def test_a_reference_alone_and_hints_alone(guide, viewer, qtbot, grey, finish, swatches):
    colours = np.zeros((30, 30, 3), np.uint8)
    colours[:, :15], colours[:, 15:] = (150, 60, 40), (60, 90, 190)
    here, there = np.zeros(grey.shape, int), np.zeros((30, 30), int)
    here[:20], here[30:], there[5:20, 3:12], there[5:20, 18:27] = 1, 2, 1, 2
    viewer.add_image(colours, name="reference", rgb=True)
    viewer.add_labels(here, name="here")
    viewer.add_labels(there, name="there")
    panel = guide(grey)
    ui = panel.ui
    ui.reference.setCurrentIndex(ui.reference.findText("reference"))
    pair = None
    if swatches:
        pair = here, there
        ui.here.setCurrentIndex(ui.here.findText("here"))
        ui.there.setCurrentIndex(ui.there.findText("there"))
    panel.shown = None
    ui.behind.setCurrentIndex(ui.behind.findData("transfer"))
    settled(panel, qtbot)
    told = {"reference": colours, "swatches": pair, "window": (0, 255)}
    assert np.array_equal(picture_of(viewer), colorize(grey, "transfer", **told).rgb)
    panel.session.labels.paint((20, 20), 1)
    panel.run()
    finish(panel)
    [result] = results_of(viewer)
    hints = panel.session.hints()
    assert np.array_equal(result.data, colorize(grey, "transfer", hints=hints, **told).rgb)
    assert ("swatches" in result.metadata[RECORD_KEY]["guide"]) == swatches

    panel.shown = None
    ui.behind.setCurrentIndex(ui.behind.findData("scribbles"))
    settled(panel, qtbot)
    alone = colorize(grey, "scribbles", hints=hints, window=(0, 255)).rgb
    assert np.array_equal(picture_of(viewer), alone)


def test_a_reference_without_colour_is_refused_and_nothing_lost(guide, viewer, grey):
    viewer.add_image(np.stack([grey] * 3, -1), name="plain", rgb=True)
    panel = guide(grey)
    panel.session.labels.paint((20, 20), 1)
    panel.ui.reference.setCurrentIndex(panel.ui.reference.findText("plain"))
    assert "is grey" in panel.ui.status.text()
    assert panel.ui.reference.currentText() == "none"
    assert panel.session.labels.data.any()


def test_regions_are_coloured_by_a_column_and_a_map_with_soft_edges(guide, viewer, qtbot, grey):
    regions = np.repeat(np.array([3, 7, 8]), 16)[:, None] * np.ones((1, 40), int)
    features = {"index": [3, 7, 8], "kind": ["wall", "lumen", "wall"], "area": [1.0, 5.0, 3.0]}
    layer = viewer.add_labels(regions, name="segmented", features=features)
    panel = guide(grey, layer)
    assert [panel.ui.by.itemText(n) for n in range(3)] == ["label number", "kind", "area"]
    panel.ui.by.setCurrentIndex(1)
    panel.ui.assign.click()
    table = panel.session.table
    assert table[3] == table[8] != table[7]
    panel.ui.by.setCurrentIndex(2)
    panel.ui.map.setCurrentIndex(panel.ui.map.findText("Map turbo"))
    panel.ui.assign.click()
    assert len(set(panel.session.table.values())) == 3
    panel.ui.soft.setValue(2)
    settled(panel, qtbot)
    labels = panel._alive().hints().labels
    assert np.array_equal(np.flatnonzero(labels[:, 0] == 0), [14, 15, 16, 17, 30, 31, 32, 33])


def test_colour_stays_within_shapes_or_a_frame(guide, viewer, qtbot, large, model):
    panel = guide(large, scale=(2, 2))
    box = np.array([[60, 60], [60, 220], [240, 220], [240, 60]], float)
    viewer.add_shapes([box], name="area")
    for name in ("area", "the picture inside its frame"):
        panel.shown = None
        panel.ui.within.setCurrentIndex(panel.ui.within.findText(name))
        settled(panel, qtbot)
        panel.shown = None
        panel.session.labels.paint((75, 50 + len(name)), 1)
        settled(panel, qtbot)
        chroma = np.ptp(picture_of(viewer).astype(int), axis=-1)
        if name == "area":
            outside = np.ones(large.shape, bool)
            outside[28:123, 28:113] = False
            assert chroma[outside].max() <= 1 < chroma[50:100, 50:90].mean()
    assert chroma[:20].mean() > 1  # there is no frame, so the whole picture is coloured
    hints = panel.session.hints()
    assert np.array_equal(picture_of(viewer), colorize(large, hints=hints, window=(0, 255)).rgb)


def test_all_planes_get_what_python_gives(guide, viewer, qtbot, finish, grey):
    stack = np.stack([np.roll(grey, z, 1) for z in range(4)])
    panel = guide(stack, axis_labels=("z", "y", "x"))
    panel.apply_to_all()
    assert "no strokes or points on any plane" in panel.ui.status.text()
    for z, colour in ((0, 1), (3, 2)):
        viewer.dims.set_current_step(0, z)
        if colour == 2:
            panel.add_colour("#2040a0")
        panel.session.labels.paint((z, 20, 20), colour)
    panel.apply_to_all()
    finish(panel)
    [result] = results_of(viewer)
    table = panel.session.table
    hints = {z: Hints.from_labels(panel.session.labels.data[z], table) for z in (0, 3)}
    expected = colorize_stack(stack, hints=hints, window=(0, 255))
    assert np.array_equal(result.data, expected.rgb)
    assert "carried along" in result.metadata[RECORD_KEY]["legend"]
    before = len(viewer.layers)
    panel.apply_to_all()
    panel.cancel()
    assert len(viewer.layers) == before
    assert "Cancelled" in panel.ui.status.text()


def test_a_session_is_kept_whole(guide, viewer, qtbot, finish, grey, tmp_path):
    panel = guide(np.stack([grey, grey[::-1]]), scale=(2, 0.5, 0.5), units=("um",) * 3)
    panel.session.labels.paint((1, 20, 20), 1)
    panel.add_colour("wall")
    panel.session.points.add([[0, 8.0, 30.0]])
    panel.session.points.features = {"label": [1]}
    panel.ui.spread.setValue(0.3)
    file = tmp_path / "a.guide.npz"
    panel.save(file)
    finish(panel)
    strokes, table = panel.session.labels.data.copy(), dict(panel.session.table)
    said = panel.session.hints()
    viewer.layers.clear()

    panel.open(file)
    session = panel.session
    assert np.array_equal(session.labels.data, strokes)
    assert session.table == table
    assert panel.ui.spread.value() == 0.3
    assert np.array_equal(session.source.scale, (2, 0.5, 0.5))
    assert session.source.units == session.labels.units
    assert session.hints() == said
    panel.shown = None
    settled(panel, qtbot)

    (tmp_path / "b.guide.npz").write_bytes(file.read_bytes()[:200])
    panel.open(tmp_path / "b.guide.npz")
    assert "b.guide.npz is no session" in panel.ui.status.text()
    assert panel.session is session
    assert session.table == table


def test_one_table_colours_a_folder(guide, viewer, finish, grey, tmp_path):
    from PIL import Image

    regions = np.zeros(grey.shape, np.uint8)
    regions[:10], regions[20:30] = 1, 2
    panel = guide(grey, viewer.add_labels(regions, name="segmented"))
    for name in ("a", "b", "c"):
        Image.fromarray(grey).save(tmp_path / f"{name}.png")
    Image.fromarray(regions).save(tmp_path / "a.labels.png")
    Image.fromarray(regions[:9]).save(tmp_path / "b.labels.png")
    panel.use_for_folder(tmp_path)
    finish(panel)
    assert "1 picture is in colorized. 1 left out, the first: b.png:" in panel.ui.status.text()
    written = np.asarray(Image.open(tmp_path / "colorized" / "a_colorized.png"))
    hints = Hints.from_file(tmp_path / "colorized" / "hints" / "a.hints.json")
    assert np.array_equal(written, colorize(grey, hints=hints).rgb)
    assert np.array_equal(hints.labels, regions)


def test_the_eyedropper_takes_what_is_clicked_and_paints_nothing(guide, viewer, grey):
    red = np.zeros((*grey.shape, 3), np.uint8)
    red[..., 0] = 200
    panel = guide(grey)
    viewer.add_image(red, rgb=True)
    panel.ui.pick.click()
    assert panel.session.labels.mode == "pan_zoom"
    event = SimpleNamespace(pos=(5, 5), type="mouse_press", position=(10.0, 10.0))
    click = panel.tools.on_press(viewer, event)
    next(click)
    event.type = "mouse_release"
    assert next(click, "over") == "over"
    assert panel.session.table[2] == "#c80000"
    assert panel.session.labels.mode == "paint"
    assert not panel.session.labels.data.any()


def test_everything_has_a_name_and_fits_a_narrow_dock(guide, grey):
    from qtpy.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QListWidget

    panel = guide(grey)
    panel.ui.more.expand(animate=False)
    panel.ui.regions.expand(animate=False)
    assert panel.minimumSizeHint().width() <= 300
    for kind in (QAbstractButton, QAbstractSpinBox, QComboBox, QListWidget):
        for widget in panel.findChildren(kind):
            named = widget.accessibleName() or getattr(widget, "text", str)()
            assert named, widget
