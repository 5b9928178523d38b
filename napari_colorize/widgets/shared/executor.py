"""The threads in which panels let the library work, one for each kind of work.

All panels colour in one thread, one picture after another: TorchScript specialises a graph anew in
every thread that calls it, and a thread that stays pays for that once. It also keeps two runs from
competing for memory. What takes long and colours nothing (downloads, trainings) has threads of its
own, so that it keeps nobody from colouring.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any

from napari_colorize.pipeline import memory
from napari_colorize.widgets.shared.preferences import preferences
from napari_colorize.widgets.shared.preflight import load_torch

INFERENCE, WEIGHTS, TRAINING, PAIRS = "inference", "weights", "training", "turing"
"""The kinds of work: colouring, downloads and imports, training, and preparing a Turing test."""


def submit(
    function: Callable[..., Any], *args: Any, thread: str = INFERENCE, **kwargs: Any
) -> Future:
    """Queue a call in the thread of one kind of work; returns at once.

    Parameters
    ----------
    function : callable
    thread : {"inference", "weights", "training", "turing"}
        Calls of one kind are made one after another.
    """
    return _executor(thread).submit(with_threads, preferences().threads, function, *args, **kwargs)


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
def _executor(thread: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"napari-colorize-{thread}")


@cache
def _own_choice() -> int:
    import torch

    return torch.get_num_threads()
