"""The part of the panel that says how to colour: a form over :class:`ColorizeParameters`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QWidget

from napari_colorize.methods import WITHOUT_EFFECT
from napari_colorize.parameters import ColorizeParameters
from napari_colorize.refinements import NUMBERS, REFINEMENTS
from napari_colorize.widgets.shared import weights
from napari_colorize.widgets.shared.form import ChoiceBox, DefaultedSlider
from napari_colorize.widgets.shared.weights import (
    WeightsForm,
    methods_on_offer,
    title_of,
    weights_on_offer,
)

OPTIONS: dict[str, Any] = {option.name: option for option in fields(ColorizeParameters)}
PAPER_DEFAULTS = {"temperature": 0.38, "vividness": 0.5}
"""Where the sliders stand while no weights are installed that would say better."""

_TITLES = {"method": "Method", "checkpoint": "Weights", "refinement": "Colour spread"}
_NUMBERS = {
    "temperature": "Temperature",
    "vividness": "Vividness",
    "network_size": "Network size",
    "radius": "Spread: window",
    "sigma_space": "Spread: distance",
    "sigma_range": "Spread: lightness",
}


@dataclass(frozen=True)
class Look:
    """Numbers that go together, under a word of the user.

    Parameters
    ----------
    title, help : str
    numbers : mapping of str to float
        Field → value; what is left out is the weights' own.
    """

    title: str
    help: str
    numbers: Mapping[str, float] = field(default_factory=dict)


LOOKS = {
    "safe": Look(
        "Safe",
        "Calm and greyish: the mean of all colours that the network holds possible, none of them "
        "boosted (temperature 1, vividness 0).",
        {"temperature": 1.0, "vividness": 0.0},
    ),
    "balanced": Look("Balanced", "As the weights were published."),
    "vivid": Look(
        "Vivid",
        "Strong colours, and more of them wrong: rare colours are boosted in full (vividness 1).",
        {"vividness": 1.0},
    ),
}


class ParameterForm(WeightsForm):
    """Method, weights, look and spread of colour, and the numbers behind them, folded away.

    Ranges and help come from the dataclass. What was not touched is left to the checkpoint.
    """

    def __init__(self) -> None:
        refinements = [(known.title, name) for name, known in REFINEMENTS.items()]
        super().__init__(
            ColorizeParameters,
            _TITLES,
            {
                "method": ChoiceBox(methods_on_offer(()), _help("method")),
                "temperature": _slider("temperature"),
                "vividness": _slider("vividness"),
                "refinement": ChoiceBox(refinements, _help("refinement")),
                "checkpoint": ChoiceBox(weights_on_offer(()), _help("checkpoint")),
            },
            _NUMBERS,
        )
        self.looks = LookButtons(self.native)
        above_spread = self.rows.getWidgetPosition(self.refinement.native)[0]
        self.rows.insertRow(above_spread, "Colours", self.looks.native)
        self.looks.asked.connect(self._take_look)
        self.checkpoint.changed.connect(self.show_method)
        self.refinement.changed.connect(self._enable_refinement)
        for slider in (self.temperature, self.vividness):
            slider.changed.connect(self._show_look)
        self.follow_weights()
        self._enable_refinement()

    def show_values(self, values: Mapping[str, Any]) -> None:
        """Show settings, such as those of an earlier run; those without a field are passed over.

        Weights that are gone stay at the default.
        """
        self.method.value = values["method"]  # first, for it says which weights are offered
        for name, value in values.items():
            box: Any = getattr(self, name, None) if name in {**_TITLES, **_NUMBERS} else None
            if name == "method" or box is None:
                continue
            if isinstance(box, ChoiceBox):
                box.native.setCurrentIndex(max(box.native.findData(value), 0))
            elif value is None and not isinstance(box, DefaultedSlider):
                box.native.setValue(0)  # the step below the range, which stands for the default
            else:
                box.value = value

    def show_method(self) -> None:
        """Let untouched sliders, and the balanced look, stand where the chosen weights put them."""
        super().show_method()
        name, method = self.checkpoint.value, self.method.value
        records = [record for record in weights.checkpoints.available() if record.method == method]
        named = [record for record in records if name in (None, record.name)]
        defaults = {**PAPER_DEFAULTS, **(named[0].defaults if named else {})}
        without = WITHOUT_EFFECT.get(method, ())
        why_not = f"{title_of(method)} predicts one colour; this setting has no effect on it."
        unused = all(slider.name in without for slider in self._sliders)
        self.looks.offer(defaults, why_not if unused else "")
        for slider in self._sliders:
            slider.set_default(float(defaults[slider.name]))
            slider.allow(slider.name not in without, why_not)
        self._show_look()

    @property
    def _sliders(self) -> tuple[DefaultedSlider, DefaultedSlider]:
        return self.temperature, self.vividness

    def _take_look(self, name: str) -> None:
        """Set the numbers of a look."""
        for slider in self._sliders:
            slider.value = LOOKS[name].numbers.get(slider.name)
        self._show_look()

    def _show_look(self) -> None:
        """Show which look the numbers are, if any."""
        self.looks.show({slider.name: slider.slider.value() for slider in self._sliders})

    def _enable_refinement(self) -> None:
        """Grey out the numbers that the chosen refinement does not use, and say so."""
        known = REFINEMENTS[self.refinement.value]
        for name in NUMBERS:
            box: Any = self.get_widget(name)
            used = name in known.uses
            box.enabled = used
            box.tooltip = _help(name) if used else f"{known.title}: this number has no effect."


class LookButtons(QObject):
    """One button for each of :data:`LOOKS`; that of the present numbers is pressed.

    Signals
    -------
    asked(str)
        Somebody wants a look.
    """

    asked = Signal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.native = QWidget()
        self.buttons = {name: QPushButton(look.title) for name, look in LOOKS.items()}
        self._numbers: dict[str, Mapping[str, float]] = {}
        beside = QHBoxLayout(self.native)
        beside.setContentsMargins(0, 0, 0, 0)
        for name, button in self.buttons.items():
            button.setCheckable(True)
            button.clicked.connect(partial(self._ask, name))
            beside.addWidget(button)
        self.offer(PAPER_DEFAULTS, "")

    def offer(self, defaults: Mapping[str, float], why_not: str) -> None:
        """Offer the looks of weights with these defaults; none where there is a reason."""
        balanced = {name: float(defaults[name]) for name in PAPER_DEFAULTS}
        self._numbers = {name: {**balanced, **look.numbers} for name, look in LOOKS.items()}
        for name, button in self.buttons.items():
            look = LOOKS[name]
            same = bool(look.numbers) and _alike(self._numbers[name], balanced)
            already = f"These weights were published as {look.title.lower()} as this."
            button.setEnabled(not same)
            button.setToolTip(why_not or (already if same else look.help))
        self.native.setEnabled(not why_not)

    def show(self, numbers: Mapping[str, float]) -> None:
        """Press the button of these numbers."""
        for name, button in self.buttons.items():
            button.setChecked(
                button.isEnabledTo(self.native) and _alike(self._numbers[name], numbers)
            )

    def _ask(self, name: str, *_: Any) -> None:
        self.asked.emit(name)


def _alike(numbers: Mapping[str, float], others: Mapping[str, float]) -> bool:
    """Whether two settings are the same to the two decimals that sliders show."""
    return all(abs(numbers[name] - others[name]) < 0.005 for name in PAPER_DEFAULTS)


def _help(name: str) -> str:
    return OPTIONS[name].metadata["help"]


def _slider(name: str) -> DefaultedSlider:
    return DefaultedSlider.of(OPTIONS[name], PAPER_DEFAULTS[name])
