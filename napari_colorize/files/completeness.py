"""Refusals before a TIFF is decoded: raw of cameras, planes that are missing, swollen tiles."""

import os
import re
import struct
from pathlib import Path
from typing import Any

from napari_colorize.decoders.jpeg import frame_of_jpeg
from napari_colorize.decoders.limits import refuse_too_large
from napari_colorize.files.pages import UnreadableFile

_RAW_MODELS = {"CFA", "LINEAR_RAW"}
_RAW_TAGS = (50706, 33422, 50831)
"""DNGVersion, CFAPattern, AsShotICCProfile: only files of cameras have them."""

_RAW_SUFFIXES = (
    *(".3fr", ".arw", ".cr2", ".dng", ".erf", ".fff", ".iiq", ".kdc", ".mef", ".mos", ".nef"),
    *(".nrw", ".pef", ".sr2", ".srf", ".srw"),
)

BY_LIBTIFF = (6, 32809)
"""Compressions that Pillow's libtiff is asked for where tifffile has no way: JPEG in the manner of
TIFF 6.0, and ThunderScan."""

_JPEG, _JPEG2000 = {6, 7, 33007}, {33003, 33004, 33005, 34712}
"""Compressions whose every strip or tile says its own size."""


def refuse_raw(file: Any, path: Path) -> None:
    """Refuse what a camera wrote: what is a picture in it is only a preview.

    Raises
    ------
    UnreadableFile
    """
    first = file.pages[0]
    inside = list(first.pages or ()) if getattr(first, "subifds", None) else []
    raw = path.suffix.lower() in _RAW_SUFFIXES or any(
        getattr(getattr(page, "photometric", None), "name", "") in _RAW_MODELS
        or any(tag in getattr(page, "tags", ()) for tag in _RAW_TAGS)
        for page in (first, *inside)
    )
    if raw or _is_cr2(file):
        raise UnreadableFile(told_as_raw(path.name))


def told_as_raw(name: str) -> str:
    """Return the sentence that refuses a camera's raw file."""
    return (
        f"{name} is a camera's raw file; the picture that can be seen in it is a preview. Develop "
        "it first, for example with darktable or RawTherapee, and colour the TIFF."
    )


def _is_cr2(file: Any) -> bool:
    file.filehandle.seek(0)
    return bool(file.filehandle.read(10)[8:10] == b"CR")


def refuse_lost_pages(file: Any, planes: int) -> None:
    """Refuse a stack that was cut short: tifffile would read what is left without a word.

    Parameters
    ----------
    file : tifffile.TiffFile
    planes : int
        That were found.
    """
    promised = (file.imagej_metadata or {}).get("images", 1)
    layout, page = file.tiff, file.pages[-1]
    handle = file.filehandle
    handle.seek(page.offset)
    (tags,) = struct.unpack(layout.tagnoformat, handle.read(layout.tagnosize))
    handle.seek(tags * layout.tagsize, os.SEEK_CUR)
    (following,) = struct.unpack(layout.offsetformat, handle.read(layout.offsetsize))
    if following >= handle.size or promised > planes:
        raise UnreadableFile(
            f"{file.filename} is cut short: pages that it announces are missing. Copy it again "
            "from where it came from."
        )


def refuse_missing_planes(file: Any, series: Any, path: Path) -> None:
    """Refuse a set of OME-TIFF files of which one did not come along: its planes would be zeros."""
    pages = list(series.pages)
    if None not in pages:
        return
    missing = pages.count(None)
    names = re.findall(r'FileName="([^"]{1,255})"', file.ome_metadata or "") if file.is_ome else []
    gone = sorted({name for name in names if not (path.parent / Path(name).name).exists()})
    if gone:
        listed = ", ".join(gone[:5]) + (f" and {len(gone) - 5} more" if len(gone) > 5 else "")
        verb = "is" if len(gone) == 1 else "are"
        raise UnreadableFile(
            f"{path.name} belongs to a set of files, of which {listed} {verb} missing. Copy the "
            "whole set into one folder."
        )
    raise UnreadableFile(
        f"{path.name} announces {len(pages)} planes, but {missing} of them are not in it. Copy "
        "it again, or export it anew from where it came from."
    )


def refuse_form(page: Any, name: str) -> None:
    """Refuse a page by its tags: its size, or a compression that is not read.

    Raises
    ------
    UnreadableFile, TooLarge
    """
    from tifffile import TIFF

    width, height = int(page.imagewidth), int(page.imagelength)
    refuse_too_large(name, width, height)
    if width < 1 or height < 1:
        raise UnreadableFile(f"{name} has a page without pixels. Export it again.")
    compression = page.compression
    if int(compression) not in BY_LIBTIFF and compression not in TIFF.DECOMPRESSORS:
        called = getattr(compression, "name", f"number {int(compression)}")
        raise UnreadableFile(
            f"{name} is compressed by {called}, which is not read. Export it again with LZW or "
            "Deflate, or uncompressed."
        )


def refuse_hollow(page: Any, name: str) -> None:
    """Refuse a page whose pixels lie beyond the end of its file, or are nowhere, or would swell.

    Raises
    ------
    UnreadableFile
    """
    # What tifffile gives for a page that shares another's tags has offsets of its own.
    offsets, counts = page.dataoffsets, page.databytecounts
    size = page.parent.filehandle.size
    if not any(counts):
        raise UnreadableFile(f"{name} has a page without pixels. Export it again.")
    if any(o + n > size for o, n in zip(offsets, counts, strict=False)):
        raise UnreadableFile(
            f"{name} is cut short: pixels that it announces lie beyond its end. Copy it again "
            "from where it came from."
        )
    compression = int(page.keyframe.compression)
    if compression in _JPEG | _JPEG2000:
        _refuse_swollen(page, compression in _JPEG, name)


def _refuse_swollen(page: Any, jpeg: bool, name: str) -> None:
    """Refuse strips and tiles that unpack to more than the page has room for."""
    first = page.keyframe
    width = first.tilewidth if first.is_tiled else first.imagewidth
    length = first.tilelength if first.is_tiled else min(first.rowsperstrip, first.imagelength)
    handle = page.parent.filehandle
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False):
        if not count:
            continue
        handle.seek(offset)
        start = handle.read(min(count, 1 << 16))
        size = _size_of_jpeg(start) if jpeg else _size_of_jpeg2000(start)
        if size is not None and (size[0] > width + 64 or size[1] > length + 64):
            raise UnreadableFile(
                f"{name} is damaged: one of its tiles says that it has {size[0]} × {size[1]} "
                f"pixels, where there is room for {width} × {length}. Copy or export it again."
            )


def _size_of_jpeg(start: bytes) -> tuple[int, int] | None:
    frame = frame_of_jpeg(start)
    return None if frame is None else (frame.width, frame.height)


def _size_of_jpeg2000(start: bytes) -> tuple[int, int] | None:
    """Return width and height out of the SIZ marker (T.800, A.5.1)."""
    at = start.find(b"\xff\x4f\xff\x51")
    if at < 0 or len(start) < at + 24:
        return None
    right, bottom, left, top = struct.unpack(">4I", start[at + 8 : at + 24])
    return right - left, bottom - top
