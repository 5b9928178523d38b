"""How the panel *Evaluate* looks: its widgets and their states, nothing of what they do."""

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHeaderView,
    QPushButton,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_colorize.evaluation.catalogue import BY_KEY
from napari_colorize.evaluation.comparison import Comparison
from napari_colorize.widgets.layers.choice import LayerChoice
from napari_colorize.widgets.shared.controls import RunControls
from napari_colorize.widgets.shared.docking import scrolled

if TYPE_CHECKING:
    from napari.components import LayerList

COLUMNS = ("Score", "Value", "Unit", "Better")


class EvaluateLayout(RunControls):
    """The widgets of the panel *Evaluate*, laid out in it.

    Parameters
    ----------
    panel : QWidget
        An empty widget; it will own all others.
    layers : napari.components.LayerList
    """

    def __init__(self, panel: QWidget, layers: "LayerList") -> None:
        super().__init__(
            "Evaluate", "Compare the colours; no layer is changed.", "Stop; nothing is added."
        )
        self.coloured = LayerChoice(layers, rgb_only=True)
        self.truth = LayerChoice(layers, rgb_only=True)
        self.planes = QComboBox()
        self.error_map = QCheckBox("Error map")
        self.table = QTableWidget(0, len(COLUMNS))
        self.copy = QPushButton("Copy table")
        self._set_up()
        self._lay_out(panel)
        self.offer_planes(1)

    @property
    def every_plane(self) -> bool:
        """Whether all planes are to be compared."""
        return bool(self.planes.currentData())

    def offer_planes(self, count: int) -> None:
        """Offer to compare all of so many planes; one plane needs no choice."""
        every = self.every_plane
        self.planes.clear()
        self.planes.addItem("Current slice", False)
        if count > 1:
            self.planes.addItem(f"All {count} planes", True)
        self.planes.setEnabled(count > 1)
        self.planes.setCurrentIndex(int(every and count > 1))

    def show_scores(self, comparison: Comparison) -> None:
        """Fill the table."""
        rows = comparison.rows()
        self.table.setRowCount(len(rows))
        for row, (key, texts) in enumerate(zip(comparison.scores, rows, strict=True)):
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setToolTip(f"Defined by: {BY_KEY[key].source}")
                if column == 1:
                    item.setTextAlignment(
                        Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                    )
                self.table.setItem(row, column, item)
        self.copy.setEnabled(True)

    def table_as_text(self) -> str:
        """Return the table with tabs between its columns, as spreadsheets take it."""
        lines = ["\t".join(COLUMNS)]
        for row in range(self.table.rowCount()):
            items = [self.table.item(row, column) for column in range(len(COLUMNS))]
            lines.append("\t".join(item.text() if item is not None else "" for item in items))
        return "\n".join(lines) + "\n"

    def _set_up(self) -> None:
        self.coloured.setToolTip("The RGB layer that is graded: a predicted colour.")
        self.truth.setToolTip("The RGB layer with the true colours, of the same size.")
        self.planes.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.planes.setToolTip("The plane on screen, or all planes of both layers, by their index.")
        self.error_map.setChecked(True)
        self.error_map.setToolTip(
            "Add a layer with each pixel's distance from the true colour on the ab plane of "
            "CIE L*a*b*, in Lab units."
        )
        self.table.setHorizontalHeaderLabels(list(COLUMNS))
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setMinimumHeight(120)
        header, numbers = self.table.horizontalHeader(), self.table.verticalHeader()
        if header is not None and numbers is not None:
            header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
            header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
            numbers.setVisible(False)
        self.copy.setEnabled(False)
        self.copy.setToolTip("Put the table on the clipboard, ready for a spreadsheet.")

    def _lay_out(self, panel: QWidget) -> None:
        rows = QFormLayout()
        rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows.addRow("Coloured", self.coloured)
        rows.addRow("Ground truth", self.truth)
        rows.addRow("Planes", self.planes)
        rows.addRow("Also add", self.error_map)
        column = QVBoxLayout(scrolled(panel).contents)
        column.addLayout(rows)
        self.add_to(column)
        column.addWidget(self.table, 1)
        column.addWidget(self.copy)
