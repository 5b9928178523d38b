"""The rows of the panel that say how the planes of a stack hang together."""

import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from superqt.utils import signals_blocked

from napari_colorize.sequences.parameters import StackParameters
from napari_colorize.widgets.colorize.hold import (
    DEFAULT_CONSISTENCY,
    Hold,
    answers,
    are_named,
    axes_to_hold,
    channel_axis,
    checked_axes,
    first_to_hold,
    hold_of,
    said_of_guess,
    suggested_axes,
)
from napari_colorize.widgets.layers.planes import spatial_shape
from napari_colorize.widgets.shared.controls import Sentence
from napari_colorize.widgets.shared.form import DefaultedSlider, option, widen

if TYPE_CHECKING:
    from napari.layers import Image


class StackForm(QObject):
    """Which axis colour is held along, and how firmly; says at once what is wrong with the axes.

    It owns no place of its own: the panel puts ``named``, ``along`` and ``consistency`` into its
    rows. What somebody chose for a layer is remembered as long as the layer lives, or until the
    layer itself says something else.

    Parameters
    ----------
    parent : QObject, optional
        The panel. It ends with it: PySide6 cannot bear that Python collects it in another thread.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.axes = QLineEdit()
        self.problem = Sentence()
        self.guess = Sentence()
        self.answers = QWidget()
        self.buttons: list[QPushButton] = []
        self._answers: list[tuple[str, str]] = []
        self._beside = QHBoxLayout(self.answers)
        self._beside.setContentsMargins(0, 0, 0, 0)
        self.named = _above(self.axes, self.problem, self.guess, self.answers)
        self.along = QComboBox()
        self.consistency = DefaultedSlider.of(
            option(StackParameters, "consistency"),
            DEFAULT_CONSISTENCY,
            reset_help=f"Back to {DEFAULT_CONSISTENCY:g}",
        )
        self._typed: weakref.WeakKeyDictionary[Any, tuple[str, Any]] = weakref.WeakKeyDictionary()
        self._chosen: weakref.WeakKeyDictionary[Any, int | None] = weakref.WeakKeyDictionary()
        self._layer: weakref.ref | None = None
        self._shown: tuple[int, int] = (0, 1)
        self._set_up()

    @property
    def hold(self) -> Hold | None:
        """What the rows say; ``None`` while the axes make no sense."""
        axes = self._checked()
        if axes is None:
            return None
        value = self.consistency.value
        return Hold(
            along=self.along.currentData(),
            channel=channel_axis(axes),
            consistency=DEFAULT_CONSISTENCY if value is None else value,
            axes="" if self.guessed else axes,
        )

    def hold_for(self, layer: "Image", shown: tuple[int, int]) -> Hold | None:
        """Return how the planes of any layer hang together; of that in the rows, what they say."""
        if layer is self._its_layer:
            return self.hold
        value = self.consistency.value
        firmly = DEFAULT_CONSISTENCY if value is None else value
        return hold_of(layer, shown, self._typed_for(layer), firmly)

    @property
    def guessed(self) -> bool:
        """Whether nobody has said what the axes are, neither the layer nor a person."""
        layer = self._its_layer
        return layer is not None and not (self._typed_for(layer) or are_named(layer.axis_labels))

    def confirm(self) -> None:
        """Take the guessed axes for right."""
        self.say(self.axes.text())

    def say(self, axes: str) -> None:
        """Say what the axes are, in the place of a guess."""
        self.axes.setText(axes)
        self._on_typed(axes)

    def offer(self, layer: "Image", shown: tuple[int, int]) -> None:
        """Show the axes of a layer as it is now, of which these two are on screen."""
        self._layer, self._shown = weakref.ref(layer), shown
        axes = self._typed_for(layer) or suggested_axes(layer.axis_labels)
        if self.axes.text() != axes:
            self.axes.setText(axes)
        self._refresh()

    def _typed_for(self, layer: "Image") -> str:
        """Return what somebody typed for a layer, unless the layer was renamed since."""
        typed, labels = self._typed.get(layer, ("", None))
        return typed if labels == tuple(layer.axis_labels) else ""

    def _set_up(self) -> None:
        self.axes.setToolTip(
            "One letter for each axis of the layer, in its order: t time, z depth, c channels, y "
            "rows, x columns; any other letter for anything else. Each channel is coloured on its "
            "own, with the window of its own values."
        )
        self.problem.setStyleSheet("color: #e06c60;")
        self.guess.setStyleSheet("color: #d9a441;")
        self.guess.setToolTip(
            "Type the letters, or press what is right. The figure legend names an axis only if "
            "somebody has said what it is."
        )
        self.along.setToolTip(
            "The axis along which structure continues: there the colours of neighbouring planes "
            "are kept alike, so that they do not flicker."
        )
        self.along.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        widen(self.along)
        self.axes.textEdited.connect(self._on_typed)
        self.along.currentIndexChanged.connect(self._on_along)
        self.consistency.changed.connect(self._on_consistency)

    @property
    def _its_layer(self) -> "Image | None":
        return self._layer() if self._layer is not None else None

    def _on_typed(self, text: str) -> None:
        layer = self._its_layer
        if layer is not None:
            self._typed[layer] = text, tuple(layer.axis_labels)
        self._refresh()

    def _on_consistency(self) -> None:
        self.changed.emit()

    def _on_along(self) -> None:
        layer = self._its_layer
        if layer is not None:
            self._chosen[layer] = self.along.currentData()
        self._show_state()

    def _refresh(self) -> None:
        """Offer what the axes allow, or say why they do not."""
        layer, axes = self._its_layer, self._checked()
        if layer is not None and axes is not None:
            self._offer_along(layer, axes)
        self._show_state()

    def _checked(self) -> str | None:
        """Return the axes, or say what is wrong with them."""
        layer, problem, axes = self._its_layer, "", None
        if layer is not None:
            try:
                axes = checked_axes(self.axes.text(), layer.ndim, self._shown)
            except ValueError as error:
                problem = str(error)
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))
        return axes

    def _offer_along(self, layer: "Image", axes: str) -> None:
        offered = axes_to_hold(axes, spatial_shape(layer), self._shown)
        first = first_to_hold(axes, spatial_shape(layer), self._shown, guessed=self.guessed)
        chosen = self._chosen.get(layer, first)
        with signals_blocked(self.along):
            self.along.clear()
            for axis, title in offered.items():
                self.along.addItem(title, axis)
            self.along.setCurrentIndex(list(offered).index(chosen) if chosen in offered else 0)

    def _show_state(self) -> None:
        sound = not self.problem.text()
        self.along.setEnabled(sound)
        self.consistency.enabled = sound and self.along.currentData() is not None
        self._show_guess(sound)
        self.changed.emit()

    def _show_guess(self, sound: bool) -> None:
        layer, said, offered = self._its_layer, "", []
        if layer is not None and sound and self.guessed:
            axes, along = self.axes.text(), self.along.currentData()
            said = said_of_guess(axes, spatial_shape(layer), along)
            offered = answers(axes, self._shown)
        self.guess.setText(said)
        self.guess.setVisible(bool(said))
        self.answers.setVisible(bool(said))
        self._answers = offered
        if [title for title, _ in offered] != [button.text() for button in self.buttons]:
            self._make_buttons()
        for button, (_, axes) in zip(self.buttons, offered, strict=True):
            button.setAccessibleName(f"The axes are {' '.join(axes)}")
            button.setToolTip(button.accessibleName())

    def _make_buttons(self) -> None:
        """Offer the answers that there are now."""
        for button in self.buttons:
            self._beside.removeWidget(button)
            button.deleteLater()
        self.buttons = [QPushButton(title) for title, _ in self._answers]
        for number, button in enumerate(self.buttons):
            button.clicked.connect(partial(self._on_answer, number))
            self._beside.addWidget(button)

    def _on_answer(self, number: int, *_: Any) -> None:
        self.say(self._answers[number][1])


def _above(*parts: QWidget) -> QWidget:
    whole = QWidget()
    column = QVBoxLayout(whole)
    column.setContentsMargins(0, 0, 0, 0)
    for part in parts:
        column.addWidget(part)
    return whole
