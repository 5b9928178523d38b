"""The list of weights: what each is called, does, weighs, and whether it is here."""

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem
from superqt.utils import signals_blocked

from napari_colorize.checkpoints import registry
from napari_colorize.widgets.models.work import megabytes
from napari_colorize.widgets.shared.weights import short_title_of

COLUMNS = ("Name", "Method", "State", "Size")
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
        for row, entry in enumerate(self._entries):
            if entry.record.name == name:
                self.setCurrentItem(self.topLevelItem(row))

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
        megabytes(record.size_bytes),
    ]
    item = QTreeWidgetItem(texts)
    item.setTextAlignment(3, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    item.setToolTip(0, record.name)
    return item
