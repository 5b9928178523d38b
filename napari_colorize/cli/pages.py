"""One file, page by page or as a stack: a shared window, and one result."""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from napari_colorize import files
from napari_colorize.api import Colorized, colorize
from napari_colorize.cli.held import Holding, held_pages
from napari_colorize.cli.jobs import Job
from napari_colorize.cli.windows import OnPage, shared_window
from napari_colorize.files import Page
from napari_colorize.parameters import ColorizeParameters


def colour_file(
    job: Job,
    parameters: ColorizeParameters,
    *,
    holding: Holding | None = None,
    uncertainty: bool = False,
    overwrite: bool = False,
    on_page: OnPage | None = None,
) -> list[Path]:
    """Colour one file; return the files written, the picture first.

    A long stack passes page by page; nothing is written unless all of it succeeds. With `holding`
    its colours are held from page to page. Errors are those of `files.read`, `colorize`,
    `colorize_planes` and `files.write`.
    """
    count = files.count_pages(job.source)
    if count > 1 and holding is not None:
        with files.open_stack(job.source) as stack:
            first = next(files.iter_pages(job.source))
            results = held_pages(stack, first.path, parameters, holding, on_page)
            return _written(job, results, first, count, parameters, uncertainty, overwrite)
    if count > 1 and parameters.window is None:
        parameters = parameters.changed(window=shared_window(files.iter_pages(job.source)))
    pages = files.iter_pages(job.source)
    first = next(pages)
    results = _coloured(chain([first], pages), count, parameters, on_page)
    return _written(job, results, first, count, parameters, uncertainty, overwrite)


def _written(
    job: Job,
    results: Iterator[Colorized],
    first: Page,
    count: int,
    parameters: ColorizeParameters,
    uncertainty: bool,
    overwrite: bool,
) -> list[Path]:
    target = job.target.with_name(job.target.name + _suffix(job, count, parameters))
    target.parent.mkdir(parents=True, exist_ok=True)
    return files.write(
        target,
        results,
        overwrite=overwrite,
        resolution=first.resolution,
        uncertainty=uncertainty,
        pages=count,
    )


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
