"""TIFF pages as arrays: any depth and colour model, stacks, physical pixel size."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from napari_colorize.decoders.jpeg import full_chroma
from napari_colorize.decoders.samples import PLAIN, Meaning, meaning_of, oriented, shown
from napari_colorize.files.completeness import (
    BY_LIBTIFF,
    refuse_form,
    refuse_hollow,
    refuse_lost_pages,
    refuse_missing_planes,
    refuse_raw,
)
from napari_colorize.files.pages import (
    CENTIMETRE,
    Page,
    Resolution,
    UnreadableFile,
    place_of,
    resolution_in_ome,
)

_PER_CENTIMETRE = {
    "cm": 1.0,
    "mm": 10.0,
    "micron": 1e4,
    "microns": 1e4,
    "um": 1e4,
    "µm": 1e4,
    "μm": 1e4,
    "\\u00B5m": 1e4,
    "nm": 1e7,
}
"""ImageJ writes its unit as text and leaves TIFF's own unit empty."""

_NO_PICTURE = re.compile(r"\b(label|macro|thumbnail|overview|barcode)\b", re.IGNORECASE)
"""Words that slides call their other pictures by. A label can carry a patient's name."""

_REDUCED, _MASK = 1, 4
"""Bits of NewSubfileType (TIFF 6.0, tag 254)."""


def iter_pages(path: Path) -> Iterator[Page]:
    """Yield the planes of a TIFF file, decoding one after the other where the file allows it.

    A plane is (Y, X) grey or (Y, X, 3 or 4) colour; every other axis of a stack is counted off in
    C order. Of a pyramid, the full-size level is read.
    """
    opened = OpenStack(path)
    try:
        for index, (pixels, about) in enumerate(opened.pictures()):
            yield Page(pixels, path, index, len(opened), opened.resolution, about)
    finally:
        opened.close()


def count_pages(path: Path) -> int:
    """Return the number of planes of a TIFF file."""
    opened = OpenStack(path)
    opened.close()
    return len(opened)


@dataclass(eq=False)
class _Part:
    """One series of a file: planes of one size and kind."""

    series: Any
    meaning: Meaning
    pages: list[Any]
    """Where each plane is a page of its own."""
    planes: int
    whole: list[tuple[list[NDArray[Any]], dict[str, Any]]] | None = field(default=None)
    """What was written in one piece, decoded."""

    @property
    def count(self) -> int:
        return self.planes * self.meaning.bands


class OpenStack:
    """The planes of an open TIFF file by their number, and the axes that count them.

    What a file has written in one piece is decoded whole, at the first plane that is asked for.

    Parameters
    ----------
    path : Path
        A TIFF file; what errors call it where `stream` is given.
    stream : binary file, optional
        Its content.

    Attributes
    ----------
    axes : tuple of (str, int)
        Letter and length of the axes that count the planes.
    place : StackPlace or None
        Steps, unit and channels, where the axes are named.
    resolution : Resolution or None
        Of the first picture, as it stands upright.
    left_out : list of str
        Pages that are no pictures: masks, thumbnails, labels.
    """

    def __init__(self, path: Path, stream: BinaryIO | None = None) -> None:
        import tifffile

        self._path, self._file = path, tifffile.TiffFile(stream or path)
        try:
            refuse_raw(self._file, path)
            chosen, self.left_out = _pictures(self._file)
            self._parts = [_part(self._file, series, path) for series in chosen]
            refuse_lost_pages(self._file, sum(len(one) for one in map(_planes_of, self._all())))
            self.axes = self._axes()
            self.place = place_of(self._file, self.axes)
            self.resolution = _resolution(self._file, self._parts[0].meaning)
        except Exception:
            self.close()
            raise

    def __len__(self) -> int:
        return sum(part.count for part in self._parts)

    def __getitem__(self, index: int) -> NDArray[Any]:
        return self.picture(index)[0]

    def picture(self, index: int) -> tuple[NDArray[Any], dict[str, Any]]:
        """Return the pixels of a plane, and what a record must know about them."""
        if not 0 <= index < len(self):
            raise IndexError(f"{self._path.name} has {len(self)} pages; there is no {index}.")
        for part in self._parts:
            if index < part.count:
                break
            index -= part.count
        plane, band = divmod(index, part.meaning.bands)
        if part.pages:
            pictures, about = shown(_decoded(part.pages[plane], self._path), part.meaning)
        else:
            pictures, about = self._whole(part)[plane]
        return pictures[band], about | self._said()

    def pictures(self) -> Iterator[tuple[NDArray[Any], dict[str, Any]]]:
        """Yield all planes in their order, each decoded once; what was in one piece is let go."""
        for part in self._parts:
            for plane in range(part.planes):
                if part.pages:
                    pictures, about = shown(_decoded(part.pages[plane], self._path), part.meaning)
                else:
                    pictures, about = self._whole(part)[plane]
                for picture in pictures:
                    yield picture, about | self._said()
            part.whole = None

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _all(self) -> list[Any]:
        return list(self._file.series)

    def _whole(self, part: _Part) -> list[Any]:
        if part.whole is None:
            for page in part.series.pages:
                refuse_hollow(page, self._path.name)
            values = _as_array(part.series, part.meaning, self._path)
            part.whole = [shown(plane, part.meaning) for plane in _split(values, part.series.axes)]
        return part.whole

    def _said(self) -> dict[str, Any]:
        return {"left_out": self.left_out} if self.left_out else {}

    def _axes(self) -> tuple[tuple[str, int], ...]:
        leading: tuple[tuple[str, int], ...] = ()
        if len(self._parts) == 1:
            [part] = self._parts
            named = zip(part.series.axes.lower(), part.series.shape, strict=True)
            leading = tuple((axis, int(side)) for axis, side in named if axis not in "yxs")
            if part.meaning.bands > 1:
                letter = "q" if "c" in dict(leading) else "c"
                leading += ((letter, part.meaning.bands),)
        return leading or (("i", len(self)),)


