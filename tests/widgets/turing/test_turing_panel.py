"""A whole sitting in the panel: set up, practice, answers, pause, quit, resume, result."""

import json

import numpy as np
import pytest
from observer import simulated_observer
from PIL import Image
from qtpy.QtCore import Qt

from napari_colorize.evaluation.methods import GradedMethod
from napari_colorize.evaluation.turing.session import Session
from napari_colorize.widgets.shared.words import sentence_of
from napari_colorize.widgets.turing import pairs as _turing_pairs
from napari_colorize.widgets.turing import view as _turing_view
from napari_colorize.widgets.turing.panel import PANEL, TuringPanel
from napari_colorize.widgets.turing.view import Phase

KEYS = {"left": Qt.Key.Key_Left, "right": Qt.Key.Key_Right}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Lose no time before a pair, and swap red and blue instead of asking a network."""
    monkeypatch.setattr(_turing_view, "GAP_MS", 2)

    def tinted(grey):
        return np.stack([grey // 2, grey, grey], axis=-1)

    monkeypatch.setattr(_turing_pairs, "graded_method", lambda *_: GradedMethod("tint", tinted))


@pytest.fixture
def shown(monkeypatch) -> list[str]:
    """Return the sentences that were shown as errors, in the panel or as a notification."""
    sentences: list[str] = []
    complain = TuringPanel.complain

    def noted(panel: TuringPanel, sentence: str) -> None:
        sentences.append(sentence)
        complain(panel, sentence)

    monkeypatch.setattr(TuringPanel, "complain", noted)
    monkeypatch.setattr("napari.utils.notifications.show_error", lambda sentence: None)
    return sentences


@pytest.fixture
def folder(tmp_path):
    """Return a folder of forty tiny photographs."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    generator = np.random.default_rng(0)
    for number in range(40):
        pixels = generator.integers(0, 255, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def make_panel(qtbot, folder, tmp_path):
    """Return a function that makes a panel on screen, set up for a short sitting."""

    def make(trials=4, practice=2, seconds=5.0) -> TuringPanel:
        panel = TuringPanel()
        qtbot.addWidget(panel)
        fill(panel, folder, tmp_path, trials, practice, seconds)
        panel.show()
        qtbot.waitExposed(panel)
        return panel

    return make


def fill(panel, folder, tmp_path, trials, practice, seconds) -> None:
    form = panel.ui.form
    form.pictures.value = str(folder)
    form.results.value = str(tmp_path / "results")
    form.participant.value = "Ana"
    form.trials.value = trials
    form.practice.value = practice
    form.seconds.value = seconds


@pytest.fixture
def sit(qtbot):
    """Return a function that hands a panel over and waits for the welcome."""

    def sit(panel) -> Session:
        panel.ui.run.click()
        qtbot.waitUntil(lambda: panel.conductor is not None, timeout=30_000)
        return panel.conductor.sitting.session

    return sit


@pytest.fixture
def answer(qtbot):
    """Return a function that lets an observer answer the next trials by key."""

    def ready(panel) -> bool:
        view = panel.ui.view
        standing = view.phase is Phase.SHOWN and view._shown_at is not None
        return standing or panel.conductor is None or panel.conductor.resting

    def answer(panel, observer, count=1000) -> None:
        while count > 0 and panel.conductor is not None:
            if panel.conductor.resting:
                qtbot.keyClick(panel.ui.view, Qt.Key.Key_Space)
            qtbot.waitUntil(lambda: ready(panel), timeout=9000)
            if panel.conductor is not None and not panel.conductor.resting:
                trial = panel.conductor.sitting.session.next_trial()
                qtbot.keyClick(panel.ui.view, KEYS[observer(trial)])
                count -= 1

    return answer


@pytest.fixture
def until_counted(qtbot):
    """Return a function that waits for the result page."""
    return lambda panel: qtbot.waitUntil(lambda: panel.tally is not None, timeout=30_000)


def test_a_simulated_observer_s_skill_comes_back_within_the_interval(
    make_panel, sit, answer, until_counted
):
    panel = make_panel(trials=35, practice=5)
    session = sit(panel)
    answer(panel, simulated_observer(0.3, seed=4))
    until_counted(panel)
    [method] = panel.tally.methods

    assert method.trials == 35
    assert method.fooled == sum(t.fooled for t in session.trials if not t.practice)
    assert method.low < 0.3 < method.high
    assert panel.ui.pages.currentIndex() == 2
    assert method.sentence in panel.ui.shares.text()
    assert str(session.path) in panel.ui.files.text()
    assert panel.tally.sheet.exists()


def test_the_fake_stands_on_the_side_that_the_session_says(make_panel, sit, answer):
    panel = make_panel()
    session = sit(panel)
    stimuli = panel.conductor.sitting.stimuli
    seen: list[bool] = []

    def look(trial):
        left, right = panel.ui.view._pair
        images = {"left": left, "right": right}
        fake = images.pop(trial.fake_side)
        [real] = images.values()
        seen.append(
            fake.pixelColor(0, 0).getRgb()[:3]
            == tuple(stimuli.fake(trial.picture, trial.method)[0, 0])
            and real.pixelColor(0, 0).getRgb()[:3] == tuple(stimuli.real(trial.picture)[0, 0])
        )
        return "left"

    answer(panel, look, count=5)
    assert seen == [True] * 5
    assert session.answered == 5


def test_the_practice_comes_first_and_its_end_is_said(make_panel, sit, answer):
    panel = make_panel(trials=4, practice=2)
    sit(panel)
    assert panel.ui.where.text() == "Practice 1 of 2"
    answer(panel, lambda trial: "left", count=2)

    assert panel.conductor.resting
    assert "practice is over" in panel.ui.view._title
    assert panel.ui.where.text() == "Pair 1 of 4"


def test_no_answer_tells_whether_it_was_right(make_panel, sit, answer, qtbot):
    """Right or wrong, the same is on screen afterwards."""
    after = {}
    for right in (True, False):
        panel = make_panel(practice=0)
        sit(panel)
        panel.resize(620, 500)
        answer(panel, simulated_observer(0.0 if right else 1.0, seed=0), count=1)
        panel.conductor.pause()
        panel.ui.view.show_message("", "")
        after[right] = (panel.ui.where.text(), panel.ui.done.value(), panel.grab().toImage())

    assert after[True] == after[False]


def test_no_name_is_on_screen(make_panel, sit, answer):
    from qtpy.QtWidgets import QLabel

    panel = make_panel(practice=0)
    session = sit(panel)
    answer(panel, lambda trial: "left", count=1)
    words = " ".join(label.text() for label in panel.findChildren(QLabel) if label.isVisible())

    assert not any(name in words for name in (*session.names.values(), "tint"))


def test_a_pause_hides_the_pair_and_asks_for_it_without_showing_it_again(
    make_panel, sit, answer, qtbot
):
    panel = make_panel(practice=0)
    session = sit(panel)
    panel.ui.pause.click()
    qtbot.waitUntil(lambda: panel.ui.view._shown_at is not None)
    panel.ui.pause.click()
    assert panel.ui.view.phase is Phase.MESSAGE
    assert panel.ui.view._pair is None

    panel.ui.pause.click()
    assert panel.ui.view.phase is Phase.ASKING
    qtbot.keyClick(panel.ui.view, KEYS["right"])
    assert session.trials[0].answer == "right"
    assert session.trials[0].seconds is None, "a reaction time across a pause means nothing"


def test_quit_and_resume_goes_on_with_the_next_pair(make_panel, sit, answer, until_counted, qtbot):
    panel = make_panel()
    path = sit(panel).path
    answer(panel, lambda trial: "left", count=3)
    panel.ui.quit.click()
    assert panel.conductor is None
    before = Session.load(path)
    assert before.answered == 3

    another = make_panel()
    another.ui.form.pictures.value = str(path)
    assert another.ui.run.text() == "Go on"
    assert not another.ui.form.participant.enabled
    session = sit(another)
    assert session.trials == before.trials
    answer(another, lambda trial: "right")
    until_counted(another)
    assert [t.answer for t in Session.load(path).trials] == ["left"] * 3 + ["right"] * 3


def test_the_pairs_that_follow_are_read_ahead(make_panel, sit, qtbot):
    panel = make_panel()
    sit(panel)
    qtbot.waitUntil(lambda: panel.conductor._store.get(2) is not None)

    assert panel.conductor._store.get(0) is not None
    assert panel.conductor._store.get(3) is None


def test_a_lost_picture_is_said_and_the_sitting_goes_on_when_it_is_back(
    make_panel, sit, answer, shown, qtbot
):
    panel = make_panel(practice=0)
    session = sit(panel)
    at = session.trials[3]
    lost = panel.conductor.sitting.stimuli._path("real", at.picture)
    away = lost.rename(lost.with_suffix(".away"))
    answer(panel, lambda trial: "left", count=3)
    qtbot.waitUntil(lambda: bool(shown))
    assert str(lost) in shown[0]
    assert panel.conductor.resting
    assert session.answered == 3

    away.rename(lost)
    answer(panel, lambda trial: "left")
    assert Session.load(session.path).answered == 4


def test_a_full_disk_pauses_and_loses_no_answer(make_panel, sit, answer, shown, monkeypatch):
    panel = make_panel(practice=0)
    session = sit(panel)

    def full(self):
        raise OSError(28, "No space left on device", str(self.path))

    with monkeypatch.context() as broken:
        broken.setattr(Session, "save", full)
        answer(panel, lambda trial: "left", count=1)
    assert "No space left" in shown[0]
    assert panel.conductor.resting
    answer(panel, lambda trial: "right", count=1)

    assert [t.answer for t in Session.load(session.path).trials[:2]] == ["left", "right"]


class TestPreparation:
    @pytest.fixture
    def gate(self, monkeypatch):
        """Hold the colouring of the first picture."""
        from threading import Event
        from types import SimpleNamespace

        gate = SimpleNamespace(entered=Event(), open=Event())

        def colour(grey):
            gate.entered.set()
            assert gate.open.wait(30)
            return np.repeat(grey[..., None], 3, 2)

        monkeypatch.setattr(_turing_pairs, "graded_method", lambda *_: GradedMethod("slow", colour))
        yield gate
        gate.open.set()

    def test_leaves_the_window_responsive_and_can_be_cancelled(self, make_panel, gate, qtbot):
        panel = make_panel()
        panel.ui.run.click()
        qtbot.waitUntil(gate.entered.is_set, timeout=20_000)
        assert not panel.ui.run.isEnabled()
        panel.ui.cancel.click()
        qtbot.waitUntil(lambda: not panel.task.busy, timeout=5000)

        assert panel.ui.run.isEnabled()
        assert panel.conductor is None
        assert "Cancelled" in panel.ui.status.text()

    def test_of_a_deleted_panel_stops(self, make_panel, gate, qtbot):
        panel = make_panel()
        panel.ui.run.click()
        qtbot.waitUntil(gate.entered.is_set, timeout=20_000)
        stop = panel.task._stop
        panel.deleteLater()
        qtbot.waitUntil(stop.is_set, timeout=5000)
        gate.open.set()
        qtbot.wait(150)

    def test_that_fails_is_a_sentence(self, make_panel, shown, monkeypatch, qtbot):
        def broken(*_):
            raise RuntimeError("CUDA says no")

        monkeypatch.setattr(_turing_pairs, "graded_method", broken)
        panel = make_panel()
        panel.ui.run.click()
        qtbot.waitUntil(lambda: not panel.task.busy, timeout=20_000)

        assert shown == ["The Turing test failed: RuntimeError: CUDA says no"]
        assert panel.ui.run.isEnabled()


@pytest.mark.parametrize(
    ("text", "said"), [("", "There are no pictures"), ("/not/there", "does not exist")]
)
def test_a_missing_source_is_said_at_once(make_panel, shown, text, said):
    panel = make_panel()
    panel.ui.form.pictures.value = text
    panel.run()

    assert said in shown[0]
    assert not panel.task.busy


def test_files_that_do_not_belong_together_are_refused(make_panel, shown, tmp_path, qtbot):
    panel = make_panel()
    path = tmp_path / "other.json"
    path.write_text(json.dumps({"format": "something else"}))
    panel.count([path])
    qtbot.waitUntil(lambda: not panel.task.busy, timeout=20_000)

    assert "is no session of a Turing test" in shown[0]


def test_errors_become_sentences():
    def said(error):
        return sentence_of(error, TuringPanel.FAILED, TuringPanel.EXTRA)

    assert said(ValueError("Do this.")) == "Do this."
    assert said(PermissionError(13, "Permission denied", "/x")).startswith("/x cannot be used")
    assert "napari-colorize[evaluate]" in said(ModuleNotFoundError("No module named 'jinja2'"))


@pytest.mark.qt
class TestInNapari:
    def test_opens_from_the_manifest_adds_no_layer_and_survives_its_dock(
        self, make_napari_viewer, folder, tmp_path, sit, answer, qtbot
    ):
        viewer = make_napari_viewer(show=True)
        dock, panel = viewer.window.add_plugin_dock_widget("napari-colorize", PANEL)
        assert isinstance(panel, TuringPanel)
        fill(panel, folder, tmp_path, trials=4, practice=0, seconds=5)
        session = sit(panel)
        answer(panel, lambda trial: "left", count=1)
        dock.destroyOnClose()
        qtbot.wait(100)

        assert len(viewer.layers) == 0
        assert Session.load(session.path).answered == 1
