"""Write results beside their place, then rename: all of a result appears, or nothing does.

Stacks keep the axes of their source, for ImageJ and Fiji, and as OME-TIFF.
"""

from __future__ import annotations

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
from napari_colorize.files.pages import CENTIMETRE, Resolution, StackPlace
from napari_colorize.files.records import (
    as_description,
    as_text,
    read_sidecar,
    sidecar_of,
    with_png_chunks,
)
from napari_colorize.storage import staged

if TYPE_CHECKING:
    from napari_colorize.results import Colorized


_MOST_BYTES = 3 << 30
"""Larger stacks are written page by page: ImageJ's own format ends at 4 GiB."""

_MOST_RECORDS = 64
"""Records inside a file whose description holds those of all its pages; all are beside it."""


def fits(place: StackPlace | None, first: Any, pages: int | None) -> bool:
    """Tell whether results can be written as one stack with named axes."""
    if place is None or pages is None or pages < 2:
        return False
    counted = int(np.prod([n for _, n in place.axes])) == pages
    letters = [letter for letter, _ in place.axes]
    plain = first.ndim == 3 and first.shape[-1] == 3 and len(set(letters)) == len(letters)
    return counted and plain and first.nbytes * pages <= _MOST_BYTES


def write_hyperstack(
    path: Path, results: Iterator[Colorized], place: StackPlace, resolution: Resolution | None
) -> list[dict[str, Any]]:
    """Write results as one stack; return their records.

    8-bit colour becomes an ImageJ hyperstack, where axes come in its order (t, z, c); all else an
    OME-TIFF.

    Parameters
    ----------
    path : Path
    results : iterator of Colorized
        As many as the axes count, all of one shape.
    place : StackPlace
    resolution : Resolution, optional
    """
    import tifffile

    records: list[dict[str, Any]] = []
    first = next(results)

    def planes() -> Iterator[Any]:
        for result in itertools.chain([first], results):
            records.append(result.record)
            yield np.ascontiguousarray(result.rgb)

    letters = "".join(letter for letter, _ in place.axes)
    imagej = first.rgb.dtype == np.uint8 and letters == "".join(c for c in "tzc" if c in letters)
    shape = tuple(n for _, n in place.axes)
    how: dict[str, Any] = {"shape": (*shape, *first.rgb.shape), "dtype": first.rgb.dtype}
    if imagej:
        how |= {"metadata": _for_imagej(place, letters), **_tags(resolution, place.unit)}
    else:
        how |= {"metadata": _for_ome(place, letters, resolution), "compression": "zlib"}
    with tifffile.TiffWriter(path, imagej=imagej, ome=not imagej) as file:
        file.write(planes(), photometric="rgb", **how)
    _add_records(path, records, imagej)
    return records


def _for_imagej(place: StackPlace, letters: str) -> dict[str, Any]:
    said: dict[str, Any] = {"axes": letters.upper() + "YXS"}
    if place.z_step is not None:
        said["spacing"] = place.z_step
    if place.interval is not None:
        said["finterval"] = place.interval
    if place.unit:
        said["unit"] = place.unit
    if place.channels:
        others = int(np.prod([n for letter, n in place.axes if letter != "c"]))
        said["Labels"] = list(place.channels) * others
    return said


def _tags(resolution: Resolution | None, unit: str) -> dict[str, Any]:
    """Return pixels per unit as ImageJ reads them: per the unit of its text, where there is one."""
    if resolution is None:
        return {}
    per = {"um": 1e4, "nm": 1e7, "mm": 10.0, "cm": 1.0}.get(unit)
    if per is None or resolution.unit != CENTIMETRE:
        return {"resolution": (resolution.x, resolution.y), "resolutionunit": resolution.unit}
    return {"resolution": (resolution.x / per, resolution.y / per), "resolutionunit": 1}


def _for_ome(place: StackPlace, letters: str, resolution: Resolution | None) -> dict[str, Any]:
    said: dict[str, Any] = {"axes": letters.upper() + "YXS"}
    step = place.micrometres
    if step is not None:
        said |= {"PhysicalSizeZ": step, "PhysicalSizeZUnit": "µm"}
    per = {2: 25400.0, CENTIMETRE: 1e4}.get(resolution.unit) if resolution else None
    if resolution is not None and per is not None:
        said |= {"PhysicalSizeX": per / resolution.x, "PhysicalSizeXUnit": "µm"}
        said |= {"PhysicalSizeY": per / resolution.y, "PhysicalSizeYUnit": "µm"}
    if place.interval is not None:
        said |= {"TimeIncrement": place.interval, "TimeIncrementUnit": "s"}
    if place.channels:
        said["Channel"] = {"Name": list(place.channels)}
    return said


def _add_records(path: Path, records: list[dict[str, Any]], imagej: bool) -> None:
    """Put the records into the description: a line of ImageJ's text, or a comment in OME's XML."""
    import tifffile

    text = as_text({"pages": records[:_MOST_RECORDS]})
    said = str(tifffile.tiffcomment(path))
    if imagej:
        said = f"{said.rstrip()}\n{text}"
    else:
        inside = text.replace("--", "\\u002d\\u002d")  # two hyphens would end the comment
        said = said.replace("</OME>", f"<!--\n{inside}\n--></OME>")
    tifffile.tiffcomment(path, said.encode("utf-8"))


WRITABLE = (".png", ".tif", ".tiff")
"""Suffixes of results."""

MANY_IN_PNG = "A PNG file holds one picture; choose .tif for several."

_CLASSIC_TIFF_LIMIT = 3 << 30
"""Results that may exceed this many bytes are written as BigTIFF."""


def write(
    path: str | os.PathLike,
    results: Colorized | Iterable[Colorized],
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
    path: Path, results: Iterator[Colorized], resolution: Resolution | None, pages: int | None
) -> list[dict[str, Any]]:
    first = next(results)
    if next(results, None) is not None:
        raise ValueError(MANY_IN_PNG)
    write_png(path, first.rgb, first.record, resolution)
    return [first.record]


def _write_tiff(
    path: Path, results: Iterator[Colorized], resolution: Resolution | None, pages: int | None
) -> list[dict[str, Any]]:
    records = []
    first = next(results)
    with open_tiff(path, pages, first.rgb.nbytes) as file:
        for result in itertools.chain([first], results):
            write_page(file, result.rgb, as_description(result.record), resolution)
            records.append(result.record)
    return records


def _with_maps(
    results: Iterator[Colorized], file: Any, resolution: Resolution | None
) -> Iterator[Colorized]:
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
