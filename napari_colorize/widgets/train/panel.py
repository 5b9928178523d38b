"""The panel *Train on my images*: it chooses, starts, ends and shows; the library trains."""

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import (
    QPushButton,
    QWidget,
)

from napari_colorize.widgets.layers.planes import count_planes, shown_axes, spatial_shape
from napari_colorize.widgets.shared.controls import RunControls, caveat, column_in, reveal
from napari_colorize.widgets.shared.panel import COLORIZE, TRAIN, RunningPanel, open_panel
from napari_colorize.widgets.shared.task import TRAINING, Work, connect_while_alive
from napari_colorize.widgets.shared.weights import weights_news
from napari_colorize.widgets.train.form import TrainForm
from napari_colorize.widgets.train.job import (
    LiveWatch,
    NothingKept,
    Reference,
    TrainingJob,
    references_of,
    sentence_of,
    summary,
    train,
)
from napari_colorize.widgets.train.pictures import LossCurve, SampleStrip

if TYPE_CHECKING:
    import napari.viewer
    from napari.components import LayerList

    from napari_colorize.training.teaching import Taught

CAVEAT = (
    "Weights colour pictures of the kind they have learnt from, and all others as if they were."
)


class TrainLayout(RunControls):
    """The widgets of the panel, laid out in it.

    Parameters
    ----------
    panel : QWidget
        An empty widget; it will own all others.
    layers : napari.components.LayerList
    """

    def __init__(self, panel: QWidget, layers: "LayerList") -> None:
        super().__init__(
            "Train",
            "Learn in the background; no layer is changed.",
            "End the training; the best weights so far are kept.",
        )
        self.form = TrainForm(layers)
        self.curve = LossCurve()
        self.sample = SampleStrip()
        self.use = QPushButton("Colorize with it")
        self.use.setToolTip("Choose these weights in the panel Colorize.")
        self._lay_out(panel)

    def show_busy(self, share: float | None, text: str) -> None:
        """Show that a training is under way, and how far."""
        self.form.native.setEnabled(False)
        if self.run.isEnabled():  # it begins: show what it does, where the panel is low
            reveal(self.sample, self.run)
        super().show_busy(share, text)

    def show_rest(self, text: str) -> None:
        """Show that no training is under way any more, and a sentence on how it ended."""
        self.form.native.setEnabled(True)
        super().show_rest(text)

    def show_sight(self, watch: LiveWatch) -> None:
        """Show error and sample as they are now."""
        self.curve.show_points(watch.curve)
        self.sample.show_sample(watch.latest)

    def _lay_out(self, panel: QWidget) -> None:
        column = column_in(panel)
        column.addWidget(self.form.native)
        column.addWidget(caveat(CAVEAT))
        self.add_to(column)
        column.addWidget(self.curve)
        column.addWidget(self.sample)
        column.addWidget(self.use)
        column.addStretch(1)


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
        self._ending = False
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
        self.taught, self._watch, self._ending = None, LiveWatch(), False
        return partial(train, job, self._watch)

    def cancel(self) -> None:
        """End the training under way; the best so far is kept, if there is any."""
        if self.task.busy:
            self._ending = True
            self.ui.status.setText("Ending; the best so far is kept…")
            self._watch.keep_best()

    def use(self) -> None:
        """Choose the weights that were trained last in the panel *Colorize*."""
        window = getattr(self._viewer, "window", None)
        if self.taught is None or window is None:
            return
        method, name = self.taught
        form = open_panel(self._viewer, COLORIZE).ui.form
        form.method.value = method
        form.refresh_checkpoints()
        form.checkpoint.value = name
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
        wish, effort = self.ui.form.values(), self.ui.form.way.effort
        references: tuple[Reference, ...] = ()
        if wish.from_layers:
            references = references_of(wish.layers, self._viewer.dims, every_plane=wish.every_plane)
        return TrainingJob(
            wish.method,
            wish.weights,
            references,
            None if wish.from_layers else wish.path,
            tile=wish.tile or 0,
            changes={effort: wish.effort},
            licence=wish.licence.strip(),
        )

    def offer(self, event: Any = None) -> None:
        """Offer what can be done now."""
        if self.task.busy:
            return
        form, dims = self.ui.form, self._viewer.dims
        wish = form.values()
        stacks = any(
            count_planes(spatial_shape(layer), shown_axes(layer, dims)) > 1 for layer in wish.layers
        )
        form.offer_planes(stacks and wish.from_layers)
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
        if not self._ending:  # as the panel says
            super().show_progress(share, text)

    def show_result(self, result: "Taught | NothingKept") -> str:
        """Tell all panels of the new weights."""
        self.ui.show_sight(self._watch)
        if isinstance(result, NothingKept):
            return result.sentence
        self.taught = result.record.method, result.record.name
        self.ui.form.weights.value = ""
        weights_news().changed.emit()
        return summary(result)

    def sentence_of(self, error: Exception) -> str:
        """Return what to show of an error."""
        return sentence_of(error)
