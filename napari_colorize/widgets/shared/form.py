"""Forms that are made of dataclasses: a field of magicgui for each, its range and help included.

A dataclass says what its fields accept in their ``metadata``: ``help``, ``unit``, ``min``, ``max``,
``step``, ``choices``; see :class:`napari_colorize.ColorizeParameters`. A form is a container of
magicgui, whose ``changed`` signal and whose widget, ``native``, other plugins can use as well.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import Field, fields
from functools import partial
from pathlib import Path
from typing import Any

from magicgui.widgets import CheckBox, ComboBox, Container, FloatSpinBox, LineEdit
from magicgui.widgets.bases import BaseValueWidget, ValuedContainerWidget
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QLayout,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QSlider,
    QToolButton,
    QWidget,
)
from superqt import QLabeledDoubleSlider
from superqt.utils import signals_blocked

from napari_colorize.widgets.shared.controls import Section


def option(kind: type, name: str) -> Field:
    """Return a field of a dataclass by its name."""
    return {field.name: field for field in fields(kind)}[name]


class DataclassForm(Container):
    """Fields for some of a dataclass's, each in a row with its title.

    Parameters
    ----------
    kind : dataclass
        :meth:`values` returns one of these. Fields that have no row take their defaults.
    titles : mapping of str to str
        Field → what its row is called; in the order of the rows.
    given : mapping of str to magicgui widget, optional
        Fields that are not to be made from the metadata alone.
    folded : mapping of str to str, optional
        Fields whose rows come last, in a section that is folded at first.
    folded_title : str
        Of that section.
    """

    def __init__(
        self,
        kind: type,
        titles: Mapping[str, str],
        given: Mapping[str, BaseValueWidget] | None = None,
        folded: Mapping[str, str] | None = None,
        folded_title: str = "Numbers",
    ) -> None:
        made, every = dict(given or {}), {**titles, **(folded or {})}
        for name, title in every.items():
            if name not in made:
                made[name] = widget_for(option(kind, name))
            made[name].name, made[name].label = name, title
        super().__init__(widgets=[made[name] for name in every], labels=False)
        self._kind = kind
        self._above = 0
        self.margins = (0, 0, 0, 0)
        self.rows = form_layout()
        """The rows, in which others can be put."""
        self.native.layout().addLayout(self.rows)
        for name, title in titles.items():
            self.rows.addRow(title, made[name].native)
        self.numbers = Section(folded_title)
        if folded:
            inner = QWidget()
            self.folded_rows = form_layout(inner)
            for name, title in folded.items():
                self.folded_rows.addRow(title, made[name].native)
            self.numbers.addWidget(inner)
            self.rows.addRow(self.numbers)

    def values(self) -> Any:
        """Return what the form says.

        Raises
        ------
        ValueError
            A field cannot be used; the sentence names it and what is accepted.
        """
        return self._kind(**self.asdict())

    def add_above(self, label: str, field: QWidget) -> None:
        """Put another row above the form's own, below those put there before, all aligned."""
        self.rows.insertRow(self._above, label, field)
        self._above += 1

    def add_below(self, label: str, field: QLayout | QWidget) -> None:
        """Put another row below the form's own."""
        self.rows.addRow(label, field)

    def show_row(self, field: QWidget, visible: bool) -> None:
        """Show or hide a row, its label with it."""
        label = self.rows.labelForField(field)
        for part in (label, field):
            if part is not None:
                part.setVisible(visible)


def widget_for(field: Field) -> BaseValueWidget:
    """Return the widget of magicgui for a dataclass's field, from its type and its metadata."""
    known: Mapping[str, Any] = field.metadata
    default: Any = field.default
    tooltip = known.get("help", "")
    if known.get("choices"):
        return ChoiceBox([(choice, choice) for choice in known["choices"]], tooltip=tooltip)
    if known.get("min") is not None:
        whole = isinstance(known["min"], int)
        return NumberBox(
            known["min"],
            known["max"],
            known["step"],
            default,
            decimals=0 if whole else 2,
            unit=known.get("unit", ""),
            tooltip=tooltip,
            empty=known.get("empty", "" if default is not None else "Default"),
        )
    if isinstance(default, bool):
        return CheckBox(value=default, tooltip=tooltip)
    return LineEdit(value=str(default or ""), tooltip=tooltip)


