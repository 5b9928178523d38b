"""Files that appear whole or not at all: written beside their place, then renamed into it."""

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

_NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)


def sidecar_of(path: str | os.PathLike) -> Path:
    """Return the place of a result's record: the whole name, and ``.json``."""
    path = Path(path)
    return path.with_name(path.name + ".json")


@contextlib.contextmanager
def staged(targets: list[Path], overwrite: bool) -> Iterator[list[Path]]:
    """Give a temporary file for each target; rename them all at the end, or remove them all.

    Raises
    ------
    FileNotFoundError, FileExistsError, PermissionError
        The folder is missing, a target exists and may not be replaced, or the folder is not open
        for writing. Nothing was changed.
    """
    folder = targets[0].parent
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}; create it, or choose another.")
    _refuse_existing(targets, overwrite)
    token = secrets.token_hex(4)
    parts = [target.with_name(f".{target.name}.{token}.part") for target in targets]
    _refuse_closed(parts[0])
    try:
        yield parts
        for part in parts:
            _flush(part)
        _refuse_existing(targets, overwrite)  # somebody may have been quicker
        # The picture goes last: where it stands, its record stands beside it.
        for part, target in zip(reversed(parts), reversed(targets), strict=True):
            os.replace(part, target)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


def _refuse_existing(targets: list[Path], overwrite: bool) -> None:
    existing = [target.name for target in targets if target.exists()]
    if existing and not overwrite:
        raise FileExistsError(
            f"{' and '.join(existing)} exist{'s' if len(existing) == 1 else ''} already in "
            f"{targets[0].parent}; choose another name, or ask for overwriting."
        )


def _refuse_closed(part: Path) -> None:
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
