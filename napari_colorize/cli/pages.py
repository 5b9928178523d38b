"""One file, page by page or as a stack: a shared window, and one result."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from napari_colorize import files
from napari_colorize.cli.jobs import Job
from napari_colorize.files import Page
from napari_colorize.parameters import ColorizeParameters
from napari_colorize.pipeline.window import shared_window
from napari_colorize.results import Colorized
from napari_colorize.sequences.pages import OnPage, PageConsistency, held_pages, single_pages


def colour_file(
    job: Job,
    parameters: ColorizeParameters,
    *,
    consistency: PageConsistency | None = None,
    uncertainty: bool = False,
    overwrite: bool = False,
    on_page: OnPage | None = None,
) -> list[Path]:
    """Colour one file; return the files written, the picture first.

    A long stack passes page by page; nothing is written unless all of it succeeds. With
    `consistency` its colours are held from page to page. Errors are those of `files.read`,
    `colorize`, `colorize_planes` and `files.write`.
    """
    count = files.count_pages(job.source)
    if count > 1 and consistency is not None:
        with files.open_stack(job.source) as stack:
            first = next(files.iter_pages(job.source))
            results = held_pages(stack, first.path, parameters, consistency, on_page)
            return _written(job, results, first, count, parameters, uncertainty, overwrite)
    mode = None
    if count > 1 and parameters.window is None:
        with files.open_stack(job.source) as stack:
            window = shared_window(stack.__getitem__, count)
        parameters, mode = parameters.changed(window=window), "automatic"
    pages = files.iter_pages(job.source)
    first = next(pages)
    results = single_pages(chain([first], pages), count, parameters, mode, on_page)
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


def _suffix(job: Job, count: int, parameters: ColorizeParameters) -> str:
    if job.suffix:
        return job.suffix
    tiff = job.source.suffix.lower() in (".tif", ".tiff")
    return ".tif" if tiff or count > 1 or parameters.dtype == "float32" else ".png"
