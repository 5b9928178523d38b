"""The panel *Train on my images*: it chooses, starts, ends and shows; the library trains."""

from functools import partial
from typing import TYPE_CHECKING, Any

from napari_colorize.widgets.layers.planes import count_planes, shown_axes, spatial_shape
from napari_colorize.widgets.shared.alive import connect_while_alive
from napari_colorize.widgets.shared.docking import COLORIZE, TRAIN, open_panel
from napari_colorize.widgets.shared.executor import TRAINING
from napari_colorize.widgets.shared.panel import RunningPanel
from napari_colorize.widgets.shared.task import Work
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

    from napari_colorize.training.teaching import Taught

PANEL = TRAIN


class TrainPanel(RunningPanel):
    """Makes weights of RGB layers, a folder or an archive; they appear in all lists of weights.

    A training is one call of :func:`napari_colorize.training.teach`.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer or napari.components.ViewerModel
        Injected by napari; a model without a window does as well.
    """

    UNDER_WAY = "A training is under way; wait for it or cancel it first."
    CANCELLED = "The training was stopped; nothing was kept."

    def __init__(self, napari_viewer: "napari.viewer.Viewer") -> None:
        # Not the thread that colours: a quarter of an hour of training must keep nobody from it.
        super().__init__(napari_viewer, thread=TRAINING)
        self._watch = LiveWatch()
        self.taught: tuple[str, str] | None = None
        """Method and name of the weights that were trained last."""
        self.ui: TrainLayout = TrainLayout(self, self._viewer.layers)
        self.take_controls(self.ui)
        self._connect()
        self.rest("")

    # -- what a person does -----------------------------------------------------------------------

    def plan(self) -> Work:
        """Return the training that the panel asks for."""
        job = self._job()
        self.taught, self._watch = None, LiveWatch()
        return partial(train, job, self._watch)

    def cancel(self) -> None:
        """End the training under way; the best so far is kept, if there is any."""
        if self.task.busy:
            self.ui.cancel.setEnabled(False)
            self.ui.status.setText("Ending; the best so far is kept…")
            self._watch.keep_best()

    def use(self) -> None:
        """Choose the weights that were trained last in the panel *Colorize*."""
        window = getattr(self._viewer, "window", None)
        if self.taught is None or window is None:
            return
        method, name = self.taught
        form = open_panel(self._viewer, COLORIZE).ui.form
        form.method.setCurrentIndex(form.method.findData(method))
        form.refresh_checkpoints()
        form.checkpoint.setCurrentIndex(form.checkpoint.findData(name))
        self.ui.status.setText(f"'{name}' is chosen in the panel Colorize.")

    def leave(self) -> None:
        """Keep nothing when the dock is closed: *Cancel* would finish the best weights so far."""
        self.task.cancel()

    # -- what happens ---------------------------------------------------------------------------

    def _connect(self) -> None:
        self.ui.use.clicked.connect(self.use)
        self.ui.form.changed.connect(self.offer)
        connect_while_alive(self, self._viewer.dims.events.order, self.offer)

    def _job(self) -> TrainingJob:
        form = self.ui.form
        if not form.from_layers:
            return TrainingJob(path=form.chosen_path(), **form.settings())
        references = references_of(
            form.layers.ticked, self._viewer.dims, every_plane=form.every_plane
        )
        return TrainingJob(references=references, **form.settings())

    def offer(self, event: Any = None) -> None:
        """Offer what can be done now."""
        if self.task.busy:
            return
        form, dims = self.ui.form, self._viewer.dims
        stacks = any(
            count_planes(spatial_shape(layer), shown_axes(layer, dims)) > 1
            for layer in form.layers.ticked
        )
        form.offer_planes(stacks and form.from_layers)
        self.ui.run.setEnabled(form.ready)
        self.ui.use.setEnabled(self.taught is not None)

    def began(self) -> None:
        """Show an empty curve."""
        self.ui.use.setEnabled(False)
        self.ui.curve.name_error(self.ui.form.way.error)
        self.ui.show_sight(self._watch)

    def show_progress(self, share: float | None, text: str) -> None:
        """Show how far the training is, and what it has learnt."""
        self.ui.show_sight(self._watch)
        if self.ui.cancel.isEnabled():  # else it is ending, as the panel says
            super().show_progress(share, text)

    def show_result(self, result: "Taught | NothingKept") -> str:
        """Tell all panels of the new weights."""
        self.ui.show_sight(self._watch)
        if isinstance(result, NothingKept):
            return result.sentence
        self.taught = result.record.method, result.record.name
        self.ui.form.name.clear()
        weights_news().changed.emit()
        return summary(result)

    def sentence_of(self, error: Exception) -> str:
        """Return what to show of an error."""
        return sentence_of(error)
