"""One file, page by page or as a stack: a shared window, and one result."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from napari_colorize import files
from napari_colorize.cli.jobs import Job
from napari_colorize.files import Page
from napari_colorize.parameters import ColorizeParameters
from napari_colorize.pipeline.region import INSIDE_BORDER
from napari_colorize.results import Colorized
from napari_colorize.sequences.pages import (
    OnPage,
    PageConsistency,
    held_pages,
    single_pages,
    why_not_held,
    windows_of,
)
from napari_colorize.sequences.parameters import StackParameters

SINGLE = "single picture"
"""Told of each file that has one page, where colours were to be held from page to page."""


def colour_file(
    job: Job,
    parameters: ColorizeParameters,
    *,
    consistency: PageConsistency | None = None,
    uncertainty: bool = False,
    overwrite: bool = False,
    on_page: OnPage | None = None,
    tell: Callable[[str], None] = lambda said: None,
    guided: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Colour one file; return the files written, the picture first.

    A long stack passes page by page; nothing is written unless all of it succeeds. With
    `consistency` its colours are held from page to page. `tell` is given what is to be known of
    the file, such as pages that were left out. Errors are those of `files.read`, `colorize`,
    `colorize_planes` and `files.write`. `guided` is what a person has decided, as `colorize` takes
    it.
    """
    told = dict(guided or {})
    region = _region(told.pop("region", None))
    decisions = _decisions(job, told)
    if job.frames and decisions is None and region is None:
        return _film(job, parameters, consistency, uncertainty, overwrite, on_page)
    single = decisions is not None or region is not None
    if single and (job.frames or consistency is not None):
        raise ValueError(
            f"{job.source.name}: hints, references, palettes and regions act on single pictures; "
            "leave out --consistency, --axis and --as-stack."
        )
    count = files.count_pages(job.source)
    place = windows = None
    if count > 1:
        with files.open_stack(job.source) as stack:
            place = stack.place
            why_not = consistency and why_not_held(stack.axes, consistency.axis)
            if why_not:
                tell(f"{job.source.name}: --consistency and --axis have no effect, as {why_not}.")
            elif consistency is not None:
                first = next(files.iter_pages(job.source))
                _tell_of(first, tell)
                results = held_pages(stack, first.path, parameters, consistency, on_page)
                results = _counted(results, first, tell)
                return _written(
                    job, results, first, count, parameters, uncertainty, overwrite, place
                )
            windows = windows_of(stack, parameters)
    elif consistency is not None:
        tell(SINGLE)
    pages = files.iter_pages(job.source)
    first = next(pages)
    _tell_of(first, tell)
    every: Iterable[Page] = chain([first], pages)
    if _is_result(job.source, files.sidecar_of(job.source)):
        tell(f"{job.source.name}: its own colour was predicted before; the legend says so.")
        every = (_marked(page) for page in chain([first], pages))
    results = single_pages(every, count, parameters, windows, on_page, decisions, region)
    results = _counted(results, first, tell)
    return _written(job, results, first, count, parameters, uncertainty, overwrite, place)


def _marked(page: Page) -> Page:
    """Have a page say that its colour was predicted."""
    return replace(page, about={**page.about, "predicted": True})


def _region(told: str | None) -> Any:
    """Return where to colour, as `colorize` takes it: a mask that is read, or what is found."""
    if told is None:
        return None
    if told.replace("-", " ") == INSIDE_BORDER:
        return INSIDE_BORDER
    pixels = files.read(told)[0].pixels
    return (pixels[..., :3] if pixels.ndim == 3 else pixels[..., None]).astype(bool).any(-1)


def finished(job: Job) -> Path | None:
    """Return the result of an earlier run of this job, if it stands with its record."""
    for suffix in (job.suffix,) if job.suffix else files.WRITABLE:
        target = job.target.with_name(job.target.name + suffix)
        if target.is_file() and files.read_sidecar(files.sidecar_of(target)):
            return target
    return None


