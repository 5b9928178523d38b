"""The form of the panel *Train on my images*: which method learns from what, under which name."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from magicgui.widgets.bases import ValuedContainerWidget
from qtpy.QtWidgets import QFileDialog, QLabel, QPushButton, QWidget

from napari_colorize.checkpoints.registry import why_not
from napari_colorize.training.tiles import LARGEST_TILE, SMALLEST_TILE, TILE
from napari_colorize.widgets.layers.choice import LayerTicks
from napari_colorize.widgets.shared.access import warning
from napari_colorize.widgets.shared.controls import row
from napari_colorize.widgets.shared.form import (
    ChoiceBox,
    DataclassForm,
    PathBox,
)
from napari_colorize.widgets.shared.weights import follow_weights, title_of

if TYPE_CHECKING:
    from napari.components import LayerList
    from napari.layers import Image


@dataclass(frozen=True)
class Way:
    """One way to train, as the form tells it.

    Parameters
    ----------
    help, error
        What the method needs, and what its error is called.
    effort, most, usual
        The recipe's field that says how long, its largest and its usual value.
    effort_title, effort_help
        What that is called.
    """

    help: str
    error: str
    effort: str
    most: int
    usual: int
    effort_title: str
    effort_help: str


WAYS = {
    "deep": Way(
        "Under a minute. Learns anew from a few pictures of one kind, such as a stain. One picture "
        "is enough to begin with; 20 tiles or more are better.",
        "squared error, grey = 1",
        "steps",
        100_000,
        1000,
        "Steps",
        "More learn a large collection better; a few pictures are known by heart soon.",
    ),
    "colorful": Way(
        "A few minutes. Goes on from the shipped weights (fine-tuning). Needs 22 pictures or "
        "tiles at the least, and does well from some hundred on.",
        "cross-entropy",
        "epochs",
        1000,
        30,
        "Passes",
        "How often all pictures are gone through. Time grows with it.",
    ),
}
"""Method → how the form tells it; the first is the default."""

MOST_EFFORT = max(way.most for way in WAYS.values())
_TERMS = "Where the pictures come from, and on which terms."


@dataclass(frozen=True)
class TrainingWish:
    """What the panel says; the ``metadata`` of the fields is what its form knows of them.

    Parameters
    ----------
    method : str
        A key of :data:`WAYS`.
    from_layers : bool
        Learn from ``layers``, else from ``path``.
    layers : tuple of napari.layers.Image
        RGB layers with true colours.
    path : Path
        A folder or a tar archive.
    weights : str
        What they are to be called.
    every_plane : bool
        Of stacks all planes, not the one on screen.
    tile : int or None
        Side of the squares that layers are cut into, px; ``None``: they are not cut.
    effort : int
        Steps or passes.
    licence : str
        Terms and source of the pictures, for the record.
    """

    method: str = next(iter(WAYS))
    from_layers: bool = True
    layers: "tuple[Image, ...]" = ()
    path: Path = Path()
    weights: str = field(
        default="", metadata={"help": "What the weights are called in the list of weights."}
    )
    every_plane: bool = False
    tile: int | None = field(
        default=TILE,
        metadata={
            "help": "Layers are cut into squares of this side, so that a large one counts as many "
            "pictures. Files are learnt from whole.",
            "unit": "px",
            "min": SMALLEST_TILE,
            "max": LARGEST_TILE,
            "step": 32,
            "empty": "Whole pictures",
        },
    )
    effort: int = field(
        default=1000, metadata={"help": "", "min": 1, "max": MOST_EFFORT, "step": 1}
    )
    licence: str = field(default="", metadata={"help": _TERMS})


_TITLES = {
    "method": "Method",
    "from_layers": "Learn from",
    "layers": "",
    "path": "",
    "weights": "Name",
}
_MORE = {
    "every_plane": "Planes",
    "tile": "Tiles",
    "effort": "Steps",
    "licence": "Source, licence",
}


class TrainForm(DataclassForm):
    """A form over :class:`TrainingWish`; what the method and the source leave open is asked.

    Parameters
    ----------
    layers : napari.components.LayerList
    """

    def __init__(self, layers: "LayerList") -> None:
        super().__init__(
            TrainingWish,
            _TITLES,
            {
                "method": ChoiceBox([(title_of(name), name) for name in WAYS]),
                "from_layers": ChoiceBox(
                    [("RGB layers", True), ("Folder or archive", False)],
                    "Pictures in colour of the kind that you want to colour.",
                ),
                "layers": TicksBox(layers),
                "path": PathBox(
                    {"Folder…": _ask_for_folder, "Archive…": _ask_for_archive},
                    placeholder="Folder or tar",
                    tooltip="A folder, which is searched through, or an uncompressed tar archive.",
                ),
                "every_plane": ChoiceBox([("Current slice", False), ("All planes", True)]),
            },
            _MORE,
            folded_title="More",
        )
        self.hint, self.advice = warning(), QLabel()
        self.advice.setWordWrap(True)
        self.advice.setStyleSheet("font-style: italic;")
        self.rows.insertRow(1, self.advice)
        self.rows.insertRow(self.rows.getWidgetPosition(self.weights.native)[0] + 1, self.hint)
        self.weights.native.setPlaceholderText("my-stain")
        self.weights.native.setMaxLength(64)
        self.licence.native.setPlaceholderText("Optional, for the record")
        self.layers.native.setAccessibleName("Layers to learn from")
        self.method.changed.connect(self._show_method)
        self.from_layers.changed.connect(self._show_source)
        self.weights.changed.connect(self.check_name)
        follow_weights(self.native, self.check_name)
        self.offer_planes(False)
        self._show_source()
        self._show_method()
        self.check_name()

    @property
    def way(self) -> Way:
        """The chosen way to train."""
        return WAYS[self.method.value]

    @property
    def effort_title(self) -> str:
        """What the way's effort is called."""
        label = self.folded_rows.labelForField(self.effort.native)
        return label.text() if isinstance(label, QLabel) else ""

    @property
    def ready(self) -> bool:
        """Whether there is something to learn from, and a name that is free."""
        wish = self.values()
        some = bool(wish.layers) if wish.from_layers else bool(self.path.line.text().strip())
        return some and not why_not(wish.weights)

    def offer_planes(self, stacks: bool) -> None:
        """Offer to learn from all planes, where there are any more than one."""
        self.every_plane.enabled = stacks
        if not stacks:
            self.every_plane.value = False

    def check_name(self) -> None:
        """Say at once whether the name can be had."""
        name = self.weights.value
        reason = why_not(name) if name else ""
        self.hint.setText(reason)
        self.hint.setVisible(bool(reason))
        self.changed.emit(self)

    def _show_method(self) -> None:
        way = self.way
        self.advice.setText(way.help)
        label = self.folded_rows.labelForField(self.effort.native)
        if isinstance(label, QLabel):
            label.setText(way.effort_title)
        self.effort.native.setAccessibleName(way.effort_title)
        self.effort.tooltip = way.effort_help
        self.effort.max = way.most
        self.effort.value = way.usual

    def _show_source(self) -> None:
        for box, shown in ((self.layers, True), (self.path, False)):
            self.show_row(box.native, self.from_layers.value == shown)