def _pictures(file: Any) -> tuple[list[Any], list[str]]:
    """Choose the series that are pictures; name the others."""
    every = list(file.series)
    whole = [series for series in every if not _kind(series) & _REDUCED]
    chosen, others = [], []
    for series in every:
        what = _no_picture(file, series, bool(whole))
        if what:
            height, width = (series.keyframe.imagelength, series.keyframe.imagewidth)
            others.append(f"{what}, {width} × {height} pixels")
        else:
            chosen.append(series)
    if not chosen:
        raise UnreadableFile(f"{file.filename} holds no picture, only {'; '.join(others)}.")
    return chosen, others


def _no_picture(file: Any, series: Any, beside: bool) -> str:
    """Return what a series is that is no picture of its own; nothing where it is one."""
    page = series.keyframe
    if _kind(series) & _MASK or getattr(page.photometric, "name", "") == "MASK":
        return "transparency mask"
    slide = any(getattr(file, f"is_{kind}", False) for kind in ("svs", "ndpi", "scn", "bif"))
    slide = slide or any(getattr(file, f"is_{kind}", False) for kind in ("philips", "qpi", "ome"))
    names = [series.name]
    if slide and not file.is_ome:
        names.append(str(page.description)[:300].partition("|")[0])
    if page.index and not slide and _is_about_a_slide(page):
        names.append(str(page.description)[:300])
    for name in names if slide or len(names) > 1 else ():
        found = _NO_PICTURE.search(name)
        if found:
            return found.group().lower()
    return "thumbnail" if beside and _kind(series) & _REDUCED else ""


def _is_about_a_slide(page: Any) -> bool:
    return str(page.description).startswith(("Aperio", "label", "macro", "Label", "Macro"))


def _kind(series: Any) -> int:
    return int(getattr(series.keyframe, "subfiletype", 0) or 0)


def _part(file: Any, series: Any, path: Path) -> _Part:
    refuse_form(series.keyframe, path.name)
    refuse_missing_planes(file, series, path)
    return _Part(
        series,
        meaning_of(series.keyframe, path.name),
        _single_planes(series),
        len(_planes_of(series)),
    )


