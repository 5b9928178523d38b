"""Provenance inside files: into PNG text chunks and TIFF descriptions, and back."""

import json
import os
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_colorize.files.pages import told_as_unreadable

KEYWORD = "napari-colorize"
"""Keyword of the PNG text chunk that holds the record."""

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


def with_png_record(png: bytes, record: Mapping[str, Any]) -> bytes:
    """Return a PNG file with a record, its legend and the software's name as text chunks."""
    software = record["software"]
    texts = {
        "Software": f"{software['name']} {software['version']}",
        "Description": record["legend"],
        KEYWORD: as_text(record),
    }
    chunks = b"".join(_text_chunk(keyword, text) for keyword, text in texts.items())
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
    return [record for record in map(_parsed, texts) if record is not None]


def read_sidecar(path: str | os.PathLike) -> list[dict[str, Any]]:
    """Return the records in the JSON file beside a result; empty where it is no file of ours."""
    try:
        content = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError):
        return []
    pages = content.get("pages", [content]) if isinstance(content, dict) else []
    return [record for record in pages if _is_record(record)] if isinstance(pages, list) else []


def _text_chunk(keyword: str, text: str) -> bytes:
    """Return a tEXt chunk, or an iTXt one where the text is not ASCII (PNG specification, 11.3)."""
    if text.isascii():
        kind, body = b"tEXt", keyword.encode() + b"\0" + text.encode()
    else:
        kind, body = b"iTXt", keyword.encode() + b"\0\0\0\0\0" + text.encode("utf-8")
    checksum = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def _png_texts(path: Path) -> list[str]:
    from PIL import Image

    with Image.open(path, formats=["PNG"]) as picture:
        return [picture.info.get(KEYWORD, "")]


def _tiff_texts(path: Path) -> list[str]:
    import tifffile

    with tifffile.TiffFile(path) as file:
        return [page.aspage().description for page in file.pages]


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        record = json.loads(text.rpartition("\n")[2])
    except ValueError:
        return None
    return record if _is_record(record) else None


def _is_record(content: Any) -> bool:
    return isinstance(content, dict) and str(content.get("schema", "")).startswith(KEYWORD)
