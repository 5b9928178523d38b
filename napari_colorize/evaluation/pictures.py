"""Pictures to grade or to measure: a folder, a tar file, or several, read one at a time.

Nothing is unpacked and nothing is resized: each picture comes at its own size.
"""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_colorize.files.decoding import SUFFIXES, decode, is_picture

_WNID = re.compile(r"(?<![A-Za-z0-9])(n\d{8})(?!\d)")


@dataclass(frozen=True)
class Picture:
    """One picture of a collection: its name and its encoded bytes.

    Parameters
    ----------
    name : str
        Path within the folder or tar; unique in a collection.
    data : bytes
        The file as it is stored.
    """

    name: str
    data: bytes

    @property
    def sha256(self) -> str:
        """Hash of the stored file."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def wnid(self) -> str | None:
        """WordNet id in the name (``n02114712``), as ImageNet's files carry it; else ``None``."""
        found = _WNID.search(self.name)
        return found.group(1) if found else None

    def rgb(self) -> np.ndarray:
        """Return the picture as ``(H, W, 3)`` uint8 sRGB, upright, as a training sees it.

        Raises
        ------
        UnreadablePicture
            (a ``ValueError``) The bytes are damaged or no picture, see
            :func:`napari_colorize.files.decoding.decode`.
        """
        return decode(self.data, self.name)


def read_pictures(*sources: str | Path) -> Iterator[Picture]:
    """Yield the pictures of folders, tar files and single files, in the order of their names.

    Parameters
    ----------
    *sources : str or path
        A folder (searched with its subfolders), a tar (compressed or not), or a picture.

    Yields
    ------
    Picture
        One at a time; only one file is held in memory.

    Raises
    ------
    FileNotFoundError
        A source does not exist.
    ValueError
        A source holds no picture.
    """
    for source in map(Path, sources):
        if not source.exists():
            raise FileNotFoundError(f"{source} does not exist; give a folder or a tar of pictures.")
        found = False
        for picture in _pictures_of(source):
            found = True
            yield picture
        if not found:
            raise ValueError(f"{source} holds no picture ({', '.join(SUFFIXES)}).")


def fingerprint(pictures: Iterable[tuple[str, str]]) -> str:
    """Return one hash for a collection: of its (name, sha256) pairs, in the order of the names."""
    digest = hashlib.sha256()
    for name, sha256 in sorted(pictures):
        digest.update(f"{name}\t{sha256}\n".encode())
    return digest.hexdigest()


def read_labels(path: str | Path) -> dict[str, str]:
    """Read picture → WordNet id from a two-column text file.

    Parameters
    ----------
    path : str or path
        Lines ``name<TAB or comma>n02114712``; empty lines and lines starting with ``#`` are left
        out. A name is a picture's name in the collection or the last part of it.

    Returns
    -------
    dict
        Name → WordNet id.
    """
    labels = {}
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts: Sequence[str] = re.split(r"[\t,]", line.strip())
        if len(parts) != 2 or not _WNID.fullmatch(parts[1].strip()):
            raise ValueError(
                f"Line {number} of {path} is {line!r}; write a picture's name, a tab and its "
                "WordNet id, such as n02114712."
            )
        labels[parts[0].strip()] = parts[1].strip()
    return labels


def _pictures_of(source: Path) -> Iterator[Picture]:
    if source.is_dir():
        for path in sorted(p for p in source.rglob("*") if is_picture(p.name) and p.is_file()):
            yield Picture(path.relative_to(source).as_posix(), path.read_bytes())
    elif is_picture(source.name):
        yield Picture(source.name, source.read_bytes())
    else:
        yield from _pictures_of_tar(source)


def _pictures_of_tar(source: Path) -> Iterator[Picture]:
    try:
        archive = tarfile.open(source)  # noqa: SIM115  (closed below, after the last picture)
    except tarfile.TarError as error:
        raise ValueError(f"{source} is neither a folder, a picture nor a tar file.") from error
    with archive:
        members = [m for m in archive.getmembers() if m.isfile() and is_picture(m.name)]
        for member in sorted(members, key=lambda m: m.name):
            stored = archive.extractfile(member)
            assert stored is not None  # isfile() above
            yield Picture(member.name, stored.read())
