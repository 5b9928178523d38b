"""What the panels that run something have in common as widgets of napari."""

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QWidget


class RunningPanel(QWidget):
    """A panel whose run ends when its dock is closed: napari then only takes the panel out."""

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
