"""TIFF pages as arrays: 8 and 16 bits, floats, colour, stacks, physical pixel size."""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.files.pages import CENTIMETRE, Page, Resolution, UnreadableFile

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


def iter_pages(path: Path) -> Iterator[Page]:
    """Yield the planes of a TIFF file, decoding one after the other where the file allows it.

    A plane is (Y, X) grey or (Y, X, 3 or 4) colour; every other axis of a stack is counted off in
    C order. Of a pyramid, the full-size level is read.
    """
    import tifffile

    with tifffile.TiffFile(path) as file:
        _refuse_lost_pages(file)
        count = _count(file)
        resolution = _resolution(file)
        for index, pixels in enumerate(_planes(file, path)):
            yield Page(pixels, path, index, count, resolution)


def count_pages(path: Path) -> int:
    """Return the number of planes of a TIFF file."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        _refuse_lost_pages(file)
        return _count(file)


class OpenStack:
    """The planes of an open TIFF file by their number, and the axes that count them.

    What a file has written in one piece is decoded whole, at the first plane that is asked for.

    Parameters
    ----------
    path : Path
        A TIFF file.
    """

    def __init__(self, path: Path) -> None:
        import tifffile

        self._path, self._file = path, tifffile.TiffFile(path)
        try:
            _refuse_lost_pages(self._file)
            series = list(self._file.series)
            self._single = [page for one in series for page in _single_planes(one) or [None]]
            self._count = _count(self._file)
            self.axes = _leading_axes(series) or (("i", self._count),)
        except Exception:
            self.close()
            raise
        self._whole: list[NDArray[Any]] | None = None

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> NDArray[Any]:
        if not 0 <= index < self._count:
            raise IndexError(f"{self._path.name} has {self._count} pages; there is no {index}.")
        if len(self._single) == self._count and None not in self._single:
            page, first = self._single[index], self._single[index].keyframe
            return next(_split(_decoded(page, self._path), first.axes, first))
        if self._whole is None:
            self._whole = list(_planes(self._file, self._path))
        return self._whole[index]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _leading_axes(series: list[Any]) -> tuple[tuple[str, int], ...]:
    """Return letter and length of the axes that count the planes of a file's only series."""
    if len(series) != 1:
        return ()
    named = zip(series[0].axes.lower(), series[0].shape, strict=True)
    return tuple((axis, int(side)) for axis, side in named if axis not in "yxs")


def rgb_from_opencv(pixels: NDArray[Any]) -> NDArray[Any]:
    """Turn OpenCV's BGR or BGRA into RGB or RGBA; grey passes."""
    if pixels.ndim == 2:
        return pixels
    return np.ascontiguousarray(pixels[..., [2, 1, 0, 3][: pixels.shape[-1]]])


def _refuse_lost_pages(file: Any) -> None:
    """Refuse a stack that was cut short: tifffile would read what is left without a word."""
    promised = (file.imagej_metadata or {}).get("images", 1)
    layout, page = file.tiff, file.pages[-1]
    handle = file.filehandle
    handle.seek(page.offset)
    (tags,) = struct.unpack(layout.tagnoformat, handle.read(layout.tagnosize))
    handle.seek(tags * layout.tagsize, os.SEEK_CUR)
    (following,) = struct.unpack(layout.offsetformat, handle.read(layout.offsetsize))
    if following >= handle.size or promised > _count(file):
        raise UnreadableFile(
            f"{file.filename} is cut short: pages that it announces are missing. Copy it again "
            "from where it came from."
        )