class TicksBox(ValuedContainerWidget):
    """The ticked RGB layers of a viewer; all or none of them by a button.

    Parameters
    ----------
    layers : napari.components.LayerList
    """

    def __init__(self, layers: "LayerList") -> None:
        super().__init__(layout="vertical", labels=False)
        self.margins = (0, 0, 0, 0)
        self.ticks = LayerTicks(layers)
        self.ticks.setAccessibleName("Layers to learn from")
        self.ticks.setToolTip(
            "Tick the layers with true colours. Predicted ones are not offered: there is nothing "
            "to learn from them."
        )
        self.all, self.none = QPushButton("All"), QPushButton("None")
        self.all.setToolTip("Tick all layers.")
        self.none.setToolTip("Tick no layer.")
        self.all.clicked.connect(self._tick_all)
        self.none.clicked.connect(self._tick_none)
        self.ticks.ticks_changed.connect(self._on_ticks)
        self.native.layout().addWidget(self.ticks)
        self.native.layout().addLayout(row(self.all, self.none))
        self._on_ticks()

    def get_value(self) -> "tuple[Image, ...]":
        """Return the ticked layers, in the viewer's order."""
        return tuple(self.ticks.ticked)

    def set_value(self, value: "tuple[Image, ...]") -> None:
        """Tick these layers and no others; one that is not offered changes nothing."""
        for layer in self.ticks.offered:
            self.ticks.tick(layer, any(layer is one for one in value))

    def _tick_all(self) -> None:
        self.set_value(tuple(self.ticks.offered))

    def _tick_none(self) -> None:
        self.set_value(())

    def _on_ticks(self) -> None:
        ticked, offered = len(self.ticks.ticked), len(self.ticks.offered)
        self.all.setEnabled(ticked < offered)
        self.none.setEnabled(ticked > 0)
        self.changed.emit(self.value)


def _ask_for_folder(parent: QWidget, present: str) -> str:
    return QFileDialog.getExistingDirectory(parent, "Folder of pictures in colour", present)


def _ask_for_archive(parent: QWidget, present: str) -> str:
    wanted = "Tar archives (*.tar);;All files (*)"
    return QFileDialog.getOpenFileName(parent, "Archive of pictures in colour", "", wanted)[0]
