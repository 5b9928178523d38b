"""The next pairs, read ahead in the background so that no trial waits for a disk."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from qtpy.QtCore import QObject, Signal
from qtpy.QtGui import QImage

from napari_colorize.widgets.shared.executor import PAIRS
from napari_colorize.widgets.shared.task import Task
from napari_colorize.widgets.turing.pairs import Sitting

AHEAD = 3
"""Pairs read before they are needed."""


@dataclass(frozen=True)
class Pair:
    """The pictures of a trial, as they stand on the screen."""

    left: QImage
    right: QImage


class PairStore(QObject):
    """Reads the pairs of a sitting's trials, a few ahead of the one that is shown.

    Signals
    -------
    arrived(int), failed(int, object)
        A trial's pair is there, or the exception that kept it away; wanting it again tries again.
    """

    arrived = Signal(int)
    failed = Signal(int, object)

    def __init__(self, sitting: Sitting, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._sitting = sitting
        self._pairs: dict[int, Pair] = {}
        self._wanted: list[int] = []
        self._reading = 0
        self._task = Task(self, PAIRS)
        self._task.returned.connect(self._on_read)
        self._task.failed.connect(self._on_failed)

    def want(self, index: int) -> None:
        """Read the pair of a trial and of those after it; drop those before."""
        self._pairs = {at: pair for at, pair in self._pairs.items() if at >= index}
        ahead = range(index, min(index + AHEAD, len(self._sitting.session.trials)))
        self._wanted = [at for at in ahead if at not in self._pairs]
        self._read_next()

    def get(self, index: int) -> Pair | None:
        """Return a trial's pair if it is there."""
        return self._pairs.get(index)

    def _read_next(self) -> None:
        if self._wanted and not self._task.busy:
            self._reading = self._wanted.pop(0)
            self._task.start(partial(_read_pair, self._sitting, self._reading))

    def _on_read(self, pair: Pair) -> None:
        self._pairs[self._reading] = pair
        self.arrived.emit(self._reading)
        self._read_next()

    def _on_failed(self, error: Exception) -> None:
        self.failed.emit(self._reading, error)
        self._read_next()


def _read_pair(
    sitting: Sitting,
    index: int,
    progress: Callable[[float | None, str], None],
    should_stop: Callable[[], bool],
) -> Pair:
    """Read a trial's pictures; they are on the sides that the session says."""
    trial = sitting.session.trials[index]
    real = as_image(sitting.stimuli.real(trial.picture))
    fake = as_image(sitting.stimuli.fake(trial.picture, trial.method))
    return Pair(fake, real) if trial.fake_side == "left" else Pair(real, fake)


def as_image(rgb: np.ndarray) -> QImage:
    """Return a picture ``(H, W, 3)`` uint8 as an image that owns its pixels."""
    height, width, _ = rgb.shape
    image = QImage(rgb.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
    return image.convertToFormat(QImage.Format.Format_RGB32)  # which copies the pixels
