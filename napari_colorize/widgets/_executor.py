"""The one thread in which all panels of a programme colour, one picture after another.

TorchScript specialises a graph anew in every thread that calls it, and Qt's pool ends idle threads;
a thread that stays pays for that once. It also keeps two runs from competing for memory.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any


@cache
def _executor() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="napari-colorize")


def submit(function: Any, *args: Any, **kwargs: Any) -> Future:
    """Queue a call; returns at once."""
    return _executor().submit(function, *args, **kwargs)
