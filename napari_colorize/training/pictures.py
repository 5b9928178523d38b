"""Colour pictures from folders and tar archives, read in place, in a stable order."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_colorize.files.decoding import SUFFIXES, UnreadablePicture, decode, is_picture
from napari_colorize.training import cifar


@dataclass(frozen=True)
class Picture:
    """Where one encoded picture lies: a file, or a stretch of an uncompressed tar archive."""

    path: Path
    name: str
    offset: int
    size: int
    cifar: bool = False
    """Whether the bytes are a record of CIFAR's binary files, not an encoded picture."""

    def read(self) -> NDArray[np.uint8]:
        """Decode to (H, W, 3) uint8 RGB, upright.

        Raises
        ------
        UnreadablePicture
            (a ``ValueError``) The file is gone, or is not a picture.
        """
        try:
            with open(self.path, "rb") as file:
                file.seek(self.offset)
                encoded = file.read(self.size)
        except OSError as error:
            raise UnreadablePicture(f"{self.path} cannot be read: {error.strerror}.") from error
        if self.cifar and len(encoded) == cifar.PIXELS:
            return cifar.decode_record(encoded)
        return decode(encoded, f"'{self.name}' in {self.path}")


def find_pictures(sources: Sequence[str | Path]) -> list[Picture]:
    """List the pictures in folders (searched through) and uncompressed tar archives.

    Parameters
    ----------
    sources
        Folders, tar archives or single picture files. CIFAR's binary files too; of a folder of
        them only those for training, so that nobody learns from the test set by accident.

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
            raise ValueError(f"{source} holds no picture ({', '.join(SUFFIXES)} are read).")
        pictures += sorted(found, key=lambda picture: picture.name)
    return pictures


def included(pictures: Sequence[Picture], patterns: Sequence[str]) -> list[Picture]:
    """Keep the pictures whose name matches one of `patterns`; all where there are none.

    Parameters
    ----------
    pictures
        From `find_pictures`.
    patterns
        Shell patterns over the whole name, for example ``*-clothing.*`` or ``flowers/*``.

    Raises
    ------
    ValueError
        None is left.
    """
    if not patterns:
        return list(pictures)
    kept = [p for p in pictures if any(fnmatchcase(p.name, pattern) for pattern in patterns)]
    if not kept:
        raise ValueError(
            f"None of the {len(pictures)} pictures has a name like {' or '.join(patterns)}; the "
            f"first is called {pictures[0].name}. Change the recipe's include."
        )
    return kept


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
    found: list[Picture] = []
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if is_picture(path.name) and path.is_file():
            found.append(Picture(path, name, 0, path.stat().st_size))
        elif cifar.is_training_file(path.name) and path.is_file():
            found += _in_cifar_file(path, name)
        elif path.is_file():
            cifar.refuse_pickled(path)
    return found


def _in_cifar_file(path: Path, name: str) -> list[Picture]:
    return [
        Picture(path, f"{name}/{number:05d}", offset, cifar.PIXELS, cifar=True)
        for number, offset in enumerate(cifar.record_offsets(path))
    ]


def _in_file(path: Path) -> list[Picture]:
    if is_picture(path.name):
        return [Picture(path, path.name, 0, path.stat().st_size)]
    if cifar.is_cifar_file(path.name):
        return _in_cifar_file(path, path.name)
    cifar.refuse_pickled(path)
    try:
        # "r:" opens uncompressed archives only: members are read in place by their offset.
        with tarfile.open(path, "r:") as archive:
            return [
                Picture(path, member.name, member.offset_data, member.size)
                for member in archive
                if member.isfile() and is_picture(member.name)
            ]
    except tarfile.TarError as error:
        if _is_compressed_tar(path):
            raise ValueError(
                f"{path} is a compressed tar archive, in which no picture can be reached without "
                "unpacking those before it. Unpack it into a folder "
                f"(`tar -xf {path.name} -C FOLDER`) and give that."
            ) from error
        raise ValueError(
            f"{path} is neither a folder, a picture nor a tar archive, or it is cut short."
        ) from error


def _is_compressed_tar(path: Path) -> bool:
    with open(path, "rb") as file:
        start = file.read(6)
    return start.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd"))
