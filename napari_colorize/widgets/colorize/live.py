"""Keeps a preview up with a hand on a slider, in a layer that is never taken for a result."""

import time
import weakref
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal
from superqt.utils import QSignalDebouncer

from napari_colorize.widgets.colorize.preview import Look, Preview, preview
from napari_colorize.widgets.layers.marks import PREVIEW_KEY
from napari_colorize.widgets.shared.task import Task, connect_while_alive
from napari_colorize.widgets.shared.words import sentence_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

NOTE = (
    "A preview for setting parameters: reduced, of one plane, replaced at every move. It is not a "
    "result and has no record of how it was made."
)


class PreviewLayer:
    """Shows previews in a viewer, in a layer right above their source.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
    """

    def __init__(self, viewer: "ViewerModel") -> None:
        self._viewer = viewer
        self._layer: weakref.ref[Image] | None = None
        self._source: weakref.ref[Image] | None = None

    @property
    def layer(self) -> "Image | None":
        """The layer, while the viewer has it."""
        layer = self._layer() if self._layer is not None else None
        return layer if any(one is layer for one in self._viewer.layers) else None

    def was(self, layer: Any) -> bool:
        """Whether this is the layer, wherever it is now."""
        return self._layer is not None and self._layer() is layer

    @property
    def source(self) -> "Image | None":
        """What the layer is a preview of."""
        return self._source() if self._source is not None else None

    def show(self, preview: Preview) -> None:
        """Show a preview in place of the one before; drop it if its source is gone."""
        source = preview.look.job.layer()
        if source is None or not any(layer is source for layer in self._viewer.layers):
            self.remove()
            return
        layer = self.layer
        if layer is None or self.source is not source or layer.data.shape != preview.rgb.shape:
            self.remove()
            self._add(preview, source)
            return
        for name, value in preview.look.placement.items():
            if not _same(getattr(layer, name), value):
                setattr(layer, name, value)
        layer.data = preview.rgb

    def remove(self) -> None:
        """Take the layer out of the viewer."""
        layer = self.layer
        self._layer = self._source = None
        if layer is not None:
            self._keeping_selection(lambda: self._viewer.layers.remove(layer))

    def _add(self, preview: Preview, source: "Image") -> None:
        from napari.layers import Image

        layer = Image(
            preview.rgb,
            rgb=True,
            name=f"{preview.look.job.name} (preview, predicted colour)",
            metadata={PREVIEW_KEY: NOTE},
            **preview.look.placement,
        )
        self._layer, self._source = weakref.ref(layer), weakref.ref(source)
        place = self._viewer.layers.index(source) + 1
        self._keeping_selection(lambda: self._viewer.layers.insert(place, layer))

    def _keeping_selection(self, change: Any) -> None:
        """Change the list of layers, but not what somebody has selected in it."""
        selection = self._viewer.layers.selection
        before = [layer for layer in selection if layer is not self.layer]
        change()
        selection.intersection_update(before)
        selection.update(before)


def _same(one: Any, other: Any) -> bool:
    if hasattr(one, "affine_matrix"):
        one = one.affine_matrix
    if isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    return bool(one == other)


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
