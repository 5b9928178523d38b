"""What holds of every panel: readable in both themes, named, used by keys, whole at 300 × 800."""

from importlib import import_module
from importlib.resources import files
from itertools import pairwise
from time import sleep

import numpy as np
import pytest
from napari.qt import get_stylesheet
from npe2 import PluginManifest
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QImage
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QMainWindow,
    QSlider,
    QStackedWidget,
    QTextEdit,
    QVBoxLayout,
    QWidget,
)

from napari_colorize.widgets.layers.choice import LayerChoice
from napari_colorize.widgets.shared.access import LEAST_CONTRAST, contrast, in_order, name_of
from napari_colorize.widgets.shared.controls import Scrolled, Section
from napari_colorize.widgets.train.job import NothingKept

_SAID = PluginManifest.from_file(files("napari_colorize") / "napari.yaml").contributions
_WHERE = {command.id: command.python_name for command in _SAID.commands}
PANELS = {widget.display_name: _WHERE[widget.command] for widget in _SAID.widgets}
WITHOUT_VIEWER = ("Models", "Colorization Turing test")
WIDTH, HEIGHT = 300, 800
SAME_ROW = 4
"""Pixels; controls of one row are not all of one height."""
WORDS = "What is said here may be as long as a sentence of the panel is."


@pytest.fixture
def make(viewer, qtbot):
    """Return a function that shows a panel between two fields, dressed as napari dresses it."""
    from skimage import data

    kept = []  # pytest-qt does not

    def show(name: str, theme: str = "dark", height: int = HEIGHT) -> QWidget:
        viewer.add_image(data.astronaut()[:64, :64], name="astronaut")
        viewer.add_image(np.zeros((6, 32, 40), np.uint8), name="stack")
        module, _, kind = PANELS[name].partition(":")
        made = getattr(import_module(module), kind)
        panel = made() if name in WITHOUT_VIEWER else made(viewer)
        host, inside = QMainWindow(), QWidget()  # a window paints its ground
        host.setStyleSheet(get_stylesheet(theme))
        host.setCentralWidget(inside)
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        for part in (QLineEdit("before"), panel, QLineEdit("after")):
            column.addWidget(part)
        kept.extend([host, panel])
        qtbot.addWidget(host)
        panel.setFixedHeight(height)
        host.setFixedWidth(WIDTH)
        host.show()
        host.activateWindow()
        qtbot.wait(20)
        return panel

    yield show
    kept.clear()


def everything_of(panel: QWidget, qtbot) -> None:
    """Show every row: all planes of a stack, sections unfolded, a text in every empty label."""
    if hasattr(panel.ui, "planes"):
        panel.ui.planes.setCurrentIndex(panel.ui.planes.count() - 1)
    for section in panel.findChildren(Section):
        section.expand(animate=False)
    for label in panel.findChildren(QLabel):
        if not label.text():
            label.setText(WORDS)
        label.setVisible(True)
        label.setEnabled(True)
    qtbot.wait(20)


def pages_of(panel: QWidget) -> range:
    """Return the pages that a panel has one over the other."""
    stack = getattr(panel.ui, "pages", None)
    return range(stack.count() if isinstance(stack, QStackedWidget) else 1)


def is_part_of_one(widget: QWidget, panel: QWidget) -> bool:
    """Whether a widget is a part of one that is a single control, such as a box's list."""
    holder = widget.parentWidget()
    while holder is not None and holder is not panel:
        if isinstance(holder, QAbstractItemView | QAbstractSpinBox | QComboBox | QLineEdit):
            return True
        holder = holder.parentWidget()
    return False


