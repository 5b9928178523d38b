"""How the panel *Guide* looks: its widgets and their states, nothing of what they do."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QGridLayout,
    QLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible
from superqt.utils import signals_blocked

from napari_colorize.guided.palettes import NAMED
from napari_colorize.widgets.guide.asks import FRAME
from napari_colorize.widgets.guide.session import ELSEWHERE, SHOWN
from napari_colorize.widgets.layers.choice import LayerChoice
from napari_colorize.widgets.shared.controls import RunControls, Sentence, row
from napari_colorize.widgets.shared.form import form_layout
from napari_colorize.widgets.shared.panel import scrolled

if TYPE_CHECKING:
    from napari.components import LayerList

SUGGESTED = 5
NEW_STROKES = "New strokes"
KEYS = "Keys over the picture: H hides strokes, B before and after, S next suggestion, Ctrl+Z undo."
BEHIND = {
    "colorful": "Predicted colour",
    "scribbles": "Nothing: hints alone (Levin 2004)",
    "transfer": "Reference alone (Welsh 2002)",
}
"""Method → how it is said what stands behind the hints."""

MAPS = ("turbo", "viridis", "plasma", "hsv")
"""napari's colour maps that differ in more than lightness, which stays the picture's own."""


class Swatches(QListWidget):
    """The labels and what they mean; the chosen one is painted with."""

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setIconSize(QSize(28, 16))
        self.setMinimumHeight(96)
        self.setToolTip("Click to paint with a colour; double-click to change it.")
        self.currentItemChanged.connect(self._on_item)

    def sizeHint(self) -> QSize:  # Qt's name
        """As high as a few rows."""
        return QSize(200, 110)

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
    icon = QIcon(pixmap)
    icon.addPixmap(pixmap, QIcon.Mode.Selected)  # Qt would tint it
    return icon


def offer(box: QComboBox, entries: Sequence[tuple[str, Any]]) -> None:
    """Offer texts and what they stand for; what was chosen stays so where it is still there."""
    before = box.currentData()
    with signals_blocked(box):
        box.clear()
        for text, data in entries:
            box.addItem(text, data)
        same = [n for n, (_, data) in enumerate(entries) if data is before or data == before]
        box.setCurrentIndex(same[0] if same else 0)


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
        self.remove = QPushButton("Remove")
        self.meanings = {word: QPushButton(word.capitalize()) for word in SHOWN}
        self.suggested = [QToolButton() for _ in range(SUGGESTED)]
        self.every = QPushButton("Apply to all planes")
        self.behind, self.elsewhere, self.within = QComboBox(), QComboBox(), QComboBox()
        self.spread = QDoubleSpinBox()
        self.palette, self.reference = QComboBox(), QComboBox()
        self.here, self.there = QComboBox(), QComboBox()
        self.by, self.map, self.soft = QComboBox(), QComboBox(), QSpinBox()
        self.assign, self.folder = (
            QPushButton("Colour the labels"),
            QPushButton("Use for a folder…"),
        )
        self.save, self.open = QPushButton("Save…"), QPushButton("Open…")
        self.copy_python = QPushButton("Copy as Python")
        self.more = QCollapsible("Behind the hints", expandedIcon="▾", collapsedIcon="▸")
        self.regions = QCollapsible("Regions", expandedIcon="▾", collapsedIcon="▸")
        self.keys = Sentence(KEYS)
        self._set_up()
        self._lay_out(panel)
        self._name_all()
        self.show_session(False)

    def show_session(self, started: bool) -> None:
        """Offer what can be done before or after *Start*."""
        for widget in (
            *(self.swatches, self.colour, self.pick, self.remove, *self.meanings.values()),
            *(self.elsewhere, self.within, self.spread, self.behind, self.palette),
            *(self.reference, self.here, self.there, self.by, self.map, self.soft),
            *(self.assign, self.folder, self.save, *self.suggested),
        ):
            widget.setEnabled(started)
        self.copy_python.setEnabled(False)
        self.every.setVisible(False)

    def show_suggestions(self, found: list[tuple[str, float]]) -> None:
        """Show five colours for a place."""
        for number, button in enumerate(self.suggested):
            known = number < len(found)
            button.setEnabled(known)
            button.setProperty("colour", found[number][0] if known else "")
            button.setIcon(icon_of(found[number][0]) if known else QIcon())
            said = f"{found[number][0]}, {found[number][1]:.0%}" if known else "none"
            button.setToolTip(said if known else "")
            button.setAccessibleName(f"Suggestion {number + 1}: {said}")

    def offer_layers(self, layers: Sequence[Any], picture: Any, reference: str | None) -> None:
        """Offer the layers that can be regions, areas, references and swatches.

        Parameters
        ----------
        layers : sequence of napari.layers.Layer
        picture : napari.layers.Image or None
            The one that follows the brush, which is none to work with.
        reference : str or None
            The file that is the reference.
        """
        from napari.layers import Image, Labels, Shapes

        source = self.layer.layer
        plain = [one for one in layers if not getattr(one, "multiscale", False)]
        labels = [one for one in plain if isinstance(one, Labels)]
        fit = [one for one in labels if source is not None and one.ndim == source.ndim]
        areas = [*fit, *(one for one in plain if isinstance(one, Shapes))]
        images = [one for one in plain if isinstance(one, Image) and one is not picture]
        rgb = [one for one in images if one.rgb and one.ndim == 2]
        file = [("File…", "file")] if reference is None else [(Path(reference).name, reference)]
        none: tuple[str, Any] = ("no swatches", None)
        offer(self.strokes, [(NEW_STROKES, None), *_named(fit)])
        within = [("the whole picture", None), ("the picture inside its frame", FRAME)]
        offer(self.within, [*within, *_named(areas)])
        offer(self.reference, [("none", None), *_named(rgb), *file])
        if reference is not None:
            self.reference.addItem("File…", "file")
            self.reference.setCurrentIndex(self.reference.findData(reference))
        offer(self.here, [none, *_named(fit)])
        offer(self.there, [none, *_named(labels)])

    def settings(self) -> dict[str, Any]:
        """Return what a session keeps of the panel."""
        boxes = {name: getattr(self, name).currentData() for name in _KEPT}
        return {**boxes, "spread": self.spread.value(), "soft": self.soft.value()}

    def restore(self, settings: Mapping[str, Any]) -> None:
        """Show what a session has kept; what is not on offer any more is left as it is."""
        for name in _KEPT:
            box = getattr(self, name)
            box.setCurrentIndex(max(0, box.findData(settings.get(name))))
        self.spread.setValue(float(settings.get("spread", 1)))
        self.soft.setValue(int(settings.get("soft", 0)))

    def offer_maps(self, names: Sequence[str]) -> None:
        """Offer palettes by name, and colour maps."""
        maps = [(f"Map {name}", ("map", name)) for name in names]
        offer(self.map, [(f"Palette {n}", ("palette", n)) for n in NAMED] + maps)

    def _set_up(self) -> None:
        told = {
            self.strokes: "Paint new strokes, or colour the regions of a Labels layer, one colour "
            "a label.",
            self.start: "Make layers for strokes and hints over the picture, and follow them.",
            self.colour: "Add a colour, chosen from those that exist at a lightness.",
            self.pick: "Eyedropper: the next click takes the colour of a visible RGB layer.",
            self.remove: "Take the chosen colour out of the list; its strokes say nothing.",
            self.meanings["neutral"]: "Grey is a colour like any other.",
            self.meanings["as predicted"]: "Hold the prediction here.",
            self.meanings["locked"]: "Keep the prediction here, and let no colour in or out.",
            self.meanings["wall"]: "Let no colour flow through.",
            self.every: "Carry the strokes of all planes along the motion between planes, into a "
            "new layer.",
            self.behind: "What colours the places that no hint reaches.",
            self.elsewhere: "What pixels without a label do.",
            self.within: "Colour inside an area alone: shapes, labels, or what the frame of an old "
            "print encloses. The rest is neutral.",
            self.spread: "How far a hint speaks for places that look alike; 0: only nearby.",
            self.palette: "Colours that the prediction keeps to.",
            self.reference: "A picture in colour that lends its colours.",
            self.here: "Numbered areas of this picture; equal numbers of the reference belong to "
            "them.",
            self.there: "Numbered areas of the reference.",
            self.by: "What the colour of a label goes by: its number, or a column of the Labels "
            "layer's features.",
            self.map: "The colours that labels get: a palette in turn, a map from the least value "
            "to the greatest.",
            self.assign: "Give all labels colours by these; each can be changed afterwards.",
            self.soft: "So many pixels beside the borders of regions follow the picture's own "
            "edges.",
            self.folder: "Colour the pictures of a folder by this table: NAME.png with its labels "
            "in NAME.labels.png.",
            self.save: "Save the session (picture, strokes, table), or the hints of this plane.",
            self.open: "Open a session, or hints for the plane on screen.",
            self.copy_python: "The call that repeats the last result without napari.",
        }
        for widget, text in told.items():
            widget.setToolTip(text)
        for place in self.suggested:
            place.setIconSize(QSize(20, 16))
        offer(self.elsewhere, [(said, meaning) for meaning, said in ELSEWHERE.items()])
        offer(self.behind, [(said, method) for method, said in BEHIND.items()])
        offer(self.palette, [("none", ""), *((name, name) for name in NAMED), ("File…", "file")])
        self.offer_maps(MAPS)
        self.spread.setRange(0, 1)
        self.spread.setSingleStep(0.1)
        self.spread.setValue(1)
        self.soft.setRange(0, 100)
        self.soft.setSuffix(" px")
        for box in self._boxes():  # long names must not widen the dock
            box.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            box.setMinimumContentsLength(3 if box in (self.here, self.there) else 6)
            box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def _boxes(self) -> tuple[QComboBox, ...]:
        return (
            *(self.strokes, self.behind, self.elsewhere, self.within, self.palette),
            *(self.reference, self.here, self.there, self.by, self.map),
        )

    def _name_all(self) -> None:
        """Give every control a name for those who hear the screen."""
        for widget, name in (
            *((self.layer, "Image"), (self.strokes, "Strokes"), (self.swatches, "Colours")),
            *((self.behind, "Behind the hints"), (self.elsewhere, "Elsewhere")),
            *((self.within, "Within"), (self.spread, "Spread"), (self.palette, "Palette")),
            *((self.reference, "Reference"), (self.here, "Swatches of the picture")),
            *((self.there, "Swatches of the reference"), (self.by, "Colours by")),
            *((self.map, "Colours from"), (self.soft, "Soft edge"), (self.progress, "Progress")),
        ):
            widget.setAccessibleName(name)
        self.show_suggestions([])

    def _lay_out(self, panel: QWidget) -> None:
        column = QVBoxLayout(scrolled(panel).contents)
        column.setSpacing(6)
        _add(column, _rows(("Image", self.layer), ("Strokes", self.strokes)))
        column.addWidget(self.start)
        column.addWidget(self.swatches, 1)
        _add(column, _grid(self.colour, self.pick, self.remove, columns=3))
        _add(column, _grid(*self.meanings.values(), columns=2))
        _add(column, _rows(("Suggestions", row(*self.suggested))))
        self.add_to(column)
        column.addWidget(self.every)
        _add(column, row(self.save, self.open))
        column.addWidget(self.copy_python)
        column.addWidget(self.keys)
        more, regions = QWidget(), QWidget()
        _rows(
            ("Colour", self.behind),
            ("Spread", self.spread),
            ("Elsewhere", self.elsewhere),
            ("Within", self.within),
            ("Palette", self.palette),
            ("Reference", self.reference),
            ("Swatches", row(self.here, self.there)),
            widget=more,
        )
        form = _rows(("By", self.by), ("From", self.map), ("Soft edge", self.soft), widget=regions)
        form.addRow(self.assign)
        form.addRow(self.folder)
        for section, inside in ((self.more, more), (self.regions, regions)):
            section.setContent(inside)
            section.collapse(animate=False)
            column.addWidget(section)


_KEPT = ("elsewhere", "behind", "palette")


def _named(layers: Sequence[Any]) -> list[tuple[str, Any]]:
    return [(layer.name, layer) for layer in layers]


def _rows(*fields: tuple[str, Any], widget: QWidget | None = None) -> QFormLayout:
    form = form_layout(widget)
    for name, field in fields:
        form.addRow(name, field)
    return form


def _grid(*widgets: QWidget, columns: int) -> QGridLayout:
    grid = QGridLayout()
    for number, widget in enumerate(widgets):
        grid.addWidget(widget, number // columns, number % columns)
    return grid


def _add(column: QVBoxLayout, inner: QLayout) -> None:
    column.addLayout(inner)
