"""The pages of a file: each coloured for itself, or held along one of the axes that count them."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorize.api import colorize_plane
from napari_colorize.files import Page
from napari_colorize.parameters import ColorizeParameters
from napari_colorize.pipeline.window import shared_window
from napari_colorize.results import Colorized, Ticker
from napari_colorize.sequences.parameters import StackParameters
from napari_colorize.sequences.stream import coloured_planes

if TYPE_CHECKING:
    from napari_colorize.guided.decisions import Decisions

OnPage = Callable[[int, int], None]
"""Told the number of a page, from 0, before it is coloured, and how many there are."""

CHANNEL = "c"
UNNAMED = "iq"
"""Letters of axes whose meaning the file does not give."""

Window = tuple[float, float]

Axes = Sequence[tuple[str, int]]
"""Letter and length of the axes that count the pages, outermost first."""


@dataclass(frozen=True)
class PageConsistency:
    """How firmly colour is held from page to page, and along which axis.

    Parameters
    ----------
    strength : float
        How firmly, 0…1.
    axis : str or None
        The letter or the number of the axis; ``None``: the outermost of more than one page that
        is not one of channels.
    """

    strength: float
    axis: str | None = None


def held_pages(
    stack: Any,
    path: Path,
    parameters: ColorizeParameters,
    consistency: PageConsistency,
    on_page: OnPage | None = None,
) -> Iterator[Colorized]:
    """Colour the pages of a stack so that colour holds, in their order, reading a few ahead.

    Pages that differ along other axes than the one that is asked for are stacks of their own.
    They share one window, but for channels, each of which has its own.

    Parameters
    ----------
    stack : files.StackFile
        Or another sequence of pages with ``axes``.
    path : Path
        Where it came from.
    parameters : ColorizeParameters
    consistency : PageConsistency
    on_page : callable, optional
        Told the number of each page before it is coloured, and how many there are.

    Raises
    ------
    ValueError
        There is no such axis, pages are grey and coloured, or what colouring refuses.
    """
    along = _axis(stack.axes, consistency.axis, path)
    shape = tuple(length for _, length in stack.axes)
    numbers = np.arange(math.prod(shape)).reshape(shape)
    windows = windows_of(stack, parameters)
    rgb = stack[0].ndim == 3
    series: dict[tuple[int, ...], Iterator[Colorized]] = {}
    for number, index in enumerate(np.ndindex(*shape)):
        if on_page is not None:
            on_page(number, len(stack))
        first = (*index[:along], 0, *index[along + 1 :])
        if first not in series:
            run = numbers[(*index[:along], slice(None), *index[along + 1 :])]
            asked = StackParameters(
                **parameters.changed(window=windows[number]).to_dict(),
                consistency=consistency.strength,
            )
            series[first] = coloured_planes(
                _Run(stack, [int(page) for page in run], rgb, path),
                asked,
                rgb=rgb,
                tick=Ticker(None, None),
                source=_source(path, run, len(stack)) | _named(stack.axes[along][0]),
                window_mode="automatic" if parameters.window is None else "explicit",
            )
        yield next(series[first])


def single_pages(
    pages: Iterable[Page],
    count: int,
    parameters: ColorizeParameters,
    windows: Sequence[Window | None] | None = None,
    on_page: OnPage | None = None,
    decisions: "Decisions | None" = None,
    region: Any = None,
) -> Iterator[Colorized]:
    """Colour the pages of a file one by one, each for itself.

    Parameters
    ----------
    pages : iterable of files.Page
    count : int
        How many there are.
    parameters : ColorizeParameters
    windows : sequence of (low, high), optional
        Of each page, as :func:`windows_of` chooses them; by default that of ``parameters``, or the
        page's own.
    on_page : callable, optional
        As for :func:`held_pages`.
    decisions : Decisions, optional
        What a person has decided of every page.
    region : array or str, optional
        Where to colour every page; see :func:`napari_colorize.colorize`.
    """
    for page in pages:
        if on_page is not None:
            on_page(page.index, count)
        given = windows is not None and parameters.window is None
        yield colorize_plane(
            page.pixels,
            parameters.changed(window=windows[page.index]) if windows and given else parameters,
            Ticker(None, None),
            source=page.source,
            window_mode="automatic" if given else None,
            decisions=decisions,
            region=region,
        )


def windows_of(stack: Any, parameters: ColorizeParameters) -> list[Window | None]:
    """Choose the window of each page: what was asked for, else of its channel, else of all.

    Parameters
    ----------
    stack : files.StackFile
        Or another sequence of pages with ``axes``.
    parameters : ColorizeParameters

    Returns
    -------
    list of (low, high)
        Raw values that become black and white, one pair a page; None where pages are coloured.
    """
    if parameters.window is not None:
        return [parameters.window] * len(stack)
    letters = [letter for letter, _ in stack.axes]
    shape = tuple(length for _, length in stack.axes)
    numbers = np.arange(len(stack)).reshape(shape)
    groups = [numbers]
    if CHANNEL in letters:
        groups = list(np.moveaxis(numbers, letters.index(CHANNEL), 0))
    windows: list[Window | None] = [None] * len(stack)
    for group in groups:
        pages = [int(page) for page in group.ravel()]
        window = shared_window(partial(_page_of, stack, pages), len(pages))
        for page in pages:
            windows[page] = window
    return windows


def why_not_held(axes: Axes, asked: str | None) -> str:
    """Say why colour is held along no axis of a file; nothing where it can be.

    Parameters
    ----------
    axes : sequence of (str, int)
        Letter and length of the axes that count the pages.
    asked : str or None
        What was given for ``--axis``.
    """
    long = [letter for letter, length in axes if length > 1]
    if asked is None:
        return "" if [letter for letter in long if letter != CHANNEL] else "its pages are channels"
    named = [(letter, n) for k, (letter, n) in enumerate(axes) if asked.lower() in (letter, str(k))]
    if any(letter == CHANNEL for letter, _ in named):
        return "colour is not held from channel to channel"
    return f"its axis {asked} has one page" if any(n == 1 for _, n in named) else ""


class _Run(Sequence[Any]):
    """Some pages of a stack, read when they are asked for."""

    def __init__(self, stack: Any, pages: list[int], rgb: bool, path: Path) -> None:
        self._stack, self._pages, self._rgb, self._path = stack, pages, rgb, path
        self._size: tuple[int, ...] | None = None

    def __len__(self) -> int:
        return len(self._pages)

    def __getitem__(self, index: Any) -> Any:
        pixels = self._stack[self._pages[index]]
        if (pixels.ndim == 3) != self._rgb:
            raise ValueError(
                f"{self._path.name} has grey and coloured pages, which are no stack; leave out "
                "--consistency and --axis to colour each for itself."
            )
        self._size = self._size or pixels.shape[:2]
        if pixels.shape[:2] != self._size:
            raise ValueError(
                f"{self._path.name} has pages of several sizes, which are no stack; leave out "
                "--consistency and --axis to colour each for itself."
            )
        return pixels


def _axis(axes: Axes, asked: str | None, path: Path) -> int:
    """Return which of the axes is meant."""
    letters = [letter for letter, _ in axes]
    if asked is None:
        long = [i for i, (letter, n) in enumerate(axes) if n > 1 and letter != CHANNEL]
        return long[0] if long else 0
    if asked.lower() in letters and letters.count(asked.lower()) == 1:
        return letters.index(asked.lower())
    if asked.isdecimal() and int(asked) < len(axes):
        return int(asked)
    known = ", ".join(f"{i} ({letter}, {n} pages)" for i, (letter, n) in enumerate(axes))
    raise ValueError(f"{path.name} has no axis {asked}; its pages are counted by {known}.")


def _page_of(stack: Any, pages: Sequence[int], number: int) -> Any:
    return stack[pages[number]]


def _named(letter: str) -> dict[str, str]:
    """Return what the planes of a run are counted by, for the record; i and q do not say."""
    return {} if letter in UNNAMED else {"axes": f"{letter}yx"}


def _source(path: Path, run: np.ndarray, count: int) -> dict[str, Any]:
    """Say where a run of pages came from; a path only where it is all of the file."""
    if len(run) == count:
        return {"path": str(path), "pages": count}
    step = int(run[1] - run[0]) if len(run) > 1 else 1
    pages = f"{int(run[0])}:{int(run[-1]) + 1}:{step}"
    return {"name": f"pages [{pages}] of {path.name}", "file": str(path)}