def _count(file: Any) -> int:
    return sum(int(np.prod(series.shape)) // _plane_size(series) for series in file.series)


def _plane_size(series: Any) -> int:
    """Return the number of values in one plane of a series."""
    sizes = dict(zip(series.axes, series.shape, strict=True))
    return sizes["Y"] * sizes["X"] * sizes.get("S", 1)


def _planes(file: Any, path: Path) -> Iterator[NDArray[Any]]:
    for series in file.series:
        first = series.keyframe
        pages = _single_planes(series)
        if pages:
            for page in pages:
                yield from _split(_decoded(page, path), first.axes, first)
        else:
            yield from _split(_decoded(series, path), series.axes, first)


def _single_planes(series: Any) -> list[Any]:
    """Return the pages of a series where each is one plane; nothing where they hang together."""
    pages = list(series.pages)
    whole = None not in pages and len(pages) * _plane_size(series) == series.size
    single = whole and len(pages) > 1 and series.keyframe.size == _plane_size(series)
    return pages if single else []


def _decoded(part: Any, path: Path) -> NDArray[Any]:
    try:
        return part.asarray()
    except (KeyError, ValueError) as error:
        if "imagecodecs" not in str(error):
            raise
        return _decoded_by_opencv(part, path, error)


def _decoded_by_opencv(part: Any, path: Path, error: Exception) -> NDArray[Any]:
    """Decode LZW and its like, for which tifffile wants a package of its own."""
    import cv2

    pages = [part] if not hasattr(part, "pages") else list(part.pages)
    planes = []
    for page in pages:
        read, decoded = cv2.imreadmulti(str(path), page.index, 1, flags=cv2.IMREAD_UNCHANGED)
        if not read or decoded[0].dtype != page.dtype:
            raise ValueError(f"{error}; install it with pip") from error
        planes.append(rgb_from_opencv(decoded[0]))
    return np.stack(planes).reshape(part.shape)


def _split(values: NDArray[Any], axes: str, keyframe: Any) -> Iterator[NDArray[Any]]:
    """Yield the planes of an array with named axes, Y, X and samples last."""
    last = [axis for axis in "YXS" if axis in axes]
    order = [i for i, axis in enumerate(axes) if axis not in last]
    order += [axes.index(axis) for axis in last]
    ordered = values.transpose(order)
    for plane in ordered.reshape(-1, *ordered.shape[-len(last) :]):
        yield _shown(plane, keyframe)


def _shown(plane: NDArray[Any], keyframe: Any) -> NDArray[Any]:
    """Apply what the file says about how its values are to be seen."""
    photometric = getattr(keyframe.photometric, "name", "")
    if photometric == "PALETTE" and keyframe.colormap is not None:
        # Writers fill the 16 bits as 256·v or as 257·v; the upper eight are v either way.
        colours = (np.asarray(keyframe.colormap) >> 8).astype(np.uint8)
        return np.ascontiguousarray(np.moveaxis(colours[:, plane], 0, -1))
    if photometric == "MINISWHITE" and plane.dtype.kind in "bu":
        return ~plane
    if plane.ndim == 3 and plane.shape[-1] == 2:  # grey with alpha
        return np.concatenate([plane[..., :1]] * 3 + [plane[..., 1:]], axis=-1)
    return plane[..., :4] if plane.ndim == 3 else plane


def _resolution(file: Any) -> Resolution | None:
    """Return pixels per unit from the tags; ImageJ's text unit is turned into centimetres."""
    tags = file.pages[0].tags
    if "XResolution" not in tags or "YResolution" not in tags:
        return None
    across, down = (tags[name].value for name in ("XResolution", "YResolution"))
    if not (across[0] and across[1] and down[0] and down[1]):
        return None
    x, y = across[0] / across[1], down[0] / down[1]
    unit = int(tags["ResolutionUnit"].value) if "ResolutionUnit" in tags else 2
    if unit == 1 and x == y == 1:  # what writers put where nothing is known
        return None
    named = str((file.imagej_metadata or {}).get("unit", ""))
    if unit == 1 and named in _PER_CENTIMETRE:
        factor = _PER_CENTIMETRE[named]
        return Resolution(x * factor, y * factor, CENTIMETRE)
    return Resolution(x, y, unit)