def controls_of(panel: QWidget) -> list[QWidget]:
    """Return what can be operated by keys, whether it is shown or not."""
    kinds = (QAbstractButton, QAbstractItemView, QAbstractSpinBox, QComboBox, QSlider)
    kinds += (QLineEdit, QTextEdit)
    by_keys = Qt.FocusPolicy.TabFocus
    return [
        widget
        for widget in panel.findChildren(QWidget)
        if isinstance(widget, kinds)
        and widget.focusPolicy() & by_keys
        and not is_part_of_one(widget, panel)
    ]


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("name", PANELS)
class TestTheme:
    def test_every_label_can_be_read(self, make, qtbot, name, theme):
        panel = make(name, theme, 3000)
        everything_of(panel, qtbot)
        for page in pages_of(panel):
            if len(pages_of(panel)) > 1:
                panel.ui.pages.setCurrentIndex(page)
            qtbot.wait(20)

            assert {t: c for t, c in contrasts(panel).items() if c < LEAST_CONTRAST} == {}

    def test_a_label_follows_a_change_of_the_theme(self, make, qtbot, name, theme):
        other = {"dark": "light", "light": "dark"}[theme]
        panel = make(name, other, 3000)
        everything_of(panel, qtbot)
        panel.window().setStyleSheet(get_stylesheet(theme))
        qtbot.wait(20)

        assert {t: c for t, c in contrasts(panel).items() if c < LEAST_CONTRAST} == {}


def contrasts(panel: QWidget) -> dict[str, float]:
    """Return for every text the best contrast of a pixel to the commonest colour, as drawn."""
    window = panel.window()
    image = window.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    bits = image.constBits()
    if hasattr(bits, "setsize"):  # PyQt
        bits.setsize(image.sizeInBytes())
    rows = np.frombuffer(bits, np.uint8).reshape(image.height(), image.bytesPerLine())
    pixels = rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3)
    found = {}
    for label in panel.findChildren(QLabel):
        if not label.isVisible():
            continue
        corner = label.mapTo(window, label.rect().topLeft())
        right, bottom = corner.x() + label.width(), corner.y() + label.height()
        part = pixels[corner.y() : bottom, corner.x() : right].reshape(-1, 3)
        colours, counts = np.unique(part, axis=0, return_counts=True)
        ground = QColor(*map(int, colours[counts.argmax()]))
        best = max(contrast(QColor(*map(int, colour)), ground) for colour in colours)
        found[f"{label.text()} at {corner.y()}"] = best
    assert found
    return found


@pytest.mark.parametrize("name", PANELS)
class TestKeys:
    def test_every_control_has_a_name(self, make, qtbot, name):
        panel = make(name)
        nameless = [(type(c).__name__, c.toolTip()) for c in controls_of(panel) if not name_of(c)]

        assert nameless == []

    def test_a_field_is_called_as_its_row_even_in_a_folded_section(self, make, name):
        panel = make(name)
        for form in panel.findChildren(QFormLayout):
            for row in range(form.rowCount()):
                item = form.itemAt(row, QFormLayout.ItemRole.FieldRole)
                label = form.labelForField(item.widget()) if item and item.widget() else None
                if isinstance(item and item.widget(), QAbstractSpinBox) and label:
                    assert name_of(item.widget()) == label.text()

    def test_tab_goes_from_top_to_bottom_past_what_is_folded(self, make, name):
        panel = make(name)
        if hasattr(panel.ui, "planes"):
            panel.ui.planes.setCurrentIndex(panel.ui.planes.count() - 1)
        usable = [c for c in controls_of(panel) if c.isVisible() and c.isEnabled()]
        first = next(in_order(panel))
        first.setFocus()
        reached = walked(panel, Qt.Key.Key_Tab)

        assert len(reached) > 2
        assert {id(c) for c in usable} <= {id(w) for w in reached}
        assert backwards(panel, reached) == []
        assert QApplication.focusWidget().text() == "after"

    def test_backtab_comes_back_the_same_way(self, make, name):
        panel = make(name)
        stops = list(in_order(panel))
        stops[-1].setFocus()
        reached = walked(panel, Qt.Key.Key_Backtab)

        assert [id(w) for w in reached] == [id(w) for w in reversed(stops)]
        assert QApplication.focusWidget().text() == "before"

    def test_the_focus_goes_to_cancel_and_back_and_esc_cancels(self, make, qtbot, name):
        panel = make(name)
        start = getattr(panel.ui, "run", None) or panel.ui.import_file
        start.setEnabled(True)
        start.setFocus()

        def work(progress, should_stop):
            while not should_stop():
                sleep(0.005)
                if name == "Train on my images" and panel._watch.enough():
                    return NothingKept("Nothing was kept.")

        panel.begin(work)
        assert QApplication.focusWidget() is panel.ui.cancel
        QTest.keyClick(panel.ui.cancel, Qt.Key.Key_Escape)
        qtbot.waitUntil(lambda: not panel.task.busy, timeout=5000)

        now = QApplication.focusWidget()
        assert now is (start if start.isEnabled() else next(in_order(panel)))


