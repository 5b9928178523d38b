"""What the panel *Train on my images* sees of a training under way. Knows no Qt.

The training's thread writes, the window's thread reads; each takes or leaves whole objects only.
"""

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING

from napari_colorize.training.callbacks.watching import Watch

if TYPE_CHECKING:
    import numpy as np

_WINDOW_SECONDS, _FIRST_GUESS_SECONDS = 60.0, 4.0


@dataclass(frozen=True)
class Point:
    """One point of the curve: step, error on what is learnt from and on what is held back."""

    step: int
    learnt: float
    held_back: float | None


@dataclass(frozen=True)
class Sample:
    """One picture as it is coloured now; three (h, w, 3) uint8 arrays."""

    grey: "np.ndarray"
    predicted: "np.ndarray"
    truth: "np.ndarray"


class LiveWatch(Watch):
    """Keeps what a training tells, and hands on that somebody had enough of it."""

    def __init__(self) -> None:
        self.curve: tuple[Point, ...] = ()
        self.latest: Sample | None = None
        self._enough = Event()
        self._tell: Callable[[float | None, str], None] = lambda share, text: None
        self._stopped: Callable[[], bool] = lambda: False
        self._left = TimeLeft()

    def obey(
        self, progress: Callable[[float | None, str], None], should_stop: Callable[[], bool]
    ) -> None:
        """Tell one, and ask the other of those who wait for the training."""
        self._tell, self._stopped = progress, should_stop

    def keep_best(self) -> None:
        """End the training; the best so far is kept."""
        self._enough.set()

    def progress(self, share: float, stage: str) -> None:
        """Report it, with the time that is left."""
        left = self._left.after(share)
        self._tell(share, f"{stage[:1].upper()}{stage[1:]}{left and f'; {left}'}…")

    def loss(self, step: int, learnt: float, held_back: float | None) -> None:
        """Add a point to the curve."""
        if math.isfinite(learnt):
            self.curve = (*self.curve, Point(step, learnt, held_back))

    def sample(self, grey: "np.ndarray", predicted: "np.ndarray", truth: "np.ndarray") -> None:
        """Keep the latest."""
        self.latest = Sample(grey, predicted, truth)

    def should_stop(self) -> bool:
        """Whether the panel is gone."""
        return self._stopped()

    def enough(self) -> bool:
        """Whether *Cancel* was pressed."""
        return self._enough.is_set()


class TimeLeft:
    """Guesses from the pace of the last minute.

    Parameters
    ----------
    clock : callable
        Seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, float]] = deque()

    def after(self, share: float) -> str:
        """Return the time left at this share in words; empty where it cannot be guessed yet."""
        now = self._clock()
        # Ten points a second say no more than one, and a training tells hundreds.
        if not self._seen or now - self._seen[-1][0] >= 0.1:
            self._seen.append((now, share))
        while now - self._seen[0][0] > _WINDOW_SECONDS:
            self._seen.popleft()
        then, had = self._seen[0]
        if now - then < _FIRST_GUESS_SECONDS or not had < share < 1:
            return ""
        return in_words((1 - share) * (now - then) / (share - had))


def in_words(seconds: float) -> str:
    """Return a rough time as people say it."""
    if seconds < 55:
        return f"about {max(10, 10 * math.ceil(seconds / 10))} seconds left"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"about {minutes} minute{'s' if minutes > 1 else ''} left"
    return f"about {round(minutes / 60)} hours left"
