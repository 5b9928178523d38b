"""Pixels into the files that results are kept in: PNG for one picture, TIFF for any number."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize._version import __version__
from napari_colorize.files.pages import Resolution
from napari_colorize.files.records import with_png_record

WRITABLE = (".png", ".tif", ".tiff")
"""Suffixes of results."""

MANY_IN_PNG = "A PNG file holds one picture; choose .tif for several."

_CLASSIC_TIFF_LIMIT = 3 << 30
"""Results that may exceed this many bytes are written as BigTIFF."""


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


def write_png(path: Path, pixels: NDArray[Any], record: dict[str, Any]) -> None:
    """Write a grey, RGB or RGBA picture of 8 or 16 bits with its record inside."""
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
    path.write_bytes(with_png_record(png.tobytes(), record))


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
