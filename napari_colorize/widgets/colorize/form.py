"""The part of the panel that says how to colour: a form over :class:`ColorizeParameters`."""

from dataclasses import fields
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QLayout,
    QSizePolicy,
    QSpinBox,
    QWidget,
)
from superqt import QCollapsible

from napari_colorize import checkpoints
from napari_colorize.methods import WITHOUT_EFFECT
from napari_colorize.parameters import METHODS, REFINEMENTS, ColorizeParameters
from napari_colorize.widgets.layers.slider import DefaultedSlider
from napari_colorize.widgets.shared.methods import mark_methods, no_weights_for, title_of
from napari_colorize.widgets.shared.weights_news import weights_news

OPTIONS: dict[str, Any] = {option.name: option for option in fields(ColorizeParameters)}
METHOD_TITLES = {
    "colorful": "Colorful (Zhang 2016)",
    "deep": "Deep (Cheng 2015)",
    "unet": "U-Net (Nazeri 2018)",
    "gan": "GAN (Nazeri 2018)",
    "pix2pix": "pix2pix (Isola 2016)",
}
REFINEMENT_TITLES = {
    "joint_bilateral": "Along edges",
    "bilateral_grid": "Bilateral grid (approximate)",
    "guided": "Guided filter",
    "domain_transform": "Domain transform",
    "bilinear": "Plain",
}
PAPER_DEFAULTS = {"temperature": 0.38, "vividness": 0.5}
"""Where the sliders stand while no weights are installed that would say better."""


class ParameterForm(QWidget):
    """Method, weights, temperature, vividness, refinement; ranges and help from the dataclass.

    Signals
    -------
    changed()
        :meth:`parameters` may return something else now.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.method = _box({name: title_of(name) for name in METHODS}, "method")
        self.hint = warning()
        self.temperature = _slider("temperature")
        self.vividness = _slider("vividness")
        self.refinement = _box({n: REFINEMENT_TITLES.get(n, n) for n in REFINEMENTS}, "refinement")
        self.checkpoint = _box({}, "checkpoint")
        self.network_size = _network_size()
        self.radius = _spin("radius", QSpinBox())
        self.sigma_space = _spin("sigma_space", QDoubleSpinBox())
        self.sigma_range = _spin("sigma_range", QDoubleSpinBox())
        self.advanced = self._advanced()
        self._above = 0
        self._rows = layout = _form_layout(self)
        layout.addRow("Method", self.method)
        layout.addRow(self.hint)
        layout.addRow("Temperature", self.temperature)
        layout.addRow("Vividness", self.vividness)
        layout.addRow("Refinement", self.refinement)
        layout.addRow(self.advanced)
        self.method.currentIndexChanged.connect(self.refresh_checkpoints)
        self.checkpoint.currentIndexChanged.connect(self._show_defaults)
        self.refinement.currentIndexChanged.connect(self._enable_refinement)
        weights_news().changed.connect(self.refresh_checkpoints)
        self.refresh_checkpoints()
        self._tell_changes()

    def add_above(self, label: str, field: QWidget) -> None:
        """Put another row above the form's own, below those put there before, all aligned."""
        self._rows.insertRow(self._above, label, field)
        self._above += 1

    def show_row(self, field: QWidget, visible: bool) -> None:
        """Show or hide a row that was put above, its label with it."""
        label = self._rows.labelForField(field)
        for part in (label, field):
            if part is not None:
                part.setVisible(visible)

    def add_below(self, label: str, field: QLayout) -> None:
        """Put another row below the form's own."""
        self._rows.addRow(label, field)

    @property
    def problem(self) -> str:
        """Why nothing can be coloured as the form says; empty where it can."""
        return self.hint.text()

    def parameters(self) -> ColorizeParameters:
        """Return what the form says; what was not touched is left to the checkpoint."""
        return ColorizeParameters(
            method=self.method.currentData(),
            checkpoint=self.checkpoint.currentData(),
            temperature=_used(self.temperature),
            vividness=_used(self.vividness),
            network_size=self.network_size.value() or None,
            refinement=self.refinement.currentData(),
            radius=self.radius.value(),
            sigma_space=self.sigma_space.value(),
            sigma_range=self.sigma_range.value(),
        )

    def refresh_checkpoints(self) -> None:
        """Offer the weights that are on this machine now, for the chosen method."""
        before = self.checkpoint.currentData()
        method = self.method.currentData()
        here = checkpoints.available()
        names = [record.name for record in here if record.method == method]
        mark_methods(self.method, {record.method for record in here})
        self.hint.setText("" if names else no_weights_for(method))
        self.hint.setVisible(not names)
        self.checkpoint.blockSignals(True)
        self.checkpoint.clear()
        self.checkpoint.addItem(f"Default ({names[0]})" if names else "None installed", None)
        for name in names:
            self.checkpoint.addItem(name, name)
        self.checkpoint.setCurrentIndex(names.index(before) + 1 if before in names else 0)
        self.checkpoint.blockSignals(False)
        self._show_defaults()

    def _tell_changes(self) -> None:
        for box in (self.method, self.refinement, self.checkpoint):
            box.currentIndexChanged.connect(self.changed)
        for number in (self.network_size, self.radius, self.sigma_space, self.sigma_range):
            number.valueChanged.connect(self.changed)
        for slider in (self.temperature, self.vividness):
            slider.value_changed.connect(self.changed)
        weights_news().changed.connect(self.changed)

    def _advanced(self) -> QCollapsible:
        inner = QWidget()
        layout = _form_layout(inner)
        layout.addRow("Weights", self.checkpoint)
        layout.addRow("Network size", self.network_size)
        layout.addRow("Radius", self.radius)
        layout.addRow("Sigma space", self.sigma_space)
        layout.addRow("Sigma range", self.sigma_range)
        advanced = QCollapsible("Advanced", expandedIcon="▾", collapsedIcon="▸")
        advanced.addWidget(inner)
        return advanced

    def _show_defaults(self) -> None:
        """Let untouched sliders stand where the chosen weights put them."""
        name = self.checkpoint.currentData()
        method = self.method.currentData()
        records = [r for r in checkpoints.available() if r.method == method]
        named = [record for record in records if name in (None, record.name)]
        defaults = {**PAPER_DEFAULTS, **(named[0].defaults if named else {})}
        self.temperature.set_default(float(defaults["temperature"]))
        self.vividness.set_default(float(defaults["vividness"]))
        without = WITHOUT_EFFECT.get(method, ())
        self.temperature.allow("temperature" not in without, _no_use(method))
        self.vividness.allow("vividness" not in without, _no_use(method))

    def _enable_refinement(self) -> None:
        along_edges = self.refinement.currentData() == "joint_bilateral"
        for number in (self.radius, self.sigma_space, self.sigma_range):
            number.setEnabled(along_edges)


