"""Files that are there whole or not at all, and what names and tells them apart.

The one place in the package where a file takes its name: content is written beside its place under
a temporary name, flushed to the disk, and renamed. Whoever reads, and whatever happens in between
(an error, Ctrl-C, a power cut), the old content is there or the new one, never a part of it.
Temporary files that a killed process left behind are removed by the next one that writes into the
same folder. Imports nothing of the package.
"""

import contextlib
import errno
import hashlib
import os
import platform
import re
import secrets
import time
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

LONGEST_SLUG = 64
"""Characters of a name that :func:`slug` makes."""

_PIECE = 1 << 20
"""Bytes that are read at a time to hash a file."""

_RECOGNISABLE = 24
"""Bytes of the target's name in the temporary one: file systems that take 255 bytes, and encrypted
ones that take 143, take every temporary name, however long the target's."""

_TEMPORARY = re.compile(r"\..*\.(?P<machine>[0-9a-f]{8})-(?P<process>\d+)-[0-9a-f]{8}\.part")

_NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)

_DAY = 24 * 3600.0

_tidied: set[Path] = set()
"""Folders that this process has looked through for what dead ones left."""


def write_whole(path: str | os.PathLike, content: bytes | str) -> None:
    """Write a file so that it is there whole or not at all; an existing one is replaced.

    Parameters
    ----------
    path : str or path
        Folders on the way to it are made.
    content : bytes or str
        Text is written as UTF-8.

    Raises
    ------
    OSError
        The folder is not open for writing, or the disk is full. What was there stays.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with staged([target], overwrite=True) as [part]:
        part.write_bytes(content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def staged(
    targets: Sequence[Path], overwrite: bool = False, replaceable: Sequence[Path] = ()
) -> Iterator[list[Path]]:
    """Give a temporary file for each target; rename them all at the end, or remove them all.

    The files exist and are empty when they are given. They are renamed in reverse order, so that
    the first target, the result itself, appears when all that belongs to it stands beside it.

    Parameters
    ----------
    targets : sequence of Path
        Of one folder.
    overwrite : bool
        Whether targets that exist are replaced.
    replaceable : sequence of Path
        Targets that are replaced in any case, such as what a killed process left of a result.

    Yields
    ------
    list of Path
        Temporary files in the same folder, in the order of the targets.

    Raises
    ------
    FileNotFoundError, FileExistsError, PermissionError
        The folder is missing, a target exists and may not be replaced, or the folder is not open
        for writing. Nothing was changed.
    """
    folder = targets[0].parent
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}; create it, or choose another.")
    kept = [target for target in targets if target not in replaceable]
    _refuse_existing(kept, overwrite)
    _remove_what_dead_processes_left(folder)
    parts = [_temporary_beside(target) for target in targets]
    try:
        for part in parts:
            _create(part)
        yield parts
        for part in parts:
            _flush(part)
        _refuse_existing(kept, overwrite)  # somebody may have been quicker
        for part, target in zip(reversed(parts), reversed(targets), strict=True):
            os.replace(part, target)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


def slug(text: str, fallback: str = "") -> str:
    """Return a text as a name that every file system and every checkpoint record takes.

    Small letters a…z without accents, digits, dot, hyphen and underscore; at the most 64
    characters, of which the first and the last are letters or digits.

    Parameters
    ----------
    text : str
        Such as what a user typed, or the name of a folder.
    fallback : str
        Returned where nothing of the text is left.
    """
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    name = re.sub(r"[^a-z0-9._-]+", "-", plain.lower()).strip("-._")
    return name[:LONGEST_SLUG].rstrip("-._") or fallback


def digest(content: bytes | str) -> str:
    """Return the SHA-256 of bytes, or of a text in UTF-8, as 64 hexadecimal digits."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def digest_of_file(path: str | os.PathLike) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits; it is read in pieces."""
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            found.update(piece)
    return found.hexdigest()


def _temporary_beside(target: Path) -> Path:
    begins = os.fsencode(target.name)[:_RECOGNISABLE].decode("utf-8", "ignore")
    return target.with_name(f".{begins}.{this_machine()}-{os.getpid()}-{secrets.token_hex(4)}.part")


@cache
def this_machine() -> str:
    """Return what tells process numbers of this machine, or container, from those of others."""
    try:
        numbered_by = os.readlink("/proc/self/ns/pid")
    except OSError:  # not Linux
        numbered_by = ""
    return digest(f"{platform.node()} {numbered_by}")[:8]


def _remove_what_dead_processes_left(folder: Path) -> None:
    """Remove temporary files of ended processes of this machine; once a folder and process."""
    folder = folder.absolute()
    if folder in _tidied:
        return
    _tidied.add(folder)
    with contextlib.suppress(OSError):  # what cannot be listed or removed does no harm
        for entry in os.scandir(folder):
            found = _TEMPORARY.fullmatch(entry.name)
            if found is None or found["machine"] != this_machine():
                continue
            if not lives(int(found["process"]), entry.stat().st_mtime):
                with contextlib.suppress(OSError):
                    os.unlink(entry.path)


def lives(process: int, touched: float) -> bool:
    """Tell whether a process of this machine runs that touched a file at a time, as far as known.

    Parameters
    ----------
    process : int
        Its number.
    touched : float
        Seconds, as of ``time.time()``.
    """
    if os.name == "nt":  # there, asking for a process by signal 0 would end it
        return time.time() - touched < _DAY
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # somebody else's, or no number of a process: not ours to remove
    return True


def _refuse_existing(targets: Sequence[Path], overwrite: bool) -> None:
    existing = [target.name for target in targets if target.exists()]
    if existing and not overwrite:
        raise FileExistsError(
            f"{' and '.join(existing)} exist{'s' if len(existing) == 1 else ''} already in "
            f"{targets[0].parent}; choose another name, or ask for overwriting."
        )


def _create(part: Path) -> None:
    """Find out before the work, and not after it, that a folder takes no files."""
    try:
        part.touch(exist_ok=False)
    except OSError as error:
        if error.errno not in _NOT_ALLOWED:
            raise type(error)(
                f"No file can be made in {part.parent} ({error.strerror or error}); choose another "
                "folder."
            ) from error
        raise PermissionError(
            f"Nothing may be written into {part.parent}; choose another folder, or change its "
            "permissions."
        ) from error


def _flush(path: Path) -> None:
    """Make sure that the bytes are on the disk before the name is."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())
