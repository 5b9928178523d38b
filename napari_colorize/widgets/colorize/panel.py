"""The panel *Colorize*: it chooses, starts, cancels and shows; the library colours."""

from functools import partial
from typing import TYPE_CHECKING, Any

from napari_colorize.widgets import commands  # noqa: F401  # registers its keys
from napari_colorize.widgets.colorize.hold import is_lazy
from napari_colorize.widgets.colorize.job import (
    Job,
    Outcome,
    build_layers,
    is_lazy_run,
    plan,
    told_of,
)
from napari_colorize.widgets.colorize.layout import PanelLayout
from napari_colorize.widgets.colorize.look_ahead import LookAhead
from napari_colorize.widgets.colorize.preview import LivePreview, Look, plan_preview
from napari_colorize.widgets.colorize.run import run
from napari_colorize.widgets.layers.choice import RECORD_KEY
from napari_colorize.widgets.layers.placement import canvas_corners
from napari_colorize.widgets.layers.planes import count_planes, shown_axes, spatial_shape
from napari_colorize.widgets.shared import words as _clipboard
from napari_colorize.widgets.shared.panel import COLORIZE, RunningPanel
from napari_colorize.widgets.shared.preferences import (
    preferences,
    render_in_background,
    window_waits,
)
from napari_colorize.widgets.shared.task import Work, connect_while_alive

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image

PANEL = COLORIZE
IN_BACKGROUND = (
    "napari renders all layers in the background now; File → Preferences → Experimental has it."
)


