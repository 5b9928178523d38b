"""From the bytes of a picture file to upright 8-bit RGB, as a viewer shows it.

What a training learns from and what an evaluation grades on is told apart from other files, and
decoded, here and nowhere else: so a picture has the same colours in both.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.decoders.limits import TooLarge, UnreadableFile
from napari_colorize.decoders.pillow import read_picture
from napari_colorize.files.tiff import OpenStack

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
