"""Keeps a preview up with a hand on a slider: waits for a pause, drops what is out of date."""

import time
import weakref
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer, Signal
from superqt.utils import QSignalDebouncer

from napari_colorize.widgets.colorize.preview import Look, Preview, preview
from napari_colorize.widgets.colorize.preview_layer import PreviewLayer
from napari_colorize.widgets.shared.alive import connect_while_alive
from napari_colorize.widgets.shared.task import Task
from napari_colorize.widgets.shared.words import sentence_of

if TYPE_CHECKING:
    from napari.components import ViewerModel

PAUSE_MS = 150
"""So long nothing must have moved before a preview is begun."""

LOOKS = (
    "data",
    "contrast_limits",
    "gamma",
    "scale",
    "translate",
    "rotate",
    "shear",
    "affine",
    "units",
)
"""Events of a layer after which its preview is out of date, or out of place."""


class LivePreview(QObject):
    """Colours what is on screen again and again, in the background, while it is switched on.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        Where the preview is shown.
    ask : callable
        Says what to preview now; ``None``: nothing. Its ``ValueError`` is told.
    parent : QObject

    Signals
    -------
    told(str)
        A sentence on the last preview, or on why there is none.
    """

    told = Signal(str)

    def __init__(
        self, viewer: "ViewerModel", ask: Callable[[], Look | None], parent: QObject
    ) -> None:
        super().__init__(parent)
        self.layer = PreviewLayer(viewer)
        self._ask = ask
        self._on = self._paused = self._awaited = False
        self._began = 0.0
        self._followed: weakref.ref | None = None
        self._known: weakref.WeakSet[Any] = weakref.WeakSet()
        self._pause = QSignalDebouncer(parent=self)
        self._pause.setTimeout(PAUSE_MS)
        self._pause.triggered.connect(self._begin)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.layer.remove)
        self._task = Task(self)
        self._task.returned.connect(self._on_returned)
        self._task.failed.connect(self._on_failed)

    @property
    def busy(self) -> bool:
        """Whether a preview is awaited or under way."""
        return self._on and (self._awaited or self._task.busy)

    def switch(self, on: bool) -> None:
        """Switch previews on or off; off takes the layer away."""
        self._on = on
        if on:
            self.poke()
        else:
            self._stop()
            self.layer.remove()

    def poke(self, event: Any = None) -> None:
        """Something moved: what is under way is out of date, and a new preview is due."""
        if self._on and not self._paused:
            self._stop()
            self._awaited = True
            self._pause.throttle()

    def follow(self, layer: Any) -> None:
        """Let changes of how a layer looks count as moves, while it is the one to preview."""
        self._followed = weakref.ref(layer) if layer is not None else None
        if layer is None or layer in self._known:
            return
        self._known.add(layer)
        for name in LOOKS:
            connect_while_alive(self, getattr(layer.events, name), self._on_look)

    def pause(self) -> None:
        """Leave the network to a run."""
        self._paused = True
        self._stop()

    def resume(self) -> None:
        """Go on after a run, where it is still switched on."""
        self._paused = False
        self.poke()

    def forget(self, layer: Any) -> None:
        """Take the preview of a layer away that has just left the viewer."""
        if self.layer.source is layer:
            self._soon.start(0)  # not while the list of layers is telling of a change

    def _on_look(self, event: Any) -> None:
        if self._followed is not None and self._followed() is event.source:
            self.poke()

    def _stop(self) -> None:
        self._awaited = False
        self._pause.cancel()
        self._task.cancel()

    def _begin(self) -> None:
        self._awaited = False
        try:
            look = self._ask()
        except (ValueError, TypeError) as error:
            self._on_failed(error)
            return
        if look is None:
            self.layer.remove()
            return
        self._began = time.perf_counter()
        self.told.emit("Colouring the preview…")
        self._task.replace(partial(preview, look))

    def _on_returned(self, done: Preview) -> None:
        self.layer.show(done)
        seconds = time.perf_counter() - self._began
        reduction = done.look.reduction
        size = "" if reduction == 1 else f" at 1/{reduction:.3g} of the size"
        self.told.emit(f"Preview{size}, {seconds:.1f} s. Run gives the result.")

    def _on_failed(self, error: Exception) -> None:
        self.layer.remove()
        self.told.emit(sentence_of(error, "Colouring failed"))
