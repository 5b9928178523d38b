"""Colour pictures from folders and tar archives, read in place, in a stable order."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


@dataclass(frozen=True)
class Picture:
    """Where one encoded picture lies: a file, or a stretch of an uncompressed tar archive."""

    path: Path
    name: str
    offset: int
    size: int

    def read(self) -> NDArray[np.uint8]:
        """Decode to (H, W, 3) uint8 RGB.

        Raises
        ------
        ValueError
            The bytes are not a picture that OpenCV can decode.
        """
        with open(self.path, "rb") as file:
            file.seek(self.offset)
            encoded = np.frombuffer(file.read(self.size), np.uint8)
        decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if encoded.size else None
        if decoded is None:
            raise ValueError(f"'{self.name}' in {self.path} cannot be decoded as a picture.")
        return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)


def find_pictures(sources: Sequence[str | Path]) -> list[Picture]:
    """List the pictures in folders (searched through) and uncompressed tar archives.

    Parameters
    ----------
    sources
        Folders, tar archives or single picture files.

    Returns
    -------
    list of Picture
        In the order of `sources`, by name within each.

    Raises
    ------
    FileNotFoundError
        A source does not exist.
    ValueError
        A source holds no picture.
    """
    pictures: list[Picture] = []
    for source in map(Path, sources):
        if not source.exists():
            raise FileNotFoundError(f"There is no folder or archive at {source}.")
        found = list(_in_folder(source) if source.is_dir() else _in_file(source))
        if not found:
            kinds = ", ".join(sorted(SUFFIXES))
            raise ValueError(f"{source} holds no picture ({kinds} are read).")
        pictures += sorted(found, key=lambda picture: picture.name)
    return pictures


def fingerprint(pictures: Sequence[Picture]) -> str:
    """SHA-256 over names and sizes: says whether two trainings saw the same files."""
    digest = hashlib.sha256()
    for picture in pictures:
        digest.update(f"{picture.name}\t{picture.size}\n".encode())
    return digest.hexdigest()


def split_holdout(pictures: Sequence[Picture], count: int) -> tuple[list[Picture], list[Picture]]:
    """Set `count` pictures aside, chosen by the hash of their names.

    The choice depends on neither order nor seed, so that a picture held out once is held out in
    every training on the same data.

    Returns
    -------
    training, holdout
    """
    ranked = sorted(pictures, key=lambda p: hashlib.sha256(p.name.encode()).digest())
    return ranked[count:], ranked[:count]


def _in_folder(folder: Path) -> list[Picture]:
    return [
        Picture(path, str(path.relative_to(folder)), 0, path.stat().st_size)
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file()
    ]


def _in_file(path: Path) -> list[Picture]:
    if path.suffix.lower() in SUFFIXES:
        return [Picture(path, path.name, 0, path.stat().st_size)]
    try:
        # "r:" opens uncompressed archives only: members are read in place by their offset.
        with tarfile.open(path, "r:") as archive:
            return [
                Picture(path, member.name, member.offset_data, member.size)
                for member in archive
                if member.isfile() and Path(member.name).suffix.lower() in SUFFIXES
            ]
    except tarfile.TarError as error:
        raise ValueError(
            f"{path} is neither a picture nor an uncompressed tar archive "
            "(unpack a compressed one first)."
        ) from error