def _film(
    job: Job,
    parameters: ColorizeParameters,
    consistency: PageConsistency | None,
    uncertainty: bool,
    overwrite: bool,
    on_page: OnPage | None,
) -> list[Path]:
    """Colour the pictures of a folder as the frames of one stack."""
    frames = files.Frames(job.frames)
    how = consistency or PageConsistency(StackParameters().consistency)
    first = Page(frames[0], job.source, 0, len(frames))
    results = held_pages(frames, job.source, parameters, how, on_page)
    place = files.StackPlace(frames.axes)
    return _written(job, results, first, len(frames), parameters, uncertainty, overwrite, place)


def _tell_of(page: Page, tell: Callable[[str], None]) -> None:
    """Say what of a file was not coloured, or not as its file says."""
    about, name = page.about, page.path.name
    if "frames" in about:
        tell(f"{name}: 1 frame of {about['frames']} was coloured, the first of the animation.")
    if "left_out" in about:
        tell(f"{name}: left out, as no pictures of their own: {'; '.join(about['left_out'])}.")
    if "samples_left_out" in about:
        tell(
            f"{name}: {about['samples_left_out']} of the samples of a pixel was left out; the file "
            "does not say what it means."
        )
    if str(about.get("colour_profile", {}).get("reason", "")).startswith("it is damaged"):
        tell(f"{name}: the colour profile is damaged and was not used.")


def _refuse_originals(job: Job, targets: list[Path], overwrite: bool) -> None:
    """Keep what is no result of ours, whatever was asked for."""
    for target in targets:
        if not target.exists():
            continue
        if any(original.exists() and target.samefile(original) for original in job.originals):
            raise ValueError(
                f"{target} is the picture that is to be coloured; an original is never replaced. "
                "Choose another name or folder with -o."
            )
    picture, sidecar = targets[:2]
    if overwrite and picture.exists() and not _is_result(picture, sidecar):
        raise ValueError(
            f"{picture} carries no record of a colouring, so it may be an original, and is not "
            "replaced. Choose another name or folder with -o, or remove it."
        )


def _is_result(picture: Path, sidecar: Path) -> bool:
    try:
        return bool(files.read_sidecar(sidecar) or files.read_records(picture))
    except (OSError, ValueError):
        return False


def _written(
    job: Job,
    results: Iterator[Colorized],
    first: Page,
    count: int,
    parameters: ColorizeParameters,
    uncertainty: bool,
    overwrite: bool,
    place: files.StackPlace | None = None,
) -> list[Path]:
    target = job.target.with_name(job.target.name + _suffix(job, count, parameters))
    targets = [target, files.sidecar_of(target)]
    targets += [files.uncertainty_of(target)] if uncertainty else []
    _refuse_originals(job, targets, overwrite)
    target.parent.mkdir(parents=True, exist_ok=True)
    return files.write(
        target,
        results,
        overwrite=overwrite,
        resolution=first.resolution,
        uncertainty=uncertainty,
        pages=count,
        place=place,
    )


def _counted(
    results: Iterator[Colorized], first: Page, tell: Callable[[str], None]
) -> Iterator[Colorized]:
    """Say at the end how many pixels of a file were missing."""
    missing = 0
    for result in results:
        missing += result.record["input"]["nan_count"]
        yield result
    if missing:
        many = "1 pixel is" if missing == 1 else f"{missing} pixels are"
        tell(f"{first.path.name}: {many} missing and black.")


def _suffix(job: Job, count: int, parameters: ColorizeParameters) -> str:
    if job.suffix:
        return job.suffix
    tiff = job.source.suffix.lower() in (".tif", ".tiff")
    return ".tif" if tiff or count > 1 or parameters.dtype == "float32" else ".png"


def _decisions(job: Job, told: dict[str, Any]) -> Any:
    """Return what a person has decided of one file: of a folder of hints, its own."""
    folder = Path(told.get("hints") or "")
    if "hints" in told and folder.is_dir():
        own = folder / f"{job.source.stem}.hints.json"
        told["hints"] = own if own.is_file() else None
    if not any(told.get(name) is not None for name in ("hints", "reference", "palette")):
        return None
    from napari_colorize.guided.decisions import decisions_of

    return decisions_of(**told)
