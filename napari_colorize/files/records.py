"""Provenance inside files: into PNG text chunks and TIFF descriptions, and back."""

import json
import os
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_colorize.files.pages import CENTIMETRE, Resolution, told_as_unreadable

KEYWORD = "napari-colorize"
"""Keyword of the PNG text chunk that holds the record."""

_METRES = {2: 0.0254, CENTIMETRE: 0.01}
"""TIFF's unit of length → metres."""

_SIGNATURE_AND_HEADER = 8 + 25
"""Bytes of a PNG before its second chunk."""


def sidecar_of(path: str | os.PathLike) -> Path:
    """Return the place of a result's record: the whole name, and ``.json``."""
    path = Path(path)
    return path.with_name(path.name + ".json")


def as_text(record: Mapping[str, Any]) -> str:
    """Return a record as one line of 7-bit JSON, which every container can hold."""
    return json.dumps(record, ensure_ascii=True, allow_nan=False)


def as_description(record: Mapping[str, Any]) -> str:
    """Return a record as a TIFF description: the legend for people, then a line of JSON.

    The JSON must not come first: readers take a description that begins with a brace and holds the
    word "shape" for tifffile's own.
    """
    legend = record["legend"].encode("ascii", "backslashreplace").decode()
    return f"{legend}\n{as_text(record)}"


def with_png_chunks(
    png: bytes, record: Mapping[str, Any], resolution: Resolution | None = None
) -> bytes:
    """Return a PNG file with a record, its legend and the software's name as text chunks.

    The pixel size becomes a ``pHYs`` chunk: PNG counts pixels per metre.
    """
    software = record["software"]
    texts = {
        "Software": f"{software['name']} {software['version']}",
        "Description": record["legend"],
        KEYWORD: as_text(record),
    }
    chunks = b"".join(_text_chunk(keyword, text) for keyword, text in texts.items())
    metres = _METRES.get(resolution.unit) if resolution is not None else None
    if resolution is not None and metres is not None:
        across, down = (round(n / metres) for n in (resolution.x, resolution.y))
        if 0 < across < 1 << 31 and 0 < down < 1 << 31:
            chunks += _chunk(b"pHYs", struct.pack(">IIB", across, down, 1))
    return png[:_SIGNATURE_AND_HEADER] + chunks + png[_SIGNATURE_AND_HEADER:]


def read_records(path: str | os.PathLike) -> list[dict[str, Any]]:
    """Return the records inside a result file, one a page; empty where there are none.

    Raises
    ------
    UnreadableFile
        (a ``ValueError``) The file is damaged or of another kind.
    """
    path = Path(path)
    with told_as_unreadable(path):
        texts = _png_texts(path) if path.suffix.lower() == ".png" else _tiff_texts(path)
    return [record for text in texts for record in _parsed(text)]


def read_sidecar(path: str | os.PathLike) -> list[dict[str, Any]]:
    """Return the records in the JSON file beside a result; empty where it is no file of ours."""
    try:
        if not Path(path).is_file():  # a pipe would be waited for
            return []
        content = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    return _records_in(content)


def _text_chunk(keyword: str, text: str) -> bytes:
    """Return a tEXt chunk, or an iTXt one where the text is not ASCII (PNG specification, 11.3)."""
    if text.isascii():
        kind, body = b"tEXt", keyword.encode() + b"\0" + text.encode()
    else:
        kind, body = b"iTXt", keyword.encode() + b"\0\0\0\0\0" + text.encode("utf-8")
    return _chunk(kind, body)


def _chunk(kind: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def _png_texts(path: Path) -> list[str]:
    from PIL import Image

    with Image.open(path, formats=["PNG"]) as picture:
        return [picture.info.get(KEYWORD, "")]


def _tiff_texts(path: Path) -> list[str]:
    import tifffile

    with tifffile.TiffFile(path) as file:
        # By their number: going through the pages as such, tifffile follows a circle for ever.
        return [file.pages[number].aspage().description for number in range(len(file.pages))]


def _parsed(text: str) -> list[dict[str, Any]]:
    """Return the records in a description: its last line that is JSON."""
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            try:
                return _records_in(json.loads(line))
            except (ValueError, RecursionError):
                return []
    return []


def _records_in(content: Any) -> list[dict[str, Any]]:
    """Return the records in what a JSON file holds: one, or those of ``pages``."""
    pages = content.get("pages", [content]) if isinstance(content, dict) else []
    return [record for record in pages if _is_record(record)] if isinstance(pages, list) else []


def _is_record(content: Any) -> bool:
    return isinstance(content, dict) and str(content.get("schema", "")).startswith(KEYWORD)
