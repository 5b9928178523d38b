"""How the panel looks: its widgets and their three states, nothing of what they do."""

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from napari_colorize.widgets.colorize.form import ParameterForm
from napari_colorize.widgets.colorize.hold import Hold
from napari_colorize.widgets.colorize.runs import TryStrip
from napari_colorize.widgets.colorize.stack_form import StackForm
from napari_colorize.widgets.layers.choice import LayerChoice, RegionChoice
from napari_colorize.widgets.shared.controls import RunControls, Sentence, caveat, row
from napari_colorize.widgets.shared.panel import scrolled

if TYPE_CHECKING:
    from napari.components import LayerList

CAVEAT = "Predicted colour is plausible, not measured."


class PanelLayout(RunControls):
    """The widgets of a panel, laid out in it.

    Parameters
    ----------
    panel : QWidget
        An empty widget; it will own all others.
    layers : napari.components.LayerList
    """

    def __init__(self, panel: QWidget, layers: "LayerList") -> None:
        super().__init__(
            "Run",
            "Colour into a new layer; the source is never changed.",
            "Stop; nothing is added.",
        )
        self.layer = LayerChoice(layers, several=True)
        self.in_file = Sentence()
        self.take_over = QPushButton("Take over")
        self.said_by_file = QWidget()
        self.region = RegionChoice(layers)
        self.planes = QComboBox()
        self.view = QCheckBox("Only what is in view")
        self.stack = StackForm(panel)
        self.form = ParameterForm()
        self.uncertainty = QCheckBox("Uncertainty")
        self.clipped = QCheckBox("Clipped colours")
        self.preview = QCheckBox("Live preview of the plane on screen")
        self.swipe = QSlider(Qt.Orientation.Horizontal)
        self.swiped = QWidget()
        self.estimate = Sentence()
        self.tries = TryStrip(layers)
        self.background = QPushButton("Do not wait for planes")
        self.copy_legend = QPushButton("Copy figure legend")
        self.copy_short = QPushButton("Copy short legend")
        self.copy_methods = QPushButton("Copy methods paragraph")
        self.copy_python = QPushButton("Copy as Python")
        self._set_up()
        self._lay_out(panel)
        self.offer_planes(1)

    @property
    def every_plane(self) -> bool:
        """Whether all planes are to be coloured."""
        return self.planes.isEnabled() and bool(self.planes.currentData())

    @property
    def hold(self) -> Hold | None:
        """How all planes hang together; ``None`` where one plane is to be coloured."""
        return self.stack.hold if self.every_plane else None

    @property
    def problem(self) -> str:
        """Why what is chosen cannot be coloured; empty where it can."""
        if self.layer.layer is None:
            return "There is no image layer to colour; open an image first."
        if self.every_plane and self.stack.hold is None:
            return self.stack.problem.text()
        return self.form.problem

    @property
    def ready(self) -> bool:
        """Whether what is chosen can be coloured."""
        return not self.problem

    def offer_planes(self, planes: int, levels: int = 1, *, lazy: bool = False) -> None:
        """Offer to colour all of so many planes, or levels of a pyramid; one needs no choice.

        ``lazy`` says that they would be coloured when somebody looks at them.
        """
        every, several = self.every_plane, planes > 1 or levels > 1
        self.planes.clear()
        self.planes.addItem("Current slice", False)
        if several:
            many = f"All {planes} planes" if planes > 1 else f"All {levels} levels"
            self.planes.addItem(f"{many}, when looked at" if lazy else many, True)
        self.planes.setEnabled(several)
        self.planes.setCurrentIndex(int(every and several))
        self._show_stack()

    @property
    def only_view(self) -> bool:
        """Whether of the one plane only what is in view is to be coloured."""
        return self.view.isChecked() and not self.every_plane

    def _show_stack(self) -> None:
        """Show the rows of a stack only where there is one, and that of the view where not."""
        self.form.show_row(self.view, not self.every_plane)
        layer = self.layer.layer
        stack = self.every_plane and layer is not None and layer.ndim > 2
        for field in (self.stack.named, self.stack.along, self.stack.consistency.native):
            self.form.show_row(field, stack)

    def offer_copies(self, has_result: bool) -> None:
        """Offer what can be copied of a result, where there is one."""
        for button in (self.copy_legend, self.copy_short, self.copy_methods, self.copy_python):
            button.setEnabled(has_result)

    def show_file(self, said: str) -> None:
        """Show what the layer's file says, and offer to take it over; nothing: hide the row."""
        self.in_file.setText(f"The file says {said}.")
        self.form.show_row(self.said_by_file, bool(said))

    def show_estimate(self, said: str) -> None:
        """Say how long a run will take; nothing: take no place."""
        self.estimate.setText(said)
        self.estimate.setVisible(bool(said))

    def show_swipe(self, on: bool) -> None:
        """Show the slider between the picture before and after, while there is a preview."""
        self.swiped.setVisible(on)

    def _set_up(self) -> None:
        self.planes.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.planes.setToolTip("All planes share the layer's contrast limits.")
        self.view.setToolTip(
            "Colour the part of the slice that the canvas shows: sooner, and with an eye for "
            "detail, as the network then sees that part larger."
        )
        self.uncertainty.setToolTip(
            "Also add a layer of 0 (the network sees one colour) to 1 (it could be any)."
        )
        self.clipped.setToolTip(
            "Also add a layer that marks where the predicted colour does not exist in sRGB at this "
            "lightness, so that the result is paler. It says nothing of saturated data; what is "
            "nearly black or white is left out."
        )
        self.preview.setToolTip(
            "Colour the plane on screen again whenever a setting, the slider or the contrast "
            "moves, at reduced size where it is large. The preview is no result: it is replaced at "
            "each move, and goes when a run's result arrives."
        )
        self.swipe.setRange(0, 100)
        self.swipe.setValue(100)
        self.swipe.setAccessibleName("How much of the preview is coloured, from the left")
        self.swipe.setToolTip(
            "Left of this place the preview is coloured, right of it is the image as it was."
        )
        self.take_over.setToolTip(
            "Give the layer these axes, steps and units; its pixels stay as they are."
        )
        self.copy_short.setToolTip("A few words, for a figure with little room.")
        self.copy_methods.setToolTip("A paragraph for the methods section of a paper.")
        self.background.setVisible(False)
        self.background.setToolTip(
            "The window stands still while a plane is coloured that you come to. This switches on "
            "'Render Layers Asynchronously' in napari's preferences, an experiment of napari's. "
            "For all layers, the last plane then stays on screen until the next is ready."
        )
        self.copy_legend.setToolTip(
            "A sentence that says how the last result of this panel was made."
        )
        self.copy_python.setToolTip("The call that repeats the last result without napari.")

    def _lay_out(self, panel: QWidget) -> None:
        also = QVBoxLayout()
        also.addWidget(self.uncertainty)
        also.addWidget(self.clipped)
        beside = QHBoxLayout(self.said_by_file)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.addWidget(self.in_file, 1)
        beside.addWidget(self.take_over)
        before = QHBoxLayout(self.swiped)
        before.setContentsMargins(20, 0, 0, 0)
        for part in (QLabel("Before"), self.swipe, QLabel("After")):
            before.addWidget(part)
        self.show_swipe(False)
        self.form.add_above("Image", self.layer)
        self.form.add_above("", self.said_by_file)
        self.form.add_above("Planes", self.planes)
        self.form.add_above("", self.view)
        self.form.add_above("Axes", self.stack.named)
        self.form.add_above("Same colour along", self.stack.along)
        self.form.add_above("Consistency", self.stack.consistency.native)
        self.form.add_above("Where", self.region)
        self.planes.currentIndexChanged.connect(self._show_stack)
        self.form.add_below("Also add", also)
        column = QVBoxLayout(scrolled(panel).contents)
        column.setSpacing(10)
        column.addWidget(self.form.native)
        column.addWidget(self.preview)
        column.addWidget(self.swiped)
        column.addWidget(caveat(CAVEAT))
        column.addWidget(self.estimate)
        self.add_to(column)
        column.addWidget(self.background)
        column.addWidget(self.tries)
        column.addLayout(row(self.copy_legend, self.copy_short))
        column.addLayout(row(self.copy_methods, self.copy_python))
        column.addStretch(1)
