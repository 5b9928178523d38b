"""Write results beside their place, then rename: all of a result appears, or nothing does."""

import contextlib
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Sized
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_colorize.files import containers
from napari_colorize.files.pages import Resolution
from napari_colorize.files.records import as_description, sidecar_of
from napari_colorize.storage import staged

if TYPE_CHECKING:
    from napari_colorize.results import Colorized


def write(
    path: str | os.PathLike,
    results: "Colorized | Iterable[Colorized]",
    *,
    overwrite: bool = False,
    resolution: Resolution | None = None,
    uncertainty: bool = False,
    pages: int | None = None,
) -> list[Path]:
    """Write a result with its provenance: inside the file, and as JSON beside it.

    Parameters
    ----------
    path : str or path
        ``.png`` (one picture, uint8 or uint16) or ``.tif``/``.tiff`` (any dtype, any number of
        pictures). JPEG is not written: its compression would change the lightness.
    results : Colorized, or an iterable of them
        One page each. A generator is consumed page by page, so a long stack need not fit into
        memory.
    overwrite : bool, optional
        Replace files that exist.
    resolution : Resolution, optional
        Pixel size for the TIFF tags (``Page.resolution``).
    uncertainty : bool, optional
        Write the uncertainty maps too, as float32 TIFF, see :func:`uncertainty_of`.
    pages : int, optional
        How many results a generator will give; without it, its TIFF is a BigTIFF.

    Returns
    -------
    list of Path
        The files written, the picture first.

    Raises
    ------
    FileExistsError
        A file is in the way and ``overwrite`` is False. Nothing was changed.
    FileNotFoundError
        The folder does not exist.
    ValueError
        The suffix, or this dtype or number of pages in a file of this kind.
    """
    path = Path(path)
    containers.refuse_suffix(path)
    if not isinstance(results, Iterable):
        results = [results]
    if isinstance(results, Sized):
        pages = len(results)
    targets = [path, sidecar_of(path)] + ([uncertainty_of(path)] if uncertainty else [])
    with staged(targets, overwrite) as parts, contextlib.ExitStack() as stack:
        stream = iter(results)
        first = next(stream, None)
        if first is None:
            raise ValueError("There is no result to write.")
        stream = itertools.chain([first], stream)
        if uncertainty:
            maps = containers.open_tiff(parts[2], pages, first.uncertainty.nbytes)
            stream = _with_maps(stream, stack.enter_context(maps), resolution)
        write_picture = _write_png if containers.is_png(path) else _write_tiff
        records = write_picture(parts[0], stream, resolution, pages)
        sidecar = records[0] if len(records) == 1 else {"pages": records}
        parts[1].write_text(json.dumps(sidecar, indent=2, allow_nan=False) + "\n", "utf-8")
    return targets


def uncertainty_of(path: str | os.PathLike) -> Path:
    """Return the place of a result's uncertainty map: ``name_uncertainty.tif``."""
    path = Path(path)
    return path.with_name(path.stem + "_uncertainty.tif")


def _write_png(
    path: Path, results: "Iterator[Colorized]", resolution: Resolution | None, pages: int | None
) -> list[dict[str, Any]]:
    first = next(results)
    if next(results, None) is not None:
        raise ValueError(containers.MANY_IN_PNG)
    containers.write_png(path, first.rgb, first.record)
    return [first.record]


def _write_tiff(
    path: Path, results: "Iterator[Colorized]", resolution: Resolution | None, pages: int | None
) -> list[dict[str, Any]]:
    records = []
    first = next(results)
    with containers.open_tiff(path, pages, first.rgb.nbytes) as file:
        for result in itertools.chain([first], results):
            containers.write_page(file, result.rgb, as_description(result.record), resolution)
            records.append(result.record)
    return records


def _with_maps(
    results: "Iterator[Colorized]", file: Any, resolution: Resolution | None
) -> "Iterator[Colorized]":
    """Write the uncertainty of each result that passes."""
    for result in results:
        containers.write_page(file, result.uncertainty, as_description(result.record), resolution)
        yield result
