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
    if isinstance(error, _OURS) and text:
        return text
    return (
        f"Unexpected {type(error).__name__}{': ' + text if text else ''}. This is a bug; please "
        f"report it with the output of the same command under {DEBUG_VARIABLE}=1."
    )


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
