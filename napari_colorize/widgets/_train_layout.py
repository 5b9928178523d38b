"""How the panel *Train on my images* looks: its widgets and their states, nothing they do."""

from typing import TYPE_CHECKING

from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_colorize.widgets._background import Step
from napari_colorize.widgets._train_curve import LossCurve
from napari_colorize.widgets._train_form import TrainForm
from napari_colorize.widgets._train_sample import SampleStrip
from napari_colorize.widgets._train_watch import LiveWatch

if TYPE_CHECKING:
    from napari.components import LayerList

CAVEAT = (
    "Weights colour pictures of the kind they have learnt from, and all others as if they were."
)
_TICKS = 1000


class TrainLayout:
    """The widgets of the panel, laid out in it.

    Parameters
    ----------
    panel : QWidget
        An empty widget; it will own all others.
    layers : napari.components.LayerList
    """

    def __init__(self, panel: QWidget, layers: "LayerList") -> None:
        self.form = TrainForm(layers, panel)
        self.train = QPushButton("Train")
        self.cancel = QPushButton("Cancel")
        self.progress = QProgressBar()
        self.status = QLabel()
        self.curve = LossCurve()
        self.sample = SampleStrip()
        self.use = QPushButton("Colorize with it")
        self._set_up()
        self._lay_out(panel)

    def show_busy(self, step: Step) -> None:
        """A training is under way, so far."""
        self.form.enable(False)
        self.train.setEnabled(False)
        self.progress.setRange(0, 0 if step.fraction is None else _TICKS)
        self.progress.setValue(round((step.fraction or 0) * _TICKS))
        self.progress.setVisible(True)
        self.status.setText(step.text)

    def show_idle(self, text: str, *, ready: bool, finished: bool) -> None:
        """No training is under way; one can be started, or finished weights be used."""
        self.form.enable(True)
        self.train.setEnabled(ready)
        self.cancel.setEnabled(False)
        self.progress.setVisible(False)
        self.status.setText(text)
        self.use.setEnabled(finished)

    def show_sight(self, watch: LiveWatch) -> None:
        """Show error and sample as they are now."""
        self.curve.show_points(watch.curve)
        self.sample.show_sample(watch.latest)

    def _set_up(self) -> None:
        self.train.setStyleSheet("font-weight: bold;")
        self.train.setToolTip("Learn in the background; no layer is changed.")
        self.cancel.setToolTip("End the training; the best weights so far are kept.")
        self.use.setToolTip("Choose these weights in the panel Colorize.")
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(8)
        self.status.setWordWrap(True)

    def _lay_out(self, panel: QWidget) -> None:
        caveat = QLabel(CAVEAT)
        caveat.setWordWrap(True)
        caveat.setStyleSheet("font-style: italic;")
        buttons = QHBoxLayout()
        buttons.addWidget(self.train)
        buttons.addWidget(self.cancel)
        # Beside other panels there may be little room: texts are then scrolled, not cut.
        contents, scroll = QWidget(), QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(contents)
        around = QVBoxLayout(panel)
        around.setContentsMargins(0, 0, 0, 0)
        around.addWidget(scroll)
        column = QVBoxLayout(contents)
        column.setSpacing(8)
        column.addLayout(self.form.rows())
        column.addWidget(caveat)
        column.addLayout(buttons)
        column.addWidget(self.progress)
        column.addWidget(self.status)
        column.addWidget(self.curve)
        column.addWidget(self.sample)
        column.addWidget(self.use)
        column.addStretch(1)
