"""The form of the panel *Train on my images*: which method learns from what, under which name."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QStackedWidget,
    QWidget,
)
from superqt import QCollapsible

from napari_colorize.checkpoints.registry import why_not
from napari_colorize.training.tiles import LARGEST_TILE, SMALLEST_TILE, TILE
from napari_colorize.widgets.layers.choice import LayerTicks
from napari_colorize.widgets.shared.form import form_layout
from napari_colorize.widgets.shared.weights import title_of, weights_news

if TYPE_CHECKING:
    from napari.components import LayerList


@dataclass(frozen=True)
class Way:
    """One way to train, as the form tells it.

    Parameters
    ----------
    help, error
        What the method needs, and what its error is called.
    effort, most, usual
        The recipe's field that says how long, its largest and its usual value.
    effort_title, effort_help
        What that is called.
    """

    help: str
    error: str
    effort: str
    most: int
    usual: int
    effort_title: str
    effort_help: str


WAYS = {
    "deep": Way(
        "Under a minute. Learns anew from a few pictures of one kind, such as a stain. One picture "
        "is enough to begin with; 20 tiles or more are better.",
        "squared error, grey = 1",
        "steps",
        100_000,
        1000,
        "Steps",
        "More learn a large collection better; a few pictures are known by heart soon.",
    ),
    "colorful": Way(
        "A few minutes. Goes on from the shipped weights (fine-tuning). Needs 22 pictures or "
        "tiles at the least, and does well from some hundred on.",
        "cross-entropy",
        "epochs",
        1000,
        30,
        "Passes",
        "How often all pictures are gone through. Time grows with it.",
    ),
}
"""Method → how the form tells it; the first is the default."""

LAYERS, FILES = range(2)


class TrainForm(QObject):
    """The fields, and what they say together.

    Parameters
    ----------
    layers : napari.components.LayerList
    parent : QWidget
        The panel.
    """

    changed = Signal()

    def __init__(self, layers: "LayerList", parent: QWidget) -> None:
        super().__init__(parent)
        self.method, self.source, self.planes = QComboBox(), QComboBox(), QComboBox()
        self.layers = LayerTicks(layers)
        self.path, self.licence, self.name = QLineEdit(), QLineEdit(), QLineEdit()
        self.folder, self.archive = QPushButton("Folder…"), QPushButton("Archive…")
        self.sources = QStackedWidget()
        self.hint, self.advice = QLabel(), QLabel()
        self.tile, self.effort = QSpinBox(), QSpinBox()
        self.effort_title = QLabel()
        self.more = QCollapsible("More", expandedIcon="▾", collapsedIcon="▸")
        self._set_up()
        self._connect()
        self._show_source(LAYERS)
        self.offer_planes(False)
        self._show_method()
        self.check_name()

    @property
    def way(self) -> Way:
        """The chosen way to train."""
        return WAYS[self.method.currentData()]

    @property
    def from_layers(self) -> bool:
        """Whether layers, not files, are learnt from."""
        return self.source.currentIndex() == LAYERS

    @property
    def every_plane(self) -> bool:
        """Whether all planes of stacks are learnt from."""
        return self.planes.isEnabled() and bool(self.planes.currentData())

    @property
    def ready(self) -> bool:
        """Whether there is something to learn from, and a name that is free."""
        some = bool(self.layers.ticked) if self.from_layers else bool(self.path.text().strip())
        return some and not why_not(self.name.text())

    def settings(self) -> dict[str, Any]:
        """Return what is common to both sources, as `TrainingJob` takes it."""
        return {
            "method": self.method.currentData(),
            "name": self.name.text(),
            "tile": self.tile.value() if self.tile.value() >= SMALLEST_TILE else 0,
            "changes": {self.way.effort: self.effort.value()},
            "licence": self.licence.text().strip(),
        }

    def chosen_path(self) -> Path:
        """Return the folder or archive."""
        return Path(self.path.text().strip()).expanduser()

    def offer_planes(self, stacks: bool) -> None:
        """Offer to learn from all planes, where there are any more than one."""
        self.planes.setEnabled(stacks)
        if not stacks:
            self.planes.setCurrentIndex(0)

    def check_name(self) -> None:
        """Say at once whether the name can be had."""
        name = self.name.text()
        reason = why_not(name) if name else ""
        self.hint.setText(reason)
        self.hint.setVisible(bool(reason))
        self.changed.emit()

    def enable(self, enabled: bool) -> None:
        """Let the fields be changed, or not, while a training is under way."""
        for field in (
            self.method,
            self.source,
            self.sources,
            self.name,
            self.planes,
            self.licence,
            self.tile,
            self.effort,
        ):
            field.setEnabled(enabled)

    def rows(self) -> QFormLayout:
        """Lay the fields out."""
        rows = form_layout()
        rows.addRow("Method", self.method)
        rows.addRow("", self.advice)
        rows.addRow("Learn from", self.source)
        rows.addRow("", self.sources)
        rows.addRow("Name", self.name)
        rows.addRow("", self.hint)
        inner = QWidget()
        more = form_layout()
        inner.setLayout(more)
        more.addRow("Planes", self.planes)
        more.addRow("Tiles", self.tile)
        more.addRow(self.effort_title, self.effort)
        more.addRow("Source, licence", self.licence)
        self.more.addWidget(inner)
        rows.addRow(self.more)
        return rows

    def _set_up(self) -> None:
        for name in WAYS:
            self.method.addItem(title_of(name), name)
        self.source.addItems(["RGB layers of this viewer", "Folder or tar archive"])
        self.source.setToolTip("Pictures in colour of the kind that you want to colour.")
        for box in (self.method, self.source, self.planes, self.tile, self.effort):
            box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for box in (self.method, self.source, self.planes):
            box.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            box.setMinimumContentsLength(10)
        self.planes.addItem("Current slice", False)
        self.planes.addItem("All planes of the ticked layers", True)
        self.layers.setToolTip(
            "Tick the layers with true colours. Predicted ones are not offered: there is nothing "
            "to learn from them."
        )
        self.path.setPlaceholderText("Folder, or uncompressed tar archive")
        files = QWidget()
        row = QHBoxLayout(files)
        row.setContentsMargins(0, 0, 0, 0)
        for widget in (self.path, self.folder, self.archive):
            row.addWidget(widget)
        self.sources.addWidget(self.layers)
        self.sources.addWidget(files)
        self.name.setPlaceholderText("my-stain")
        self.name.setMaxLength(64)
        self.name.setToolTip("What the weights are called in the list of weights.")
        self.hint.setStyleSheet("color: #e69138;")
        self.advice.setStyleSheet("font-style: italic;")
        for label in (self.hint, self.advice):
            label.setWordWrap(True)
        self.tile.setRange(0, LARGEST_TILE)
        self.tile.setSingleStep(32)
        self.tile.setValue(TILE)
        self.tile.setSuffix(" px")
        self.tile.setSpecialValueText("Whole pictures")
        self.tile.setToolTip(
            "Layers are cut into squares of this side, so that a large one counts as many "
            "pictures. Files are learnt from whole."
        )
        self.licence.setPlaceholderText("Optional, for the record")
        self.licence.setToolTip("Where the pictures come from, and on which terms.")

    def _connect(self) -> None:
        self.method.currentIndexChanged.connect(self._show_method)
        self.source.currentIndexChanged.connect(self._show_source)
        self.layers.ticks_changed.connect(self.changed)
        self.path.textChanged.connect(self.changed)
        self.name.textChanged.connect(self.check_name)
        self.folder.clicked.connect(self._ask_for_folder)
        self.archive.clicked.connect(self._ask_for_archive)
        weights_news().changed.connect(self.check_name)

    def _show_method(self) -> None:
        way = self.way
        self.advice.setText(way.help)
        self.effort_title.setText(way.effort_title)
        self.effort.setToolTip(way.effort_help)
        self.effort.setRange(1, way.most)
        self.effort.setValue(way.usual)
        self.changed.emit()

    def _show_source(self, index: int) -> None:
        self.sources.setCurrentIndex(index)
        page = self.sources.widget(index)
        if page is not None:
            # A stack is as high as its highest page, shown or not.
            self.sources.setMaximumHeight(page.sizeHint().height())
        self.changed.emit()

    def _ask_for_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self.sources, "Folder of pictures in colour")
        if chosen:
            self.path.setText(chosen)

    def _ask_for_archive(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(
            self.sources, "Archive of pictures in colour", "", "Tar archives (*.tar);;All files (*)"
        )
        if chosen:
            self.path.setText(chosen)
