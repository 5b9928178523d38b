"""Read PNG, JPEG and TIFF, one page at a time, without changing a value; films in folders."""

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from napari_colorize.decoders.pillow import read_picture
from napari_colorize.files import tiff
from napari_colorize.files.completeness import told_as_raw
from napari_colorize.files.pages import Page, Resolution, UnreadableFile, told_as_unreadable

_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"II*\x00": "tiff",
    b"MM\x00*": "tiff",
    b"II+\x00": "tiff",
    b"MM\x00+": "tiff",
}
_PILLOWS = {"png": ("PNG",), "jpeg": ("JPEG",)}
_OTHERS = (
    *((b"WEBP", 8, "WebP"), (b"GIF8", 0, "GIF"), (b"BM", 0, "BMP"), (b"8BPS", 0, "Photoshop")),
    *((b"ftypavif", 4, "AVIF"), (b"ftyphei", 4, "HEIC"), (b"ftypmif1", 4, "HEIC")),
    *((b"jP  \r\n", 4, "JPEG 2000"), (b"\xff\x4f\xff\x51", 0, "JPEG 2000")),
    *((b"JXL ", 4, "JPEG XL"), (b"\xff\x0a", 0, "JPEG XL"), (b"\x76\x2f\x31\x01", 0, "OpenEXR")),
    *((b"#?RADIANCE", 0, "Radiance HDR"), (b"\x93NUMPY", 0, "NumPy"), (b"SIMPLE  =", 0, "FITS")),
    *((b"ZISRAWFILE", 0, "Zeiss CZI"), (b"\xda\xce\xbe\x0a", 0, "Nikon ND2")),
    *((b"\x70\0\0\0", 0, "Leica LIF"), (b"\x89HDF\r\n", 0, "HDF5"), (b"%PDF", 0, "PDF")),
    (b"DICM", 128, "DICOM"),
)
"""First bytes, where they stand, and what files with them are called."""

