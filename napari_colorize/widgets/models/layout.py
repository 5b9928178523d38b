"""How the panel *Models* looks: its widgets and their states, nothing of what they do."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from napari_colorize.checkpoints.card import card
from napari_colorize.evaluation.catalogue import BY_KEY
from napari_colorize.methods import ARCHITECTURES
from napari_colorize.widgets.models.listing import ModelList
from napari_colorize.widgets.shared.controls import TaskControls, row
from napari_colorize.widgets.shared.docking import scrolled
from napari_colorize.widgets.shared.methods import NETWORK_TITLES

TOLD_FROM_FILE = "Told from the file"


class ModelsLayout(TaskControls):
    """The widgets of the panel *Models*, laid out in it.

    Parameters
    ----------
    panel : QWidget
        An empty widget; it will own all others.
    """

    def __init__(self, panel: QWidget) -> None:
        super().__init__("Stop; nothing half-finished is used.")
        self.models = ModelList()
        self.card = QTextBrowser()
        self.verify = QPushButton("Verify")
        self.fetch = QPushButton("Fetch")
        self.import_file = QPushButton("Import file…")
        self.name = QLineEdit()
        self.architecture = QComboBox()
        self.importing = QCollapsible("When importing", expandedIcon="▾", collapsedIcon="▸")
        self._set_up()
        self._lay_out(panel)

    def show_entry(self) -> None:
        """Show the card of the chosen weights."""
        entry = self.models.entry
        self.card.setMarkdown(card(entry.record, BY_KEY, level=2) if entry else _NOTHING)

    def offer(self, *, idle: bool) -> None:
        """Offer what can be done with the chosen weights; nothing unless the panel is idle."""
        entry = self.models.entry
        self.verify.setEnabled(idle and entry is not None and entry.installed)
        self.fetch.setEnabled(
            idle and entry is not None and not entry.installed and bool(entry.record.url)
        )
        for control in (self.import_file, self.name, self.architecture):
            control.setEnabled(idle)

    def _set_up(self) -> None:
        self.card.setOpenExternalLinks(True)
        self.verify.setToolTip("Read the file and compare its hash, content and layout.")
        self.fetch.setToolTip(
            "Download these weights to your data folder and check their hash. An interrupted "
            "download goes on where it stopped. See their licence in the card first."
        )
        self.import_file.setToolTip(
            "Copy weights that you have (.safetensors, .pth) to your data folder. No code in the "
            "file is run."
        )
        self.name.setPlaceholderText("As the file")
        self.name.setToolTip("What imported weights are called.")
        self.architecture.setToolTip("The network that imported weights belong to.")
        self.architecture.addItem(TOLD_FROM_FILE, None)
        for name in sorted(ARCHITECTURES):
            self.architecture.addItem(NETWORK_TITLES.get(name, name), name)
        self.architecture.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def _lay_out(self, panel: QWidget) -> None:
        halves = QSplitter(Qt.Orientation.Vertical)
        halves.addWidget(self.models)
        halves.addWidget(self.card)
        halves.setStretchFactor(0, 1)
        halves.setStretchFactor(1, 3)
        halves.setSizes([130, 420])
        halves.setChildrenCollapsible(False)
        self.models.setMinimumHeight(100)
        self.card.setMinimumHeight(140)
        imported = QWidget()
        rows = QFormLayout(imported)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows.addRow("Name", self.name)
        rows.addRow("Network", self.architecture)
        self.importing.addWidget(imported)
        column = QVBoxLayout(scrolled(panel).contents)
        column.addWidget(halves, 1)
        column.addLayout(row(self.verify, self.fetch, self.import_file, self.cancel))
        column.addWidget(self.importing)
        column.addWidget(self.progress)
        column.addWidget(self.status)


_NOTHING = "There are no weights here. Fetch some, or import a file."
