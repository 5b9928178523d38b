"""The live preview: the plane on screen, small enough to follow a hand on a slider.

It is coloured again and again in the background, in a layer that is never taken for a result.
"""

import math
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal
from superqt.utils import QSignalDebouncer

from napari_colorize.parameters import ColorizeParameters
from napari_colorize.widgets.colorize.job import PlaneJob, plan
from napari_colorize.widgets.colorize.runs import pace
from napari_colorize.widgets.layers.choice import PREVIEW_KEY
from napari_colorize.widgets.layers.placement import placement_of
from napari_colorize.widgets.layers.planes import (
    Plane,
    into_plane,
    read_plane,
    reduced,
    spatial_shape,
)
from napari_colorize.widgets.shared.preflight import load_torch
from napari_colorize.widgets.shared.task import Task, connect_while_alive
from napari_colorize.widgets.shared.words import sentence_of

if TYPE_CHECKING:
    from napari.components import Dims, ViewerModel
    from napari.layers import Image

MAX_PIXELS = 2**20
"""Larger planes are reduced: a preview must keep up with a hand, and a screen has hardly more."""


@dataclass(frozen=True)
class Look:
    """What to preview, taken from a layer.

    Parameters
    ----------
    job : PlaneJob
        A run on the plane on screen.
    size : (int, int)
        Height and width of the preview, as on screen.
    placement : dict
        Where it lies; see :func:`placement_of`.
    reduction : float
        How many pixels of the layer one pixel of the preview spans along an axis; 1: all are seen.
    """

    job: PlaneJob
    size: tuple[int, int]
    placement: dict[str, Any]
    reduction: float


