"""What follows brush and cursor in the window: the picture, suggestions, eyedropper and keys."""

import time
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, Signal
from superqt.utils import QSignalDebouncer

from napari_colorize.widgets.guide.asks import Ask
from napari_colorize.widgets.guide.live import Frame, Predicted, followed, looked
from napari_colorize.widgets.layers.choice import PREVIEW_KEY
from napari_colorize.widgets.layers.placement import placement_of
from napari_colorize.widgets.layers.planes import Plane, into_plane
from napari_colorize.widgets.shared.task import Task

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_colorize.guided.solve import Solved

PAUSE_MS = 60
"""A change is solved exactly when nothing has moved for so long."""

CURSOR_MS = 200
"""Colours are suggested for a place where the cursor has rested so long."""

CLICK_REACH = 6
"""Screen pixels that a click may slip."""

NOTE = "Follows the brush in the panel Guide; Keep as layer gives a result with its record."


class Live(QObject):
    """Looks at strokes while they are painted, and solves exactly when the brush is lifted.

    One look and one solve are under way at the most; the newest wins.

    Parameters
    ----------
    ask : callable
        ``ask(serial)`` returns what is wanted now; its ``ValueError`` is told.
    parent : QObject

    Signals
    -------
    shown(Frame)
        A picture to show.
    failed(Exception)
    """

    shown = Signal(object)
    failed = Signal(object)

    def __init__(self, ask: Callable[[int], Ask], parent: QObject) -> None:
        super().__init__(parent)
        self.known: Predicted | None = None
        self._key: Any = None
        self._ask, self._serial, self._newest = ask, 0, 0
        self._base: Frame | None = None
        self._again = False
        self._exact, self._look = Task(self), Task(self, "looks")
        self._pause = QSignalDebouncer(parent=self)
        self._pause.setTimeout(PAUSE_MS)
        self._pause.triggered.connect(self._solve)
        self._exact.returned.connect(self._on_exact)
        self._exact.failed.connect(self.failed)
        self._look.returned.connect(self._on_look)
        self._look.failed.connect(self._on_look_failed)

    @property
    def busy(self) -> bool:
        """Whether something is awaited."""
        return self._exact.busy or self._look.busy

    def poke(self, event: Any = None) -> None:
        """Something changed: look at it, and solve when all is at rest."""
        self._pause.throttle()
        self.stroke()

    def stroke(self, event: Any = None) -> None:
        """The brush moves: look at what it has painted so far."""
        if self._look.busy:
            self._again = True  # the look under way is followed by one at the newest strokes
            return
        self._again = False
        known, base = self.known, self._base
        if known is None or base is None:
            return
        try:
            ask = self._wish()
        except (ValueError, TypeError):
            return  # the solve says so
        if ask.key == self._key:
            self._look.replace(partial(looked, ask, known, base))

    def cancel(self) -> None:
        """Drop all that is awaited."""
        self._pause.cancel()
        self._again = False
        self._exact.cancel()
        self._look.cancel()

    def _wish(self) -> Ask:
        self._serial += 1
        return self._ask(self._serial)

    def _solve(self) -> None:
        try:
            ask = self._wish()
        except (ValueError, TypeError) as error:
            self.failed.emit(error)
            return
        same = ask.key == self._key
        self._again = False  # what was painted until now is in this wish
        self._exact.replace(
            partial(followed, ask, self.known if same else None, self._base if same else None)
        )

    def _on_exact(self, result: tuple[Ask, Predicted, Frame]) -> None:
        ask, self.known, frame = result
        self._key, self._base = ask.key, frame
        if ask.serial < self._newest:  # somebody paints on: their newest strokes, on this picture
            self.stroke()
            return
        self._newest = ask.serial
        self.shown.emit(frame)

    def _on_look(self, frame: Frame) -> None:
        if self._base is None or frame.ask.key != self._key:
            return
        if frame.ask.serial > self._newest:
            self._newest = frame.ask.serial
            self.shown.emit(frame)
        if self._again:
            self.stroke()

    def _on_look_failed(self, error: Exception) -> None:
        if self._again:
            self.stroke()


