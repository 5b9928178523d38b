"""How the panel *Guide* looks: its widgets and their states, nothing of what they do."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDoubleSpinBox,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QToolButton,
    QWidget,
)

from napari_colorize.guided.palettes import NAMED
from napari_colorize.widgets.guide.session import ELSEWHERE, SHOWN
from napari_colorize.widgets.layers.choice import LayerChoice
from napari_colorize.widgets.shared.controls import RunControls, Sentence, column_in, grid, row
from napari_colorize.widgets.shared.form import form_layout

if TYPE_CHECKING:
    from napari.components import LayerList

SUGGESTED = 5
NEW_STROKES = "New strokes"
KEYS = "Keys over the picture: H hides strokes, B shows before and after, S takes a suggestion."


class Swatches(QListWidget):
    """The labels and what they mean; the chosen one is painted with."""

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setAccessibleName("Colours of the labels")
        self.setIconSize(QSize(28, 16))
        self.setMinimumHeight(110)
        self.setToolTip("Click to paint with a colour; double-click to change it.")
        self.currentItemChanged.connect(self._on_item)

    @property
    def label(self) -> int | None:
        """The chosen label."""
        item = self.currentItem()
        return None if item is None else int(item.data(Qt.ItemDataRole.UserRole))

    def show_table(self, table: Mapping[int, str], label: int | None) -> None:
        """List a table, with a label chosen."""
        self.blockSignals(True)
        self.clear()
        for number, meaning in sorted(table.items()):
            item = QListWidgetItem(icon_of(SHOWN.get(meaning, meaning)), f"{number}   {meaning}")
            item.setData(Qt.ItemDataRole.UserRole, number)
            self.addItem(item)
            if number == label:
                self.setCurrentItem(item)
        self.blockSignals(False)

    def _on_item(self, item: QListWidgetItem | None, before: Any = None) -> None:
        if item is not None:
            self.chosen.emit(int(item.data(Qt.ItemDataRole.UserRole)))


def icon_of(colour: str) -> QIcon:
    """Return a plain icon of a colour."""
    pixmap = QPixmap(28, 16)
    pixmap.fill(QColor(colour))
    return QIcon(pixmap)


class GuideLayout(RunControls):
    """The widgets of the panel *Guide*, laid out in it.

    Parameters
    ----------
    panel : QWidget
        An empty widget; it will own all others.
    layers : napari.components.LayerList
    """

    def __init__(self, panel: QWidget, layers: "LayerList") -> None:
        super().__init__(
            "Keep as layer",
            "Add the picture on screen, coloured by your hints, as a new layer with its record.",
            "Stop; nothing is added.",
        )
        self.layer = LayerChoice(layers)
        self.strokes = QComboBox()
        self.start = QPushButton("Start")
        self.swatches = Swatches()
        self.colour = QPushButton("Colour…")
        self.pick = QPushButton("Pick")
        self.meanings = {word: QPushButton(word.capitalize()) for word in SHOWN}
        self.remove = QPushButton("Remove")
        self.suggested = [QToolButton() for _ in range(SUGGESTED)]
        self.elsewhere = QComboBox()
        self.spread = QDoubleSpinBox()
        self.palette = QComboBox()
        self.assign = QPushButton("Palette to labels")
        self.save, self.open = QPushButton("Save hints…"), QPushButton("Open hints…")
        self.keys = Sentence(KEYS)
        self._set_up()
        self._lay_out(panel)
        self.show_session(False)

    def show_session(self, started: bool) -> None:
        """Offer what can be done before or after *Start*."""
        for widget in (
            *(self.swatches, self.colour, self.pick, self.remove, self.elsewhere, self.spread),
            *(self.palette, self.assign, self.save, self.open, *self.meanings.values()),
            *self.suggested,
        ):
            widget.setEnabled(started)

    def show_suggestions(self, found: list[tuple[str, float]]) -> None:
        """Show five colours for a place."""
        for number, button in enumerate(self.suggested):
            known = number < len(found)
            button.setEnabled(known)
            button.setProperty("colour", found[number][0] if known else "")
            button.setIcon(icon_of(found[number][0]) if known else QIcon())
            button.setToolTip(f"{found[number][0]}, {found[number][1]:.0%}" if known else "")

    def _set_up(self) -> None:
        self.strokes.setToolTip(
            "Paint new strokes, or colour the regions of a Labels layer, one colour a label."
        )
        self.start.setToolTip(
            "Make layers for strokes and hints over the picture, and follow them."
        )
        self.colour.setToolTip("Add a colour, chosen from those that exist at a lightness.")
        self.pick.setToolTip("Eyedropper: the next click takes the colour of a visible RGB layer.")
        told = {
            "neutral": "Grey is a colour like any other.",
            "as predicted": "Hold the prediction here.",
            "locked": "Keep the prediction here, and let no colour in or out.",
            "wall": "Let no colour flow through.",
        }
        for word, button in self.meanings.items():
            button.setToolTip(told[word])
        self.remove.setToolTip("Take the chosen colour out of the list; its strokes say nothing.")
        for place in self.suggested:
            place.setIconSize(QSize(28, 16))
        for meaning, said in ELSEWHERE.items():
            self.elsewhere.addItem(said, meaning)
        self.elsewhere.setToolTip("What pixels without a label do.")
        self.spread.setRange(0, 1)
        self.spread.setSingleStep(0.1)
        self.spread.setValue(1)
        self.spread.setToolTip("How far a hint speaks for places that look alike; 0: only nearby.")
        self.palette.addItem("none", "")
        for name in NAMED:
            self.palette.addItem(name, name)
        self.palette.addItem("File…", "file")
        self.palette.setToolTip("Colours that the prediction keeps to.")
        self.assign.setToolTip("Give the labels the palette's colours, one after another.")

    def _lay_out(self, panel: QWidget) -> None:
        column = column_in(panel)
        top = form_layout()
        top.addRow("Image", self.layer)
        top.addRow("Strokes", self.strokes)
        column.addLayout(top)
        column.addWidget(self.start)
        column.addWidget(self.swatches, 1)
        buttons = (self.colour, self.pick, *self.meanings.values(), self.remove, self.assign)
        column.addLayout(grid(2, *buttons))
        rows = form_layout()
        rows.addRow("Suggestions", row(*self.suggested))
        rows.addRow("Elsewhere", self.elsewhere)
        rows.addRow("Spread", self.spread)
        rows.addRow("Palette", self.palette)
        column.addLayout(rows)
        column.addLayout(row(self.save, self.open))
        self.add_to(column)
        column.addWidget(self.keys)
