"""Work beside the window's thread. Progress, result and error come back as signals of Qt."""

import logging
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache, partial
from threading import Event
from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QObject, Signal, Slot
from superqt.utils import QSignalThrottler

from napari_colorize.widgets.shared.alive import StopWithOwner
from napari_colorize.widgets.shared.executor import INFERENCE, submit

log = logging.getLogger(__name__)

PROGRESS_MS = 50
"""Progress is shown at most this often; a training tells of hundreds of steps a second."""

Progress = Callable[[float | None, str], None]
"""Told the share done, 0…1 or ``None`` where nobody can know, and a few words."""

Work = Callable[[Progress, Callable[[], bool]], Any]
"""``work(progress, should_stop)`` is called in another thread and returns a result.

It asks ``should_stop`` as often as it can and then ends as it likes: by an exception, or at once.
"""


class Task(QObject):
    """Does one piece of work at a time; every signal arrives in the thread that made the task.

    Work that was cancelled, or replaced by other work, is told to stop, and whatever it still
    returns or raises is dropped. When the task is deleted with its panel, the same happens.

    Parameters
    ----------
    parent : QObject, optional
        The panel. The task ends with it.
    thread : str
        Where the work is done; see :func:`napari_colorize.widgets.shared.executor.submit`.

    Signals
    -------
    progressed(object, str)
        The share done, 0…1 or ``None``, and a few words.
    returned(object)
        The result.
    failed(object)
        The exception.
    stopped()
        The work was cancelled.
    """

    progressed = Signal(object, str)
    returned = Signal(object)
    failed = Signal(object)
    stopped = Signal()

    def __init__(self, parent: QObject | None = None, thread: str = INFERENCE) -> None:
        super().__init__(parent)
        self._thread = thread
        self._run: _Run | None = None
        self._stop: Event = StopWithOwner(self)
        self._throttler = QSignalThrottler(parent=self)
        self._throttler.setTimeout(PROGRESS_MS)
        self._throttler.triggered.connect(self._tell_progress)
        _mailbox()  # made here, it lives in the window's thread

    @property
    def busy(self) -> bool:
        """Whether work is under way."""
        return self._run is not None

    def start(self, work: Work) -> None:
        """Start work.

        Raises
        ------
        RuntimeError
            Other work is under way.
        """
        if self.busy:
            raise RuntimeError("Work is under way; wait for it or cancel it first.")
        self.replace(work)

    def replace(self, work: Work) -> None:
        """Start work in the place of what is under way, of which nothing is heard any more."""
        self._drop()
        self._run = run = _Run(self)
        self._stop = run.stop
        run.future = submit(_carry_out, work, run, thread=self._thread)

    def cancel(self) -> None:
        """Tell the work to stop and drop it; :attr:`stopped` is emitted at once."""
        if self._drop():
            self.stopped.emit()

    def _drop(self) -> bool:
        run, self._run = self._run, None
        self._throttler.cancel()
        if run is None:
            return False
        run.stop.set()
        if run.future is not None:
            run.future.cancel()  # where it has not begun, it never will
        return True

    def _note(self, run: "_Run") -> None:
        """Progress has arrived."""
        run.on_its_way = False
        if run is self._run:
            self._throttler.throttle()

    def _tell_progress(self) -> None:
        if self._run is not None:
            self.progressed.emit(*self._run.latest)

    def _finish(self, run: "_Run", result: Any, error: Exception | None) -> None:
        """The work has ended."""
        if run is not self._run:
            return
        self._run = None
        self._throttler.cancel()
        if error is None:
            self.returned.emit(result)
        else:
            log.error("background work failed", exc_info=error)
            self.failed.emit(error)


class _Run:
    """What the two threads share of one piece of work."""

    def __init__(self, task: Task) -> None:
        self.stop = StopWithOwner(task)
        self.future: Future | None = None
        self.latest: tuple[float | None, str] = (None, "")
        self.on_its_way = False
        self._task = weakref.ref(task)

    def progress(self, share: float | None, text: str) -> None:
        """Send progress; where some is on its way already, that takes the news along."""
        self.latest = share, text
        if not self.on_its_way:
            self.on_its_way = True
            self.send(Task._note)

    def send(self, method: Callable[..., None], *args: Any) -> None:
        """Have a method of the task called in the window's thread, if the task is there still."""
        _mailbox().posted.emit(partial(self._call, method, args))

    def _call(self, method: Callable[..., None], args: tuple[Any, ...]) -> None:
        task = self._task()
        if task is not None and isalive(task):
            method(task, self, *args)


def _carry_out(work: Work, run: _Run) -> None:
    """Do the work; runs in the other thread, which no error leaves."""
    if run.stop.is_set():
        return
    result, error = None, None
    try:
        result = work(run.progress, run.stop.is_set)
    except Exception as caught:
        error = caught
    run.send(Task._finish, result, error)


class _Mailbox(QObject):
    """Has calls made in the window's thread, in their order.

    There is one for the whole programme. A signal of the task itself would not do: Qt may delete
    the task while the other thread emits.
    """

    posted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.posted.connect(self._open)

    @Slot(object)
    def _open(self, call: Callable[[], None]) -> None:
        call()


@cache
def _mailbox() -> _Mailbox:
    return _Mailbox()
