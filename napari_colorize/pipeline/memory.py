"""What happens when memory runs out: it is noticed, said and released, and the work done smaller.

NumPy, OpenCV and torch on CPU and CUDA each have their own error for it.
"""

import contextlib
import sys
import warnings
from collections.abc import Iterator
from typing import Any

_TOLD = ("out of memory", "not enough memory", "insufficient memory", "can't allocate memory")


def ran_out(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on whatever device."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(phrase in text for phrase in _TOLD)


def release() -> None:
    """Give back what torch keeps of a CUDA device's memory for later; nothing else is lost.

    torch keeps what it has once had, for its next tensors; other programs on the same device
    would see it full as long as the process lives. Does not import torch.
    """
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def tell(sentence: str) -> None:
    """Warn of what is done instead; a viewer shows it as a notification."""
    warnings.warn(sentence, RuntimeWarning, stacklevel=3)


@contextlib.contextmanager
def explained(stage: str, image: Any, device: str) -> Iterator[None]:
    """Turn every way of running out of memory into one sentence; never into a grey picture.

    Parameters
    ----------
    stage : str
        What is being done, such as ``"refining"``.
    image : object
        Whose ``shape``, if it has one, the sentence names.
    device : str
        Where.

    Raises
    ------
    MemoryError
        Memory ran out.
    """
    try:
        yield
    except Exception as error:
        if not ran_out(error):
            raise
        shape = getattr(image, "shape", None)
        raise MemoryError(
            f"Memory ran out on {device} while {stage} of a picture of shape "
            f"{tuple(shape) if shape is not None else 'unknown'}; nothing was coloured. Close "
            "other programs, choose a smaller network_size, use device='cpu', or colour a "
            "smaller or cropped picture."
        ) from error
