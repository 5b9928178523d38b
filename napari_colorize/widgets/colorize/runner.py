"""Run a colouring job in the background of a Qt programme: start, cancel, report."""

from functools import partial

from qtpy.QtCore import QObject, Signal

from napari_colorize.widgets.colorize.job import Job
from napari_colorize.widgets.colorize.run import Outcome, run
from napari_colorize.widgets.shared.panel_words import in_panel_words
from napari_colorize.widgets.shared.preflight import TorchUnavailableError
from napari_colorize.widgets.shared.task import Task

SPEAKING_ERRORS = (ValueError, TypeError, MemoryError, FileNotFoundError, TorchUnavailableError)
"""Their messages are sentences written for the person at the screen."""


class Runner(QObject):
    """Runs one job at a time; every signal arrives in the thread that made the runner.

    When the runner is deleted with its panel, the job is told to stop and nothing is reported.

    Signals
    -------
    progressed(Step), returned(Job, Outcome), failed(str), stopped()
    """

    progressed = Signal(object)
    returned = Signal(object, object)
    failed = Signal(str)
    stopped = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._job: Job | None = None
        self._task = Task(sentence_of, self)
        self._task.progressed.connect(self.progressed)
        self._task.returned.connect(self._on_returned)
        self._task.failed.connect(self._on_failed)
        self._task.stopped.connect(self._on_stopped)

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
        self._job = job
        self._task.start(partial(run, job))

    def cancel(self) -> None:
        """Ask the job under way to stop; :attr:`stopped` follows within a moment."""
        self._task.cancel()

    def _on_returned(self, outcome: Outcome) -> None:
        job, self._job = self._job, None
        self.returned.emit(job, outcome)

    def _on_failed(self, sentence: str) -> None:
        self._job = None
        self.failed.emit(sentence)

    def _on_stopped(self) -> None:
        self._job = None
        self.stopped.emit()


def sentence_of(error: Exception) -> str:
    """Return what to show of an error: our own sentences as they are, others introduced."""
    if isinstance(error, SPEAKING_ERRORS) and str(error):
        return in_panel_words(str(error))
    return f"Colouring failed: {type(error).__name__}: {error}"
