"""Collections of colour pictures: folders, tar archives, CIFAR's binary files, single files.

`find_pictures` lists a collection whose pictures are read again and again, in any order, as a
training does. `read_pictures` goes through one once, as a grading does, and so takes compressed
archives too. Nothing is unpacked on the disk and nothing is resized: each picture comes as it is.
"""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_colorize.files import cifar
from napari_colorize.files.decoding import SUFFIXES, UnreadablePicture, decode, is_picture

Part = Literal["train", "test"]

_WNID = re.compile(r"(?<![A-Za-z0-9])(n\d{8})(?!\d)")


@dataclass(frozen=True)
class Picture:
    """One encoded picture of a collection, and where it lies.

    Parameters
    ----------
    path : Path
        A picture file, or the file that holds it.
    name : str
        Path within the folder or archive; unique there.
    offset, size : int
        Which bytes of the file.
    cifar : bool
        Whether they are a record of CIFAR's binary files, not an encoded picture.
    held : bytes, optional
        The bytes themselves, of a compressed archive: there is no place to read them from again.
    """

    path: Path
    name: str
    offset: int
    size: int
    cifar: bool = False
    held: bytes | None = None

    def stored(self) -> bytes:
        """Return the bytes as they are stored.

        Raises
        ------
        UnreadablePicture
            (a ``ValueError``) The file is gone.
        """
        if self.held is not None:
            return self.held
        try:
            with open(self.path, "rb") as file:
                file.seek(self.offset)
                return file.read(self.size)
        except OSError as error:
            raise UnreadablePicture(f"{self.path} cannot be read: {error.strerror}.") from error

    def read(self) -> NDArray[np.uint8]:
        """Decode to (H, W, 3) uint8 sRGB, upright.

        Raises
        ------
        UnreadablePicture
            (a ``ValueError``) The file is gone, or is not a picture.
        """
        return self.decode(self.stored())

    def decode(self, stored: bytes) -> NDArray[np.uint8]:
        """Decode bytes from `stored`, where they are wanted for something else too."""
        if self.cifar and len(stored) == cifar.PIXELS:
            return cifar.decode_record(stored)
        return decode(stored, f"'{self.name}' in {self.path}")

    @cached_property
    def sha256(self) -> str:
        """Hash of the stored bytes, 64 hex digits; they are read for it, once."""
        return hashlib.sha256(self.stored()).hexdigest()

    @property
    def wnid(self) -> str | None:
        """WordNet id in the name (``n02114712``), as ImageNet's files carry it; else ``None``."""
        found = _WNID.search(self.name)
        return found.group(1) if found else None


def find_pictures(sources: Sequence[str | Path], part: Part = "train") -> list[Picture]:
    """List the pictures in folders (searched through) and uncompressed tar archives.

    Parameters
    ----------
    sources : sequence of str or Path
        Folders, tar archives, single picture files, or CIFAR's binary files.
    part : {"train", "test"}, optional
        Which of CIFAR's files are taken from a *folder* of them, so that nobody learns from the
        test set, or is graded on what was learnt from, by accident.

    Returns
    -------
    list of Picture
        In the order of `sources`, by name within each.

    Raises
    ------
    FileNotFoundError
        A source does not exist.
    ValueError
        A source holds no picture, or is a compressed archive.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("RGB", (4, 3), (200, 100, 0)).save(Path(folder, "orange.png"))
    ...     [picture] = find_pictures([folder])
    ...     picture.name, picture.read().shape
    ('orange.png', (3, 4, 3))
    """
    pictures: list[Picture] = []
    for source in map(Path, sources):
        _refuse_missing(source)
        found = _in_folder(source, part) if source.is_dir() else _in_file(source)
        if not found:
            raise ValueError(f"{source} holds no picture ({', '.join(SUFFIXES)} are read).")
        pictures += sorted(found, key=lambda picture: picture.name)
    return pictures


def read_pictures(*sources: str | Path, part: Part = "test") -> Iterator[Picture]:
    """Yield the pictures of folders, tar archives and single files, by name within each.

    Parameters
    ----------
    *sources : str or Path
        As `find_pictures` takes them, and compressed tar archives too.
    part : {"train", "test"}, optional
        Which of CIFAR's files are taken from a folder of them.

    Yields
    ------
    Picture
        One at a time; those of a compressed archive hold their bytes.

    Raises
    ------
    FileNotFoundError
        A source does not exist.
    ValueError
        A source holds no picture.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("L", (4, 3), 7).save(Path(folder, "dark.png"))
    ...     [int(picture.read().max()) for picture in read_pictures(folder)]
    [7]
    """
    for source in map(Path, sources):
        _refuse_missing(source)
        if source.is_file() and is_compressed_tar(source):
            yield from _in_compressed_tar(source)
        else:
            yield from find_pictures([source], part)


