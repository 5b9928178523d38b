"""Seconds of several calls, taken in turns, and the medians of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.allocator import page_faults

Call = Callable[[], Any]


class Missing(Exception):
    """Why there is no figure, as a clause for the list below the table."""


@dataclass(frozen=True)
class Timing:
    """Repeated measurements of one call.

    Parameters
    ----------
    seconds : float
        Median.
    low, high : float
        First and third quartile, seconds.
    repeats : int
        How many calls the median is of.
    faults : float
        Median number of minor page faults a call; 0 where the system does not count them.
    """

    seconds: float
    low: float
    high: float
    repeats: int
    faults: float = 0.0

    @classmethod
    def of(cls, seconds: Sequence[float], faults: Sequence[float] = ()) -> Timing:
        """Summarise the single measurements; at least one."""
        low, high = quartiles(seconds)
        middle = statistics.median(faults) if faults else 0.0
        return cls(statistics.median(seconds), low, high, len(seconds), middle)


@dataclass(frozen=True)
class Effort:
    """How long to go on.

    Parameters
    ----------
    budget : float
        Seconds that one call's repeats may take together, before `least` of them are done excepted.
    least, most : int
        Repeats.
    patience : float
        A warm-up call longer than this, in seconds, is not repeated: no figure.
    long : float
        A warm-up call longer than this, in seconds, is the measurement: page faults and the like no
        longer count beside its work.
    compiling : float
        What compiles for longer, in seconds, is not compiled again for another size.
    """

    budget: float = 0.6
    least: int = 3
    most: int = 25
    patience: float = 20.0
    long: float = 1.5
    compiling: float = 20.0


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """Return the first and third quartile, by linear interpolation between the values."""
    if len(values) == 1:
        return values[0], values[0]
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return first, third


def ratio(peer: float | None, ours: float | None) -> float | None:
    """How many times as long the peer takes: above 1 where ours is faster; None without both."""
    if peer is None or ours is None or ours <= 0:
        return None
    return peer / ours


def warmed(call: Call, warmups: int, effort: Effort) -> tuple[float, float]:
    """Call `warmups` times, so that caches, pools and compilers are done; give up on slow ones.

    Returns
    -------
    first, last : float
        Seconds of the first and of the last of these calls.

    Raises
    ------
    Missing
        The last of these calls took longer than the patience, or any of them failed.
    """
    taken = []
    for _ in range(max(1, warmups)):
        begin = time.perf_counter()
        try:
            call()
        except Exception as error:  # a peer may fail in any way; the table says how
            raise Missing(in_a_line(error)) from error
        taken.append(time.perf_counter() - begin)
    if taken[-1] > effort.patience:
        raise Missing(
            f"one call took {taken[-1]:.0f} s, longer than the patience of {effort.patience:.0f} s"
        )
    return taken[0], taken[-1]


def in_turns(
    calls: Mapping[str, Call], effort: Effort, before: Call | None = None
) -> dict[str, Timing]:
    """Measure calls in turns, so that what slows the machine for a while slows all of them.

    Each round starts with another call. A call whose budget is spent sits out. What a call returns
    is dropped after the clock is read; `before` is called ahead of every call, off the clock.
    """
    names = list(calls)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    faults: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(effort.most):
        first = turn % max(1, len(names))
        for name in names[first:] + names[:first]:
            if turn >= effort.least and sum(seconds[name]) > effort.budget:
                continue
            call = calls[name]
            if before is not None:
                before()
            faulted, begin = page_faults(), time.perf_counter()
            result = call()
            seconds[name].append(time.perf_counter() - begin)
            faults[name].append(page_faults() - faulted)
            del result
    return {name: Timing.of(seconds[name], faults[name]) for name in names}


def in_a_line(error: BaseException) -> str:
    """Return an error's class and first line, short enough for a list."""
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {text}"[:160]
