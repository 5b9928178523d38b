"""The one thread in which all panels of a programme colour, one picture after another.

TorchScript specialises a graph anew in every thread that calls it, and Qt's pool ends idle threads;
a thread that stays pays for that once. It also keeps two runs from competing for memory, and is
where the number of processor threads that the user set takes effect.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any

from napari_colorize.pipeline import memory
from napari_colorize.widgets.shared.preferences import preferences
from napari_colorize.widgets.shared.preflight import load_torch


@cache
def _executor() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="napari-colorize")


def submit(function: Any, *args: Any, **kwargs: Any) -> Future:
    """Queue a call; returns at once."""
    return _executor().submit(with_threads, preferences().threads, function, *args, **kwargs)


def with_threads(threads: int, function: Any, *args: Any, **kwargs: Any) -> Any:
    """Call with so many processor threads (0: PyTorch's own choice), in the calling thread."""
    if threads or _own_choice.cache_info().currsize:
        load_torch()
        import torch

        own = _own_choice()  # asked before the first change
        if torch.get_num_threads() != (threads or own):
            torch.set_num_threads(threads or own)
    try:
        return function(*args, **kwargs)
    finally:
        memory.release()  # other programs need the device too, while somebody looks at the result


@cache
def _own_choice() -> int:
    import torch

    return torch.get_num_threads()
