"""The panel *Colorize*: it chooses, starts, cancels and shows; the library colours."""

from dataclasses import replace
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
    with_region,
)
from napari_colorize.widgets.colorize.layout import PanelLayout
from napari_colorize.widgets.colorize.look_ahead import LookAhead
from napari_colorize.widgets.colorize.preview import LivePreview, Look, plan_preview
from napari_colorize.widgets.colorize.run import run
from napari_colorize.widgets.colorize.runs import Queue, Try, pace, said_of_time
from napari_colorize.widgets.layers.choice import RECORD_KEY, is_ours
from napari_colorize.widgets.layers.opening import SaidByFile, said_by_file
from napari_colorize.widgets.layers.placement import canvas_corners
from napari_colorize.widgets.layers.planes import (
    bring_to,
    count_planes,
    plane_on_screen,
    shown_axes,
    spatial_shape,
)
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
    """Colours the plane on screen, or all planes, of image layers into new RGB layers.

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
        self._status_of = ""
        self._in_file: SaidByFile | None = None
        self.record: dict[str, Any] | None = None
        self.runner = Queue()
        self.ui: PanelLayout = PanelLayout(self, self._viewer.layers)
        self.take_controls(self.ui)
        self.live = LivePreview(self._viewer, self._look, self)
        self.ahead = LookAhead(self._viewer, self)
        self._connect()
        self._on_layer()
        self.rest("")

    # -- what a person or a command does ------------------------------------------------------

    def choose(self, layer: "Image") -> bool:
        """Choose a layer, or what one of ours was made of; return whether there is one."""
        layer = getattr(layer, "__wrapped__", layer)
        source = self.ui.tries.source_of(layer) if is_ours(layer) else layer
        if source is not None:
            self.ui.layer.choose(source)
        return source is not None

    def plan(self) -> Work:
        """Return the run that the panel asks for, or the first of several."""
        self._status_of = ""
        self._show_planes()
        if not self.ui.layer.chosen or not self.ui.ready:
            raise ValueError(self.ui.problem)
        queue, layers = Queue(), self.ui.layer.chosen
        for layer in layers:
            try:
                queue.append(self._job_of(layer))
            except (ValueError, TypeError) as error:
                if len(layers) == 1:
                    raise
                queue.refuse(f"'{layer.name}': {error}")
        job = queue.next()
        if job is None:
            raise ValueError(" ".join(queue.problems))
        self.runner = queue
        return partial(run, job)

    def _job_of(self, layer: "Image") -> Job:
        dims, shown = self._viewer.dims, shown_axes(layer, self._viewer.dims)
        many = layer.multiscale or count_planes(spatial_shape(layer), shown) > 1
        every = self.ui.every_plane and many  # of several layers some may be single planes
        job = plan(
            layer,
            dims,
            preferences().applied_to(self.ui.form.values()),
            hold=self.ui.stack.hold_for(layer, shown) if every else None,
            view=self.ui.only_view,
            canvas=canvas_corners(self._viewer),
            uncertainty=self.ui.uncertainty.isChecked(),
            clipped=self.ui.clipped.isChecked(),
        )
        return with_region(job, self.ui.region.chosen)

    def copy_legend(self) -> None:
        """Put the figure legend of the last result on the clipboard."""
        self._copy(_clipboard.copy_legend)

    def copy_short_legend(self) -> None:
        """Put the few words for a small figure on the clipboard."""
        self._copy(_clipboard.copy_short_legend)

    def copy_methods(self) -> None:
        """Put the paragraph for the methods section of a paper on the clipboard."""
        self._copy(_clipboard.copy_methods)

    def copy_python(self) -> None:
        """Put the Python call that repeats the last result on the clipboard."""
        self._copy(_clipboard.copy_python)

    def _copy(self, copy: Any) -> None:
        if self.record is not None:
            self._say(copy(self.record, self._name_of_result()))

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
        self._say(IN_BACKGROUND)

    def take_over(self) -> None:
        """Give the chosen layer the axes and the scale that its file says."""
        layer, said = self.ui.layer.layer, self._in_file
        if layer is not None and said is not None:
            plane = plane_on_screen(layer, self._viewer.dims, nearest=True)
            said.give(layer)
            bring_to(layer, self._viewer.dims, plane)
            self._viewer.reset_view()
            self._say(f"Layer '{layer.name}' has what its file says: {said}.")

    def leave(self) -> None:
        """End the run, the preview and the looking ahead when the dock is closed."""
        self.cancel()
        self.ui.preview.setChecked(False)
        self.ahead.pause()

    # -- what happens ---------------------------------------------------------------------------

    def _connect(self) -> None:
        ui = self.ui
        ui.copy_legend.clicked.connect(self.copy_legend)
        ui.copy_short.clicked.connect(self.copy_short_legend)
        ui.copy_methods.clicked.connect(self.copy_methods)
        ui.copy_python.clicked.connect(self.copy_python)
        ui.background.clicked.connect(self.render_in_background)
        ui.take_over.clicked.connect(self.take_over)
        ui.tries.restored.connect(self._restore)
        ui.layer.layer_changed.connect(self._on_layer)
        ui.layer.touched.connect(self._on_touched)
        ui.preview.toggled.connect(self._on_preview_switched)
        ui.swipe.valueChanged.connect(lambda value: self.live.layer.swipe(value / 100))
        ui.view.toggled.connect(self.live.poke)
        for changed in (
            ui.planes.currentIndexChanged,
            ui.stack.changed,
            ui.form.changed,
            ui.region.currentIndexChanged,
            ui.view.toggled,
        ):
            changed.connect(self._on_changed)
        ui.form.changed.connect(self.live.poke)
        self.live.told.connect(self._on_preview)
        layers, dims = self._viewer.layers.events, self._viewer.dims.events
        connect_while_alive(self, layers.removed, self._on_layer_removed)
        connect_while_alive(self, dims.order, self._on_changed)
        connect_while_alive(self, dims.order, self._show_planes)
        for moves in (dims.order, dims.point, dims.margin_left, dims.margin_right):
            connect_while_alive(self.live, moves, self.live.poke)
            connect_while_alive(self, moves, self._on_changed)
        for moves in (self._viewer.camera.events.center, self._viewer.camera.events.zoom):
            connect_while_alive(self, moves, self._on_camera)

    def _on_camera(self, event: Any) -> None:
        if self.ui.only_view:
            self.live.poke()

    def _on_layer(self) -> None:
        """Another layer was chosen."""
        self._forget("moment", "result")
        self._read_file()
        self._show_planes()
        self.live.poke()

    def _read_file(self) -> None:
        """Offer what the file of the chosen layer says of it."""
        layer = self.ui.layer.layer
        self._in_file = said_by_file(layer) if layer is not None else None
        self.ui.show_file(str(self._in_file or ""))

    def _on_touched(self, name: str) -> None:
        """Something of the chosen layer has changed."""
        self._forget("moment")
        if name in ("axis_labels", "scale", "units", "data"):
            self._read_file()
        self._show_planes()
        if name not in ("name", "axis_labels"):
            self.live.poke()

    def _on_changed(self, *_: Any) -> None:
        """Something was set: what was said of this moment is past."""
        self._forget("moment")
        self.offer()

    def show_result(self, result: Outcome) -> str:
        """Add the layers of a result to the viewer, and go on with the next layer, if any."""
        job, queue = result.job, self.runner
        if not self.holds(job.layer()):
            queue.problems.append(f"Layer '{job.name}' is gone; its result was dropped.")
        else:
            self._add(job, result)
            seconds = self.seconds - queue.seconds
            pace().learn(job, seconds)
            queue.done.append(told_of(job, result.record, seconds))
            queue.seconds = self.seconds
        return self._go_on()

    def _add(self, job: Job, result: Outcome) -> None:
        """Add layers so that the colour is the active one, or of several sources none."""
        selected = set(self._viewer.layers.selection)
        layers = build_layers(job, result)
        for layer in layers:
            self._viewer.add_layer(layer)
            layer.visible = True
        colour = next(layer for layer in layers if getattr(layer, "rgb", False))
        if self.runner.several:
            self._viewer.layers.selection = selected & set(self._viewer.layers)
        else:
            self._viewer.layers.selection.active = colour
        self.record = result.record
        self._name_of_result()
        self.ui.background.setVisible(is_lazy_run(job) and window_waits())
        self.ui.preview.setChecked(False)  # the result has taken its place
        self.ui.tries.add(Try(job, result, layers))

    def _go_on(self) -> str:
        """Begin the next run of several; return what is to be said where there is none."""
        while (job := self.runner.next()) is not None and not self.holds(job.layer()):
            self.runner.problems.append(f"Layer '{job.name}' was removed.")
        if job is not None:
            self.task.replace(partial(run, job))
            return ""
        self._status_of = "result" if self.runner.done else "moment"
        return self.runner.summary(self.seconds)

    def show_progress(self, share: float | None, text: str) -> None:
        """Show how far the run is, or all of several, and how long it will take yet."""
        share, text = self.runner.progress(share, text)
        self.ui.show_busy(share, f"{text} {said_of_time(share, self.seconds)}".rstrip())

    def began(self) -> None:
        """Let a run have the network to itself."""
        self.live.pause()
        self.ahead.pause()

    def ended(self) -> None:
        """Give the network back to what a run had to itself."""
        if not self._status_of:
            self._status_of = "moment"
        self.runner.stop()
        self.live.resume()
        self.ahead.resume()

    def _on_failed(self, error: Exception) -> None:
        if not self.runner.several:
            super()._on_failed(error)
            return
        self.runner.problems.append(f"'{self.runner.name}': {self.sentence_of(error)}")
        said = self._go_on()
        if not self.task.busy:
            self.rest(said)
            self.ended()

    def _on_stopped(self) -> None:
        if self.runner.done:
            self._why_stopped = f"Cancelled. {self.runner.summary(self.seconds)}"
        super()._on_stopped()

    def rest(self, text: str) -> None:
        """Show that nothing is under way, and what is to be said of this moment."""
        kept = self._status_of if text and self._status_of == "result" else ""
        super().rest(text)
        self._status_of = kept or ("moment" if text else "")

    def _say(self, text: str, of: str = "moment") -> None:
        """Show a sentence until what it speaks of is past; see :meth:`_forget`."""
        self._status_of = of
        self.ui.status.setText(text)

    def _forget(self, *of: str) -> None:
        """Take a sentence away that speaks of the moment, of a result, or of the preview."""
        if self._status_of in of and not self.task.busy:
            self._say("", "")

    def _look(self) -> Look | None:
        """Say what the preview should show now."""
        layer = self.ui.layer.layer
        if layer is None or self.ui.form.problem:
            return None
        look = plan_preview(
            layer,
            self._viewer.dims,
            preferences().applied_to(self.ui.form.values()),
            view=self.ui.only_view,
            canvas=canvas_corners(self._viewer),
        )
        return replace(look, job=with_region(look.job, self.ui.region.chosen))

    def _on_preview(self, sentence: str) -> None:
        if not self.task.busy:
            self._say(sentence, "preview")

    def _on_preview_switched(self, on: bool) -> None:
        self.ui.show_swipe(on)
        self.live.switch(on)
        if not on:
            self._forget("preview")

    def _on_layer_removed(self, event: Any) -> None:
        self.live.forget(event.value)
        if self.live.layer.was(event.value):  # somebody took the preview away by hand
            self.ui.preview.setChecked(False)
        self.ui.tries.forget(event.value)
        if event.value.metadata.get(RECORD_KEY) is self.record:
            self._forget("result")
        self._forget("moment")
        job = self.runner.job
        if job is not None and job.layer() in (None, event.value):
            why = f"Stopped, because layer '{job.name}' was removed."
            if self.runner.several:
                self.runner.problems.append(why)
                why = self._go_on()
            if why:
                self.stop_because(why)

    def _restore(self, one: Try) -> None:
        """Set the form as it was at a try."""
        source = one.source()
        if source is not None:
            self.choose(source)
        self.ui.form.show_values(one.parameters.to_dict())
        self.ui.uncertainty.setChecked(one.uncertainty)
        self.ui.clipped.setChecked(one.clipped)
        self._say("The settings are those of that try; Run colours by them again.")

    def _show_planes(self, event: Any = None) -> None:
        layer = self.ui.layer.layer
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
        every, method = self.ui.every_plane, self.ui.form.method.value
        said = pace().said_before(self.ui.layer.chosen, self._viewer.dims, method, every)
        self.ui.show_estimate(said)