def _planes_of(series: Any) -> range:
    """Return the numbers of the planes of a series."""
    return range(int(np.prod(series.shape)) // _plane_size(series))


def _plane_size(series: Any) -> int:
    """Return the number of values in one plane of a series."""
    sizes = dict(zip(series.axes, series.shape, strict=True))
    return sizes["Y"] * sizes["X"] * sizes.get("S", 1)


def _single_planes(series: Any) -> list[Any]:
    """Return the pages of a series where each is one plane; nothing where they hang together."""
    pages = list(series.pages)
    size = _plane_size(series)
    single = len(pages) * size == series.size and series.keyframe.size == size
    return pages if single else []


def _decoded(page: Any, path: Path) -> NDArray[Any]:
    """Return one plane as (Y, X) or (Y, X, samples)."""
    refuse_hollow(page, path.name)
    values = _as_array(page, None, path)
    axes = page.keyframe.axes
    return next(_split(values, axes)) if values.ndim == len(axes) else values


def _as_array(part: Any, meaning: Meaning | None, path: Path) -> NDArray[Any]:
    """Decode a page or a series, by Pillow what tifffile has no way for, and libtiff has."""
    page = part.keyframe if meaning is not None else part
    across, down = _thinned(page)
    if meaning is None and (across, down) != (1, 1):
        return _with_full_chroma(page, across, down)
    try:
        return np.asarray(part.asarray())
    except (NotImplementedError, ValueError, TypeError) as error:
        if int(page.keyframe.compression) not in BY_LIBTIFF or not isinstance(page.index, int):
            raise
        try:
            return _by_libtiff(path, page)
        except Exception:  # Pillow's own words would speak of Pillow
            raise error from None


def _thinned(page: Any) -> tuple[int, int]:
    """Return how many pixels across and down share a chroma, where no codec of pictures joins them.

    tifffile reads such pages as if each had its own, or not at all.
    """
    first = page.keyframe
    plain = int(first.compression) in PLAIN and int(first.planarconfig) == 1
    if getattr(first.photometric, "name", "") != "YCBCR" or not plain:
        return 1, 1
    tag = first.tags.get(530)
    if tag is not None:
        return tuple(tag.value) if len(tag.value) == 2 else (1, 1)
    # Without the tag it is 2 × 2 (TIFF 6.0, section 21), but writers forget it where it is not.
    whole = first.imagewidth * first.imagelength * 3
    return (2, 2) if int(first.compression) == 1 and sum(page.databytecounts) < whole else (1, 1)


def _with_full_chroma(page: Any, across: int, down: int) -> NDArray[np.uint8]:
    import imagecodecs
    import tifffile

    first = page.keyframe
    if across not in (1, 2, 4) or down not in (1, 2, 4) or first.bitspersample != 8:
        raise ValueError("its chroma is thinned out in a way that TIFF does not know")
    height, width = first.imagelength, first.imagewidth
    rows = first.tilelength if first.is_tiled else min(first.rowsperstrip, height)
    columns = first.tilewidth if first.is_tiled else width
    room = -(-rows // down) * -(-columns // across) * (across * down + 2)
    unpack = tifffile.TIFF.DECOMPRESSORS[first.compression]
    out = np.zeros((height, width, 3), np.uint8)
    handle, beside = page.parent.filehandle, -(-width // columns)
    if len(page.dataoffsets) < beside * -(-height // rows):
        raise ValueError("it has too few strips or tiles for its size")
    for number, (offset, count) in enumerate(
        zip(page.dataoffsets, page.databytecounts, strict=True)
    ):
        top, left = number // beside * rows, number % beside * columns
        handle.seek(offset)
        stored = handle.read(count)
        if first.fillorder == 2:
            stored = bytes(imagecodecs.bitorder_decode(stored))
        units = stored if int(first.compression) == 1 else unpack(stored, out=room)
        size = min(rows, height - top) if not first.is_tiled else rows
        part = full_chroma(np.frombuffer(units, np.uint8), size, columns, across, down)
        where = out[top : top + rows, left : left + columns]
        where[...] = part[: where.shape[0], : where.shape[1]]
    return out


def _by_libtiff(path: Path, page: Any) -> NDArray[Any]:
    """Decode a page as libtiff shows it; Pillow turns it upright, which is undone here."""
    from PIL import TiffImagePlugin

    with open(path, "rb") as stream:
        picture = TiffImagePlugin.TiffImageFile(stream)
        picture.seek(page.index)
        pixels = np.array(picture.convert("RGB"))
    turned = int(getattr(page.tags.get(274), "value", 1))
    return oriented(pixels, {6: 8, 8: 6}.get(turned, turned))


def _split(values: NDArray[Any], axes: str) -> Iterator[NDArray[Any]]:
    """Yield the planes of an array with named axes, Y, X and samples last."""
    last = [axis for axis in "YXS" if axis in axes]
    order = [i for i, axis in enumerate(axes) if axis not in last]
    order += [axes.index(axis) for axis in last]
    ordered = values.transpose(order)
    yield from ordered.reshape(-1, *ordered.shape[-len(last) :])


def _resolution(file: Any, meaning: Meaning) -> Resolution | None:
    """Return pixels per unit from the tags; ImageJ's text unit is turned into centimetres."""
    tags = meaning.page.tags
    said = resolution_in_ome(file.ome_metadata or "") if file.is_ome else None
    if said is not None:
        return said
    if "XResolution" not in tags or "YResolution" not in tags:
        return None
    across, down = (tags[name].value for name in ("XResolution", "YResolution"))
    if not (across[0] and across[1] and down[0] and down[1]):
        return None
    x, y = across[0] / across[1], down[0] / down[1]
    unit = int(tags["ResolutionUnit"].value) if "ResolutionUnit" in tags else 2
    if unit == 1 and x == y == 1:  # what writers put where nothing is known
        return None
    if meaning.orientation >= 5:  # rows of the file are columns of the picture
        x, y = y, x
    named = str((file.imagej_metadata or {}).get("unit", ""))
    if unit == 1 and named in _PER_CENTIMETRE:
        factor = _PER_CENTIMETRE[named]
        return Resolution(x * factor, y * factor, CENTIMETRE)
    return Resolution(x, y, unit)
