"""Panels beside each other on a laptop's screen: tabs, scrolled contents, no growing window."""

import numpy as np
import pytest
from qtpy.QtWidgets import QComboBox, QDockWidget, QLabel, QLineEdit, QVBoxLayout, QWidget

from napari_colorize.widgets.shared.controls import LEAST_HEIGHT, Sentence, reveal, scrolled
from napari_colorize.widgets.shared.panel import bring_forward, dock_of

HASH = "3f" * 32
PATH = "/home/somebody/pictures/2026-11-23_confocal_overview_of_the_whole_slide_number_12/a.tif"
LAPTOP = (1500, 900)
PANELS = ("Colorize", "Models", "Train on my images", "Evaluate", "Colorization Turing test")


class TestScrolled:
    @pytest.fixture
    def tall(self, qtbot):
        """Return a panel of forty fields."""
        panel = QWidget()
        qtbot.addWidget(panel)
        scroll = scrolled(panel)
        column = QVBoxLayout(scroll.contents)
        fields = [QLineEdit(f"{number}") for number in range(40)]
        for field in fields:
            column.addWidget(field)
        return panel, scroll, fields

    def test_asks_for_little_height_and_all_the_width(self, tall):
        panel, scroll, fields = tall

        assert panel.minimumSizeHint().height() <= LEAST_HEIGHT
        assert panel.sizeHint().height() >= sum(f.sizeHint().height() for f in fields)
        assert scroll.minimumSizeHint().width() >= scroll.contents.minimumSizeHint().width()

    def test_squeezes_no_field(self, tall, qtbot):
        panel, _, fields = tall
        panel.resize(300, LEAST_HEIGHT)
        panel.show()
        qtbot.waitExposed(panel)

        assert min(f.height() for f in fields) >= fields[0].minimumSizeHint().height()

    def test_reveals_what_is_below(self, tall, qtbot):
        panel, _, fields = tall
        panel.resize(300, LEAST_HEIGHT)
        panel.show()
        qtbot.waitExposed(panel)
        assert fields[-1].visibleRegion().isEmpty()

        reveal(fields[-1])

        assert not fields[-1].visibleRegion().isEmpty()

    def test_grows_with_its_contents(self, tall):
        _, scroll, fields = tall
        before = scroll.minimumSizeHint().width()
        fields[0].setMinimumWidth(before + 200)

        assert scroll.minimumSizeHint().width() >= before + 200


class TestSentence:
    @pytest.mark.parametrize("word", [HASH, PATH, "a" * 200])
    def test_wraps_what_has_no_spaces(self, qtbot, word):
        sentence, plain = Sentence(f"It is {word}."), QLabel(f"It is {word}.")
        for label in (sentence, plain):
            label.setWordWrap(True)
            qtbot.addWidget(label)

        assert sentence.minimumSizeHint().width() < 200
        assert sentence.minimumSizeHint().width() < plain.minimumSizeHint().width() / 2

    @pytest.mark.parametrize("text", ["", HASH, "Done in 3.1 s.", PATH])
    def test_gives_back_what_it_was_told(self, qtbot, text):
        sentence = Sentence()
        qtbot.addWidget(sentence)
        sentence.setText(text)

        assert sentence.text() == text

    def test_leaves_ordinary_words_alone(self, qtbot):
        sentence = Sentence("Colouring failed: ValueError.")
        qtbot.addWidget(sentence)

        assert QLabel.text(sentence) == "Colouring failed: ValueError."


@pytest.mark.qt
class TestWindow:
    @pytest.fixture
    def laptop(self, make_napari_viewer, qtbot):
        """Return a shown viewer of a laptop's size, and a function that opens a panel in it."""
        viewer = make_napari_viewer(show=True)
        viewer.window._qt_window.resize(*LAPTOP)
        viewer.add_image(np.zeros((4, 60, 50), np.uint8), name="stack")

        def open_panel(name):
            dock, panel = viewer.window.add_plugin_dock_widget("napari-colorize", name)
            qtbot.waitUntil(lambda: panel._placed, timeout=5000)
            qtbot.wait(50)
            return dock, panel

        return viewer, open_panel

    def test_all_panels_together_do_not_make_it_grow(self, laptop):
        viewer, open_panel = laptop
        main = viewer.window._qt_window
        docks = []
        for name in PANELS:
            docks.append(open_panel(name)[0])

            assert (main.width(), main.height()) == LAPTOP
            assert docks[-1].height() > 0.8 * LAPTOP[1], "each panel has the whole side"

        assert set(main.tabifiedDockWidgets(docks[0])) == set(docks[1:])

    def test_other_docks_are_left_where_they_are(self, laptop):
        viewer, open_panel = laptop
        theirs = viewer.window.add_dock_widget(QComboBox(), name="theirs")
        ours, _ = open_panel("Colorize")

        assert viewer.window._qt_window.tabifiedDockWidgets(ours) == []
        assert not theirs.isHidden()

    def test_a_command_brings_its_panel_in_front_of_the_tabs(self, laptop, qtbot):
        _, open_panel = laptop
        dock, panel = open_panel("Colorize")
        open_panel("Models")
        assert panel.visibleRegion().isEmpty()

        bring_forward(panel)

        qtbot.waitUntil(lambda: not panel.visibleRegion().isEmpty(), timeout=5000)
        assert dock_of(panel) is dock

    def test_a_panel_that_a_person_moved_stays_there(self, laptop, qtbot):
        viewer, open_panel = laptop
        main = viewer.window._qt_window
        open_panel("Colorize")
        dock, _ = open_panel("Models")
        main.removeDockWidget(dock)
        main.addDockWidget(main.dockWidgetArea(main.findChild(QDockWidget)), dock)
        dock.hide()
        dock.show()
        qtbot.wait(100)

        assert main.tabifiedDockWidgets(dock) == []

    def test_a_message_with_a_hash_does_not_widen_a_panel(self, laptop, qtbot):
        _, open_panel = laptop
        dock, panel = open_panel("Models")
        before = dock.width()
        panel.ui.show_rest(f"'x' cannot be used: {HASH} {PATH}")
        qtbot.wait(100)

        assert dock.width() == before