class ChoiceBox(ComboBox):
    """A box whose titles can change while what is chosen stays.

    Parameters
    ----------
    choices : iterable of (str, object)
        Titles and values.
    tooltip : str
    """

    def __init__(self, choices: Iterable[tuple[str, Any]] = (), tooltip: str = "") -> None:
        self._offered = list(choices)
        super().__init__(choices=self._choices, tooltip=tooltip)
        box: QComboBox = self.native
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(14)  # most titles are whole; in a narrow dock below the label
        widen(box)

    def offer(self, choices: Iterable[tuple[str, Any]]) -> None:
        """Offer other choices, silently; the first one is chosen where the chosen one is gone."""
        before, self._offered = self.value, list(choices)
        values = [value for _, value in self._offered]
        with signals_blocked(self.native):
            self.native.clear()
            for title, value in self._offered:
                self.native.addItem(title, value)
            self.native.setCurrentIndex(values.index(before) if before in values else 0)

    def _choices(self, widget: Any = None) -> list[tuple[str, Any]]:
        return self._offered

    def _on_value_change(self, value: Any = None) -> None:
        self.changed.emit(value)  # of None, too, which stands for "the default" here


_BESIDE_NUMBER = 26
"""Pixels of a number's box that its buttons take; Qt forgets those that a style sheet draws."""


class NumberBox(FloatSpinBox):
    """A number in its range; where ``None`` is accepted, the step below the range stands for it.

    Parameters
    ----------
    low, high, step : number
    default : number or None
    decimals : int
        0: the value is an ``int``.
    unit : str
        Shown behind the number.
    tooltip : str
    empty : str
        What is shown for ``None``; empty text: it is not accepted.
    """

    def __init__(
        self,
        low: float,
        high: float,
        step: float,
        default: float | None,
        *,
        decimals: int = 0,
        unit: str = "",
        tooltip: str = "",
        empty: str = "",
    ) -> None:
        self._whole, self._optional = decimals == 0, bool(empty)
        super().__init__(
            min=0 if empty else low,
            max=high,
            step=step,
            value=default or 0,
            tooltip=tooltip,
        )
        self.native.setDecimals(decimals)
        self.native.setSuffix(f" {unit}" if unit else "")
        if empty:
            self.native.setSpecialValueText(empty)
        widest = max((f"{high:.{decimals}f} {unit}", empty), key=len)
        needed = self.native.fontMetrics().horizontalAdvance(widest)
        # A style sheet, because napari's would overrule the widget's own minimum.
        self.native.setStyleSheet(f"min-width: {needed + _BESIDE_NUMBER}px;")
        widen(self.native)

    def get_value(self) -> Any:
        """Return the number, or ``None``."""
        number = super().get_value()
        if self._optional and number == 0:
            return None
        return int(number) if self._whole else number


