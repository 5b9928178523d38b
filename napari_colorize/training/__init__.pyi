from .callbacks.watching import Watch
from .front import Taught, teach, train

__all__ = [
    "Taught",
    "Watch",
    "teach",
    "train",
]
