"""Which layers are ours, by keys in their metadata, and boxes that offer those to work with."""

import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QComboBox, QListWidget, QListWidgetItem, QSizePolicy
from superqt.utils import signals_blocked

from napari_colorize import files
from napari_colorize.pipeline.region import INSIDE_BORDER
from napari_colorize.widgets.shared.preferences import PLUGIN
from napari_colorize.widgets.shared.task import connect_while_alive

if TYPE_CHECKING:
    from napari.components import LayerList
    from napari.layers import Image, Layer


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


def is_ours(layer: Any) -> bool:
    """Whether Colorize has made a layer: predicted colour, a map of it, or a preview.

    Of a layer that was opened from a file, the record inside the file tells, too.
    """
    if any(str(key).startswith(RECORD_KEY) for key in layer.metadata):
        return True  # all our keys begin alike
    if layer.source.path is None or layer in _LOOKED_INTO:
        return False
    _LOOKED_INTO.add(layer)
    return record_of_layer(layer) is not None


_LOOKED_INTO: weakref.WeakSet[Any] = weakref.WeakSet()
"""Layers whose files hold no record."""


def record_of_layer(layer: "Layer") -> dict[str, Any] | None:
    """Return the record of a layer, or that inside the file that it was opened from.

    The layer keeps what was found in its file.
    """
    record = layer.metadata.get(RECORD_KEY)
    path = layer.source.path
    if record is None and path is not None:
        record = _record_inside(Path(path))
        if record is not None:
            layer.metadata[RECORD_KEY] = record
            prefer_our_writers()
    return record


def _record_inside(path: Path) -> dict[str, Any] | None:
    if path.suffix.lower() not in files.WRITABLE:
        return None
    try:
        return one_of(files.read_records(path))
    except (OSError, ValueError):
        return None


