"""What JPEG streams say of themselves, and the thinned-out chroma of TIFF's own YCbCr."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_NO_FRAME = (0xC4, 0xC8, 0xCC)
"""Markers among those of frame headers that are none: tables and an extension."""


@dataclass(frozen=True)
class Frame:
    """The frame header of a JPEG stream.

    Parameters
    ----------
    kind : int
        Second byte of its marker.
    bits : int
        Of a sample.
    width, height : int
        In pixels.
    at : int
        Where in the stream the number of bits stands.
    """

    kind: int
    bits: int
    width: int
    height: int
    at: int


def frame_of_jpeg(stream: bytes) -> Frame | None:
    """Find the frame header of a JPEG or JPEG-LS stream (T.81, B.2.2; T.87, C.2.2).

    Returns
    -------
    Frame or None
        Nothing where the stream is no JPEG, or ends before its frame header.
    """
    if not stream.startswith(b"\xff\xd8"):
        return None
    at = 2
    while at + 4 <= len(stream) and stream[at] == 0xFF:
        marker = stream[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 2
            continue
        if (0xC0 <= marker <= 0xCF and marker not in _NO_FRAME) or marker == 0xF7:
            body = stream[at + 4 : at + 9]
            if len(body) < 5:
                return None
            height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
            return Frame(marker, body[0], width, height, at + 4)
        at += 2 + max(2, int.from_bytes(stream[at + 2 : at + 4], "big"))
    return None


def full_chroma(
    units: NDArray[np.uint8], height: int, width: int, across: int, down: int
) -> NDArray[np.uint8]:
    """Give every pixel its chroma, where a TIFF strip or tile keeps one for several.

    Parameters
    ----------
    units : (N,) uint8 array
        Data units one after the other: ``across * down`` lumas by rows, then Cb and Cr
        (TIFF 6.0, section 21).
    height, width : int
        Of the strip or tile.
    across, down : int
        Pixels that share a chroma.

    Returns
    -------
    (height, width, 3) uint8 array
        YCbCr.

    Raises
    ------
    ValueError
        There are fewer data units than the size needs.
    """
    rows, columns, length = -(-height // down), -(-width // across), across * down + 2
    if units.size < rows * columns * length:
        raise ValueError("a strip ends before its last pixel")
    grid = units[: rows * columns * length].reshape(rows, columns, length)
    luma = grid[..., :-2].reshape(rows, columns, down, across).swapaxes(1, 2)
    out = np.empty((rows * down, columns * across, 3), np.uint8)
    out[..., 0] = luma.reshape(rows * down, columns * across)
    for k in (0, 1):
        out[..., 1 + k] = grid[..., length - 2 + k].repeat(down, axis=0).repeat(across, axis=1)
    return out[:height, :width]
