"""What the participant sees: for how long, and what counts as an answer."""

import time

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt

from napari_colorize.widgets.turing import view as _turing_view
from napari_colorize.widgets.turing.paint import SURROUND, frames
from napari_colorize.widgets.turing.store import as_image
from napari_colorize.widgets.turing.view import PairView, Phase

RED, BLUE = (np.full((30, 40, 3), colour, np.uint8) for colour in ((255, 0, 0), (0, 0, 255)))
KEYS = {"left": Qt.Key.Key_Left, "right": Qt.Key.Key_Right}


@pytest.fixture
def view(qtbot, monkeypatch):
    """Return a view on screen that loses no time before a pair."""
    monkeypatch.setattr(_turing_view, "GAP_MS", 5)
    view = PairView()
    qtbot.addWidget(view)
    view.resize(600, 400)
    view.show()
    qtbot.waitExposed(view)
    return view


@pytest.fixture
def show(view, qtbot):
    """Return a function that shows red beside blue and waits until both are on screen."""

    def show(seconds: float) -> None:
        view.show_pair(as_image(RED), as_image(BLUE), seconds)
        qtbot.waitUntil(lambda: view._shown_at is not None, timeout=5000)

    return show


KNOWN = {"red": (255, 0, 0), "blue": (0, 0, 255), "grey": SURROUND.getRgb()[:3]}


def colours_of(view) -> list[str]:
    """Return the colours in the middles of the two frames; a screen may have 16 bits only."""
    picture = view.grab().toImage()
    ratio = picture.devicePixelRatio()
    found = []
    for frame in frames(view.rect()):
        place = (frame.center() + QPoint(30, 30)) * ratio
        found.append(np.array(picture.pixelColor(place).getRgb()[:3]))
    return [
        next((name for name, known in KNOWN.items() if abs(seen - known).max() < 9), str(seen))
        for seen in found
    ]


def test_shows_left_left_and_right_right(view, show):
    show(5)

    assert colours_of(view) == ["red", "blue"]


@pytest.mark.alone
@pytest.mark.parametrize("seconds", [0.2, 0.5])
def test_takes_the_pair_away_after_its_time(view, show, qtbot, seconds):
    """Two clocks: what the view says, and one of the test's own around it."""
    with qtbot.waitSignal(view.blanked, timeout=5000) as blanked:
        show(seconds)
        began = time.perf_counter()
    outside = time.perf_counter() - began

    # A busy machine can only make it longer; the bound is wide, the lower one is not.
    assert seconds - 0.03 < blanked.args[0] < seconds + 0.25
    assert outside > seconds - 0.06
    assert view.phase is Phase.ASKING
    assert colours_of(view) == ["grey", "grey"]


@pytest.mark.alone
def test_a_slow_painting_does_not_prolong_the_display(view, qtbot, monkeypatch):
    """The pair comes as late as it goes, so its time stays."""
    real = PairView.paintEvent

    def slow(self, event):
        real(self, event)
        time.sleep(0.08)

    monkeypatch.setattr(PairView, "paintEvent", slow)
    with qtbot.waitSignal(view.blanked, timeout=5000) as blanked:
        view.show_pair(as_image(RED), as_image(BLUE), 0.4)

    assert 0.37 < blanked.args[0] < 0.47


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("by", ["key", "click"])
@pytest.mark.parametrize("early", [True, False])
def test_takes_a_key_or_a_click_as_the_answer(view, show, qtbot, side, by, early):
    show(5 if early else 0.1)
    if not early:
        qtbot.waitUntil(lambda: view.phase is Phase.ASKING)
    with qtbot.waitSignal(view.chosen) as chosen:
        if by == "key":
            qtbot.keyClick(view, KEYS[side])
        else:
            middle = frames(view.rect())[side == "right"].center()
            qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=middle)

    assert chosen.args[0] == side
    assert 0 < chosen.args[1] < 5
    assert colours_of(view) == ["grey", "grey"]


def test_takes_one_answer_only_and_none_before_the_pair(view, show, qtbot):
    answers: list = []
    view.chosen.connect(lambda side, seconds: answers.append(side))
    qtbot.keyClick(view, KEYS["left"])
    view.show_pair(as_image(RED), as_image(BLUE), 5)
    qtbot.keyClick(view, KEYS["left"])
    qtbot.waitUntil(lambda: view._shown_at is not None)
    qtbot.keyClick(view, KEYS["right"])
    qtbot.keyClick(view, KEYS["left"])

    assert answers == ["right"]


def test_the_time_does_not_run_while_nobody_can_see_the_pair(view, qtbot):
    view.hide()
    view.show_pair(as_image(RED), as_image(BLUE), 0.1)
    qtbot.wait(200)
    assert view._shown_at is None

    with qtbot.waitSignal(view.blanked, timeout=5000) as blanked:
        view.show()
    assert blanked.args[0] > 0.07


def test_hiding_or_escape_asks_for_a_pause(view, show, qtbot):
    show(5)
    with qtbot.waitSignal(view.pause_asked):
        qtbot.keyClick(view, Qt.Key.Key_Escape)
    with qtbot.waitSignal(view.pause_asked):
        view.hide()


def test_a_message_takes_the_pair_away_and_space_goes_on(view, show, qtbot):
    show(5)
    view.show_message("Pause", "")
    assert not {"red", "blue"} & set(colours_of(view))
    with qtbot.waitSignal(view.go):
        qtbot.keyClick(view, Qt.Key.Key_Space)


@pytest.mark.parametrize("shape", [(300, 100), (100, 300), (1, 1)])
def test_any_picture_fits_its_frame(view, qtbot, shape):
    picture = np.full((*shape, 3), (255, 0, 0), np.uint8)
    view.show_pair(as_image(picture), as_image(picture), 5)
    qtbot.waitUntil(lambda: view._shown_at is not None)
    left, right = view._pixmaps
    frame = frames(view.rect())[0]

    assert left.size() == right.size()
    longer = max(left.deviceIndependentSize().width(), left.deviceIndependentSize().height())
    assert longer == pytest.approx(frame.width(), abs=1)
