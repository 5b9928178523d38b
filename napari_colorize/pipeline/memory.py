"""What happens when memory runs out: it is noticed, said and released, and the work done smaller.

NumPy, OpenCV and torch on CPU and CUDA each have their own error for it.
"""

import sys
import warnings

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
