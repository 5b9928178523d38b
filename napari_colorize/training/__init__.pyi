from .callbacks.watching import Watch
from .front import train
from .teaching import Taught, teach

__all__ = [
    "Taught",
    "Watch",
    "teach",
    "train",
]
