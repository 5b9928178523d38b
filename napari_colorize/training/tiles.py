"""Pictures in memory to learn from: RGB arrays of any kind, and large ones cut into tiles.

A slide teaches as many small pictures do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_colorize.pipeline.image import as_array
from napari_colorize.pipeline.resample import network_shape


class Reference(Protocol):
    """A colour picture that can be read when it is wanted."""

    @property
    def name(self) -> str:
        """What messages and the record call it."""

    def read(self) -> NDArray[np.uint8]:
        """Return (H, W, 3) uint8 RGB; ``ValueError`` if it cannot be read."""


@dataclass(frozen=True, eq=False)
class ArrayReference:
    """A picture in memory, such as an RGB layer of a viewer."""

    rgb: NDArray[np.uint8]
    name: str

    @classmethod
    def of(cls, picture: Any, name: str) -> ArrayReference:
        """Take an RGB or RGBA array.

        Parameters
        ----------
        picture
            (H, W, 3) or (H, W, 4): uint8, uint16 over its whole range, or floats 0…1. What is
            transparent becomes white.
        name
            What messages and the record call it.

        Raises
        ------
        TypeError, ValueError
            Not a colour picture of one of these kinds.
        """
        array = as_array(picture)
        if array.ndim != 3 or array.shape[-1] not in (3, 4):
            raise ValueError(
                f"{name} has shape {array.shape}; colour is learnt from RGB pictures of shape "
                "(height, width, 3) or (height, width, 4). Give one plane of a stack at a time."
            )
        share = _as_share(array, name)
        if share.shape[-1] == 4:
            share = share[..., :3] * share[..., 3:] + (1 - share[..., 3:])
        return cls(np.rint(share * 255).astype(np.uint8), name)

    def read(self) -> NDArray[np.uint8]:
        """Return the picture."""
        return self.rgb


def fingerprint_of_arrays(references: Sequence[ArrayReference]) -> str:
    """SHA-256 over names, shapes and pixels: two trainings with the same saw the same."""
    digest = hashlib.sha256()
    for reference in references:
        digest.update(f"{reference.name}\t{reference.rgb.shape}\n".encode())
        digest.update(np.ascontiguousarray(reference.rgb).tobytes())
    return digest.hexdigest()


def _as_share(array: NDArray[Any], name: str) -> NDArray[np.float32]:
    if array.dtype in (np.uint8, np.uint16):
        return array.astype(np.float32) / np.float32(np.iinfo(array.dtype).max)
    if array.dtype.kind == "f":
        if not np.isfinite(array).all() or array.min() < -1e-3 or array.max() > 1 + 1e-3:
            raise ValueError(
                f"{name} holds values outside 0…1; RGB of type {array.dtype} must be within. "
                "Divide it by its largest possible value first."
            )
        return array.astype(np.float32).clip(0, 1)
    raise TypeError(f"{name} is {array.dtype}; RGB is taken as uint8, uint16 or floats 0…1.")


TILE = 128
"""Usual side of a tile, px."""

SMALLEST_TILE, LARGEST_TILE = 32, 1024
LARGEST_SEEN = 512
"""Largest short side at which networks see pictures that are cut, px."""


@dataclass(frozen=True, eq=False)
class Cut:
    """Pictures to learn from.

    Parameters
    ----------
    pictures
        Name → (h, w, 3) uint8.
    network_size
        Short side, px, at which pictures of the same magnification must be seen to look like the
        tiles; 0 where nothing was cut.
    """

    pictures: Mapping[str, NDArray[np.uint8]]
    network_size: int


def cut(pictures: Mapping[str, NDArray[np.uint8]], side: int = TILE) -> Cut:
    """Bring pictures to the size at which a network sees them, and cut them into tiles.

    Training on tiles at one scale and colouring whole pictures at another would teach textures
    that never come; so the pictures are first made as large as `colorize` makes them.

    Parameters
    ----------
    pictures
        Name → (H, W, 3) uint8.
    side
        Of the square tiles, px, 32…1024; 0 leaves all pictures whole.

    Returns
    -------
    Cut
        Tiles side by side, evenly spread where the picture is no multiple of them. Pictures that
        hold fewer than two stay whole, and so do all if none holds two.

    Raises
    ------
    ValueError
        Such tiles cannot be.
    """
    if side and not SMALLEST_TILE <= side <= LARGEST_TILE:
        raise ValueError(
            f"Tiles must have a side of {SMALLEST_TILE} to {LARGEST_TILE} px, or 0 for whole "
            f"pictures; it is {side}."
        )
    if not side or not pictures:
        return Cut(pictures, 0)
    short = [min(picture.shape[:2]) for picture in pictures.values()]
    seen = int(np.clip(np.median(short), 32, LARGEST_SEEN))
    tiles: dict[str, NDArray[np.uint8]] = {}
    for name, picture in pictures.items():
        height, width = picture.shape[:2]
        resized = _resized(picture, network_shape(height, width, seen))
        rows, columns = (_starts(length, side) for length in resized.shape[:2])
        if len(rows) * len(columns) < 2:
            tiles[name] = picture
            continue
        for y in rows:
            for x in columns:
                tile = resized[y : y + side, x : x + side]
                tiles[f"{name} [{y}, {x}]"] = np.ascontiguousarray(tile)
    return Cut(tiles, seen if len(tiles) > len(pictures) else 0)


def cut_arrays(pictures: Mapping[str, Any], side: int = TILE) -> Cut:
    """Cut arrays of any of the kinds that `ArrayReference.of` takes; see `cut`.

    Raises
    ------
    TypeError, ValueError
        There is none, one is no colour picture, or such tiles cannot be.
    """
    arrays = {label: ArrayReference.of(array, label).rgb for label, array in pictures.items()}
    if not arrays:
        raise ValueError("There is no picture to learn from; give one in colour at least.")
    return cut(arrays, side)


def _starts(length: int, side: int) -> NDArray[np.int64]:
    count = length // side
    if not count:
        return np.empty(0, np.int64)
    return np.linspace(0, length - side, count).round().astype(np.int64)


def _resized(picture: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.uint8]:
    if picture.shape[:2] == tuple(shape):
        return picture
    method = cv2.INTER_AREA if shape[0] < picture.shape[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, shape[::-1], interpolation=method), np.uint8)