def walked(panel: QWidget, key: Qt.Key) -> list[QWidget]:
    """Press a key until the focus leaves the panel; return where it was, each once."""
    reached: list[QWidget] = []
    for _ in range(200):  # a card's links are stops within it
        now = QApplication.focusWidget()
        if now is None or not panel.isAncestorOf(now) or now in reached[:-1]:
            break
        if now not in reached:
            reached.append(now)
        QTest.keyClick(now, key)
    return reached


def backwards(panel: QWidget, reached: list[QWidget]) -> list[tuple[str, str]]:
    """Return the steps that went up, or to the left in a row."""
    places = [(w, w.mapTo(panel, w.rect().center()), w.height() / 2) for w in reached]
    found = []
    for (one, a, half), (other, b, others_half) in pairwise(places):
        beside = abs(a.y() - b.y()) < max(half, others_half)
        if b.x() < a.x() if beside else b.y() < a.y() - SAME_ROW:
            found.append((name_of(one), name_of(other)))
    return found


@pytest.mark.parametrize("name", PANELS)
class TestSmall:
    """A dock of 300 px on a laptop's screen."""

    def test_all_of_it_is_there_without_scrolling(self, make, name):
        panel = make(name)

        assert panel.minimumSizeHint().width() <= WIDTH
        assert cut_off(panel) == []
        scroll = panel.findChild(Scrolled)
        assert scroll.contents.minimumSizeHint().height() <= HEIGHT

    def test_nothing_is_cut_off_when_everything_is_unfolded(self, make, qtbot, name):
        panel = make(name)
        everything_of(panel, qtbot)
        for page in pages_of(panel):
            if len(pages_of(panel)) > 1:
                panel.ui.pages.setCurrentIndex(page)
                qtbot.wait(20)

            assert panel.minimumSizeHint().width() <= WIDTH
            assert cut_off(panel) == []


def cut_off(panel: QWidget) -> list[str]:
    """Return what does not fit: texts in their widgets, and widgets in the panel's width."""
    found = []
    for widget in panel.findChildren(QWidget):
        if not widget.isVisible() or is_part_of_one(widget, panel):
            continue
        right = widget.mapTo(panel, widget.rect().topRight()).x()
        if right > panel.width() or not has_room(widget):
            found.append(f"{type(widget).__name__} {said_by(widget)!r}, {widget.width()} px")
    return found


def said_by(widget: QWidget) -> str:
    if isinstance(widget, QComboBox):
        return widget.currentText()
    return widget.text() if isinstance(widget, QLabel | QAbstractButton) else name_of(widget)


def has_room(widget: QWidget) -> bool:
    """Whether a widget shows all of its text."""
    if isinstance(widget, QLabel):
        if widget.wordWrap():
            return widget.heightForWidth(widget.width()) <= widget.height()
        return widget.sizeHint().width() <= widget.width()
    if isinstance(widget, QAbstractButton | QComboBox) and not isinstance(widget, LayerChoice):
        room = 45 if isinstance(widget, QComboBox) else 24 if isinstance(widget, QCheckBox) else 6
        return widget.fontMetrics().horizontalAdvance(said_by(widget)) + room <= widget.width()
    if isinstance(widget, QAbstractSpinBox):
        line = widget.findChild(QLineEdit)
        return line.fontMetrics().horizontalAdvance(line.text()) + 4 <= line.width()
    if isinstance(widget, QAbstractItemView):
        bar = widget.horizontalScrollBar()
        return bar is None or bar.maximum() == 0
    return True