class ColorizePanel(RunningPanel):
    """Colours the plane on screen, or all planes, of an image layer into a new RGB layer.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer or napari.components.ViewerModel
        Injected by napari; a model without a window does as well.
    """

    UNDER_WAY = "A colouring run is under way; wait for it or cancel it first."
    FAILED = "Colouring failed"

    def __init__(self, napari_viewer: "napari.viewer.Viewer") -> None:
        super().__init__(napari_viewer)
        preferences()  # napari reads their file once, which takes a tenth of a second
        self._result_name = ""
        self.record: dict[str, Any] | None = None
        self._job: Job | None = None
        self.ui: PanelLayout = PanelLayout(self, self._viewer.layers)
        self.take_controls(self.ui)
        self.live = LivePreview(self._viewer, self._look, self)
        self.ahead = LookAhead(self._viewer, self)
        self._connect()
        self._show_planes()
        self.rest("")

    # -- what a person or a command does ------------------------------------------------------

    def choose(self, layer: "Image") -> None:
        """Choose the layer to colour."""
        self.ui.layer.choose(getattr(layer, "__wrapped__", layer))

    def plan(self) -> Work:
        """Return the run that the panel asks for."""
        layer = self.ui.layer.layer
        if layer is None or not self.ui.ready:
            raise ValueError(self.ui.problem)
        self._job = plan(
            layer,
            self._viewer.dims,
            preferences().applied_to(self.ui.form.values()),
            hold=self.ui.hold,
            view=self.ui.only_view,
            canvas=canvas_corners(self._viewer),
            uncertainty=self.ui.uncertainty.isChecked(),
            clipped=self.ui.clipped.isChecked(),
        )
        return partial(run, self._job)

    def copy_legend(self) -> None:
        """Put the figure legend of the last result on the clipboard."""
        if self.record is not None:
            self.ui.status.setText(_clipboard.copy_legend(self.record, self._name_of_result()))

    def copy_python(self) -> None:
        """Put the Python call that repeats the last result on the clipboard."""
        if self.record is not None:
            self.ui.status.setText(_clipboard.copy_python(self.record, self._name_of_result()))

    def _name_of_result(self) -> str:
        """Return what the last result is called now, or was before it went."""
        for layer in self._viewer.layers:
            if layer.metadata.get(RECORD_KEY) is self.record and getattr(layer, "rgb", False):
                self._result_name = layer.name
        return self._result_name

    def render_in_background(self) -> None:
        """Switch on that napari renders asynchronously, as its preferences would."""
        render_in_background()
        self.ui.background.setVisible(False)
        self.ui.status.setText(IN_BACKGROUND)

    def leave(self) -> None:
        """End the run, the preview and the looking ahead when the dock is closed."""
        self.cancel()
        self.ui.preview.setChecked(False)
        self.ahead.pause()

    # -- what happens ---------------------------------------------------------------------------

    def _connect(self) -> None:
        self.ui.copy_legend.clicked.connect(self.copy_legend)
        self.ui.copy_python.clicked.connect(self.copy_python)
        self.ui.background.clicked.connect(self.render_in_background)
        self.ui.layer.layer_changed.connect(self._show_planes)
        for changed in (
            self.ui.layer.layer_changed,
            self.ui.planes.currentIndexChanged,
            self.ui.stack.changed,
            self.ui.form.changed,
        ):
            changed.connect(self.offer)
        for moved in (self.ui.form.changed, self.ui.layer.layer_changed):
            moved.connect(self.live.poke)
        self.ui.view.toggled.connect(self.live.poke)
        self.ui.preview.toggled.connect(self.live.switch)
        self.live.told.connect(self._on_preview)
        connect_while_alive(self, self._viewer.layers.events.removed, self._on_layer_removed)
        connect_while_alive(self, self._viewer.dims.events.order, self._show_planes)
        for moves in (self._viewer.dims.events.order, self._viewer.dims.events.point):
            connect_while_alive(self.live, moves, self.live.poke)
        for moves in (self._viewer.camera.events.center, self._viewer.camera.events.zoom):
            connect_while_alive(self, moves, self._on_camera)

    def _on_camera(self, event: Any) -> None:
        if self.ui.only_view:
            self.live.poke()

    def show_result(self, result: Outcome) -> str:
        """Add the layers of a result to the viewer."""
        job, outcome = result.job, result
        if not self.holds(job.layer()):
            return f"Layer '{job.name}' is gone; its result was dropped."
        for layer in build_layers(job, outcome):
            self._viewer.add_layer(layer)
            layer.visible = True
        self.record = outcome.record
        self._name_of_result()
        self.ui.background.setVisible(is_lazy_run(job) and window_waits())
        self.ui.preview.setChecked(False)  # the result has taken its place
        return told_of(job, outcome.record, self.seconds)

    def began(self) -> None:
        """Let a run have the network to itself."""
        self.live.pause()
        self.ahead.pause()

    def ended(self) -> None:
        """Give the network back to what a run had to itself."""
        self._job = None
        self.live.resume()
        self.ahead.resume()

    def _look(self) -> Look | None:
        """Say what the preview should show now."""
        layer = self.ui.layer.layer
        if layer is None or self.ui.form.problem:
            return None
        parameters = preferences().applied_to(self.ui.form.values())
        return plan_preview(
            layer,
            self._viewer.dims,
            parameters,
            view=self.ui.only_view,
            canvas=canvas_corners(self._viewer),
        )

    def _on_preview(self, sentence: str) -> None:
        if not self.task.busy:
            self.ui.status.setText(sentence)

    def _on_layer_removed(self, event: Any) -> None:
        self.live.forget(event.value)
        if self.live.layer.was(event.value):  # somebody took the preview away by hand
            self.ui.preview.setChecked(False)
        job = self._job
        if job is not None and job.layer() in (None, event.value):
            self.stop_because(f"Stopped, because layer '{job.name}' was removed.")

    def _show_planes(self, event: Any = None) -> None:
        layer = self.ui.layer.layer
        self.live.follow(layer)
        if layer is None:
            self.ui.offer_planes(1)
            return
        shown = shown_axes(layer, self._viewer.dims)
        self.ui.stack.offer(layer, shown)
        planes = count_planes(spatial_shape(layer), shown)
        levels = len(layer.data) if layer.multiscale else 1
        self.ui.offer_planes(planes, levels, lazy=is_lazy(layer))

    def offer(self) -> None:
        """Offer what can be done now."""
        self.ui.run.setEnabled(self.ui.ready and not self.task.busy)
        self.ui.offer_copies(self.record is not None)
