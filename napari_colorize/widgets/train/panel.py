"""The panel *Train on my images*: it chooses, starts, ends and shows; the library trains."""

from functools import partial
from typing import TYPE_CHECKING, Any

from napari_colorize.widgets.layers.planes import count_planes, shown_axes, spatial_shape
from napari_colorize.widgets.shared.alive import connect_while_alive
from napari_colorize.widgets.shared.background import Step
from napari_colorize.widgets.shared.docking import bring_forward
from napari_colorize.widgets.shared.panel import RunningPanel
from napari_colorize.widgets.shared.task import Task
from napari_colorize.widgets.shared.weights_news import weights_news
from napari_colorize.widgets.train.job import (
    NothingKept,
    TrainingJob,
    references_of,
    sentence_of,
    summary,
    train,
)
from napari_colorize.widgets.train.layout import TrainLayout
from napari_colorize.widgets.train.watch import LiveWatch

if TYPE_CHECKING:
    import napari.viewer

PANEL = "Train on my images"


class TrainPanel(RunningPanel):
    """Makes weights of RGB layers, a folder or an archive; they appear in all lists of weights.

    A training is one call of :func:`napari_colorize.training.teach`.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer or napari.components.ViewerModel
        Injected by napari; a model without a window does as well.
    """

    def __init__(self, napari_viewer: "napari.viewer.Viewer") -> None:
        super().__init__()
        # napari hands plugins a proxy; weak references and identity need the real layers.
        self._viewer = getattr(napari_viewer, "__wrapped__", napari_viewer)
        self._watch = LiveWatch()
        self.taught: tuple[str, str] | None = None
        """Method and name of the weights that were trained last."""
        self.task = Task(sentence_of, self)
        self.ui = TrainLayout(self, self._viewer.layers)
        self._connect()
        self._show_idle("")
        self._show_choice()

    # -- what a person does -----------------------------------------------------------------------

    def run(self) -> None:
        """Start training what the panel says. Problems are shown, not raised."""
        from napari.utils.notifications import show_info

        if self.task.busy:
            show_info("A training is under way; wait for it or cancel it first.")
            return
        try:
            job = self._job()
        except ValueError as error:
            self._on_failed(str(error))
            return
        self.taught, self._watch = None, LiveWatch()
        self.ui.use.setEnabled(False)
        self.ui.curve.name_error(self.ui.form.way.error)
        self.ui.show_sight(self._watch)
        self.ui.show_busy(Step(None, "Starting…"))
        self.task.start(partial(train, job, self._watch))

    def cancel(self) -> None:
        """End the training under way; the best so far is kept, if there is any."""
        if self.task.busy:
            self.ui.cancel.setEnabled(False)
            self.ui.status.setText("Ending; the best so far is kept…")
            self._watch.keep_best()

    def use(self) -> None:
        """Choose the weights that were trained last in the panel *Colorize*."""
        from napari_colorize.widgets.colorize import panel as colorize

        window = getattr(self._viewer, "window", None)
        if self.taught is None or window is None:
            return
        method, name = self.taught
        _, panel = window.add_plugin_dock_widget(colorize.PLUGIN, colorize.PANEL)
        bring_forward(panel)
        form = panel.ui.form
        form.method.setCurrentIndex(form.method.findData(method))
        form.refresh_checkpoints()
        form.checkpoint.setCurrentIndex(form.checkpoint.findData(name))
        self.ui.status.setText(f"'{name}' is chosen in the panel Colorize.")

    def leave(self) -> None:
        """Keep nothing when the dock is closed: *Cancel* would finish the best weights so far."""
        self.task.cancel()

    # -- what happens ---------------------------------------------------------------------------

    def _connect(self) -> None:
        self.ui.run.clicked.connect(self.run)
        self.ui.cancel.clicked.connect(self.cancel)
        self.ui.use.clicked.connect(self.use)
        self.ui.form.changed.connect(self._show_choice)
        self.task.progressed.connect(self._on_progress)
        self.task.returned.connect(self._on_returned)
        self.task.failed.connect(self._on_failed)
        self.task.stopped.connect(self._on_stopped)
        connect_while_alive(self, self._viewer.dims.events.order, self._show_choice)

    def _job(self) -> TrainingJob:
        form = self.ui.form
        if not form.from_layers:
            return TrainingJob(path=form.chosen_path(), **form.settings())
        references = references_of(
            form.layers.ticked, self._viewer.dims, every_plane=form.every_plane
        )
        return TrainingJob(references=references, **form.settings())

    def _show_choice(self, event: Any = None) -> None:
        if self.task.busy:
            return
        form, dims = self.ui.form, self._viewer.dims
        stacks = any(
            count_planes(spatial_shape(layer), shown_axes(layer, dims)) > 1
            for layer in form.layers.ticked
        )
        form.offer_planes(stacks and form.from_layers)
        self.ui.run.setEnabled(form.ready)

    def _on_progress(self, step: Step) -> None:
        if self.task.busy:
            self.ui.show_sight(self._watch)
            if self.ui.cancel.isEnabled():
                self.ui.show_busy(step)

    def _on_returned(self, outcome: Any) -> None:
        self.ui.show_sight(self._watch)
        if isinstance(outcome, NothingKept):
            self._show_idle(outcome.sentence)
            return
        self.taught = outcome.record.method, outcome.record.name
        self.ui.form.name.clear()
        self._show_idle(summary(outcome))
        weights_news().changed.emit()

    def _on_failed(self, sentence: str) -> None:
        from napari.utils.notifications import show_error

        self._show_idle(sentence)
        show_error(sentence)

    def _on_stopped(self) -> None:
        self._show_idle("The training was stopped; nothing was kept.")

    def _show_idle(self, text: str) -> None:
        self.ui.show_idle(text, ready=self.ui.form.ready, finished=self.taught is not None)
        self._show_choice()
