"""Run a generator in the background of a Qt programme: progress, result, error, stop."""

import logging
from collections.abc import Callable, Generator
from dataclasses import dataclass
from threading import Event
from typing import Any

from qtpy.QtCore import QObject, Signal
from superqt.utils import create_worker

from napari_colorize.widgets.shared.alive import StopWithOwner

log = logging.getLogger(__name__)

Work = Callable[[Event], Generator[Any, None, Any]]
"""Gets an event that is set when it should stop; yields progress; ``None`` after a stop."""


@dataclass(frozen=True)
class _Failure:
    """An error on its way from the worker's thread; see :func:`_guarded`."""

    error: Exception


class Task(QObject):
    """Does one thing at a time; every signal arrives in the thread that made it.

    When it is deleted with its panel, the work is told to stop and nothing is reported.

    Parameters
    ----------
    sentence_of : callable
        Turns an error into what the person at the screen is told.

    Signals
    -------
    progressed(object), returned(object), failed(str), stopped()
    """

    progressed = Signal(object)
    returned = Signal(object)
    failed = Signal(str)
    stopped = Signal()

    def __init__(
        self, sentence_of: Callable[[Exception], str], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._sentence_of = sentence_of
        self._worker: Any = None
        self._stop: Event = StopWithOwner(self)

    @property
    def busy(self) -> bool:
        """Whether something is under way."""
        return self._worker is not None

    def start(self, work: Work) -> None:
        """Start; what was under way must have ended.

        Raises
        ------
        RuntimeError
            Something is under way.
        """
        if self.busy:
            raise RuntimeError("Something is under way; wait for it or cancel it first.")
        self._stop = StopWithOwner(self)
        # superqt's worker and not napari's: the latter also shows every error by itself.
        self._worker = create_worker(
            _guarded, work, self._stop, _start_thread=False, _ignore_errors=True
        )
        self._worker.yielded.connect(self._on_yielded)
        self._worker.returned.connect(self._on_returned)
        self._worker.errored.connect(self._on_errored)
        self._worker.finished.connect(self._on_finished)
        self._worker.start()

    def cancel(self) -> None:
        """Ask what is under way to stop; :attr:`stopped` follows within a moment."""
        self._stop.set()
        if self._worker is not None:
            self._worker.quit()

    def _on_yielded(self, progress: Any) -> None:
        if not self._stop.is_set():
            self.progressed.emit(progress)

    def _on_returned(self, result: Any) -> None:
        self._worker = None
        if isinstance(result, _Failure):
            self._report(result.error)
        elif result is None or self._stop.is_set():
            self.stopped.emit()
        else:
            self.returned.emit(result)

    def _on_errored(self, error: Exception) -> None:
        self._worker = None
        self._report(error)

    def _on_finished(self) -> None:
        # A worker that was asked to quit just as it ended reports nothing but this.
        if self._worker is not None and self.sender() is self._worker.signals:
            self._worker = None
            self.stopped.emit()

    def _report(self, error: Exception) -> None:
        log.error("background work failed", exc_info=error)
        self.failed.emit(self._sentence_of(error))


def _guarded(work: Work, stop: Event) -> Generator[Any, None, Any]:
    """Hand an error back as a value: the worker swallows a RuntimeError, torch's commonest."""
    try:
        return (yield from work(stop))
    except Exception as error:
        return None if stop.is_set() else _Failure(error)