@dataclass(frozen=True)
class Preview:
    """A finished look: sRGB in the layer's axes, of length 1 where it was sliced.

    ``before`` is the same picture as the layer shows it, under its contrast limits and gamma.
    """

    look: Look
    rgb: np.ndarray
    before: np.ndarray

    def swiped(self, share: float) -> np.ndarray:
        """Return the picture coloured to this share of its width on screen, and as it was beyond.

        A bright line of a pixel or two stands between them.
        """
        across = self.look.job.plane.shown[1]
        width = self.rgb.shape[across]
        column = round(share * width)
        if column >= width:
            return self.rgb
        whole = self.rgb.copy()
        beyond = [slice(None)] * self.rgb.ndim
        beyond[across] = slice(column, None)
        whole[tuple(beyond)] = self.before[tuple(beyond)]
        beyond[across] = slice(column, column + max(1, width // 300))
        whole[tuple(beyond)] = 255
        return whole


def plan_preview(
    layer: "Image",
    dims: "Dims",
    parameters: ColorizeParameters,
    *,
    view: bool = False,
    canvas: np.ndarray | None = None,
) -> Look:
    """Take from a layer what a preview of the plane on screen needs; reads no pixel.

    Parameters and errors are those of :func:`napari_colorize.widgets.colorize.job.plan`.
    """
    seen: dict[str, Any] = {"view": view, "canvas": canvas}
    job = plan(layer, dims, parameters.changed(dtype="uint8"), **seen, max_pixels=MAX_PIXELS)
    assert isinstance(job, PlaneJob)  # no stack was asked for
    down, across = job.plane.shown
    sides = job.shape[down], job.shape[across]
    times = max(1, math.ceil(math.sqrt(sides[0] * sides[1] / MAX_PIXELS)))
    size = -(-sides[0] // times), -(-sides[1] // times)
    full, own = spatial_shape(layer), spatial_shape(layer, job.level)
    factors = [a / b for a, b in zip(full, own, strict=True)]
    offset: list[float] = list(job.plane.offset)
    for axis, side, pixels in zip(job.plane.shown, sides, size, strict=True):
        factors[axis] *= side / pixels
        offset[axis] *= pixels / side
    placement = placement_of(layer, offset, factors)
    return Look(job, size, placement, max(factors[down], factors[across]))


def preview(
    look: Look, progress: Callable[[float | None, str], None], should_stop: Callable[[], bool]
) -> Preview:
    """Read, reduce and colour a look; runs in the inference thread."""
    from napari_colorize import api

    load_torch()
    job = look.job
    picture = reduced(read_plane(job.data, job.plane), look.size)
    region = job.region
    if isinstance(region, np.ndarray):
        region = reduced(region.astype(np.float32), look.size) >= 0.5
        region = region if region.any() else None
    result = api.colorize(
        picture, parameters=job.parameters, should_stop=should_stop, region=region
    )
    return Preview(look, _placed(look, result.rgb), _placed(look, before(look, picture)))


def _placed(look: Look, picture: np.ndarray) -> np.ndarray:
    """Put a picture into an array with all axes of the layer."""
    plane = Plane(look.job.plane.shown, tuple((axis, 0) for axis, _ in look.job.plane.at))
    shape = [1] * len(look.job.shape)
    for axis, side in zip(plane.shown, look.size, strict=True):
        shape[axis] = side
    whole = np.empty((*shape, picture.shape[-1]), picture.dtype)
    into_plane(whole, plane, picture)
    return whole


def before(look: Look, picture: np.ndarray) -> np.ndarray:
    """Return a picture as its layer shows it, uint8 RGB(A): grey ones by window and gamma."""
    if picture.ndim == 3:
        return codes_of(picture)
    low, high = look.job.window or (float(np.nanmin(picture)), float(np.nanmax(picture)))
    shown = np.clip((picture.astype(np.float32) - low) / max(high - low, 1e-30), 0, 1)
    grey = np.rint(255 * np.nan_to_num(shown) ** np.float32(look.job.gamma)).astype(np.uint8)
    return np.stack([grey] * 3, axis=-1)


def codes_of(picture: np.ndarray) -> np.ndarray:
    """Return an RGB(A) picture of any type as uint8; floats go from 0 to 1."""
    if picture.dtype.kind == "f":
        return np.rint(255 * np.clip(np.nan_to_num(picture), 0, 1)).astype(np.uint8)
    return (picture >> 8 if picture.dtype == np.uint16 else picture).astype(np.uint8)


NOTE = (
    "A preview for setting parameters: reduced, of one plane, replaced at every move. It is not a "
    "result and has no record of how it was made."
)


class PreviewLayer:
    """Shows previews in a viewer, in a layer on top of all others.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
    """

    def __init__(self, viewer: "ViewerModel") -> None:
        self._viewer = viewer
        self._layer: weakref.ref[Image] | None = None
        self._source: weakref.ref[Image] | None = None
        self._preview: Preview | None = None
        self._share = 1.0

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
        self._preview = preview
        layer.data = preview.swiped(self._share)
        self.raise_()

    def swipe(self, share: float) -> None:
        """Show the preview to this share of its width, 0…1, and the picture as it was beyond."""
        self._share = share
        layer = self.layer
        if layer is not None and self._preview is not None:
            layer.data = self._preview.swiped(share)

    def raise_(self) -> None:
        """Put the layer on top of all others."""
        layer, layers = self.layer, self._viewer.layers
        if layer is not None and layers[-1] is not layer:
            self._keeping_selection(lambda: layers.move(layers.index(layer), len(layers)))

    def remove(self) -> None:
        """Take the layer out of the viewer."""
        layer = self.layer
        self._layer = self._source = self._preview = None
        if layer is not None:
            self._keeping_selection(lambda: self._viewer.layers.remove(layer))

    def _add(self, preview: Preview, source: "Image") -> None:
        from napari.layers import Image

        layer = Image(
            preview.swiped(self._share),
            rgb=True,
            name=f"{preview.look.job.name} (preview, predicted colour)",
            metadata={PREVIEW_KEY: NOTE},
            **preview.look.placement,
        )
        self._layer, self._source = weakref.ref(layer), weakref.ref(source)
        self._preview = preview
        self._keeping_selection(lambda: self._viewer.layers.append(layer))

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
        self._pause = QSignalDebouncer(parent=self)
        self._pause.setTimeout(PAUSE_MS)
        self._pause.triggered.connect(self._begin)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.layer.remove)
        self._raise = QTimer(self)
        self._raise.setSingleShot(True)
        self._raise.timeout.connect(self.layer.raise_)
        self._task = Task(self)
        self._task.returned.connect(self._on_returned)
        self._task.failed.connect(self._on_failed)
        connect_while_alive(self, viewer.layers.events.inserted, self._on_inserted)

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

    def _on_inserted(self, event: Any) -> None:
        if self._on and not self.layer.was(event.value):
            self._raise.start(0)  # not while the list of layers is telling of a change

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
        pace().see(done.look.job.parameters.method, math.prod(done.look.size), seconds)
        reduction = done.look.reduction
        size = "" if reduction == 1 else f" at 1/{reduction:.3g} of the size"
        self.told.emit(f"Preview{size}, {seconds:.1f} s. Run gives the result.")

    def _on_failed(self, error: Exception) -> None:
        self.layer.remove()
        self.told.emit(sentence_of(error, "Colouring failed"))
