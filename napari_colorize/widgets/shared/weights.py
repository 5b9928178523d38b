"""What panels say of methods and weights, and the news that the weights here have changed."""

import weakref
from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_colorize.methods import METHOD_TITLES, METHODS

WITHOUT_WEIGHTS = "no weights"


def title_of(method: str) -> str:
    """Return what a method is called on screen; an unknown one by its own name."""
    return METHOD_TITLES.get(method, method)


def short_title_of(method: str) -> str:
    """Return the title without author and year, for tables."""
    return title_of(method).partition(" (")[0]


def methods_on_offer(usable: Collection[str]) -> list[tuple[str, str]]:
    """Return all methods as a box offers them, title and name; those without weights are marked.

    Parameters
    ----------
    usable : collection of str
        The methods of which weights are on this machine.
    """
    return [
        (title_of(name) + ("" if name in usable else f", {WITHOUT_WEIGHTS}"), name)
        for name in METHODS
    ]


def weights_on_offer(names: Sequence[str]) -> list[tuple[str, str | None]]:
    """Return weights as a box offers them, title and name; first the default, ``None``."""
    default = f"Default ({names[0]})" if names else "None installed"
    return [(default, None), *((name, name) for name in names)]


def no_weights_for(method: str) -> str:
    """Return the sentence that says how a method gets its weights."""
    return (
        f"There are no weights for {title_of(method)} on this machine. Bring some: "
        "Plugins → Colorize → Models, Import file…"
    )


class WeightsNews(QObject):
    """Emits ``changed()`` after weights were fetched, imported or trained.

    Connect only methods of Qt objects: Qt cuts such a connection when it deletes the object.
    """

    changed = Signal()


@cache
def weights_news() -> WeightsNews:
    """Return the one source of this news in a programme."""
    return WeightsNews()


def follow_weights(widget: QObject, method: Any) -> None:
    """Have a bound method called whenever the weights change, until Qt deletes the widget."""
    _Follower(widget, method)


class _Follower(QObject):
    """Passes the news on; it goes with its widget."""

    def __init__(self, widget: QObject, method: Any) -> None:
        super().__init__(widget)
        self._method = weakref.WeakMethod(method)
        weights_news().changed.connect(self.pass_on)

    def pass_on(self) -> None:
        """Call the method, if its object is there still."""
        method = self._method()
        if method is not None:
            method()
