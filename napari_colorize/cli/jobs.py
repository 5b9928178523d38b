"""Which files a batch reads, where each result goes, and how one file is coloured.

A file is coloured page by page, or as a stack with a shared window and one result.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import click

from napari_colorize import files
from napari_colorize.files import READABLE, WRITABLE, Page
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

MARK = "_colorized"
"""Results carry it in their names: predicted colour never looks like the original file."""


_OTHER_PICTURES = {
    *(".avif", ".bmp", ".gif", ".heic", ".heif", ".jp2", ".j2k", ".jxl", ".jpe", ".jfif", ".webp"),
    *(".pbm", ".pgm", ".ppm", ".psd", ".tga", ".exr", ".hdr", ".ico", ".svg", ".btf", ".tf8"),
    *(".svs", ".ndpi", ".scn", ".bif", ".mrxs", ".vsi", ".qptiff", ".czi", ".lif", ".lsm", ".nd2"),
    *(".oib", ".oif", ".oir", ".stk", ".ims", ".dv", ".dcm", ".nii", ".fits", ".mrc", ".zarr"),
    *(".3fr", ".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".pef", ".raf", ".raw", ".rw2"),
    *(".avi", ".mp4", ".mov", ".mkv", ".webm", ".pdf"),
}
"""Suffixes of pictures and films that are not read: those who have some are told."""


@dataclass(frozen=True)
class Job:
    """One file to colour: where it is, the name of its result without suffix, and a wish.

    `target` is the result's path without its suffix; `suffix` is what the user typed, or empty
    where it follows from the file.
    """

    source: Path
    target: Path
    suffix: str = ""
    frames: tuple[Path, ...] = ()
    """Of a film whose source is their folder."""

    @property
    def originals(self) -> tuple[Path, ...]:
        """Files that must not be written to."""
        return self.frames or (self.source,)


def plan(inputs: Sequence[Path], output: Path, *, recursive: bool) -> list[Job]:
    """Find the files and give each a place.

    Parameters
    ----------
    inputs : sequence of Path
        Files and folders. The pictures of a folder are taken in the order of their names, hidden
        ones left out; with `recursive` its subfolders too, whose structure is kept.
    output : Path
        A folder, or, for a single file, a name that ends in ``.png``, ``.tif`` or ``.tiff``.

    Raises
    ------
    click.UsageError
        Nothing to colour, or one file name for several results.
    """
    found = [pair for given in inputs for pair in _pictures(given, output, recursive)]
    found = list(dict.fromkeys(found))
    if not found:
        folders = ", ".join(str(given) for given in inputs)
        deeper = "" if recursive else " To look into subfolders, add --recursive."
        raise click.UsageError(
            f"There are no pictures ({', '.join(READABLE)}) in {folders}.{deeper}"
        )
    if output.suffix.lower() in (*WRITABLE, ".jpg", ".jpeg") and not output.is_dir():
        return [_single(found, output)]
    return _placed(found, output)


def films(jobs: Sequence[Job], output: Path) -> list[Job]:
    """Join the pictures of each folder to one job, whose frames they are.

    Raises
    ------
    click.UsageError
        Two folders of one name, whose results would meet.
    """
    by_folder: dict[Path, list[Job]] = {}
    for job in jobs:
        by_folder.setdefault(job.source.parent.resolve(), []).append(job)
    named = output.suffix.lower() in WRITABLE and not output.is_dir()
    names = {folder.name for folder in by_folder}
    if len(names) < len(by_folder) or (named and len(by_folder) > 1):
        raise click.UsageError(
            "Several films would be written to one file; colour their folders one by one."
        )
    return [
        Job(
            folder,
            output.with_suffix("") if named else output / f"{folder.name or 'film'}{MARK}",
            output.suffix if named else ".tif",
            tuple(job.source for job in jobs_of),
        )
        for folder, jobs_of in by_folder.items()
    ]


def left_out(inputs: Sequence[Path], *, recursive: bool) -> Counter[str]:
    """Count the pictures of given folders that are of kinds which are not coloured, by suffix."""
    found: Counter[str] = Counter()
    for given in inputs:
        if not given.is_dir():
            continue
        for path in given.rglob("*") if recursive else given.glob("*"):
            suffix = path.suffix.lower()
            hidden = any(part.startswith(".") for part in path.relative_to(given).parts)
            if suffix in _OTHER_PICTURES and not hidden and path.is_file():
                found[suffix] += 1
    return found


def _pictures(given: Path, output: Path, recursive: bool) -> Iterable[tuple[Path, Path]]:
    """Yield (file, folder below the output) of one argument."""
    if not given.is_dir():
        yield given, Path()
        return
    # Results below an input folder must not be coloured again by the next run.
    results = output.resolve() if given.resolve() in output.resolve().parents else None
    for path in sorted(given.rglob("*") if recursive else given.glob("*")):
        inside = path.relative_to(given)
        hidden = any(part.startswith(".") for part in inside.parts)
        earlier = path.stem.endswith((MARK, f"{MARK}_uncertainty")) or (
            results is not None and results in path.resolve().parents
        )
        if path.suffix.lower() in READABLE and path.is_file() and not (hidden or earlier):
            yield path, inside.parent


def _single(found: list[tuple[Path, Path]], output: Path) -> Job:
    if len(found) > 1:
        raise click.UsageError(
            f"{len(found)} pictures cannot all be written to {output.name}; give a folder with -o."
        )
    if output.suffix.lower() not in WRITABLE:
        raise click.UsageError(
            f"{output.name}: JPEG compression would change the lightness that colouring keeps; "
            "choose .png or .tif."
        )
    return Job(found[0][0], output.with_suffix(""), output.suffix)


def _placed(found: list[tuple[Path, Path]], output: Path) -> list[Job]:
    stems = Counter(folder / source.stem for source, folder in found)
    names = [
        # a.png and a.jpg of one folder would meet: they keep their suffix in the name.
        folder / (source.stem if stems[folder / source.stem] == 1 else source.name)
        for source, folder in found
    ]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise click.UsageError(
            f"Several of the given pictures are called {twice[0]}, so their results would meet in "
            "one file. Colour them into different folders."
        )
    return [
        Job(source, output / name.parent / f"{name.name}{MARK}")
        for (source, _), name in zip(found, names, strict=True)
    ]


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
