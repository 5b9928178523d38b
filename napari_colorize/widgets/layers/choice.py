"""Which layers are ours, by keys in their metadata, and boxes that offer those to work with."""

import weakref
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QComboBox, QListWidget, QListWidgetItem, QSizePolicy
from superqt.utils import signals_blocked

from napari_colorize.widgets.shared.preferences import PLUGIN
from napari_colorize.widgets.shared.task import connect_while_alive

if TYPE_CHECKING:
    from napari.components import LayerList
    from napari.layers import Image


RECORD_KEY = "napari_colorize"
PREVIEW_KEY = "napari_colorize_preview"
"""In the metadata of a preview, which has no record and is no image to work with."""


def prefer_our_writers() -> None:
    """Put our writers before the others of this session, so that no record is lost on saving.

    Which of several is registered first hangs on the order in which a file system lists the
    installed packages, and npe2 has no public way to say more. If a later npe2 keeps its writers
    in another place, nothing is changed: *Colorize* can still be chosen in napari's dialog.
    """
    from npe2 import PluginManager

    index = getattr(PluginManager.instance(), "_contrib", None)
    writers = getattr(index, "_writers", None)
    if isinstance(writers, list):
        writers.sort(key=lambda entry: getattr(entry[-1], "plugin_name", "") != PLUGIN)


class LayerChoice(QComboBox):
    """Offers every image layer of a list but previews, in its order; the chosen one stays chosen.

    Parameters
    ----------
    layers : napari.components.LayerList
        Any viewer's; no window is needed.
    rgb_only : bool
        Leave out grey layers.
    """

    layer_changed = Signal()

    def __init__(self, layers: "LayerList", *, rgb_only: bool = False) -> None:
        super().__init__()
        self._rgb_only = rgb_only
        self.setToolTip("The image that is coloured. It is never changed; results are new layers.")
        self.setMinimumContentsLength(12)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._layers = layers
        self._offered: list[weakref.ref] = []
        self._chosen: weakref.ref | None = None
        for emitter in (layers.events.inserted, layers.events.removed, layers.events.reordered):
            connect_while_alive(self, emitter, self.refresh)
        for layer in layers:
            connect_while_alive(self, layer.events.name, self.refresh)
        connect_while_alive(self, layers.events.inserted, self._follow_name)
        self.currentIndexChanged.connect(self._on_index)
        self.refresh()

    @property
    def layer(self) -> "Image | None":
        """The chosen layer, or ``None`` where the viewer has no image."""
        return self._chosen() if self._chosen is not None else None

    @property
    def layers(self) -> "list[Image]":
        """The layers on offer, in the viewer's order."""
        return [layer for reference in self._offered if (layer := reference()) is not None]

    def choose(self, layer: "Image") -> None:
        """Choose a layer of the viewer; one that is no image, or not there, changes nothing."""
        for row, offered in enumerate(self._offered):
            if offered() is layer:
                self.setCurrentIndex(row)

    def refresh(self, event: Any = None) -> None:
        """Offer what the viewer holds now; without a choice so far, its active image."""
        images = [layer for layer in self._layers if self._offers(layer)]
        before = self.layer
        chosen = before if any(image is before for image in images) else self._first_choice(images)
        with signals_blocked(self):
            self.clear()
            self.addItems([image.name for image in images])
            self._offered = [weakref.ref(image) for image in images]
            if chosen is not None:
                self.setCurrentIndex([image is chosen for image in images].index(True))
        self._set_chosen(chosen)

    def _offers(self, layer: Any) -> bool:
        from napari.layers import Image

        if not isinstance(layer, Image) or PREVIEW_KEY in layer.metadata:
            return False
        return layer.ndim >= 2 and (layer.rgb or not self._rgb_only)

    def _first_choice(self, images: list["Image"]) -> "Image | None":
        active = self._layers.selection.active
        if any(image is active for image in images):
            return active
        return images[-1] if images else None

    def _follow_name(self, event: Any) -> None:
        connect_while_alive(self, event.value.events.name, self.refresh)

    def _on_index(self, row: int) -> None:
        self._set_chosen(self._offered[row]() if row >= 0 else None)

    def _set_chosen(self, layer: "Image | None") -> None:
        changed = layer is not self.layer
        self._chosen = weakref.ref(layer) if layer is not None else None
        if changed:
            self.layer_changed.emit()


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
