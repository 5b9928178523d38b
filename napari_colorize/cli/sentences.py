"""Errors as sentences on stderr instead of tracebacks."""

import contextlib
import errno
import os
from collections.abc import Iterator

import click

DEBUG_VARIABLE = "NAPARI_COLORIZE_DEBUG"

_OURS = (ValueError, TypeError, OSError, MemoryError, RuntimeError)
"""What the library raises with a message that was written for users."""


def debugging() -> bool:
    """Return whether the user asked for tracebacks."""
    return os.environ.get(DEBUG_VARIABLE, "") not in ("", "0")


def sentence(error: BaseException) -> str:
    """Return what to tell a user about `error`."""
    text = str(error).strip()
    if isinstance(error, OSError) and error.strerror:
        # Python's own "[Errno 28] No space left on device: 'x'" is not for microscopists.
        return f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}."
    if isinstance(error, _OURS) and text and "\n" not in text:
        return text
    reason = _gist(text)
    return (
        f"Unexpected {type(error).__name__}{': ' + reason if reason else ''}. This is a bug; "
        f"please report it with the output of the same command under {DEBUG_VARIABLE}=1."
    )


def reason(error: BaseException) -> str:
    """Return in few words why a file of a batch was not coloured, to count by."""
    from napari_colorize.files import UnreadableFile

    if isinstance(error, UnreadableFile) or "pixels; at most" in str(error):
        return "cannot be read"
    if isinstance(error, FileExistsError):
        return "result exists already"
    if isinstance(error, PermissionError):
        return "no permission"
    if isinstance(error, FileNotFoundError):
        return "not found"
    if isinstance(error, MemoryError):
        return "out of memory"
    return "cannot be written" if isinstance(error, OSError) else "cannot be coloured"


def _gist(text: str) -> str:
    """Return the line of a long message that says most; TorchScript puts it last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = [line for line in lines if line.startswith("RuntimeError: ")] or lines or [""]
    return said[0].removeprefix("RuntimeError: ").rstrip(".")[:200]


@contextlib.contextmanager
def told_as_sentences() -> Iterator[None]:
    """Turn any exception into a `click.ClickException`; click's own pass."""
    try:
        yield
    except (click.ClickException, click.Abort, click.exceptions.Exit):
        raise
    except Exception as error:
        closed_pipe = isinstance(error, OSError) and error.errno == errno.EPIPE
        if closed_pipe or debugging():
            raise
        raise click.ClickException(sentence(error)) from error