_RAW = (b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FUJIFILMCCD-RAW", b"FOVb", b"\0MRM")
"""First bytes of camera raw files that are no TIFF."""


def read(path: str | os.PathLike) -> list[Page]:
    """Read all pages of a file into memory.

    Parameters
    ----------
    path : str or path
        A PNG, JPEG or TIFF file. What it is, is told by its content, not by its name.

    Returns
    -------
    list of Page
        One for PNG and JPEG; for TIFF every plane, in the order of the file.

    Raises
    ------
    FileNotFoundError, PermissionError
        As usual.
    UnreadableFile
        (a ``ValueError``) Not a picture, damaged, or cut short.
    """
    return list(iter_pages(path))


def iter_pages(path: str | os.PathLike) -> Iterator[Page]:
    """Yield the pages of a file one by one, so that a long stack need not fit into memory.

    Parameters and errors are those of :func:`read`.
    """
    path = Path(os.path.abspath(path))
    with told_as_unreadable(path):
        kind = _kind(path)
        if kind != "tiff":
            content = path.read_bytes()
            pixels, about, density = read_picture(content, path.name, _PILLOWS[kind])
            resolution = None if density is None else Resolution(*density)
            yield Page(pixels, path, resolution=resolution, about=about)
            return
    yield from _guarded(path, tiff.iter_pages(path))


def count_pages(path: str | os.PathLike) -> int:
    """Return how many pages a file has, without decoding them; errors as in :func:`read`."""
    path = Path(os.path.abspath(path))
    with told_as_unreadable(path):
        return tiff.count_pages(path) if _kind(path) == "tiff" else 1


@contextlib.contextmanager
def open_stack(path: str | os.PathLike) -> Iterator["StackFile"]:
    """Open a TIFF file whose pages can be read in any order, each when it is asked for.

    Errors are those of :func:`read`.
    """
    path = Path(os.path.abspath(path))
    with told_as_unreadable(path):
        if _kind(path) != "tiff":
            raise UnreadableFile(f"{path.name} is a single picture, not a TIFF stack.")
        opened = tiff.OpenStack(path)
    try:
        yield StackFile(opened, path)
    finally:
        opened.close()


class StackFile:
    """The pages of an open TIFF file: ``len``, and pixels by number, as :func:`read` gives them.

    Parameters
    ----------
    axes : tuple of (str, int)
        Letter and length of each axis that counts the pages, outermost first, as the file names
        them: t, z, c, …; i and q mean that it does not say. Pages come in C order of them.
    place : StackPlace or None
        Steps, unit and channels, where the axes are named.
    resolution : Resolution or None
        Size of a pixel across and down.
    """

    def __init__(self, opened: tiff.OpenStack, path: Path) -> None:
        self._opened, self._path = opened, path
        self.axes = opened.axes
        self.place = opened.place
        self.resolution = opened.resolution

    def __len__(self) -> int:
        return len(self._opened)

    def __getitem__(self, index: int) -> NDArray[Any]:
        number = range(len(self))[index]
        with told_as_unreadable(self._path):
            return self._opened[number]


def _guarded(path: Path, pages: Iterator[Page]) -> Iterator[Page]:
    """Guard the decoding, but not what a caller does between two pages."""
    while True:
        with told_as_unreadable(path):
            taken = list(islice(pages, 1))
        if not taken:
            return
        yield taken[0]


def _kind(path: Path) -> str:
    with open(path, "rb") as file:
        start = file.read(132)
    for magic, kind in _MAGIC.items():
        if start.startswith(magic):
            return kind
    if start.startswith(_RAW) or start[4:12] == b"ftypcrx ":
        raise UnreadableFile(told_as_raw(path.name))
    if not start:
        raise UnreadableFile(f"{path.name} is empty.")
    if start.lstrip().lower().startswith((b"<!doctype", b"<html")):
        raise UnreadableFile(
            f"{path.name} is a web page, not a picture: the download went to a page in between. "
            "Download the picture itself."
        )
    called = next((kind for mark, at, kind in _OTHERS if start[at:].startswith(mark)), None)
    if called is not None:
        raise UnreadableFile(
            f"{path.name} is a {called} file; PNG, JPEG and TIFF are coloured. Export it as one of "
            "these, or open it in napari with the reader plugin for its format."
        )
    raise UnreadableFile(
        f"{path.name} is not a PNG, JPEG or TIFF file. Export it as one of these, or open it in "
        "napari with the reader plugin for its format."
    )


class Frames:
    """Pictures of one folder as the planes of a stack along time: ``len``, and pixels by number.

    Parameters
    ----------
    paths : sequence of Path
        One picture each; they are put in the order of the numbers in their names, 2 before 10.

    Attributes
    ----------
    axes : tuple of (str, int)
        ``(("t", number of frames),)``.

    Raises
    ------
    UnreadableFile
        (a ``ValueError``) A file that holds several pictures, or, when it is read, a frame of
        another size than the first.

    Examples
    --------
    >>> from pathlib import Path
    >>> frames = Frames(sorted(Path("frames").glob("*.png")))  # doctest: +SKIP
    >>> frames[0].shape  # doctest: +SKIP
    (480, 640)
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = sorted(paths, key=in_order)
        self.axes = (("t", len(self.paths)),)
        self._shape: tuple[int, ...] | None = None

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> NDArray[Any]:
        path = self.paths[range(len(self))[index]]
        if count_pages(path) > 1:
            raise UnreadableFile(
                f"{path.name} holds several pictures, so it is no frame of a film; colour it "
                "without --as-stack."
            )
        [page] = read(path)
        self._shape = self._shape or page.pixels.shape
        if page.pixels.shape != self._shape:
            raise UnreadableFile(
                f"{path.name} has the shape {page.pixels.shape}, but the first frame "
                f"{self._shape}; the frames of a film have one size and kind."
            )
        return page.pixels


def in_order(path: Path) -> tuple[Any, ...]:
    """Return a key that sorts names by the numbers in them, as people do."""
    pieces = re.split(r"(\d+)", path.name.lower())
    return tuple((int(piece), "") if k % 2 else (-1, piece) for k, piece in enumerate(pieces))
