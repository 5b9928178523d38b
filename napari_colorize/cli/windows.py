"""One intensity window for all pages of a file."""

from collections.abc import Callable, Iterable

import numpy as np

from napari_colorize.files import Page
from napari_colorize.pipeline.window import automatic_window

OnPage = Callable[[int, int], None]
"""Told the number of a page, from 0, before it is coloured, and how many there are."""


def shared_window(pages: Iterable[Page]) -> tuple[float, float] | None:
    """Return one intensity window for all pages, so that the same value looks the same on each.

    It spans the automatic windows of the grey pages. Blank pages are left out unless there are
    no others: their window would be made up. Colour pages need none, for the range of their
    type is the same on every page; if there are only such, the answer is None.
    """
    windows: list[tuple[float, float]] = []
    blank: list[tuple[float, float]] = []
    for page in pages:
        if page.pixels.ndim == 2:
            (blank if _is_blank(page.pixels) else windows).append(automatic_window(page.pixels))
    chosen = windows or blank
    if not chosen:
        return None
    lows, highs = zip(*chosen, strict=True)
    return min(lows), max(highs)


def _is_blank(pixels: np.ndarray) -> bool:
    finite = pixels[np.isfinite(pixels)]
    return finite.size == 0 or finite.min() == finite.max()
