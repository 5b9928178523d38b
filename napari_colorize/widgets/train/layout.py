"""How the panel *Train on my images* looks: its widgets and their states, nothing they do."""

from typing import TYPE_CHECKING

from qtpy.QtWidgets import (
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_colorize.widgets.shared.controls import RunControls, caveat
from napari_colorize.widgets.shared.docking import scrolled
from napari_colorize.widgets.train.curve import LossCurve
from napari_colorize.widgets.train.form import TrainForm
from napari_colorize.widgets.train.sample import SampleStrip
from napari_colorize.widgets.train.watch import LiveWatch

if TYPE_CHECKING:
    from napari.components import LayerList

CAVEAT = (
    "Weights colour pictures of the kind they have learnt from, and all others as if they were."
)


class TrainLayout(RunControls):
    """The widgets of the panel, laid out in it.

    Parameters
    ----------
    panel : QWidget
        An empty widget; it will own all others.
    layers : napari.components.LayerList
    """

    def __init__(self, panel: QWidget, layers: "LayerList") -> None:
        super().__init__(
            "Train",
            "Learn in the background; no layer is changed.",
            "End the training; the best weights so far are kept.",
        )
        self.form = TrainForm(layers, panel)
        self.curve = LossCurve()
        self.sample = SampleStrip()
        self.use = QPushButton("Colorize with it")
        self.use.setToolTip("Choose these weights in the panel Colorize.")
        self._lay_out(panel)

    def show_busy(self, share: float | None, text: str) -> None:
        """Show that a training is under way, and how far."""
        self.form.enable(False)
        if self.run.isEnabled():  # it begins: show what it does, where the panel is low
            self._scroll.reveal(self.sample, self.run)
        super().show_busy(share, text)

    def show_rest(self, text: str) -> None:
        """Show that no training is under way any more, and a sentence on how it ended."""
        self.form.enable(True)
        super().show_rest(text)

    def show_sight(self, watch: LiveWatch) -> None:
        """Show error and sample as they are now."""
        self.curve.show_points(watch.curve)
        self.sample.show_sample(watch.latest)

    def _lay_out(self, panel: QWidget) -> None:
        self._scroll = scrolled(panel)
        column = QVBoxLayout(self._scroll.contents)
        column.setSpacing(8)
        column.addLayout(self.form.rows())
        column.addWidget(caveat(CAVEAT))
        self.add_to(column)
        column.addWidget(self.curve)
        column.addWidget(self.sample)
        column.addWidget(self.use)
        column.addStretch(1)
