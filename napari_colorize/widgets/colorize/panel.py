"""The panel *Colorize*: it chooses, starts, cancels and shows; the library colours."""

import time
from typing import TYPE_CHECKING, Any

from napari_colorize.widgets.colorize.job import Job, plan
from napari_colorize.widgets.colorize.layout import PanelLayout
from napari_colorize.widgets.colorize.preview import Look, plan_preview
from napari_colorize.widgets.colorize.preview_runner import LivePreview
from napari_colorize.widgets.colorize.run import Outcome
from napari_colorize.widgets.colorize.runner import Runner
from napari_colorize.widgets.colorize.stack import is_lazy
from napari_colorize.widgets.layers.in_view import canvas_corners
from napari_colorize.widgets.layers.look_ahead import LookAhead
from napari_colorize.widgets.layers.planes import count_planes, shown_axes, spatial_shape
from napari_colorize.widgets.layers.results import RECORD_KEY, build_layers
from napari_colorize.widgets.shared import clipboard as _clipboard
from napari_colorize.widgets.shared.alive import connect_while_alive
from napari_colorize.widgets.shared.background import Step
from napari_colorize.widgets.shared.docking import bring_forward
from napari_colorize.widgets.shared.panel import RunningPanel
from napari_colorize.widgets.shared.preferences import preferences
from napari_colorize.widgets.shared.rendering import render_in_background, window_waits
from napari_colorize.widgets.shared.told import told_of

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image

