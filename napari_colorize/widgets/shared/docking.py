"""How panels share a window with others: as tabs of one place, scrolled where there is no room."""

from typing import Any

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtWidgets import QDockWidget, QFrame, QMainWindow, QScrollArea, QVBoxLayout, QWidget

PLUGIN = "napari-colorize"
COLORIZE, MODELS, TRAIN = "Colorize", "Models", "Train on my images"
EVALUATE, TURING = "Evaluate", "Colorization Turing test"
"""What the panels are called in ``napari.yaml``, which is how napari opens them."""

LEAST_HEIGHT = 160
"""Pixels that a panel asks for at the least; what does not fit is scrolled."""


class Scrolled(QScrollArea):
    """Contents that keep their width and are scrolled down where there is too little height.

    So no panel makes a window grow beyond the screen, and no texts or fields are squeezed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.contents = QWidget()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(self.contents)

    def reveal(self, *widgets: QWidget) -> None:
        """Scroll until these are on screen, the last one above all."""
        for widget in widgets:
            self.ensureWidgetVisible(widget, 0, 8)

    def sizeHint(self) -> QSize:  # Qt's name
        """Return the size at which nothing is scrolled."""
        return self.contents.sizeHint() + QSize(self._bar(), 0)

    def minimumSizeHint(self) -> QSize:  # Qt's name
        """Return the width of the contents, and a little height."""
        least = self.contents.minimumSizeHint()
        return QSize(least.width() + self._bar(), min(least.height(), LEAST_HEIGHT))

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Pass on that the contents want another size: a scroll area by itself does not."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def _bar(self) -> int:
        bar = self.verticalScrollBar()
        return 0 if bar is None else bar.sizeHint().width()


def scrolled(panel: QWidget) -> Scrolled:
    """Fill an empty panel with a place for contents that are scrolled where they do not fit."""
    scroll = Scrolled()
    around = QVBoxLayout(panel)
    around.setContentsMargins(0, 0, 0, 0)
    around.addWidget(scroll)
    return scroll


def dock_of(panel: QWidget) -> QDockWidget | None:
    """Return the dock that a panel is in."""
    widget: QWidget | None = panel
    while widget is not None and not isinstance(widget, QDockWidget):
        widget = widget.parentWidget()
    return widget


def join_tabs(panel: QWidget, kind: type[QWidget]) -> None:
    """Make a panel's dock a tab of another dock on its side that holds a panel of that kind.

    Below each other, two of our panels leave each other half of the height, which is too little
    for both on a laptop.
    """
    dock = dock_of(panel)
    main = None if dock is None else dock.parentWidget()
    if dock is None or not isinstance(main, QMainWindow) or dock.isFloating():
        return
    for other in main.findChildren(QDockWidget):
        if (
            other is not dock
            and not other.isHidden()
            and not other.isFloating()
            and main.dockWidgetArea(other) == main.dockWidgetArea(dock)
            and other.findChild(kind) is not None
        ):
            main.tabifyDockWidget(other, dock)
            return


def open_panel(viewer: Any, name: str) -> Any:
    """Open a panel beside a viewer with a window, or bring the open one forward; return it."""
    _, panel = viewer.window.add_plugin_dock_widget(PLUGIN, name)
    bring_forward(panel)
    return panel


def bring_forward(panel: QWidget) -> None:
    """Show a panel's dock, in front of the tabs beside it."""
    dock = dock_of(panel)
    if dock is not None:
        dock.show()
        dock.raise_()
