"""Outputs whose memory is fresh from the system, or used before: what page faults cost.

A large block that the C library hands out anew costs a page fault (and its zeroing) for every page;
one that it kept costs none. Which of the two a program meets depends on what it did before. Here it
is chosen, alike for torch, NumPy and OpenCV, since all three ask ``malloc`` in the end.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator

OUTPUTS = ("reused", "fresh")

# Of glibc's <malloc.h>.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
_SMALL, _HUGE = 1 << 17, (1 << 31) - 1


def can_choose() -> bool:
    """Whether the C library is one whose allocator can be told (glibc)."""
    return _glibc() is not None


@contextlib.contextmanager
def outputs(kind: str) -> Iterator[None]:
    """Let freed blocks above 128 KiB go back to the system, or keep them to hand out again.

    A block can still be cut from a freed one that the heap holds; for outputs that are fresh
    without exception, call `release` before each call.

    Parameters
    ----------
    kind : {"fresh", "reused"}

    Raises
    ------
    OSError
        The C library is not glibc; ask `can_choose` first.
    """
    if kind not in OUTPUTS:
        raise ValueError(f"outputs are 'fresh' or 'reused', not {kind!r}.")
    library = _glibc()
    if library is None:
        raise OSError("Only glibc's allocator can be told whether to keep freed blocks.")
    library.malloc_trim(0)
    _set(library, fresh=kind == "fresh")
    try:
        yield
    finally:
        _set(library, fresh=True)
        library.malloc_trim(0)


def release() -> None:
    """Give freed memory back to the system, where the C library can."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


def page_faults() -> int:
    """Return the minor page faults of this process so far; 0 where they are not counted."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def _set(library: ctypes.CDLL, *, fresh: bool) -> None:
    # A set threshold also ends glibc's habit of raising it to the largest block freed so far.
    library.mallopt(_MMAP_THRESHOLD, _SMALL)
    library.mallopt(_MMAP_MAX, 65536 if fresh else 0)
    library.mallopt(_TRIM_THRESHOLD, _SMALL if fresh else _HUGE)


def _glibc() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):
        return None
    return library if hasattr(library, "gnu_get_libc_version") else None
