"""What a method tells about itself: the card that registry, command line, panels and trainers read.

A card is read wherever methods are listed, so that reading it imports no torch: its builders and
its trainer are imported when they are used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
