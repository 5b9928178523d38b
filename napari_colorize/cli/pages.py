"""One file, page by page: a shared window, a colouring each, one result."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from napari_colorize import files
from napari_colorize.api import Colorized, colorize
from napari_colorize.cli.jobs import Job
from napari_colorize.files import Page
from napari_colorize.parameters import ColorizeParameters
from napari_colorize.window import automatic_window

OnPage = Callable[[int, int], None]


def colour_file(
    job: Job,
    parameters: ColorizeParameters,
    *,
    uncertainty: bool = False,
    overwrite: bool = False,
    on_page: OnPage | None = None,
) -> list[Path]:
    """Colour one file; return the files written, the picture first.

    A long stack passes page by page; nothing is written unless all of it succeeds. Errors are
    those of `files.read`, `colorize` and `files.write`.
    """
    count = files.count_pages(job.source)
    if count > 1 and parameters.window is None:
        parameters = parameters.changed(window=shared_window(files.iter_pages(job.source)))
    pages = files.iter_pages(job.source)
    first = next(pages)
    target = job.target.with_name(job.target.name + _suffix(job, count, parameters))
    target.parent.mkdir(parents=True, exist_ok=True)
    return files.write(
        target,
        _coloured(chain([first], pages), count, parameters, on_page),
        overwrite=overwrite,
        resolution=first.resolution,
        uncertainty=uncertainty,
        pages=count,
    )


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


def _coloured(
    pages: Iterable[Page], count: int, parameters: ColorizeParameters, on_page: OnPage | None
) -> Iterator[Colorized]:
    for page in pages:
        if on_page is not None:
            on_page(page.index, count)
        yield colorize(page.pixels, parameters=parameters, source=page.source)


def _suffix(job: Job, count: int, parameters: ColorizeParameters) -> str:
    if job.suffix:
        return job.suffix
    tiff = job.source.suffix.lower() in (".tif", ".tiff")
    return ".tif" if tiff or count > 1 or parameters.dtype == "float32" else ".png"


def _is_blank(pixels: np.ndarray) -> bool:
    finite = pixels[np.isfinite(pixels)]
    return finite.size == 0 or finite.min() == finite.max()
