"""What the panels that run something have in common as widgets of napari."""

from qtpy.QtCore import QEvent, QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QWidget

from napari_colorize.widgets.shared.docking import bring_forward, join_tabs


class RunningPanel(QWidget):
    """A panel whose run ends when its dock is closed: napari then only takes the panel out.

    Where another of our panels is open on the same side already, it becomes a tab beside that one.
    """

    def __init__(self) -> None:
        super().__init__()
        self._placed = False
        self._shown = QTimer(self)  # napari is not done with the dock when it shows the panel
        self._shown.setSingleShot(True)
        self._shown.timeout.connect(self._settle)

    def cancel(self) -> None:
        """Stop what is under way, as the button does."""
        raise NotImplementedError

    def leave(self) -> None:
        """End what is under way when the dock is closed."""
        self.cancel()

    def event(self, event: QEvent | None) -> bool:
        """Notice that the panel has lost its dock."""
        if event is not None and event.type() == QEvent.Type.ParentChange and not self.parent():
            self.leave()
        return super().event(event)

    def showEvent(self, event: QShowEvent | None) -> None:  # Qt's name
        """Find the panel's place among the others; it comes forward whenever it is opened."""
        super().showEvent(event)
        if event is not None and not event.spontaneous():
            self._shown.start(0)

    def _settle(self) -> None:
        if not self._placed:  # later it stays where a person has put it
            self._placed = True
            join_tabs(self, RunningPanel)
        bring_forward(self)
