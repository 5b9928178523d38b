"""Which files a batch reads and where each result goes."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from napari_colorize.files import READABLE, WRITABLE

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
