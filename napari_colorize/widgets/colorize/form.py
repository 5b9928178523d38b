"""The part of the panel that says how to colour: a form over :class:`ColorizeParameters`."""

from dataclasses import fields
from typing import Any

from napari_colorize import checkpoints
from napari_colorize.methods import WITHOUT_EFFECT
from napari_colorize.parameters import ColorizeParameters
from napari_colorize.refinements import NUMBERS, REFINEMENTS
from napari_colorize.widgets.shared.form import (
    ChoiceBox,
    DataclassForm,
    DefaultedSlider,
    warning,
)
from napari_colorize.widgets.shared.weights import (
    follow_weights,
    methods_on_offer,
    no_weights_for,
    title_of,
    weights_on_offer,
)

OPTIONS: dict[str, Any] = {option.name: option for option in fields(ColorizeParameters)}
PAPER_DEFAULTS = {"temperature": 0.38, "vividness": 0.5}
"""Where the sliders stand while no weights are installed that would say better."""

_TITLES = {
    "method": "Method",
    "temperature": "Temperature",
    "vividness": "Vividness",
    "refinement": "Refinement",
}
_ADVANCED = {
    "checkpoint": "Weights",
    "network_size": "Network size",
    "radius": "Radius",
    "sigma_space": "Sigma space",
    "sigma_range": "Sigma range",
}


class ParameterForm(DataclassForm):
    """Method, weights, temperature, vividness, refinement; ranges and help from the dataclass.

    What was not touched is left to the checkpoint.
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
            _ADVANCED,
        )
        self.hint = warning()
        self.rows.insertRow(1, self.hint)
        self.method.changed.connect(self.refresh_checkpoints)
        self.checkpoint.changed.connect(self._show_defaults)
        self.refinement.changed.connect(self._enable_refinement)
        follow_weights(self.native, self.refresh_checkpoints)
        self.refresh_checkpoints()
        self._enable_refinement()

    @property
    def problem(self) -> str:
        """Why nothing can be coloured as the form says; empty where it can."""
        return self.hint.text()

    def refresh_checkpoints(self) -> None:
        """Offer the weights that are on this machine now, for the chosen method."""
        method = self.method.value
        here = checkpoints.available()
        names = [record.name for record in here if record.method == method]
        self.method.offer(methods_on_offer({record.method for record in here}))
        self.checkpoint.offer(weights_on_offer(names))
        self.hint.setText("" if names else no_weights_for(method))
        self.hint.setVisible(not names)
        self._show_defaults()
        self.changed.emit(self)

    def _show_defaults(self) -> None:
        """Let untouched sliders stand where the chosen weights put them."""
        name, method = self.checkpoint.value, self.method.value
        records = [record for record in checkpoints.available() if record.method == method]
        named = [record for record in records if name in (None, record.name)]
        defaults = {**PAPER_DEFAULTS, **(named[0].defaults if named else {})}
        without = WITHOUT_EFFECT.get(method, ())
        why_not = f"{title_of(method)} predicts one colour; this setting has no effect on it."
        for slider in (self.temperature, self.vividness):
            slider.set_default(float(defaults[slider.name]))
            slider.allow(slider.name not in without, why_not)

    def _enable_refinement(self) -> None:
        """Grey out the numbers that the chosen refinement does not use, and say so."""
        known = REFINEMENTS[self.refinement.value]
        for name in NUMBERS:
            box: Any = self.get_widget(name)
            used = name in known.uses
            box.enabled = used
            box.tooltip = _help(name) if used else f"{known.title}: this number has no effect."


def _help(name: str) -> str:
    return OPTIONS[name].metadata["help"]


def _slider(name: str) -> DefaultedSlider:
    return DefaultedSlider.of(OPTIONS[name], PAPER_DEFAULTS[name])
