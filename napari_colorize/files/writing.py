"""Write results beside their place, then rename: all of a result appears, or nothing does.

PNG for one picture, TIFF for any number.
"""

import contextlib
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sized
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize._version import __version__
from napari_colorize.files.hyperstack import fits, write_hyperstack
from napari_colorize.files.pages import Resolution, StackPlace
from napari_colorize.files.records import (
    as_description,
    read_sidecar,
    sidecar_of,
    with_png_chunks,
)
from napari_colorize.storage import staged

if TYPE_CHECKING:
    from napari_colorize.results import Colorized

WRITABLE = (".png", ".tif", ".tiff")
"""Suffixes of results."""

MANY_IN_PNG = "A PNG file holds one picture; choose .tif for several."

_CLASSIC_TIFF_LIMIT = 3 << 30
"""Results that may exceed this many bytes are written as BigTIFF."""


def write(
    path: str | os.PathLike,
    results: "Colorized | Iterable[Colorized]",
    *,
    overwrite: bool = False,
    resolution: Resolution | None = None,
    uncertainty: bool = False,
    pages: int | None = None,
    place: StackPlace | None = None,
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
        Pixel size (``Page.resolution``).
    uncertainty : bool, optional
        Write the uncertainty maps too, as float32 TIFF, see :func:`uncertainty_of`.
    pages : int, optional
        How many results a generator will give; without it, its TIFF is a BigTIFF.
    place : StackPlace, optional
        Axes, steps, unit and channels of a stack (``StackFile.place``). A TIFF of RGB pages up to
        3 GiB then carries them, as ImageJ's hyperstack (uint8) or as OME-TIFF.

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
    refuse_suffix(path)
    if not isinstance(results, Iterable):
        results = [results]
    if isinstance(results, Sized):
        pages = len(results)
    targets = [path, sidecar_of(path)] + ([uncertainty_of(path)] if uncertainty else [])
    with staged(targets, overwrite, orphans(targets)) as parts, contextlib.ExitStack() as stack:
        stream = iter(results)
        first = next(stream, None)
        if first is None:
            raise ValueError("There is no result to write.")
        stream = itertools.chain([first], stream)
        if uncertainty:
            maps = open_tiff(parts[2], pages, first.uncertainty.nbytes)
            stream = _with_maps(stream, stack.enter_context(maps), resolution)
        if place is not None and fits(place, first.rgb, pages) and not is_png(path):
            records = write_hyperstack(parts[0], stream, place, resolution)
        else:
            write_picture = _write_png if is_png(path) else _write_tiff
            records = write_picture(parts[0], stream, resolution, pages)
        sidecar = records[0] if len(records) == 1 else {"pages": records}
        parts[1].write_text(json.dumps(sidecar, indent=2, allow_nan=False) + "\n", "utf-8")
    return targets


def orphans(targets: list[Path]) -> list[Path]:
    """Return what belongs to a result that is not there: its writer was killed before the end."""
    picture, sidecar, *maps = targets
    if picture.exists() or not read_sidecar(sidecar):
        return []
    return [sidecar, *(path for path in maps if path.exists())]


def uncertainty_of(path: str | os.PathLike) -> Path:
    """Return the place of a result's uncertainty map: ``name_uncertainty.tif``."""
    path = Path(path)
    return path.with_name(path.stem + "_uncertainty.tif")


def _write_png(
    path: Path, results: "Iterator[Colorized]", resolution: Resolution | None, pages: int | None
) -> list[dict[str, Any]]:
    first = next(results)
    if next(results, None) is not None:
        raise ValueError(MANY_IN_PNG)
    write_png(path, first.rgb, first.record, resolution)
    return [first.record]


def _write_tiff(
    path: Path, results: "Iterator[Colorized]", resolution: Resolution | None, pages: int | None
) -> list[dict[str, Any]]:
    records = []
    first = next(results)
    with open_tiff(path, pages, first.rgb.nbytes) as file:
        for result in itertools.chain([first], results):
            write_page(file, result.rgb, as_description(result.record), resolution)
            records.append(result.record)
    return records


def _with_maps(
    results: "Iterator[Colorized]", file: Any, resolution: Resolution | None
) -> "Iterator[Colorized]":
    """Write the uncertainty of each result that passes."""
    for result in results:
        write_page(file, result.uncertainty, as_description(result.record), resolution)
        yield result


def write_planes(
    path: str | os.PathLike,
    planes: Iterable[NDArray[Any]],
    record: Mapping[str, Any],
    *,
    count: int | None = None,
    overwrite: bool = False,
    resolution: Resolution | None = None,
) -> list[Path]:
    """Write the planes of one result with its record: inside the file, and as JSON beside it.

    Where :func:`napari_colorize.files.write` gives each page a record of its own, this is for
    planes that share one, such as those of a napari layer. In a TIFF the first page holds it.

    Parameters
    ----------
    path : str or path
        ``.png`` (one plane, uint8 or uint16) or ``.tif``/``.tiff`` (any number, any dtype).
    planes : iterable of (H, W) or (H, W, 3 or 4) arrays
        Grey, RGB or RGBA, all alike. A generator is consumed plane by plane, so a long stack need
        not fit into memory.
    record : mapping
        The provenance record, as in ``Colorized.record``.
    count : int, optional
        How many planes there are; without it, a TIFF is a BigTIFF.
    overwrite : bool, optional
        Replace files that exist.
    resolution : Resolution, optional
        Pixel size.

    Returns
    -------
    list of Path
        The picture and its record.

    Raises
    ------
    FileExistsError, FileNotFoundError, PermissionError
        A file is in the way, or the folder is missing or closed. Nothing was changed.
    ValueError
        The suffix, or this dtype or number of planes in a file of this kind.
    """
    path, record = Path(path), dict(record)
    refuse_suffix(path)
    stream = iter(planes)
    targets = [path, sidecar_of(path)]
    with staged(targets, overwrite) as (picture, sidecar):
        first = next(stream, None)
        if first is None:
            raise ValueError("There is no plane to write.")
        if is_png(path):
            if next(stream, None) is not None:
                raise ValueError(MANY_IN_PNG)
            write_png(picture, first, record, resolution)
        else:
            with open_tiff(picture, count, first.nbytes) as file:
                write_page(file, first, as_description(record), resolution)
                for plane in stream:
                    write_page(file, plane, None, resolution)
        sidecar.write_text(json.dumps(record, indent=2, allow_nan=False) + "\n", "utf-8")
    return targets


def refuse_suffix(path: Path) -> None:
    """Raise a ValueError where the name asks for a kind of file that results are not kept in."""
    suffix = path.suffix.lower()
    if suffix in (".jpg", ".jpeg"):
        raise ValueError(
            f"{path.name}: JPEG compression would change the lightness that colouring keeps; "
            "choose .png or .tif."
        )
    if suffix not in WRITABLE:
        raise ValueError(f"{path.name}: results are written as {', '.join(WRITABLE)}.")


def is_png(path: Path) -> bool:
    """Return whether the name asks for a PNG file."""
    return path.suffix.lower() == ".png"


def write_png(
    path: Path, pixels: NDArray[Any], record: dict[str, Any], resolution: Resolution | None
) -> None:
    """Write a grey, RGB or RGBA picture of 8 or 16 bits with its record and pixel size inside."""
    import cv2

    if pixels.dtype not in (np.uint8, np.uint16):
        raise ValueError(
            f"A PNG file cannot hold {pixels.dtype} pixels; choose .tif, or dtype='uint16'."
        )
    if pixels.ndim == 3:
        pixels = pixels[..., [2, 1, 0, 3][: pixels.shape[-1]]]
    encoded, png = cv2.imencode(".png", np.ascontiguousarray(pixels))
    if not encoded:
        raise OSError(f"{path.name} could not be encoded as PNG; try .tif.")
    path.write_bytes(with_png_chunks(png.tobytes(), record, resolution))


def open_tiff(path: Path, pages: int | None, page_bytes: int) -> Any:
    """Open a TIFF file for pages; one that may grow beyond 3 GiB, or without end, is a BigTIFF."""
    import tifffile

    big = pages is None or pages * page_bytes > _CLASSIC_TIFF_LIMIT
    return tifffile.TiffWriter(path, bigtiff=big)


def write_page(
    file: Any, pixels: NDArray[Any], description: str | None, resolution: Resolution | None
) -> None:
    """Add a grey (H, W) or colour (H, W, 3 or 4) page to an open TIFF file."""
    where: dict[str, Any] = {}
    if resolution is not None:
        where = {"resolution": (resolution.x, resolution.y), "resolutionunit": resolution.unit}
    if pixels.ndim == 3:
        where["extrasamples"] = ["unassalpha"] if pixels.shape[-1] == 4 else None
    file.write(
        pixels,
        photometric="rgb" if pixels.ndim == 3 else "minisblack",
        compression="zlib",
        metadata=None,
        description=description,
        software=f"napari-colorize {__version__}",
        **where,
    )
