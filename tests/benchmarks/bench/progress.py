"""Lines on the error stream that say what is being measured, and since when."""

from __future__ import annotations

import sys
import time

_BEGIN = time.perf_counter()


def elapsed() -> float:
    """Return the seconds since the run began."""
    return time.perf_counter() - _BEGIN


def note(text: str) -> None:
    """Say what is being measured."""
    minutes, seconds = divmod(int(elapsed()), 60)
    print(f"{minutes:3d}:{seconds:02d}  {text}", file=sys.stderr, flush=True)
