"""The panel *Evaluate*: how far a coloured layer is from the true colours, and where."""

from functools import partial
from typing import TYPE_CHECKING, Any

from napari_colorize.evaluation.comparison import Comparison
from napari_colorize.widgets import commands  # noqa: F401  # registers its keys
from napari_colorize.widgets.evaluate.job import (
    Evaluated,
    EvaluationJob,
    evaluate,
    plan_evaluation,
)
from napari_colorize.widgets.evaluate.layout import EvaluateLayout
from napari_colorize.widgets.evaluate.results import build_error_layer
from napari_colorize.widgets.layers.planes import count_planes, shown_axes, spatial_shape
from napari_colorize.widgets.layers.results import RECORD_KEY
from napari_colorize.widgets.shared.alive import connect_while_alive
from napari_colorize.widgets.shared.clipboard import copy_text
from napari_colorize.widgets.shared.docking import EVALUATE
from napari_colorize.widgets.shared.panel import RunningPanel
from napari_colorize.widgets.shared.task import Work

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image

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
