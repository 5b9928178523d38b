"""Write results beside their place, then rename: all of a result appears, or nothing does."""

import contextlib
import itertools
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Sized
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorize._version import __version__
from napari_colorize.files.pages import Resolution
from napari_colorize.files.records import as_description, with_png_record

if TYPE_CHECKING:
    from napari_colorize.api import Colorized

WRITABLE = (".png", ".tif", ".tiff")
"""Suffixes of results."""

_CLASSIC_TIFF_LIMIT = 3 << 30
"""Results that may exceed this many bytes are written as BigTIFF."""


def write(
    path: str | os.PathLike,
    results: "Colorized | Iterable[Colorized]",
    *,
    overwrite: bool = False,
    resolution: Resolution | None = None,
    uncertainty: bool = False,
    pages: int | None = None,
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
        Pixel size for the TIFF tags (``Page.resolution``).
    uncertainty : bool, optional
        Write the uncertainty maps too, as float32 TIFF, see :func:`uncertainty_of`.
    pages : int, optional
        How many results a generator will give; without it, its TIFF is a BigTIFF.

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
    _refuse_suffix(path)
    if not isinstance(results, Iterable):
        results = [results]
    targets = [path, sidecar_of(path)] + ([uncertainty_of(path)] if uncertainty else [])
    with _staged(targets, overwrite) as staged:
        write_picture = _write_png if path.suffix.lower() == ".png" else _write_tiff
        with contextlib.ExitStack() as stack:
            stream = iter(results)
            first = next(stream, None)
            if first is None:
                raise ValueError("There is no result to write.")
            big = _may_be_big(first, results, pages)
            stream = itertools.chain([first], stream)
            if uncertainty:
                stream = _with_maps(stream, stack.enter_context(_tiff(staged[2], big)), resolution)
            records = write_picture(staged[0], stream, resolution, big)
        sidecar = records[0] if len(records) == 1 else {"pages": records}
        staged[1].write_text(json.dumps(sidecar, indent=2, allow_nan=False) + "\n", "utf-8")
    return targets


def sidecar_of(path: str | os.PathLike) -> Path:
    """Return the place of a result's record: the whole name, and ``.json``."""
    path = Path(path)
    return path.with_name(path.name + ".json")


def uncertainty_of(path: str | os.PathLike) -> Path:
    """Return the place of a result's uncertainty map: ``name_uncertainty.tif``."""
    path = Path(path)
    return path.with_name(path.stem + "_uncertainty.tif")


def _refuse_suffix(path: Path) -> None:
    suffix = path.suffix.lower()
    if suffix in (".jpg", ".jpeg"):
        raise ValueError(
            f"{path.name}: JPEG compression would change the lightness that colouring keeps; "
            "choose .png or .tif."
        )
    if suffix not in WRITABLE:
        raise ValueError(f"{path.name}: results are written as {', '.join(WRITABLE)}.")


@contextlib.contextmanager
def _staged(targets: list[Path], overwrite: bool) -> Iterator[list[Path]]:
    """Give a temporary file for each target; rename them all at the end, or remove them all."""
    folder = targets[0].parent
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}; create it, or choose another.")
    _refuse_existing(targets, overwrite)
    token = secrets.token_hex(4)
    staged = [target.with_name(f".{target.name}.{token}.part") for target in targets]
    try:
        yield staged
        for part in staged:
            _flush(part)
        _refuse_existing(targets, overwrite)  # somebody may have been quicker
        # The picture goes last: where it stands, its record stands beside it.
        for part, target in zip(reversed(staged), reversed(targets), strict=True):
            os.replace(part, target)
    finally:
        for part in staged:
            part.unlink(missing_ok=True)


def _refuse_existing(targets: list[Path], overwrite: bool) -> None:
    existing = [target.name for target in targets if target.exists()]
    if existing and not overwrite:
        raise FileExistsError(
            f"{' and '.join(existing)} exist{'s' if len(existing) == 1 else ''} already in "
            f"{targets[0].parent}; choose another name, or ask for overwriting."
        )


def _flush(path: Path) -> None:
    """Make sure that the bytes are on the disk before the name is."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _may_be_big(first: "Colorized", results: Any, pages: int | None) -> bool:
    count = len(results) if isinstance(results, Sized) else pages
    return count is None or count * first.rgb.nbytes > _CLASSIC_TIFF_LIMIT


def _write_png(
    path: Path, results: "Iterator[Colorized]", resolution: Resolution | None, big: bool
) -> list[dict[str, Any]]:
    import cv2

    first = next(results)
    if next(results, None) is not None:
        raise ValueError("A PNG file holds one picture; choose .tif for several.")
    if first.rgb.dtype not in (np.uint8, np.uint16):
        raise ValueError(
            f"A PNG file cannot hold {first.rgb.dtype} pixels; choose .tif, or dtype='uint16'."
        )
    order = [2, 1, 0, 3][: first.rgb.shape[-1]]
    encoded, png = cv2.imencode(".png", np.ascontiguousarray(first.rgb[..., order]))
    if not encoded:
        raise OSError(f"{path.name} could not be encoded as PNG; try .tif.")
    path.write_bytes(with_png_record(png.tobytes(), first.record))
    return [first.record]


def _write_tiff(
    path: Path, results: "Iterator[Colorized]", resolution: Resolution | None, big: bool
) -> list[dict[str, Any]]:
    records = []
    with _tiff(path, big) as file:
        for result in results:
            alpha = ["unassalpha"] if result.rgb.shape[-1] == 4 else None
            _write_page(
                *(file, result.rgb, as_description(result.record), resolution),
                photometric="rgb",
                extrasamples=alpha,
            )
            records.append(result.record)
    return records


def _with_maps(
    results: "Iterator[Colorized]", file: Any, resolution: Resolution | None
) -> "Iterator[Colorized]":
    """Write the uncertainty of each result that passes."""
    for result in results:
        text = as_description(result.record)
        _write_page(file, result.uncertainty, text, resolution, photometric="minisblack")
        yield result


def _tiff(path: Path, big: bool) -> Any:
    import tifffile

    return tifffile.TiffWriter(path, bigtiff=big)


def _write_page(
    file: Any, pixels: Any, description: str, resolution: Resolution | None, **options: Any
) -> None:
    where = {}
    if resolution is not None:
        where = {"resolution": (resolution.x, resolution.y), "resolutionunit": resolution.unit}
    file.write(
        pixels,
        compression="zlib",
        metadata=None,
        description=description,
        software=f"napari-colorize {__version__}",
        **where,
        **options,
    )
