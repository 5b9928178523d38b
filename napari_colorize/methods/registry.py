"""Which methods there are: those in the folders beside this file, and those of other packages.

A folder adds its methods by the tuple ``CARDS`` in its ``__init__``. Another package adds its own
by an entry point of the group `ENTRY_POINTS` that names a `MethodCard`, or by `register`.
"""

from __future__ import annotations

import pkgutil
import warnings
from collections.abc import Iterator
from importlib import import_module, metadata

from napari_colorize.methods.cards import Builder, MethodCard

ENTRY_POINTS = "napari_colorize.methods"
"""Group of entry points by which other packages add methods."""

CARDS: dict[str, MethodCard] = {}
"""Method name → its card, in the order in which methods are offered. Change it by `register`."""

METHODS: dict[str, str] = {}
"""Method name → title in full, authors and year."""

ARCHITECTURES: dict[str, Builder] = {}
"""Architecture name → builder; ``builder(**options)`` returns an untrained graph."""

WITHOUT_EFFECT: dict[str, tuple[str, ...]] = {}
"""Method name → the settings of `ColorizeParameters` that it has no use for; records say so."""

METHOD_TITLES: dict[str, str] = {}
"""Method name → short title, first author and year, for lists."""

NETWORK_TITLES: dict[str, str] = {}
"""Architecture name → what panels call it."""


def register(card: MethodCard) -> None:
    """Add a method: from then on it is offered wherever methods are.

    Parameters
    ----------
    card : MethodCard
        What is known about it.

    Raises
    ------
    ValueError
        There is a method, or an architecture, of that name already.

    Examples
    --------
    >>> from napari_colorize import methods
    >>> from napari_colorize.methods.cards import MethodCard, Paper
    >>> methods.register(
    ...     MethodCard(
    ...         name="sepia",
    ...         title="Sepia",
    ...         long_title="Sepia toning",
    ...         paper=Paper(authors=("Doe",), year=2026),
    ...         uncertainty="nothing: it is 1 throughout",
    ...     )
    ... )
    >>> methods.METHOD_TITLES["sepia"]
    'Sepia (Doe 2026)'
    >>> methods.unregister("sepia")
    """
    if card.name in CARDS:
        raise ValueError(f"There is a method called {card.name!r} already; give it another name.")
    taken = sorted(set(card.architectures) & set(ARCHITECTURES))
    if taken:
        raise ValueError(
            f"The method {card.name!r} brings architectures whose names are taken: "
            f"{', '.join(taken)}. Give them other names."
        )
    CARDS[card.name] = card
    METHODS[card.name] = card.cited_as
    METHOD_TITLES[card.name] = card.listed_as
    if card.without_effect:
        WITHOUT_EFFECT[card.name] = card.without_effect
    for name, architecture in card.architectures.items():
        ARCHITECTURES[name] = architecture.build
        NETWORK_TITLES[name] = architecture.title


def unregister(method: str) -> None:
    """Take a method away again, with its architectures.

    Raises
    ------
    KeyError
        There is no such method.
    """
    card = CARDS.pop(method)
    for table in (METHODS, METHOD_TITLES, WITHOUT_EFFECT):
        table.pop(method, None)
    for name in card.architectures:
        del ARCHITECTURES[name], NETWORK_TITLES[name]


def method_of(architecture: str) -> str:
    """Return the method that an architecture belongs to.

    One that was entered into `ARCHITECTURES` without a card is a method of its own name.
    """
    for card in CARDS.values():
        if architecture in card.architectures:
            return card.name
    return architecture


def register_all() -> None:
    """Register the built-in methods, then those of installed packages; once, when imported.

    A package whose card cannot be used is left out with a warning: it must not keep the other
    methods from working.
    """
    for card in _built_in():
        register(card)
    for entry in metadata.entry_points(group=ENTRY_POINTS):
        try:
            register(entry.load())
        except Exception as error:
            warnings.warn(
                f"The method {entry.name!r} of another package ({entry.value}) is left out: "
                f"{type(error).__name__}: {error}",
                RuntimeWarning,
                stacklevel=2,
            )


def _built_in() -> Iterator[MethodCard]:
    package = import_module("napari_colorize.methods")
    for folder in pkgutil.iter_modules(package.__path__):
        if folder.ispkg:
            yield from import_module(f"{package.__name__}.{folder.name}").CARDS
