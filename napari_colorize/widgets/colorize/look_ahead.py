"""Colours the planes beside the one on screen of lazy layers, before somebody comes to them."""

import logging
import weakref
from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject
from superqt.utils import QSignalDebouncer

from napari_colorize.widgets.layers.choice import RECORD_KEY
from napari_colorize.widgets.layers.planes import Plane, at_level, plane_on_screen, spatial_shape
from napari_colorize.widgets.shared import task as _executor
from napari_colorize.widgets.shared.task import StopWithOwner, connect_while_alive

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

log = logging.getLogger(__name__)

PAUSE_MS = 20
"""After a move of the slider, so that the plane it came to is asked for first."""


class LookAhead(QObject):
    """Leafs through the lazy results in a viewer ahead of its slider, in the inference thread.

    The layers' arrays keep what they have coloured for a while, so nothing but asking is needed:
    the pixels are the same whoever asks, and whoever asks for them too soon waits for the rest.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        Whose layers and sliders are followed.
    parent : QObject
    """

    def __init__(self, viewer: "ViewerModel", parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._last: weakref.WeakKeyDictionary[Image, Plane] = weakref.WeakKeyDictionary()
        self._paused = False
        self._stop: Event = StopWithOwner(self)
        self._pause = QSignalDebouncer(parent=self)
        self._pause.setTimeout(PAUSE_MS)
        self._pause.triggered.connect(self._begin)
        self.waiting = False
        """Whether it will begin in a moment."""
        dims = viewer.dims.events
        for moves in (dims.order, dims.point, viewer.layers.events.inserted):
            connect_while_alive(self, moves, self.poke)

    def poke(self, event: Any = None) -> None:
        """The slider moved: what is not begun yet is out of date."""
        self._stop.set()
        if not self._paused:
            self.waiting = True
            self._pause.throttle()

    def pause(self) -> None:
        """Leave the network to a run, or stop for good."""
        self._paused, self.waiting = True, False
        self._pause.cancel()
        self._stop.set()

    def resume(self) -> None:
        """Go on after a run."""
        self._paused = False
        self.poke()

    def _begin(self) -> None:
        self.waiting = False
        self._stop = StopWithOwner(self)
        for layer in self._viewer.layers:
            if is_lazy_result(layer) and layer.visible:
                for array, plane in self._coming(layer):
                    _executor.submit(_ask, array, plane, self._stop)

    def _coming(self, layer: "Image") -> list[tuple[Any, Plane]]:
        """Return the planes of a layer that are likely next, and the arrays they are in."""
        if self._viewer.dims.ndisplay != 2:
            return []
        try:
            plane = plane_on_screen(layer, self._viewer.dims)
        except ValueError:  # the sliders stand outside of it
            return []
        before, self._last[layer] = self._last.get(layer), plane
        shape = spatial_shape(layer)
        planes = planes_ahead(plane, before, shape)
        if not layer.multiscale:
            return [(layer.data, coming) for coming in planes]
        level = layer.data_level
        own = spatial_shape(layer, level)
        factors = [full / side for full, side in zip(shape, own, strict=True)]
        return [(layer.data[level], at_level(coming, factors, own)) for coming in planes]


def is_lazy_result(layer: Any) -> bool:
    """Whether a layer is predicted colour that is worked out when it is looked at."""
    record = layer.metadata.get(RECORD_KEY) or {}
    return getattr(layer, "rgb", False) and record.get("stack", {}).get("lazy") is True


def planes_ahead(plane: Plane, before: Plane | None, shape: tuple[int, ...]) -> list[Plane]:
    """Return the planes that somebody is likely to look at next, likeliest first.

    Parameters
    ----------
    plane : Plane
        On screen now.
    before : Plane or None
        On screen before.
    shape : tuple of int
        Of the stack.

    Returns
    -------
    list of Plane
        Who goes on in steps of one finds the next two; who has just come to a place finds its two
        neighbours.
    """
    axis, step = _heading(plane, before, shape)
    if axis is None:
        return []
    offsets = (step, 2 * step) if abs(step) == 1 else (1, -1)
    at = dict(plane.at)
    numbers = [at[axis] + offset for offset in offsets]
    return [
        replace(plane, at=tuple({**at, axis: number}.items()))
        for number in numbers
        if 0 <= number < shape[axis]
    ]


def _heading(plane: Plane, before: Plane | None, shape: tuple[int, ...]) -> tuple[int | None, int]:
    """Return the axis along which the slider moves and by how much; 0: it stood still so far."""
    now = dict(plane.at)
    if before is not None and before.shown == plane.shown:
        moves = {axis: now[axis] - number for axis, number in before.at if now[axis] != number}
        if len(moves) == 1:
            [(axis, step)] = moves.items()
            return axis, step
    return next((axis for axis in now if shape[axis] > 1), None), 0


def _ask(array: Any, plane: Plane, stop: Event) -> None:
    """Have a plane coloured; runs in the inference thread."""
    if stop.is_set():
        return
    try:
        array[plane.slicing].compute(scheduler="synchronous")
    except Exception:  # it is said to whoever looks at the plane; nobody has yet
        log.debug("looking ahead failed", exc_info=True)
