"""Coloured stacks with the axes of their source: for ImageJ and Fiji, and as OME-TIFF."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorize.files.pages import CENTIMETRE, Resolution, StackPlace
from napari_colorize.files.records import as_text

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
    path: Path, results: "Iterator[Colorized]", place: StackPlace, resolution: Resolution | None
) -> "list[dict[str, Any]]":
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
