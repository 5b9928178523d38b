"""The panel *Evaluate*: how far a coloured layer is from the true colours, and where."""

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from napari_colorize.evaluation.comparison import Comparison
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
from napari_colorize.widgets.shared.background import Step
from napari_colorize.widgets.shared.clipboard import copy_text
from napari_colorize.widgets.shared.panel import RunningPanel
from napari_colorize.widgets.shared.task import Task

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image

PANEL = "Evaluate"
SPEAKING_ERRORS = (ValueError, TypeError, MemoryError)
"""Their messages are sentences written for the person at the screen."""
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

    def __init__(self, napari_viewer: "napari.viewer.Viewer") -> None:
        from napari_colorize.widgets.shared.keys import bind_keys  # its commands open this panel

        super().__init__()
        # napari hands plugins a proxy; weak references and identity need the real layers.
        self._viewer = getattr(napari_viewer, "__wrapped__", napari_viewer)
        self._started = 0.0
        self._why_stopped = ""
        self._job: EvaluationJob | None = None
        self.comparison: Comparison | None = None
        self.task = Task(sentence_of, self)
        self.ui = EvaluateLayout(self, self._viewer.layers)
        self._connect()
        bind_keys(self._viewer)
        self._suggest()
        self._show_choice()

    # -- what a person or a command does ------------------------------------------------------

    def choose(self, coloured: "Image", truth: "Image") -> None:
        """Choose the two layers."""
        self.ui.coloured.choose(getattr(coloured, "__wrapped__", coloured))
        self.ui.truth.choose(getattr(truth, "__wrapped__", truth))

    def run(self) -> None:
        """Start comparing what the panel says. Problems are shown, not raised."""
        from napari.utils.notifications import show_info

        if self.task.busy:
            show_info("A comparison is under way; wait for it or cancel it first.")
            return
        coloured, truth = self.ui.coloured.layer, self.ui.truth.layer
        if coloured is None or truth is None:
            self._on_failed("There is no RGB layer to compare; colour an image first.")
            return
        try:
            self._job = plan_evaluation(
                coloured, truth, self._viewer.dims, every_plane=self.ui.every_plane
            )
        except ValueError as error:
            self._on_failed(str(error))
            return
        self._started, self._why_stopped = time.perf_counter(), "Cancelled; nothing was added."
        self.ui.show_busy(Step(None, "Starting…"))
        self.task.start(partial(evaluate, self._job))

    def cancel(self) -> None:
        """Stop the comparison under way."""
        if self.task.busy:
            self.ui.status.setText("Cancelling…")
            self.task.cancel()

    def copy_table(self) -> None:
        """Put the table on the clipboard."""
        self.ui.status.setText(copy_text(self.ui.table_as_text(), "The table"))

    # -- what happens ---------------------------------------------------------------------------

    def _connect(self) -> None:
        self.ui.run.clicked.connect(self.run)
        self.ui.cancel.clicked.connect(self.cancel)
        self.ui.copy.clicked.connect(self.copy_table)
        self.ui.coloured.layer_changed.connect(self._show_choice)
        self.ui.truth.layer_changed.connect(self._show_choice)
        self.task.progressed.connect(self._on_progress)
        self.task.returned.connect(self._on_returned)
        self.task.failed.connect(self._on_failed)
        self.task.stopped.connect(self._on_stopped)
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
        if not self.task.busy:
            self.ui.show_idle(self.ui.status.text(), ready=self._ready())

    def _ready(self) -> bool:
        coloured, truth = self.ui.coloured.layer, self.ui.truth.layer
        return coloured is not None and truth is not None and coloured is not truth

    def _on_progress(self, step: Step) -> None:
        if self.task.busy:
            self.ui.show_busy(step)

    def _on_returned(self, evaluated: Evaluated) -> None:
        job, self._job = evaluated.job, None
        source = job.layers[0]()
        if not any(layer is source for layer in self._viewer.layers):
            self._show_idle(f"Layer '{job.names[0]}' is gone; its result was dropped.")
            return
        self.comparison = evaluated.comparison
        self.ui.show_scores(evaluated.comparison)
        if self.ui.error_map.isChecked():
            self._viewer.add_layer(build_error_layer(evaluated))
        many = f" {len(job.planes)} planes." if len(job.planes) > 1 else ""
        seconds = time.perf_counter() - self._started
        self._show_idle(
            f"'{job.names[0]}' against '{job.names[1]}'.{many} Done in {seconds:.1f} s."
            f"{'' if job.aligned else _NOT_ALIGNED}"
        )

    def _on_failed(self, sentence: str) -> None:
        from napari.utils.notifications import show_error

        self._job = None
        self._show_idle(sentence)
        show_error(sentence)

    def _on_stopped(self) -> None:
        self._job = None
        self._show_idle(self._why_stopped)

    def _on_layer_removed(self, event: Any) -> None:
        if self._job is None:
            return
        for layer, name in zip(self._job.layers, self._job.names, strict=True):
            if layer() in (None, event.value):
                self._why_stopped = f"Stopped, because layer '{name}' was removed."
                self.task.cancel()

    def _show_idle(self, text: str) -> None:
        self.ui.show_idle(text, ready=self._ready())


def sentence_of(error: Exception) -> str:
    """Return what to show of an error: our own sentences as they are, others introduced."""
    if isinstance(error, SPEAKING_ERRORS) and str(error):
        return str(error)
    if isinstance(error, ModuleNotFoundError):
        return (
            f"{error}. Evaluating needs the extra packages; install napari-colorize[evaluate] and "
            "restart napari."
        )
    return f"The comparison failed: {type(error).__name__}: {error}"