def included(pictures: Sequence[Picture], patterns: Sequence[str]) -> list[Picture]:
    """Keep the pictures whose name matches one of `patterns`; all where there are none.

    Parameters
    ----------
    pictures : sequence of Picture
        From `find_pictures`.
    patterns : sequence of str
        Shell patterns over the whole name, for example ``*-clothing.*`` or ``flowers/*``.

    Raises
    ------
    ValueError
        None is left.

    Examples
    --------
    >>> from pathlib import Path
    >>> some = [Picture(Path("a.tar"), name, 0, 1) for name in ("cat/1.png", "dog/1.png")]
    >>> [picture.name for picture in included(some, ["cat/*"])]
    ['cat/1.png']
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


def split_holdout(pictures: Sequence[Picture], count: int) -> tuple[list[Picture], list[Picture]]:
    """Set `count` pictures aside, chosen by the hash of their names.

    The choice depends on neither order nor seed, so that a picture held out once is held out in
    every training on the same data.

    Returns
    -------
    training, holdout : list of Picture
        All others, and those set aside.

    Examples
    --------
    >>> from pathlib import Path
    >>> some = [Picture(Path("a.tar"), f"{number}.png", 0, 1) for number in range(10)]
    >>> training, holdout = split_holdout(some, 2)
    >>> len(training), len(holdout)
    (8, 2)
    """
    ranked = sorted(pictures, key=lambda p: hashlib.sha256(p.name.encode()).digest())
    return ranked[count:], ranked[:count]


def fingerprint_of_names(pictures: Sequence[Picture]) -> str:
    """SHA-256 over names and sizes, in their order: whether two trainings saw the same files.

    Nothing is read for it. It is what ``data_fingerprint`` in a training's record is.
    """
    digest = hashlib.sha256()
    for picture in pictures:
        digest.update(f"{picture.name}\t{picture.size}\n".encode())
    return digest.hexdigest()


def fingerprint_of_contents(pictures: Iterable[tuple[str, str]]) -> str:
    """SHA-256 over (name, sha256) pairs, by name: whether two gradings saw the same pictures.

    It is what ``fingerprint`` in a report's scores is.

    Examples
    --------
    >>> pairs = [("a.png", "12ab"), ("b.png", "34cd")]
    >>> fingerprint_of_contents(pairs) == fingerprint_of_contents(reversed(pairs))
    True
    """
    digest = hashlib.sha256()
    for name, sha256 in sorted(pictures):
        digest.update(f"{name}\t{sha256}\n".encode())
    return digest.hexdigest()


def is_compressed_tar(path: Path) -> bool:
    """Whether a file is a tar archive in which a picture cannot be reached by its place."""
    with open(path, "rb") as file:
        start = file.read(6)
    return start.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd"))


def _refuse_missing(source: Path) -> None:
    if not source.exists():
        raise FileNotFoundError(
            f"{source} does not exist; give a folder, an archive or a picture file."
        )


def _in_folder(folder: Path, part: Part) -> list[Picture]:
    wanted = cifar.is_training_file if part == "train" else cifar.is_test_file
    found: list[Picture] = []
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if is_picture(path.name) and path.is_file():
            found.append(Picture(path, name, 0, path.stat().st_size))
        elif wanted(path.name) and path.is_file():
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
    if cifar.is_training_file(path.name) or cifar.is_test_file(path.name):
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
        if is_compressed_tar(path):
            raise ValueError(
                f"{path} is a compressed tar archive, in which no picture can be reached without "
                "unpacking those before it. Unpack it into a folder "
                f"(`tar -xf {path.name} -C FOLDER`) and give that."
            ) from error
        raise ValueError(
            f"{path} is neither a folder, a picture nor a tar archive, or it is cut short."
        ) from error


def _in_compressed_tar(path: Path) -> Iterator[Picture]:
    with tarfile.open(path, "r:*") as archive:
        members = [m for m in archive.getmembers() if m.isfile() and is_picture(m.name)]
        if not members:
            raise ValueError(f"{path} holds no picture ({', '.join(SUFFIXES)} are read).")
        for member in sorted(members, key=lambda m: m.name):
            content = archive.extractfile(member)
            assert content is not None  # isfile() above
            yield Picture(path, member.name, 0, member.size, held=content.read())