def warning() -> QLabel:
    """Return a label for a sentence on what keeps a form from being used; hidden while empty."""
    label = QLabel()
    label.setWordWrap(True)
    label.setStyleSheet("color: #e69138;")
    label.setVisible(False)
    return label


def _used(slider: DefaultedSlider) -> float | None:
    """Return what was chosen, unless the method has no use for it."""
    return slider.value if slider.isEnabled() else None


def _no_use(method: str) -> str:
    return f"{title_of(method)} predicts one colour; this setting has no effect on it."


def _form_layout(widget: QWidget) -> QFormLayout:
    layout = QFormLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return layout


def _widen(field: QWidget) -> None:
    """Let a field fill its row."""
    field.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)


def _box(titles: dict[str, str], option: str) -> QComboBox:
    box = QComboBox()
    box.setToolTip(OPTIONS[option].metadata["help"])
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(10)
    _widen(box)
    for value, title in titles.items():
        box.addItem(title, value)
    return box


def _slider(name: str) -> DefaultedSlider:
    known = OPTIONS[name].metadata
    return DefaultedSlider(
        known["min"], known["max"], known["step"], PAPER_DEFAULTS[name], known["help"]
    )


def _spin(name: str, box: Any) -> Any:
    known = OPTIONS[name].metadata
    box.setRange(known["min"], known["max"])
    box.setSingleStep(known["step"])
    box.setValue(OPTIONS[name].default)
    box.setToolTip(known["help"])
    box.setSuffix(f" {known['unit']}" if known["unit"] else "")
    _widen(box)
    return box


def _network_size() -> QSpinBox:
    """Return a box whose lowest step, 0, stands for the checkpoint's own size."""
    known = OPTIONS["network_size"].metadata
    box = QSpinBox()
    box.setRange(0, known["max"])
    box.setSingleStep(known["step"])
    box.setSpecialValueText("Default")
    box.setSuffix(f" {known['unit']}")
    box.setToolTip(known["help"])
    _widen(box)
    return box