PLUGIN, PANEL = "napari-colorize", "Colorize"
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

    def __init__(self, napari_viewer: "napari.viewer.Viewer") -> None:
        from napari_colorize.widgets.shared.keys import bind_keys  # its commands open this panel

        super().__init__()
        # napari hands plugins a proxy; weak references and identity need the real layers.
        self._viewer = getattr(napari_viewer, "__wrapped__", napari_viewer)
        preferences()  # napari reads their file once, which takes a tenth of a second
        self._started = 0.0
        self._why_stopped = ""
        self._result_name = ""
        self.record: dict[str, Any] | None = None
        self.runner = Runner(self)
        self.ui = PanelLayout(self, self._viewer.layers)
        self.live = LivePreview(self._viewer, self._look, self)
        self.ahead = LookAhead(self._viewer, self)
        self._connect()
        bind_keys(self._viewer)
        self._show_planes()
        self._show_idle("")

    # -- what a person or a command does ------------------------------------------------------

    def choose(self, layer: "Image") -> None:
        """Choose the layer to colour."""
        self.ui.layer.choose(getattr(layer, "__wrapped__", layer))

    def run(self) -> None:
        """Start colouring what the panel says. Problems are shown, not raised."""
        from napari.utils.notifications import show_info

        if self.runner.job is not None:
            show_info("A colouring run is under way; wait for it or cancel it first.")
            return
        layer = self.ui.layer.layer
        if layer is None or not self.ui.ready:
            self._on_failed(self.ui.problem)
            return
        try:
            job = plan(
                layer,
                self._viewer.dims,
                preferences().applied_to(self.ui.form.parameters()),
                hold=self.ui.hold,
                view=self.ui.only_view,
                canvas=canvas_corners(self._viewer),
                uncertainty=self.ui.uncertainty.isChecked(),
                clipped=self.ui.clipped.isChecked(),
            )
        except (ValueError, TypeError) as error:
            self._on_failed(str(error))
            return
        self._started, self._why_stopped = time.perf_counter(), "Cancelled; nothing was added."
        self.ui.show_busy(Step(None, "Starting…"))
        self.live.pause()
        self.ahead.pause()
        self.runner.start(job)

    def cancel(self) -> None:
        """Stop the run under way; what it has done so far is dropped."""
        if self.runner.job is not None:
            self.ui.status.setText("Cancelling…")
            self.runner.cancel()

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
        self.ui.run.clicked.connect(self.run)
        self.ui.cancel.clicked.connect(self.cancel)
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
            changed.connect(self._enable_run)
        for moved in (self.ui.form.changed, self.ui.layer.layer_changed):
            moved.connect(self.live.poke)
        self.ui.view.toggled.connect(self.live.poke)
        self.ui.preview.toggled.connect(self.live.switch)
        self.live.told.connect(self._on_preview)
        self.runner.progressed.connect(self._on_progress)
        self.runner.returned.connect(self._on_returned)
        self.runner.failed.connect(self._on_failed)
        self.runner.stopped.connect(self._on_stopped)
        connect_while_alive(self, self._viewer.layers.events.removed, self._on_layer_removed)
        connect_while_alive(self, self._viewer.dims.events.order, self._show_planes)
        for moves in (self._viewer.dims.events.order, self._viewer.dims.events.point):
            connect_while_alive(self.live, moves, self.live.poke)
        for moves in (self._viewer.camera.events.center, self._viewer.camera.events.zoom):
            connect_while_alive(self, moves, self._on_camera)

    def _on_camera(self, event: Any) -> None:
        if self.ui.only_view:
            self.live.poke()

    def _on_progress(self, step: Step) -> None:
        if self.runner.job is not None and self.ui.cancel.isEnabled():
            self.ui.show_busy(step)

    def _on_returned(self, job: Job, outcome: Outcome) -> None:
        source = job.layer()
        if not any(layer is source for layer in self._viewer.layers):
            self._show_idle(f"Layer '{job.name}' is gone; its result was dropped.")
            self._resume()
            return
        for layer in build_layers(job, outcome):
            self._viewer.add_layer(layer)
            layer.visible = True
        self.record = outcome.record
        self._name_of_result()
        self._show_idle(told_of(job, outcome.record, time.perf_counter() - self._started))
        self.ui.background.setVisible(job.lazy and window_waits())
        self.ui.preview.setChecked(False)  # the result has taken its place
        self._resume()

    def _on_failed(self, sentence: str) -> None:
        from napari.utils.notifications import show_error

        self._show_idle(sentence)
        show_error(sentence)
        self._resume()

    def _on_stopped(self) -> None:
        self._show_idle(self._why_stopped)
        self._resume()

    def _resume(self) -> None:
        """Give the network back to what a run had to itself."""
        self.live.resume()
        self.ahead.resume()

    def _look(self) -> Look | None:
        """Say what the preview should show now."""
        layer = self.ui.layer.layer
        if layer is None or self.ui.form.problem:
            return None
        parameters = preferences().applied_to(self.ui.form.parameters())
        return plan_preview(
            layer,
            self._viewer.dims,
            parameters,
            view=self.ui.only_view,
            canvas=canvas_corners(self._viewer),
        )

    def _on_preview(self, sentence: str) -> None:
        if self.runner.job is None:
            self.ui.status.setText(sentence)

    def _on_layer_removed(self, event: Any) -> None:
        self.live.forget(event.value)
        if self.live.layer.was(event.value):  # somebody took the preview away by hand
            self.ui.preview.setChecked(False)
        job = self.runner.job
        if job is not None and job.layer() in (None, event.value):
            self._why_stopped = f"Stopped, because layer '{job.name}' was removed."
            self.runner.cancel()

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

    def _enable_run(self) -> None:
        self.ui.run.setEnabled(self.ui.ready and self.runner.job is None)

    def _show_idle(self, text: str) -> None:
        self.ui.show_idle(text, has_result=self.record is not None)
        self._enable_run()


def colorize_current_slice(viewer: "napari.viewer.Viewer") -> None:
    """Colour the plane on screen of the active image layer; opens the panel if need be."""
    from napari.layers import Image
    from napari.utils.notifications import show_info

    layer = viewer.layers.selection.active
    if not isinstance(layer, Image):
        show_info("Select an image layer first; that is what will be coloured.")
        return
    _, panel = viewer.window.add_plugin_dock_widget(PLUGIN, PANEL)
    bring_forward(panel)
    panel.choose(layer)
    panel.ui.planes.setCurrentIndex(0)
    panel.run()
