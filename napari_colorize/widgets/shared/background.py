"""Wait for one blocking library call in a thread of its own, always ready to stop. Knows no Qt."""

from collections.abc import Callable, Generator
from concurrent.futures import Future, wait
from dataclasses import dataclass
from threading import Event
from typing import Any

POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Step:
    """How far a call is: ``fraction`` 0…1, ``None`` where nobody can know, and a few words."""

    fraction: float | None
    text: str


@dataclass
class Reporter:
    """What the call last said; written by its thread, read by the one that waits."""

    last: Step

    def note(self, fraction: float | None, text: str) -> None:
        """Say how far the call is."""
        self.last = Step(fraction, text)


Call = Callable[[Reporter, Callable[[], bool]], Any]
"""``call(reporter, should_stop)`` does the work and returns its result."""


def follow(
    submit: Callable[..., Future], call: Call, first: str, stop: Event
) -> Generator[Step, None, Any]:
    """Run ``call`` where ``submit`` puts it and yield how far it is, many times a second.

    The generator ends as soon as ``stop`` is set, even where the call itself cannot be interrupted
    at that moment (a stalled connection); its result is then dropped.

    Parameters
    ----------
    submit : callable
        Queues a function in some thread and returns its future.
    call : callable
        See :data:`Call`.
    first : str
        What is shown until the call says something.
    stop : threading.Event
        Set it to end the work.

    Returns
    -------
    object or None
        What ``call`` returned; ``None`` after ``stop``.
    """
    reporter = Reporter(Step(None, first))
    future = submit(call, reporter, stop.is_set)
    try:
        while not future.done():
            yield reporter.last
            wait([future], timeout=POLL_SECONDS)
            if stop.is_set():
                future.cancel()
                return None
        return future.result()
    except GeneratorExit:  # the worker was told to quit and drops the generator half-way
        stop.set()
        future.cancel()
        raise
