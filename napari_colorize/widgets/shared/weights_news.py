"""Tells every open panel that the weights on this machine have changed."""

from functools import cache

from qtpy.QtCore import QObject, Signal


class WeightsNews(QObject):
    """Emits ``changed()`` after weights were fetched, imported or trained.

    Connect only methods of Qt objects: Qt cuts such a connection when it deletes the object.
    """

    changed = Signal()


@cache
def weights_news() -> WeightsNews:
    """Return the one source of this news in a programme."""
    return WeightsNews()
