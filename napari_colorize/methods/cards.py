"""What a method says of itself, and which methods there are: ours and those of other packages.

A folder beside this file adds its methods by the tuple ``CARDS`` in its ``__init__``. Another
package adds its own by an entry point of the group `ENTRY_POINTS` that names a `MethodCard`, or by
`register`. Reading a card imports no torch.
"""

from __future__ import annotations

import pkgutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module, metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


Builder = Callable[..., "nn.Module"]


@dataclass(frozen=True)
class Paper:
    """Where a method comes from.

    Parameters
    ----------
    authors : tuple of str
        Family names, in the paper's order.
    year : int
        Of its first publication, be that a preprint: the text that the code cites.
    arxiv : str, optional
        Identifier at arXiv, such as ``"1603.08511"``.
    """

    authors: tuple[str, ...]
    year: int
    arxiv: str = ""


@dataclass(frozen=True)
class Architecture:
    """A network of a method.

    Parameters
    ----------
    title : str
        What panels call it.
    build : callable
        ``build(**options)`` returns the untrained graph, an ``nn.Module`` with
        ``forward(luma, temperature, vividness) → (ab, uncertainty)``; torch is imported inside.
    """

    title: str
    build: Builder


@dataclass(frozen=True)
class PublicLayout:
    """How weights that others published map onto one of the method's architectures.

    Parameters
    ----------
    architecture : str
        What they become.
    marks : tuple of str
        Keys that tell this layout from any other.
    prefix : str
        What our graph puts before the published keys.
    fixed : tuple of str
        Published keys of tensors that were never trained and that our graph holds too: where the
        file's differ, its outputs mean something else than ours.
    """

    architecture: str
    marks: tuple[str, ...]
    prefix: str
    fixed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MethodCard:
    """All that the rest of the package knows about a method.

    Parameters
    ----------
    name : str
        What users type and records hold.
    title : str
        Short title, for lists: ``"Deep"``.
    long_title : str
        Title in full, for model cards: ``"Deep Colorization"``.
    paper : Paper
        Where it comes from.
    uncertainty : str
        What its uncertainty, 0…1, measures: a noun phrase for model cards.
    architectures : mapping of str to Architecture
        The networks that belong to it, by the name that a checkpoint's record carries. A method
        that uses the networks of another names none.
    layouts : tuple of PublicLayout
        Published weights that can be imported by their layout.
    without_effect : tuple of str
        Settings of `ColorizeParameters` that it has no use for; records and legends say so.
    trainer : str
        Where its `napari_colorize.training.trainers.Trainer` is, as ``"module:object"``, the way
        entry points name objects: methods stand below training and must not import it. Empty:
        it cannot be trained here.
    further_trainers : mapping of str to str
        Trainers of parts that its networks get afterwards, such as ``"hints"``, named alike.

    Raises
    ------
    ValueError
        A text that lists need is empty, or a layout belongs to no architecture of the method.

    Examples
    --------
    >>> from napari_colorize.methods import CARDS
    >>> CARDS["deep"].listed_as, CARDS["deep"].cited_as
    ('Deep (Cheng 2015)', 'Deep Colorization (Cheng, Yang, Sheng 2015)')
    """

    name: str
    title: str
    long_title: str
    paper: Paper
    uncertainty: str
    architectures: Mapping[str, Architecture] = field(default_factory=dict)
    layouts: tuple[PublicLayout, ...] = ()
    without_effect: tuple[str, ...] = ()
    trainer: str = ""
    further_trainers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for needed in ("name", "title", "long_title", "uncertainty"):
            if not getattr(self, needed):
                raise ValueError(f"The card of the method {self.name!r} has no {needed}.")
        if not self.paper.authors:
            raise ValueError(f"The paper of the method {self.name!r} has no author.")
        for layout in self.layouts:
            if layout.architecture not in self.architectures:
                raise ValueError(
                    f"The method {self.name!r} has a layout of {layout.architecture!r}, which is "
                    "none of its architectures."
                )

    @property
    def listed_as(self) -> str:
        """Title, first author and year: one line of a list."""
        return f"{self.title} ({self.paper.authors[0]} {self.paper.year})"

    @property
    def cited_as(self) -> str:
        """Title in full, all authors and year."""
        return f"{self.long_title} ({', '.join(self.paper.authors)} {self.paper.year})"


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
