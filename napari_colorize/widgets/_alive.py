"""Listen to a viewer's events for as long as a Qt widget lives, and not a moment longer."""

import weakref
from typing import Any

from qtpy.QtWidgets import QWidget


def connect_while_alive(widget: QWidget, emitter: Any, method: Any) -> None:
    """Connect a bound method of ``widget`` to a napari event emitter until Qt deletes the widget.

    A viewer can outlive a panel whose dock was closed; an event that reaches the Python half of a
    deleted widget raises.
    """
    emitter.connect(method)
    listener = weakref.WeakMethod(method)

    def disconnect() -> None:
        bound = listener()
        if bound is not None:
            emitter.disconnect(bound)

    widget.destroyed.connect(disconnect)
