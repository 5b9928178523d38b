"""Read PNG, JPEG and TIFF: pages without changing a value, or a picture as upright 8-bit RGB.

What a training learns from and what an evaluation grades on is told apart from other files, and
decoded, here and nowhere else: so a picture has the same colours in both.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.decoders.limits import TooLarge, UnreadableFile
from napari_colorize.decoders.pillow import read_picture
from napari_colorize.files import tiff
from napari_colorize.files.completeness import told_as_raw
from napari_colorize.files.pages import Page, Resolution, told_as_unreadable
from napari_colorize.files.tiff import OpenStack

_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"II*\x00": "tiff",
    b"MM\x00*": "tiff",
    b"II+\x00": "tiff",
    b"MM\x00+": "tiff",
}
_PILLOWS = {"png": ("PNG",), "jpeg": ("JPEG",)}
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
def open_stack(path: str | os.PathLike) -> Iterator[StackFile]:
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
        start = file.read(64)
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


SUFFIXES = (
    *(".avif", ".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff"),
    ".webp",
)
"""Suffixes of files that are taken for pictures (any case)."""

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "PPM", "JPEG2000", "AVIF")


class UnreadablePicture(ValueError):
    """The bytes are damaged or of a kind that is not read."""


def is_picture(name: str) -> bool:
    """Return whether a file is taken for a picture, by the last part of its name.

    Hidden files are not: ``._photo.jpg`` holds what macOS knows about ``photo.jpg``, no picture.
    """
    base = name.rsplit("/", 1)[-1]
    return base.lower().endswith(SUFFIXES) and not base.startswith(".")


def decode(encoded: bytes, name: str) -> NDArray[np.uint8]:
    """Decode a picture of any common format.

    It goes through the reader that colouring uses: a file looks the same to both. 16-bit values are
    scaled to 8 bits, never cut; grey becomes R = G = B; what is transparent is laid over white;
    the picture is turned as its orientation says; of several pages and frames the first is taken.

    Parameters
    ----------
    encoded
        The whole file.
    name
        What an error calls it.

    Returns
    -------
    (H, W, 3) uint8 RGB.

    Raises
    ------
    UnreadablePicture
        (a ``ValueError``) It cannot be decoded.
    """
    try:
        return as_shown(_first_picture(encoded, name))
    except (UnreadableFile, TooLarge) as error:
        raise UnreadablePicture(str(error)) from error
    except Exception as error:  # decoders raise anything at damaged bytes
        raise UnreadablePicture(f"{name} cannot be decoded as a picture.") from error


def as_shown(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Bring pixels of any type to 8-bit RGB, what is transparent over white.

    Parameters
    ----------
    pixels : (H, W), (H, W, 3) or (H, W, 4) array
        uint8, uint16 and int16 over their type's range from 0; other integers over 16 bits; all
        over what occurs where that is more or below 0; floats 0…1, or over what occurs. What is
        masked or NaN becomes black.

    Returns
    -------
    (H, W, 3) uint8 RGB.
    """
    alpha = pixels[..., 3:] if pixels.ndim == 3 and pixels.shape[-1] == 4 else None
    colours = _of_eight_bits(pixels if pixels.ndim == 2 else pixels[..., :3])
    if colours.ndim == 2:
        colours = np.repeat(colours[..., None], 3, axis=-1)
    if alpha is None:
        return colours
    opacity = _of_eight_bits(alpha).astype(np.uint16)
    over = colours * opacity + 255 * (255 - opacity)
    return ((over + 127) // 255).astype(np.uint8)


def _first_picture(encoded: bytes, name: str) -> NDArray[Any]:
    if not encoded.startswith(_TIFF):
        return read_picture(encoded, name, _FORMATS)[0]
    opened = OpenStack(Path(name), io.BytesIO(encoded))
    try:
        return opened[0]
    finally:
        opened.close()


def _of_eight_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    missing, plain = np.ma.getmask(values), np.ma.getdata(values)
    if missing is np.ma.nomask:
        return _scaled(plain)
    shown = _scaled(np.where(missing, 0, plain))
    shown[missing] = 0
    return shown


def _scaled(values: NDArray[Any]) -> NDArray[np.uint8]:
    if values.dtype == np.uint8:
        return np.ascontiguousarray(values)
    if values.dtype == bool:
        return values.astype(np.uint8) * np.uint8(255)
    if values.dtype == np.uint16:
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    low, high = _range_of(values)
    with np.errstate(invalid="ignore", over="ignore"):
        share = (values.astype(np.float64) - low) / ((high - low) or 1.0)
    return np.rint(np.clip(np.nan_to_num(share), 0, 1) * 255).astype(np.uint8)


def _range_of(values: NDArray[Any]) -> tuple[float, float]:
    """Return what is black and white in values whose type does not say it."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if values.dtype.kind == "f":
        return (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
    most = 32767.0 if values.dtype == np.int16 else 65535.0
    return (low, high) if low < 0 or high > most else (0.0, 255.0 if high <= 255 else most)