class DefaultedSlider(ValuedContainerWidget):
    """A number that stays at a default, shown but not chosen, until somebody moves the slider.

    Its value is ``None`` while the default stands, and while the number has no effect.

    Parameters
    ----------
    low, high, step : float
        Range and step.
    default : float
        Where the slider stands before it is moved and after a reset.
    help : str
        Tool tip.
    reset_help : str
        Tool tip of the button that gives the choice back.
    """

    def __init__(
        self,
        low: float,
        high: float,
        step: float,
        default: float,
        help: str,
        *,
        reset_help: str = "Back to the value these weights were published with",
    ) -> None:
        self._default, self._help = default, help
        self._chosen, self._allowed = False, True
        super().__init__(layout="horizontal", labels=False, nullable=True)
        self.margins = (0, 0, 0, 0)
        self.slider = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(low, high)
        self.slider.setSingleStep(step)  # type: ignore[arg-type]  # typed for whole numbers
        self.slider.setDecimals(2)
        self.slider.setValue(default)
        self.slider.setToolTip(help)
        self.slider.setMinimumWidth(150)
        handle = self.slider.findChild(QSlider)
        if handle is not None:  # the whole takes keys and does nothing with them
            self.slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            self.slider.setFocusProxy(handle)
        self.reset_button = QToolButton()
        self.reset_button.setText("↺")
        self.reset_button.setAutoRaise(True)
        self.reset_button.setToolTip(reset_help)
        self.native.layout().addWidget(self.slider, 1)
        self.native.layout().addWidget(self.reset_button)
        self.slider.valueChanged.connect(self._on_moved)
        self.reset_button.clicked.connect(self.reset)
        self._show_state()

    @classmethod
    def of(cls, field: Field, default: float, **settings: str) -> "DefaultedSlider":
        """Return the slider for a dataclass's field."""
        known = field.metadata
        return cls(known["min"], known["max"], known["step"], default, known["help"], **settings)

    def get_value(self) -> float | None:
        """Return the chosen number, or ``None``."""
        chosen = self._chosen and self._allowed
        return round(float(self.slider.value()), 4) if chosen else None

    def set_value(self, value: float | None) -> None:
        """Choose a number; ``None`` gives the choice back."""
        if value is None:
            self.reset()
        else:
            self.slider.setValue(value)

    def set_default(self, default: float) -> None:
        """Change the default; an unmoved slider moves there."""
        self._default = default
        if not self._chosen:
            self.reset()

    def allow(self, allowed: bool, why_not: str = "") -> None:
        """Let the number be chosen, or grey it out and say why; what was chosen is kept."""
        self._allowed = self.enabled = allowed
        self.slider.setToolTip(self._help if allowed else why_not)

    def reset(self) -> None:
        """Go back to the default."""
        with signals_blocked(self.slider):
            self.slider.setValue(self._default)
        self._chosen = False
        self._show_state()
        self.changed.emit(self.value)

    def _on_moved(self) -> None:
        self._chosen = True
        self._show_state()
        self.changed.emit(self.value)

    def _show_state(self) -> None:
        self.reset_button.setEnabled(self._chosen)


def form_layout(widget: QWidget | None = None) -> QFormLayout:
    """Return a layout of rows without margins, in which fields are as wide as there is room.

    In a narrow dock a field that has no room beside its label goes below it.
    """
    layout = QFormLayout(widget) if widget is not None else QFormLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    layout.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
    return layout


def widen(*widgets: QWidget) -> None:
    """Let fields fill their rows."""
    for widget in widgets:
        widget.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)


class PathBox(ValuedContainerWidget):
    """A path that is typed, or chosen in a dialogue.

    Parameters
    ----------
    buttons : mapping of str to callable
        Title of a button → what asks for a path, given the present one; it returns an empty text
        where nobody chose.
    placeholder, tooltip : str
    """

    def __init__(
        self,
        buttons: Mapping[str, Callable[[QWidget, str], str]],
        *,
        placeholder: str = "",
        tooltip: str = "",
    ) -> None:
        super().__init__(layout="horizontal", labels=False)
        self.margins = (0, 0, 0, 0)
        self.line = QLineEdit()
        self.line.setPlaceholderText(placeholder)
        self.line.setMinimumWidth(100)
        self.line.setToolTip(tooltip)
        self.line.textChanged.connect(self._on_text)
        self.native.layout().addWidget(self.line, 1)
        self.buttons = {title: QPushButton(title) for title in buttons}
        for title, ask in buttons.items():
            self.buttons[title].clicked.connect(partial(self._ask, ask))
            self.native.layout().addWidget(self.buttons[title])

    def get_value(self) -> Path:
        """Return the path; that of nothing is ``Path(".")``."""
        return Path(self.line.text().strip()).expanduser()

    def set_value(self, value: Path | str) -> None:
        """Show a path."""
        self.line.setText(str(value))

    def _ask(self, ask: Callable[[QWidget, str], str], *_: Any) -> None:
        chosen = ask(self.native, self.line.text())
        if chosen:
            self.line.setText(chosen)

    def _on_text(self, text: str) -> None:
        self.changed.emit(self.value)
