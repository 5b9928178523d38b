"""A list of the RGB layers of a viewer, each with a box to tick."""

import weakref
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QListWidget, QListWidgetItem
from superqt.utils import signals_blocked

from napari_colorize.widgets.layers.results import RECORD_KEY
from napari_colorize.widgets.shared.alive import connect_while_alive

if TYPE_CHECKING:
    from napari.components import LayerList
    from napari.layers import Image

_ROWS = 5
"""Shown at a time; further ones are scrolled to."""


class LayerTicks(QListWidget):
    """Offers every RGB layer of a viewer, in its order, and keeps ticks where they are.

    Layers that were selected in the viewer when they were first offered are ticked; of layers whose
    colour is predicted nothing can be learnt, so they are not offered.

    Parameters
    ----------
    layers : napari.components.LayerList
        Any viewer's; no window is needed.
    """

    ticks_changed = Signal()

    def __init__(self, layers: "LayerList") -> None:
        super().__init__()
        self._layers = layers
        self._offered: list[weakref.ref] = []
        self._ticked: weakref.WeakSet[Image] = weakref.WeakSet()
        self._known: weakref.WeakSet[Image] = weakref.WeakSet()
        self.setSelectionMode(QListWidget.SelectionMode.NoSelection)
        for emitter in (layers.events.inserted, layers.events.removed, layers.events.reordered):
            connect_while_alive(self, emitter, self.refresh)
        for layer in layers:
            connect_while_alive(self, layer.events.name, self.refresh)
        connect_while_alive(self, layers.events.inserted, self._follow_name)
        self.itemChanged.connect(self._on_item)
        self.refresh()

    @property
    def ticked(self) -> "list[Image]":
        """The ticked layers, in the viewer's order."""
        found = [reference() for reference in self._offered]
        return [layer for layer in found if layer is not None and layer in self._ticked]

    @property
    def offered(self) -> "list[Image]":
        """All that can be ticked."""
        return [layer for reference in self._offered if (layer := reference()) is not None]

    def tick(self, layer: "Image", ticked: bool = True) -> None:
        """Tick a layer, or not; one that is not offered changes nothing."""
        for row, reference in enumerate(self._offered):
            item = self.item(row)
            if reference() is layer and item is not None:
                item.setCheckState(_STATES[ticked])

    def sizeHint(self) -> QSize:
        """As high as a few rows."""
        return QSize(200, _ROWS * (self.fontMetrics().height() + 4))

    def refresh(self, event: Any = None) -> None:
        """Offer what the viewer holds now."""
        images = [layer for layer in self._layers if _can_teach(layer)]
        before = self.ticked
        for image in images:
            if image not in self._known:
                self._known.add(image)
                if image in self._layers.selection or len(images) == 1:
                    self._ticked.add(image)
        with signals_blocked(self):
            self.clear()
            for image in images:
                item = QListWidgetItem(image.name)
                item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
                item.setCheckState(_STATES[image in self._ticked])
                self.addItem(item)
        self._offered = [weakref.ref(image) for image in images]
        after = self.ticked
        if len(before) != len(after) or any(a is not b for a, b in zip(before, after, strict=True)):
            self.ticks_changed.emit()

    def _on_item(self, item: QListWidgetItem) -> None:
        layer = self._offered[self.row(item)]()
        if layer is None:
            return
        if item.checkState() == Qt.CheckState.Checked:
            self._ticked.add(layer)
        else:
            self._ticked.discard(layer)
        self.ticks_changed.emit()

    def _follow_name(self, event: Any) -> None:
        connect_while_alive(self, event.value.events.name, self.refresh)


_STATES = {True: Qt.CheckState.Checked, False: Qt.CheckState.Unchecked}


def _can_teach(layer: Any) -> bool:
    from napari.layers import Image

    if not isinstance(layer, Image) or not layer.rgb:
        return False
    # Results and previews of this plugin: their keys begin alike.
    return not any(str(key).startswith(RECORD_KEY) for key in layer.metadata)
