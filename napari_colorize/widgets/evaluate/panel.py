"""The panel *Evaluate*: how far a coloured layer is from the true colours, and where."""

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QHeaderView,
    QPushButton,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from napari_colorize.evaluation.catalogue import BY_KEY
from napari_colorize.evaluation.comparison import Comparison
from napari_colorize.widgets import commands  # noqa: F401  # registers its keys
from napari_colorize.widgets.evaluate.job import (
    Evaluated,
    EvaluationJob,
    build_error_layer,
    evaluate,
    plan_evaluation,
)
from napari_colorize.widgets.layers.choice import RECORD_KEY, LayerChoice
from napari_colorize.widgets.layers.planes import count_planes, shown_axes, spatial_shape
from napari_colorize.widgets.shared.controls import RunControls, column_in
from napari_colorize.widgets.shared.form import form_layout
from napari_colorize.widgets.shared.panel import EVALUATE, RunningPanel
from napari_colorize.widgets.shared.task import Work, connect_while_alive
from napari_colorize.widgets.shared.words import copy_text

if TYPE_CHECKING:
    import napari.viewer
    from napari.components import LayerList
    from napari.layers import Image

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
        self.table.setAccessibleName("Scores")
        self.table.setTabKeyNavigation(False)  # Tab goes on to the button below
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
        rows = form_layout()
        rows.addRow("Coloured", self.coloured)
        rows.addRow("Ground truth", self.truth)
        rows.addRow("Planes", self.planes)
        rows.addRow("Also add", self.error_map)
        column = column_in(panel)
        column.addLayout(rows)
        self.add_to(column)
        column.addWidget(self.table, 1)
        column.addWidget(self.copy)


PANEL = EVALUATE
_NOT_ALIGNED = (
    " The two layers do not lie over each other in the viewer; they were compared pixel by pixel."
)


class EvaluatePanel(RunningPanel):
    """Compares a coloured RGB layer with one that holds the true colours.

    The numbers are those of :func:`napari_colorize.evaluation.comparison.compare`.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer or napari.components.ViewerModel
        Injected by napari; a model without a window does as well.
    """

    UNDER_WAY = "A comparison is under way; wait for it or cancel it first."
    FAILED = "The comparison failed"
    EXTRA = "evaluate"

    def __init__(self, napari_viewer: "napari.viewer.Viewer") -> None:
        super().__init__(napari_viewer)
        self._job: EvaluationJob | None = None
        self.comparison: Comparison | None = None
        self.ui: EvaluateLayout = EvaluateLayout(self, self._viewer.layers)
        self.take_controls(self.ui)
        self._connect()
        self._suggest()
        self._show_choice()
        self.rest("")

    # -- what a person or a command does ------------------------------------------------------

    def choose(self, coloured: "Image", truth: "Image") -> None:
        """Choose the two layers."""
        self.ui.coloured.choose(getattr(coloured, "__wrapped__", coloured))
        self.ui.truth.choose(getattr(truth, "__wrapped__", truth))

    def plan(self) -> Work:
        """Return the comparison that the panel asks for."""
        coloured, truth = self.ui.coloured.layer, self.ui.truth.layer
        if coloured is None or truth is None:
            raise ValueError("There is no RGB layer to compare; colour an image first.")
        self._job = plan_evaluation(
            coloured, truth, self._viewer.dims, every_plane=self.ui.every_plane
        )
        return partial(evaluate, self._job)

    def copy_table(self) -> None:
        """Put the table on the clipboard."""
        self.ui.status.setText(copy_text(self.ui.table_as_text(), "The table"))

    # -- what happens ---------------------------------------------------------------------------

    def _connect(self) -> None:
        self.ui.copy.clicked.connect(self.copy_table)
        self.ui.coloured.layer_changed.connect(self._show_choice)
        self.ui.truth.layer_changed.connect(self._show_choice)
        connect_while_alive(self, self._viewer.layers.events.removed, self._on_layer_removed)
        connect_while_alive(self, self._viewer.layers.events.inserted, self._suggest)
        connect_while_alive(self, self._viewer.dims.events.order, self._show_choice)

    def _suggest(self, event: Any = None) -> None:
        """Choose a predicted and a true layer while the boxes hold no sensible pair."""
        for box in (self.ui.coloured, self.ui.truth):
            box.refresh()  # napari calls the boxes' own listeners after this one
        if self._ready() or self.task.busy:
            return
        offered = self.ui.coloured.layers
        predicted = [layer for layer in offered if RECORD_KEY in layer.metadata]
        true = [layer for layer in offered if RECORD_KEY not in layer.metadata]
        if predicted and true:
            self.choose(predicted[-1], true[-1])
        elif len(offered) > 1:
            self.choose(offered[-1], offered[-2])

    def _show_choice(self, event: Any = None) -> None:
        layer = self.ui.coloured.layer
        if layer is not None:
            shown = shown_axes(layer, self._viewer.dims)
            self.ui.offer_planes(count_planes(spatial_shape(layer), shown))
        else:
            self.ui.offer_planes(1)
        self.offer()

    def _ready(self) -> bool:
        coloured, truth = self.ui.coloured.layer, self.ui.truth.layer
        return coloured is not None and truth is not None and coloured is not truth

    def show_result(self, result: Evaluated) -> str:
        """Fill the table, and add the map to the viewer."""
        evaluated, job = result, result.job
        if not self.holds(job.layers[0]()):
            return f"Layer '{job.names[0]}' is gone; its result was dropped."
        self.comparison = evaluated.comparison
        self.ui.show_scores(evaluated.comparison)
        if self.ui.error_map.isChecked():
            self._viewer.add_layer(build_error_layer(evaluated))
        many = f" {len(job.planes)} planes." if len(job.planes) > 1 else ""
        return (
            f"'{job.names[0]}' against '{job.names[1]}'.{many} Done in {self.seconds:.1f} s."
            f"{'' if job.aligned else _NOT_ALIGNED}"
        )

    def ended(self) -> None:
        """Let go of what was compared."""
        self._job = None

    def offer(self) -> None:
        """Offer what can be done now."""
        self.ui.run.setEnabled(self._ready() and not self.task.busy)

    def _on_layer_removed(self, event: Any) -> None:
        if self._job is None:
            return
        for layer, name in zip(self._job.layers, self._job.names, strict=True):
            if layer() in (None, event.value):
                self.stop_because(f"Stopped, because layer '{name}' was removed.")
                return
