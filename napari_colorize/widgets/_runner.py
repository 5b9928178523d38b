"""Run a job in the background of a Qt programme: start, cancel, report."""

import logging
from collections.abc import Generator
from dataclasses import dataclass
from threading import Event
from typing import Any

from qtpy.QtCore import QObject, Signal
from superqt.utils import create_worker

from napari_colorize.widgets._alive import StopWithOwner
from napari_colorize.widgets._job import Job
from napari_colorize.widgets._preflight import TorchUnavailableError
from napari_colorize.widgets._run import Outcome, Progress, run

log = logging.getLogger(__name__)

SPEAKING_ERRORS = (ValueError, TypeError, MemoryError, FileNotFoundError, TorchUnavailableError)
"""Their messages are sentences written for the person at the screen."""


@dataclass(frozen=True)
class _Failure:
    """An error on its way from the worker's thread; see :func:`_guarded`."""

    error: Exception


class Runner(QObject):
    """Runs one job at a time; every signal arrives in the thread that made the runner.

    When the runner is deleted with its panel, the job is told to stop and nothing is reported.

    Signals
    -------
    progressed(Progress), returned(Job, Outcome), failed(str), stopped()
    """

    progressed = Signal(object)
    returned = Signal(object, object)
    failed = Signal(str)
    stopped = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker: Any = None
        self._stop: Event = StopWithOwner(self)
        self._job: Job | None = None

    @property
    def job(self) -> Job | None:
        """The job under way, if any."""
        return self._job

    def start(self, job: Job) -> None:
        """Start a job.

        Raises
        ------
        RuntimeError
            Another one is under way.
        """
        if self._job is not None:
            raise RuntimeError("A run is under way; wait for it or cancel it first.")
        self._job, self._stop = job, StopWithOwner(self)
        # superqt's worker and not napari's: the latter also shows every error by itself.
        self._worker = create_worker(
            _guarded, job, self._stop, _start_thread=False, _ignore_errors=True
        )
        self._worker.yielded.connect(self.progressed)
        self._worker.returned.connect(self._on_returned)
        self._worker.errored.connect(self._on_errored)
        self._worker.finished.connect(self._on_finished)
        self._worker.start()

    def cancel(self) -> None:
        """Ask the job under way to stop; :attr:`stopped` follows within a moment."""
        self._stop.set()
        if self._worker is not None:
            self._worker.quit()

    def _on_returned(self, result: Outcome | _Failure | None) -> None:
        job = self._forget()
        if isinstance(result, _Failure):
            self._report(result.error)
        elif result is None or job is None:
            self.stopped.emit()
        else:
            self.returned.emit(job, result)

    def _on_errored(self, error: Exception) -> None:
        self._forget()
        self._report(error)

    def _on_finished(self) -> None:
        # A worker that was asked to quit just as it ended reports nothing but this.
        if self._worker is not None and self.sender() is self._worker.signals:
            self._forget()
            self.stopped.emit()

    def _report(self, error: Exception) -> None:
        log.error("colouring failed", exc_info=error)
        self.failed.emit(sentence_of(error))

    def _forget(self) -> Job | None:
        job, self._job, self._worker = self._job, None, None
        return job


def _guarded(job: Job, stop: Event) -> Generator[Progress, None, Outcome | _Failure | None]:
    """Hand an error back as a value: the worker swallows a RuntimeError, torch's commonest."""
    try:
        return (yield from run(job, stop))
    except Exception as error:
        return None if stop.is_set() else _Failure(error)


def sentence_of(error: Exception) -> str:
    """Return what to show of an error: our own sentences as they are, others introduced."""
    if isinstance(error, SPEAKING_ERRORS) and str(error):
        return str(error)
    return f"Colouring failed: {type(error).__name__}: {error}"
