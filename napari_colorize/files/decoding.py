"""From the bytes of a picture file to upright 8-bit RGB, as a viewer shows it.

What a training learns from and what an evaluation grades on is told apart from other files, and
decoded, here and nowhere else: so a picture has the same colours in both.
"""

from __future__ import annotations

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

SUFFIXES = (
    *(".avif", ".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff"),
    ".webp",
)
"""Suffixes of files that are taken for pictures (any case)."""

_JPEG = b"\xff\xd8\xff"


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

    16-bit values are scaled to 8 bits, never cut; grey becomes R = G = B; what is transparent is
    laid over white; the picture is turned as its EXIF orientation says.

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
        (a ``ValueError``) Neither OpenCV nor Pillow can decode it.
    """
    try:
        if not encoded.startswith(_JPEG) and _is_transparent(encoded):
            return _over_white(encoded)
        return _opaque(encoded)
    except (OSError, ValueError, SyntaxError, cv2.error, Image.DecompressionBombError) as error:
        raise UnreadablePicture(f"{name} cannot be decoded as a picture.") from error


def _opaque(encoded: bytes) -> NDArray[np.uint8]:
    # OpenCV first: it is faster, and keeps all of 16-bit colour, which Pillow does not.
    decoded = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR) if encoded else None
    if decoded is None or decoded.dtype != np.uint8:
        with Image.open(io.BytesIO(encoded)) as image:
            return np.array(ImageOps.exif_transpose(image).convert("RGB"))
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)


def _is_transparent(encoded: bytes) -> bool:
    """Whether the header speaks of transparency; what Pillow does not know is left to OpenCV."""
    try:
        with Image.open(io.BytesIO(encoded)) as image:
            return image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    except (OSError, ValueError, SyntaxError):
        return False


def _over_white(encoded: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(encoded)) as image:
        upright = ImageOps.exif_transpose(image).convert("RGBA")
    white = Image.new("RGBA", upright.size, "white")
    return np.array(Image.alpha_composite(white, upright).convert("RGB"))