class Picture:
    """The layer that follows the brush, right above its source.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._layer: weakref.ref[Image] | None = None
        self._source: Any = None

    @property
    def layer(self) -> "Image | None":
        """The layer, while the viewer has it."""
        layer = self._layer() if self._layer is not None else None
        return layer if any(one is layer for one in self._viewer.layers) else None

    def show(self, frame: Frame, source: Any) -> None:
        """Show a picture in the place of the one before."""
        began = time.perf_counter()
        job, rgb, layer = frame.ask.job, frame.rgb, self.layer
        plane = Plane(job.plane.shown, tuple((axis, 0) for axis, _ in job.plane.at))
        place = placement_of(source, job.plane.offset)
        shape = (*job.shape, rgb.shape[-1])
        if layer is not None and layer.data.shape == shape and self._source is job.layer:
            into_plane(layer.data, plane, rgb)
            if not np.array_equal(layer.translate, place["translate"]):
                layer.translate = place["translate"]
            # A thumbnail takes longer than all else; a look does not need it.
            layer.refresh(thumbnail=frame.exact, extent=False, highlight=False)
        else:
            self.remove()
            whole = np.empty(shape, rgb.dtype)
            into_plane(whole, plane, rgb)
            self._add(whole, source, place)
            self._source = job.layer
        frame.seconds["show"] = time.perf_counter() - began

    def remove(self) -> None:
        """Take the layer out of the viewer."""
        layer = self.layer
        self._layer = None
        if layer is not None:
            self._viewer.layers.remove(layer)

    def _add(self, whole: np.ndarray, source: Any, place: dict[str, Any]) -> None:
        from napari.layers import Image

        layer = Image(
            whole,
            rgb=True,
            name=f"{source.name} (guided, predicted colour)",
            metadata={PREVIEW_KEY: NOTE},
            **place,
        )
        self._layer = weakref.ref(layer)
        active = self._viewer.layers.selection.active
        self._viewer.layers.insert(self._viewer.layers.index(source) + 1, layer)
        self._viewer.layers.selection.active = active


class Tools(QObject):
    """What acts at the place under the cursor: eyedropper, suggestions and keys.

    Parameters
    ----------
    panel : GuidePanel
        Has ``session``, ``live``, ``solved``, ``picture`` and ``ui``.
    viewer : napari.components.ViewerModel
    """

    def __init__(self, panel: Any, viewer: Any) -> None:
        super().__init__(panel)
        self._panel, self._viewer = panel, viewer
        self._picking: str | None = None
        self._rest = QSignalDebouncer(parent=self)
        self._rest.setTimeout(CURSOR_MS)
        self._rest.triggered.connect(self.suggest)

    def bind(self, layers: Any) -> None:
        """Let keys and clicks over layers act."""
        for layer in layers:
            layer.bind_key("H", self.hide_strokes, overwrite=True)
            layer.bind_key("B", self.before_and_after, overwrite=True)
            layer.bind_key("S", self.next_suggestion, overwrite=True)

    def on_cursor(self, event: Any = None) -> None:
        """The cursor moves."""
        if self._panel.session is not None and not self._panel.live.busy:
            self._rest.throttle()

    def start_picking(self) -> None:
        """Take the colour under the next click, which paints nothing."""
        session = self._panel.session
        if session is None:
            return
        self._picking = str(session.labels.mode)
        session.labels.mode = "pan_zoom"
        self._panel.ui.status.setText("Click on the colour in the picture.")

    def on_press(self, viewer: Any, event: Any) -> Iterator[None]:
        """Pick, if that was asked for, once the button is let go without a drag."""
        session = self._panel.session
        if self._picking is None or session is None:
            return
        pressed = np.asarray(event.pos)
        yield
        while event.type == "mouse_move":
            yield
        if np.abs(np.asarray(event.pos) - pressed).max() > CLICK_REACH:
            return  # the picture was moved
        mode, self._picking = self._picking, None
        for one in reversed(list(self._viewer.layers)):
            if getattr(one, "rgb", False) and one.visible:
                colour = session.colour_under(one, event.position)
                if colour is not None:
                    self._panel.add_colour(colour)
                    session.labels.mode = "paint" if mode == "pan_zoom" else mode
                    return
        session.labels.mode = mode
        self._panel.complain("There is no visible RGB layer under the click; nothing was picked.")

    def pixel_under_cursor(self) -> tuple[int, int] | None:
        """Return the row and column under the cursor, if it is over the picture."""
        session, known = self._panel.session, self._panel.live.known
        source = session.source if session is not None else None
        if session is None or source is None or known is None:
            return None
        plane = session.plane()
        place = source.world_to_data(self._viewer.cursor.position[-source.ndim :])
        row, column = (round(float(place[axis])) for axis in plane.shown)
        height, width = known.light.shape
        return (row, column) if 0 <= row < height and 0 <= column < width else None

    def lightness_under_cursor(self) -> float:
        """Return the L* under the cursor; 50 where there is none."""
        at = self.pixel_under_cursor()
        return 50.0 if at is None else float(self._panel.live.known.light[at])

    def suggest(self) -> None:
        """Show the likeliest colours of the place under the cursor."""
        known = self._panel.live.known
        try:
            at = self.pixel_under_cursor()
        except ValueError:  # the sliders stand beside the picture
            return
        if known is None:
            return
        if at is None:
            at = known.light.shape[0] // 2, known.light.shape[1] // 2
        self._panel.ui.show_suggestions(suggested(known, *at, self._panel.solved))

    def take_suggestion(self, button: Any, checked: bool = False) -> None:
        """Add a suggested colour."""
        colour = button.property("colour")
        if colour:
            self._panel.add_colour(colour)

    def next_suggestion(self, layer: Any = None) -> None:
        """Give the chosen label the next suggested colour."""
        self.suggest()
        colours = [button.property("colour") for button in self._panel.ui.suggested]
        colours = [colour for colour in colours if colour]
        label = self._panel.ui.swatches.label
        if colours and self._panel.session is not None and label is not None:
            now = self._panel.session.table.get(label)
            following = colours.index(now) + 1 if now in colours else 0
            self._panel.change_colour(label, colours[following % len(colours)])

    def hide_strokes(self, layer: Any = None) -> None:
        """Hide or show strokes and points."""
        if self._panel.session is not None:
            self._panel.session.labels.visible = not self._panel.session.labels.visible
            self._panel.session.points.visible = self._panel.session.labels.visible

    def before_and_after(self, layer: Any = None) -> None:
        """Hide or show the picture that follows."""
        picture = self._panel.picture
        if picture is not None:
            picture.visible = not picture.visible


def suggested(
    known: Predicted, row: int, column: int, solved: "Solved | None"
) -> list[tuple[str, float]]:
    """Suggest five colours for a pixel, given the hints so far.

    Parameters
    ----------
    known : Predicted
    row, column : int
    solved : Solved or None
        What the hints make of the picture.

    Returns
    -------
    list of (str, float)
        See :func:`napari_colorize.guided.palettes.suggestions`; empty without a distribution.
    """
    from napari_colorize.guided.palettes import suggestions

    if known.ear is not None:
        height, width = known.plane.luma.shape
        probable = known.ear.probable((row + 0.5) / height, (column + 0.5) / width)
        return suggestions(probable, float(known.light[row, column]))
    if known.logits is None:
        return []
    height, width = known.plane.luma.shape
    _, down, across = known.logits.shape
    at = known.logits[
        :, min(row * down // height, down - 1), min(column * across // width, across - 1)
    ]
    probable = np.exp(at - at.max())
    near = None
    if solved is not None and solved.touched[row, column]:
        near = solved.chroma[row, column]
    return suggestions(probable, float(known.light[row, column]), near=near)
