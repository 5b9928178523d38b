"""The one task runner: progress and results as signals, cancel, latest wins, and early ends."""

import logging
from threading import Event, get_ident

import pytest
from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QApplication

from napari_colorize.widgets.shared.executor import PAIRS, submit
from napari_colorize.widgets.shared.task import Task


@pytest.fixture
def parent(qapp):
    return QObject()


@pytest.fixture
def heard():
    """What a task has told, in order."""
    return []


@pytest.fixture
def task(parent, heard):
    """Return a task that leaves the thread of inference alone."""
    made = Task(parent, PAIRS)
    made.progressed.connect(lambda share, text: heard.append((share, text, get_ident())))
    made.returned.connect(lambda result: heard.append(("returned", result)))
    made.failed.connect(lambda error: heard.append(("failed", error)))
    made.stopped.connect(lambda: heard.append("stopped"))
    return made


@pytest.fixture
def held():
    """Work that waits for a gate, and says when it has begun and who asked it to stop."""

    class Held:
        begun, gate, stopped = Event(), Event(), Event()

        def __call__(self, progress, should_stop):
            self.begun.set()
            assert self.gate.wait(20)
            if should_stop():
                self.stopped.set()
            return "late"

    work = Held()
    yield work
    work.gate.set()


def drained() -> None:
    """Return once everything that was queued has run and is heard of."""
    submit(int, thread=PAIRS).result(timeout=20)
    QApplication.processEvents()


def test_a_result_arrives_in_the_thread_of_the_task(task, heard, qtbot):
    threads = []
    task.returned.connect(lambda result: threads.append(get_ident()))
    task.start(lambda progress, should_stop: get_ident())
    assert task.busy
    qtbot.waitUntil(lambda: not task.busy, timeout=20_000)

    [(kind, worker)] = heard
    assert kind == "returned"
    assert worker != get_ident()
    assert threads == [get_ident()]


def test_progress_is_thinned_out_and_its_last_word_is_heard(task, heard, qtbot):
    gate = Event()

    def work(progress, should_stop):
        for step in range(2000):
            progress(step / 2000, f"step {step}")
        assert gate.wait(20)

    task.start(work)
    qtbot.waitUntil(lambda: bool(heard) and heard[-1][1] == "step 1999", timeout=20_000)
    gate.set()
    qtbot.waitUntil(lambda: not task.busy, timeout=20_000)

    assert len(heard) < 200
    shares = [share for share, *_ in heard[:-1]]
    assert shares == sorted(shares)
    assert {thread for *_, thread in heard[:-1]} == {get_ident()}
    assert heard[-1] == ("returned", None)


@pytest.mark.parametrize("error", [RuntimeError("CUDA says no"), StopIteration(), KeyError("x")])
def test_an_error_is_handed_over_whatever_it_is(task, heard, qtbot, caplog, error):
    caplog.set_level(logging.CRITICAL)

    def work(progress, should_stop):
        raise error

    task.start(work)
    qtbot.waitUntil(lambda: not task.busy, timeout=20_000)

    assert heard == [("failed", error)]


def test_cancelling_is_at_once_and_what_comes_later_is_dropped(task, heard, held):
    task.start(held)
    assert held.begun.wait(20)
    task.cancel()

    assert heard == ["stopped"]
    assert not task.busy
    held.gate.set()
    drained()
    assert held.stopped.is_set()
    assert heard == ["stopped"]
    task.cancel()
    assert heard == ["stopped"], "there was nothing to stop"


def test_work_that_waits_its_turn_is_never_done_once_cancelled(task, heard, held):
    done = []
    task.start(held)
    assert held.begun.wait(20)
    task.replace(lambda progress, should_stop: done.append(1))
    task.cancel()
    held.gate.set()
    drained()

    assert done == []


def test_the_latest_work_wins(task, heard, held, qtbot):
    task.start(held)
    assert held.begun.wait(20)
    task.replace(lambda progress, should_stop: "new")
    held.gate.set()
    qtbot.waitUntil(lambda: not task.busy, timeout=20_000)
    drained()

    assert heard == [("returned", "new")]
    assert held.stopped.is_set()


def test_starting_twice_is_refused(task, held):
    task.start(held)

    with pytest.raises(RuntimeError, match="wait for it or cancel"):
        task.start(held)


def test_work_may_be_started_by_what_hears_of_the_last(task, heard, qtbot):
    def again(result):
        if result == 1:
            task.start(lambda progress, should_stop: 2)

    task.returned.connect(again)
    task.start(lambda progress, should_stop: 1)
    qtbot.waitUntil(lambda: ("returned", 2) in heard, timeout=20_000)

    assert not task.busy


@pytest.mark.parametrize("fails", [False, True])
def test_the_end_of_its_parent_stops_it_and_nobody_hears_of_it(
    task, parent, heard, held, fails, caplog
):
    def work(progress, should_stop):
        held(progress, should_stop)
        progress(0.5, "into the void")
        return 1 / (not fails)

    task.start(work)
    assert held.begun.wait(20)
    parent.deleteLater()
    QApplication.sendPostedEvents(parent, QEvent.Type.DeferredDelete)
    held.gate.set()
    drained()

    assert held.stopped.is_set()
    assert heard == []
