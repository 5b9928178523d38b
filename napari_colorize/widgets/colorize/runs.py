"""Runs that wait, how long they take, and those that are done: a strip of tries."""

import weakref
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QIcon, QPixmap
from qtpy.QtWidgets import (
    QGridLayout,
    QListView,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_colorize.widgets.colorize.job import Job, Outcome, StackJob, is_lazy_run
from napari_colorize.widgets.layers.planes import count_planes, shown_axes, spatial_shape
from napari_colorize.widgets.shared.controls import image_of
from napari_colorize.widgets.shared.weights import short_title_of

if TYPE_CHECKING:
    from napari.components import Dims
    from napari.layers import Image, Layer


class Queue:
    """Jobs that are done one after the other, by one bar and one *Cancel*.

    Attributes
    ----------
    job : Job or None
        Under way.
    done : list of str
        What was said of each that is done.
    problems : list of str
        Sentences on those that were not.
    seconds : float
        How long those that are done took.
    """

    def __init__(self) -> None:
        self.job: Job | None = None
        self.name = ""
        self.done: list[str] = []
        self.problems: list[str] = []
        self.seconds = 0.0
        self._waiting: list[Job] = []
        self._asked = self._total = 0

    @property
    def several(self) -> bool:
        """Whether more layers than one were to be coloured."""
        return self._asked > 1

    def append(self, job: Job) -> None:
        """Put a job at the end."""
        self._waiting.append(job)
        self._asked += 1
        self._total += 1

    def refuse(self, why: str) -> None:
        """Note a layer of which no job can be made."""
        self.problems.append(why)
        self._asked += 1

    def next(self) -> Job | None:
        """Return the job whose turn it is; ``None`` where all are done."""
        self.job = self._waiting.pop(0) if self._waiting else None
        self.name = self.job.name if self.job is not None else self.name
        return self.job

    def stop(self) -> None:
        """Forget what waits."""
        self.job = None
        self._waiting.clear()

    def progress(self, share: float | None, text: str) -> tuple[float | None, str]:
        """Return the share of all that is done, and which of them is spoken of."""
        if self._total < 2:
            return share, text
        number = self._total - len(self._waiting)
        whole = (number - 1 + (share or 0.0)) / self._total
        return whole, f"{number} of {self._total}, '{self.name}': {text}"

    def summary(self, seconds: float) -> str:
        """Return what to say at the end: of one what was said of it, of several how many."""
        if not self.several:
            return " ".join([*self.done, *self.problems])
        said = [f"{len(self.done)} of {self._asked} layers coloured in {seconds:.1f} s."]
        return " ".join(said + self.problems)


class Pace:
    """How long colouring takes on this machine, learned from what it has coloured.

    A plane takes a time of its own and a time that grows with its pixels; both are fitted to what
    was seen of a method, by least squares. Nothing is said before anything was seen; the first run
    of a method counts only until there is another.
    """

    def __init__(self) -> None:
        self._seen: dict[str, list[tuple[float, float]]] = {}
        self._warm: set[str] = set()

    def learn(self, job: Job, seconds: float) -> None:
        """Remember how long a run took."""
        if is_lazy_run(job):
            return
        planes = count_planes(job.shape, job.plane.shown) if isinstance(job, StackJob) else 1
        down, across = job.plane.shown
        self.see(job.parameters.method, job.shape[down] * job.shape[across], seconds / planes)

    def see(self, method: str, pixels: float, seconds: float) -> None:
        """Remember how long one plane took."""
        seen = self._seen.setdefault(method, [])
        if method not in self._warm and seen:
            self._warm.add(method)
            seen.clear()  # the first run loaded the weights, too
        seen.append((pixels, seconds))
        del seen[:-20]

    def seconds(self, method: str, pixels: float) -> float | None:
        """Return how long a plane of so many pixels will take; ``None``: nobody knows yet."""
        seen = self._seen.get(method)
        if not seen:
            return None
        sizes, times = np.array(seen).T
        if np.ptp(sizes) > 0:
            slope, own = np.polyfit(sizes, times, 1)
            if slope >= 0 and own >= 0:
                return float(own + slope * pixels)
        return float(times.mean() * max(pixels / sizes.mean(), 0.5))

    def said_before(self, layers: "Sequence[Image]", dims: "Dims", method: str, every: bool) -> str:
        """Return a sentence on how long it will take; empty where that is short or not known."""
        total = 0.0
        for layer in layers:
            shape, shown = spatial_shape(layer), shown_axes(layer, dims)
            one = self.seconds(method, shape[shown[0]] * shape[shown[1]])
            if one is None:
                return ""
            total += one * (count_planes(shape, shown) if every else 1)
        return f"This will take about {_rounded(total)}." if total >= LONG else ""


LONG = 5.0
"""Seconds from which on it is said how long something takes."""


@cache
def pace() -> Pace:
    """Return what this session has learned of the machine."""
    return Pace()


def said_of_time(share: float | None, seconds: float) -> str:
    """Return how long work will take yet, from its share done, 0…1; empty while nobody can know."""
    if share is None or share < 0.02 or seconds < 2:
        return ""
    left = seconds * (1 - share) / share
    return f"About {_rounded(left)} left." if left >= LONG else ""


def _rounded(seconds: float) -> str:
    if seconds < 60:
        return f"{max(5, 5 * round(seconds / 5))} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


class Try:
    """One result and the settings that it was made by.

    Parameters
    ----------
    job : Job
        As it was asked for: what was left to the weights still is.
    result : Outcome
    layers : sequence of napari.layers.Layer
        What was added to the viewer; held by weak references.
    """

    def __init__(self, job: Job, result: Outcome, layers: "Sequence[Layer]") -> None:
        # Not the job itself, which holds the pixels of its source.
        self.source, self.name, self.parameters = job.layer, job.name, job.parameters
        self.uncertainty, self.clipped = job.uncertainty, job.clipped
        self.record = result.record
        self._layers = [weakref.ref(layer) for layer in layers]
        self.thumbnail = result.thumbnail
        self.colour = next(weakref.ref(layer) for layer in layers if getattr(layer, "rgb", False))

    @property
    def layers(self) -> "list[Layer]":
        """Those of its layers that are still there."""
        return [layer for one in self._layers if (layer := one()) is not None]

    def show_maps(self, shown: bool, *, bars_only: bool = False) -> None:
        """Show or hide what lies over the colour; of the maps of other images their bars alone."""
        for layer in self.layers:
            if getattr(layer, "rgb", False):
                continue
            if not bars_only:
                layer.visible = shown
            if hasattr(layer, "colorbar"):
                layer.colorbar.visible = shown

    @property
    def title(self) -> str:
        """A few words under its picture."""
        used = self.record["parameters"]
        if "temperature" in self.record.get("without_effect", ()):
            return short_title_of(self.record["method"])
        return f"{short_title_of(self.record['method'])} {used['temperature']:g}"

    @property
    def said(self) -> str:
        """All that it was made by, a line each."""
        used = self.record["parameters"]
        names = ("temperature", "vividness", "refinement", "network_size")
        lines = [f"{name.replace('_', ' ')}: {used[name]}" for name in names if name in used]
        weights = (self.record.get("checkpoint") or {}).get("name", "none")
        return "\n".join([self.name, f"weights: {weights}", *lines])


SIDE = QSize(64, 48)


class TryStrip(QWidget):
    """The tries so far as small pictures: show one, take its settings, remove it, or all others.

    Parameters
    ----------
    layers : napari.components.LayerList
        The viewer's.

    Signals
    -------
    restored(Try)
        Its settings are wanted again.
    """

    restored = Signal(object)

    def __init__(self, layers: Any) -> None:
        super().__init__()
        self._layers = layers
        self.tries: list[Try] = []
        self.list = QListWidget()
        self.show_it, self.restore = QPushButton("Show"), QPushButton("Restore settings")
        self.remove, self.keep = QPushButton("Remove"), QPushButton("Keep only this")
        self._set_up()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.list)
        grid = QGridLayout()
        buttons = (self.show_it, self.restore, self.remove, self.keep)
        for number, button in enumerate(buttons):
            grid.addWidget(button, number // 2, number % 2)
        column.addLayout(grid)
        self._offer()

    def _set_up(self) -> None:
        self.list.setViewMode(QListView.ViewMode.IconMode)
        self.list.setFlow(QListView.Flow.LeftToRight)
        self.list.setWrapping(False)
        self.list.setMovement(QListView.Movement.Static)
        self.list.setIconSize(SIDE)
        self.list.setSpacing(2)
        self.list.setHorizontalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.list.setFixedHeight(SIDE.height() + 2 * self.list.fontMetrics().height() + 14)
        self.list.setAccessibleName("Tries so far")
        self.show_it.setToolTip("Show this try, and hide the others of the same image.")
        self.restore.setToolTip("Set the panel as it was at this try.")
        self.remove.setToolTip("Remove the layers of this try.")
        self.keep.setToolTip("Remove the layers of all other tries of the same image.")
        self.list.itemDoubleClicked.connect(self._on_show)
        self.list.currentRowChanged.connect(self._offer)
        self.show_it.clicked.connect(self._on_show)
        self.restore.clicked.connect(self._on_restore)
        self.remove.clicked.connect(self._on_remove)
        self.keep.clicked.connect(self._on_keep)

    @property
    def chosen(self) -> Try | None:
        """The try that is marked."""
        row = self.list.currentRow()
        return self.tries[row] if 0 <= row < len(self.tries) else None

    def add(self, one: Try) -> None:
        """Put a try at the end, and mark it."""
        item = QListWidgetItem(one.title)
        if one.thumbnail is not None:
            picture = image_of(one.thumbnail).scaled(SIDE, Qt.AspectRatioMode.KeepAspectRatio)
            icon = QIcon(QPixmap.fromImage(picture))
            icon.addPixmap(QPixmap.fromImage(picture), QIcon.Mode.Selected)  # else it is tinted
            item.setIcon(icon)
        item.setToolTip(one.said)
        for other in self.tries:
            other.show_maps(False, bars_only=other.source() is not one.source())
        self.tries.append(one)
        self.list.addItem(item)
        self.list.setCurrentRow(self.list.count() - 1)
        self._offer()

    def forget(self, layer: Any) -> None:
        """A layer has left the viewer; the try whose colour it was goes with it."""
        for row, one in enumerate(self.tries):
            if one.colour() in (None, layer):
                del self.tries[row]
                self.list.takeItem(row)
                self._offer()
                return

    def source_of(self, layer: Any) -> Any:
        """Return the layer that one of the tries' layers was made of, if it is there still."""
        for one in self.tries:
            if any(own is layer for own in one.layers):
                return one.source()
        return None

    def _offer(self, *_: Any) -> None:
        for button in (self.show_it, self.restore, self.remove):
            button.setEnabled(self.chosen is not None)
        self.keep.setEnabled(len(self._others()) > 0)
        self.setVisible(bool(self.tries))

    def _others(self) -> list[Try]:
        """Return the other tries of the same image."""
        chosen = self.chosen
        if chosen is None:
            return []
        source = chosen.source()
        return [one for one in self.tries if one is not chosen and one.source() is source]

    def _on_show(self, *_: Any) -> None:
        chosen = self.chosen
        if chosen is None:
            return
        for one in self._others():
            for layer in one.layers:
                layer.visible = False
        for layer in chosen.layers:
            layer.visible = True
        chosen.show_maps(True)
        colour = chosen.colour()
        if colour is not None and colour in self._layers:
            self._layers.selection.active = colour

    def _on_restore(self) -> None:
        if self.chosen is not None:
            self.restored.emit(self.chosen)

    def _on_remove(self) -> None:
        if self.chosen is not None:
            self._drop(self.chosen)

    def _on_keep(self) -> None:
        for one in self._others():
            self._drop(one)

    def _drop(self, one: Try) -> None:
        for layer in one.layers:
            if layer in self._layers:
                self._layers.remove(layer)