def one_of(records: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the record that speaks for a whole file; ``None`` where its pages differ."""
    legends = {repr(record.get("legend")) for record in records}
    return records[0] if len(legends) == 1 else None


FOLLOWED = (
    "axis_labels",
    "data",
    "name",
    "contrast_limits",
    "gamma",
    "projection_mode",
    "scale",
    "translate",
    "rotate",
    "shear",
    "affine",
    "units",
)
"""Events of a layer after which what a panel says of it may be out of date."""

SELECTED = "selected"
"""In the place of a layer: all that are selected in the viewer."""


class LayerChoice(QComboBox):
    """Offers the image layers of a list, in its order; follows the chosen one, which stays chosen.

    What Colorize has made is no source and is not offered, unless colours are compared.

    Parameters
    ----------
    layers : napari.components.LayerList
        Any viewer's; no window is needed.
    rgb_only : bool
        Leave out grey layers, and offer predicted colour as well: two are to be compared.
    several : bool
        Where several of them are selected in the viewer, offer these together, too.

    Signals
    -------
    layer_changed()
        Another layer, or other layers, are chosen.
    touched(str)
        Something of the chosen layer has changed; see :data:`FOLLOWED`.
    """

    layer_changed = Signal()
    touched = Signal(str)

    def __init__(
        self, layers: "LayerList", *, rgb_only: bool = False, several: bool = False
    ) -> None:
        super().__init__()
        self._rgb_only, self._several = rgb_only, several
        self._all = False
        self._followed: weakref.WeakSet[Any] = weakref.WeakSet()
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
        if several:
            connect_while_alive(self, layers.selection.events.changed, self.refresh)
        self.currentIndexChanged.connect(self._on_index)
        self.refresh()

    @property
    def layer(self) -> "Image | None":
        """The chosen layer, or ``None`` where the viewer has no image."""
        return self._chosen() if self._chosen is not None else None

    @property
    def chosen(self) -> "list[Image]":
        """The chosen layers: one, or all that are selected in the viewer, or none."""
        if self._all:
            return self.selected
        return [] if self.layer is None else [self.layer]

    @property
    def selected(self) -> "list[Image]":
        """The layers on offer that are selected in the viewer, in its order."""
        return [layer for layer in self.layers if layer in self._layers.selection]

    @property
    def layers(self) -> "list[Image]":
        """The layers on offer, in the viewer's order."""
        return [layer for reference in self._offered if (layer := reference()) is not None]

    def choose(self, layer: "Image") -> None:
        """Choose a layer of the viewer; one that is not on offer changes nothing."""
        for row, offered in enumerate(self._offered):
            if offered() is layer:
                self.setCurrentIndex(row)

    def choose_selected(self) -> None:
        """Choose all layers that are selected in the viewer, where there are several."""
        row = self.findData(SELECTED)
        if row >= 0:
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
            many = len(self.selected) if self._several else 0
            if many > 1:
                self.addItem(f"The {many} selected layers", SELECTED)
            if chosen is not None:
                row = [image is chosen for image in images].index(True)
                self.setCurrentIndex(self.count() - 1 if self._all and many > 1 else row)
        self._set_chosen(chosen, self._all and many > 1)

    def _offers(self, layer: Any) -> bool:
        from napari.layers import Image

        if not isinstance(layer, Image) or PREVIEW_KEY in layer.metadata or layer.ndim < 2:
            return False
        return bool(layer.rgb) if self._rgb_only else not is_ours(layer)

    def _first_choice(self, images: list["Image"]) -> "Image | None":
        active = self._layers.selection.active
        if any(image is active for image in images):
            return active
        return images[-1] if images else None

    def _follow_name(self, event: Any) -> None:
        connect_while_alive(self, event.value.events.name, self.refresh)

    def _on_index(self, row: int) -> None:
        if self.itemData(row) == SELECTED:
            [first, *_] = self.selected
            self._set_chosen(first, True)
        else:
            self._set_chosen(self._offered[row]() if row >= 0 else None)

    def _set_chosen(self, layer: "Image | None", all_selected: bool = False) -> None:
        changed = layer is not self.layer or all_selected != self._all
        self._chosen = weakref.ref(layer) if layer is not None else None
        self._all = all_selected
        if layer is not None and layer not in self._followed:
            self._followed.add(layer)
            for name in FOLLOWED:
                connect_while_alive(self, getattr(layer.events, name), self._on_touch)
        if changed:
            self.layer_changed.emit()

    def _on_touch(self, event: Any) -> None:
        if event.source is self.layer:
            self.touched.emit(event.type)


class RegionChoice(QComboBox):
    """Offers where to colour: all of a picture, what is inside its border, or inside a layer.

    Parameters
    ----------
    layers : napari.components.LayerList
        Its Shapes and Labels layers are offered, but none that Colorize has made.
    """

    WHOLE, FOUND = "The whole picture", "Inside the border of the print"

    def __init__(self, layers: "LayerList") -> None:
        super().__init__()
        self._layers = layers
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(
            "Where to colour; the rest stays grey. The border of an old print is found by itself; "
            "or draw an outline in a Shapes layer, or paint in a Labels layer."
        )
        for emitter in (layers.events.inserted, layers.events.removed, layers.events.reordered):
            connect_while_alive(self, emitter, self.refresh)
        self.refresh()

    @property
    def chosen(self) -> Any:
        """The layer, ``"inside border"``, or ``None`` for all of the picture."""
        chosen = self.currentData()
        return chosen() if isinstance(chosen, weakref.ref) else chosen

    def refresh(self, event: Any = None) -> None:
        """Offer what the viewer holds now; what is chosen stays chosen while it is there."""
        from napari.layers import Labels, Shapes

        before = self.chosen
        with signals_blocked(self):
            self.clear()
            self.addItem(self.WHOLE, None)
            self.addItem(self.FOUND, INSIDE_BORDER)
            for layer in self._layers:
                if isinstance(layer, (Labels, Shapes)) and not is_ours(layer):
                    self.addItem(f"Inside '{layer.name}'", weakref.ref(layer))
            rows = [row for row in range(self.count()) if self._at(row) is before]
            self.setCurrentIndex(rows[0] if rows else 0)
        if self.chosen is not before:
            self.currentIndexChanged.emit(self.currentIndex())

    def _at(self, row: int) -> Any:
        held = self.itemData(row)
        return held() if isinstance(held, weakref.ref) else held


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

    return isinstance(layer, Image) and bool(layer.rgb) and not is_ours(layer)
