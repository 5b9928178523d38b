"""Methods and weights on offer: the form that asks for them, and the news that they changed."""

import weakref
from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_colorize import checkpoints
from napari_colorize.methods import METHOD_TITLES, METHODS
from napari_colorize.widgets.shared.access import warning
from napari_colorize.widgets.shared.form import DataclassForm

WITHOUT_WEIGHTS = "no weights"
NONE_NEEDED: list[tuple[str, str | None]] = [("None needed", None)]


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


class WeightsForm(DataclassForm):
    """A form whose fields ``method`` and ``checkpoint`` offer what is on this machine.

    A subclass makes both as :class:`ChoiceBox`, and calls :meth:`follow_weights` once it is made.

    Parameters
    ----------
    *args, **kwargs
        As for :class:`DataclassForm`.
    """

    OTHERS: tuple[tuple[str, str], ...] = ()
    """Titles and names of further methods, which need no weights."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lacking = ""
        self.hint = warning()
        below_weights = self.rows.getWidgetPosition(self.checkpoint.native)[0] + 1
        self.rows.insertRow(below_weights, self.hint)

    @property
    def problem(self) -> str:
        """Why nothing can be coloured as the form says; empty where it can."""
        return self.hint.text()

    def follow_weights(self) -> None:
        """Offer what is here now, and whatever comes and goes."""
        self.method.changed.connect(self.refresh_checkpoints)
        follow_weights(self.native, self.refresh_checkpoints)
        self.refresh_checkpoints()

    def refresh_checkpoints(self) -> None:
        """Offer the weights that are on this machine now, for the chosen method."""
        method = self.method.value
        here = checkpoints.available()
        names = [record.name for record in here if record.method == method]
        needed = method in METHODS
        self.method.offer([*methods_on_offer({record.method for record in here}), *self.OTHERS])
        self.checkpoint.offer(weights_on_offer(names) if needed else NONE_NEEDED)
        self.lacking = no_weights_for(method) if needed and not names else ""
        self.show_method()
        self.changed.emit(self)

    def show_method(self) -> None:
        """Show what follows from the method and its weights."""
        self.complain(self.lacking)

    def complain(self, problem: str) -> None:
        """Say why nothing can be coloured; an empty text takes it back."""
        self.hint.setText(problem)
        self.hint.setVisible(bool(problem))
