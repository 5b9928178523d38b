"""The next pairs, read ahead in the background so that no trial waits for a disk."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, Signal
from qtpy.QtGui import QImage
from superqt.utils import create_worker

from napari_colorize.widgets.turing.pairs import Sitting
from napari_colorize.widgets.turing.sentences import sentence_of

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
    arrived(int), failed(int, str)
        A trial's pair is there, or why it cannot be; wanting it again tries again.
    """

    arrived = Signal(int)
    failed = Signal(int, str)

    def __init__(self, sitting: Sitting, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._sitting = sitting
        self._pairs: dict[int, Pair] = {}
        self._workers: dict[int, Any] = {}

    def want(self, index: int) -> None:
        """Read the pair of a trial and of those after it; drop those before."""
        self._pairs = {at: pair for at, pair in self._pairs.items() if at >= index}
        for at in range(index, min(index + AHEAD, len(self._sitting.session.trials))):
            if at not in self._pairs and at not in self._workers:
                self._read(at)

    def get(self, index: int) -> Pair | None:
        """Return a trial's pair if it is there."""
        return self._pairs.get(index)

    def _read(self, index: int) -> None:
        worker: Any = create_worker(
            _read_pair, self._sitting, index, _start_thread=False, _ignore_errors=True
        )
        self._workers[index] = worker
        worker.returned.connect(self._on_read)
        worker.start()

    def _on_read(self, read: tuple[int, Pair | Exception]) -> None:
        index, pair = read
        self._workers.pop(index, None)
        if isinstance(pair, Exception):
            self.failed.emit(index, sentence_of(pair))
        else:
            self._pairs[index] = pair
            self.arrived.emit(index)


def _read_pair(sitting: Sitting, index: int) -> tuple[int, Pair | Exception]:
    """Read a trial's pictures; an error is handed back, as the worker would swallow some."""
    trial = sitting.session.trials[index]
    try:
        real = as_image(sitting.stimuli.real(trial.picture))
        fake = as_image(sitting.stimuli.fake(trial.picture, trial.method))
    except Exception as error:
        return index, error
    return index, Pair(fake, real) if trial.fake_side == "left" else Pair(real, fake)


def as_image(rgb: np.ndarray) -> QImage:
    """Return a picture ``(H, W, 3)`` uint8 as an image that owns its pixels."""
    height, width, _ = rgb.shape
    image = QImage(rgb.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
    return image.convertToFormat(QImage.Format.Format_RGB32)  # which copies the pixels
