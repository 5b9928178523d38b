"""How the panel *Models* looks: its list, its card and its buttons, nothing of what they do."""

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QTextBrowser,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)
from superqt.utils import signals_blocked

from napari_colorize.checkpoints import registry
from napari_colorize.checkpoints.card import card
from napari_colorize.evaluation.catalogue import BY_KEY
from napari_colorize.methods import ARCHITECTURES, NETWORK_TITLES
from napari_colorize.widgets.shared.controls import Section, TaskControls, column_in, grid
from napari_colorize.widgets.shared.form import form_layout
from napari_colorize.widgets.shared.weights import short_title_of

COLUMNS = ("Name", "Method", "State")
SOURCES = {"shipped": "shipped", "download": "downloaded", "imported": "imported"}


class ModelList(QTreeWidget):
    """Shows every entry of the registry, those on this machine first, and keeps the choice.

    Signals
    -------
    entry_changed()
        Another entry was chosen, or what is known about the chosen one was read again.
    """

    entry_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._entries: tuple[registry.Entry, ...] = ()
        self.setColumnCount(len(COLUMNS))
        self.setHeaderLabels(list(COLUMNS))
        self.setAccessibleName("Weights")
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setAllColumnsShowFocus(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setToolTip("Weights known here. The card below says what they are good for.")
        header = self.header()
        if header is not None:
            header.setStretchLastSection(False)
            header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
            header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.currentItemChanged.connect(lambda *_: self.entry_changed.emit())

    @property
    def entry(self) -> registry.Entry | None:
        """The chosen entry."""
        row = self.indexOfTopLevelItem(self.currentItem()) if self.currentItem() else -1
        return self._entries[row] if 0 <= row < len(self._entries) else None

    def choose(self, name: str) -> None:
        """Choose the entry of that name; a name that is not listed changes nothing."""
        for at, entry in enumerate(self._entries):
            if entry.record.name == name:
                self.setCurrentItem(self.topLevelItem(at))

    def refresh(self) -> None:
        """Read the registry again."""
        before = self.entry.record.name if self.entry else None
        self._entries = registry.entries()
        with signals_blocked(self):
            self.clear()
            self.addTopLevelItems([_item(entry) for entry in self._entries])
            self.setCurrentItem(self.topLevelItem(0))
            if before is not None:
                self.choose(before)
        self.entry_changed.emit()


def state_of(entry: registry.Entry) -> str:
    """Return in words how weights come here, or why they are not."""
    if entry.installed:
        return SOURCES[entry.record.source]
    return "to be fetched" if entry.record.is_offer else "file missing"


def _item(entry: registry.Entry) -> QTreeWidgetItem:
    record = entry.record
    texts = [
        record.name,
        short_title_of(record.method),
        state_of(entry),
    ]
    item = QTreeWidgetItem(texts)
    item.setToolTip(0, f"{record.name}, {megabytes(record.size_bytes)}")
    return item


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
        self.importing = Section("When importing")
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
        self.card.setAccessibleName("Model card")
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
        self.architecture.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.architecture.setMinimumContentsLength(14)
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
        rows = form_layout(imported)
        rows.addRow("Name", self.name)
        rows.addRow("Network", self.architecture)
        self.importing.addWidget(imported)
        column = column_in(panel)
        column.addWidget(halves, 1)
        column.addLayout(grid(3, self.verify, self.fetch, self.import_file, self.cancel))
        column.addWidget(self.importing)
        column.addWidget(self.progress)
        column.addWidget(self.status)


_NOTHING = "There are no weights here. Fetch some, or import a file."


def megabytes(size_bytes: int) -> str:
    """Return a file's size in words; a dash where it is not known."""
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes else "–"
