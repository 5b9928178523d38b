"""A labelled slider that knows whether somebody moved it."""

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QToolButton, QWidget
from superqt import QLabeledDoubleSlider


class DefaultedSlider(QWidget):
    """A number that stays at a default, shown but not chosen, until somebody moves it.

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

    value_changed = Signal()

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
        super().__init__()
        self._default, self._help = default, help
        self._chosen = False
        self.slider = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(low, high)
        self.slider.setSingleStep(step)  # type: ignore[arg-type]  # typed for whole numbers
        self.slider.setDecimals(2)
        self.slider.setValue(default)
        self.slider.setToolTip(help)
        self.reset_button = QToolButton()
        self.reset_button.setText("↺")
        self.reset_button.setAutoRaise(True)
        self.reset_button.setToolTip(reset_help)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.slider, 1)
        layout.addWidget(self.reset_button)
        self.slider.valueChanged.connect(self._on_moved)
        self.reset_button.clicked.connect(self.reset)
        self._show_state()

    @property
    def value(self) -> float | None:
        """The chosen number, or ``None`` while the default stands."""
        return round(float(self.slider.value()), 4) if self._chosen else None

    def set_default(self, default: float) -> None:
        """Change the default; an unmoved slider moves there."""
        self._default = default
        if not self._chosen:
            self.reset()

    def allow(self, allowed: bool, why_not: str = "") -> None:
        """Let the number be chosen, or grey it out and say why; what was chosen is kept."""
        self.setEnabled(allowed)
        self.slider.setToolTip(self._help if allowed else why_not)

    def reset(self) -> None:
        """Go back to the default."""
        self.slider.blockSignals(True)
        self.slider.setValue(self._default)
        self.slider.blockSignals(False)
        self._chosen = False
        self._show_state()
        self.value_changed.emit()

    def _on_moved(self) -> None:
        self._chosen = True
        self._show_state()
        self.value_changed.emit()

    def _show_state(self) -> None:
        self.reset_button.setEnabled(self._chosen)
