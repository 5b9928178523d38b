"""What must end with a Qt widget: listening to its viewer, and the work done for it.

Both ask whether the widget is still there, rather than having Qt's ``destroyed`` signal call them:
by then Python may have freed the callable, and the call takes the process with it.
"""

import weakref
from threading import Event
from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QObject


def connect_while_alive(widget: QObject, emitter: Any, method: Any) -> None:
    """Connect a bound method of ``widget`` to a napari event emitter until Qt deletes the widget.

    A viewer can outlive a panel whose dock was closed; an event that reaches the Python half of a
    deleted widget raises.
    """
    owner, listener = weakref.ref(widget), weakref.WeakMethod(method)

    def forward(event: Any) -> None:
        alive, bound = owner(), listener()
        if alive is not None and bound is not None and isalive(alive):
            bound(event)

    emitter.connect(forward)


class StopWithOwner(Event):
    """A request to stop that is also made by the end of the Qt object the work is for."""

    def __init__(self, owner: QObject) -> None:
        super().__init__()
        self._owner = weakref.ref(owner)

    def is_set(self) -> bool:
        """Whether somebody asked, or the owner is gone."""
        owner = self._owner()
        return super().is_set() or owner is None or not isalive(owner)
