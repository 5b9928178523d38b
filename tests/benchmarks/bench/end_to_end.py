"""Grey picture to RGB: time per stage of each path, and peak memory."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench import machine, paths, stages
from bench.clock import Effort, in_a_line
from bench.memory import peak_of
from bench.progress import note
from bench.stages import Clock, Ledger

GRID = paths.NETWORK_SIZE // 4


@dataclass(frozen=True)
class Job:
    """Pictures of one size.

    Parameters
    ----------
    name : str
        As the table shows it.
    height, width, planes : int
    """

    name: str
    height: int
    width: int
    planes: int = 1


@dataclass(frozen=True)
class Taken:
    """Seconds of each stage and of the rest, over so many planes."""

    stages: dict[str, float]
    planes: int


JOBS: tuple[Job, ...] = (
    Job("256²", 256, 256),
    Job("512²", 512, 512),
    Job("2048²", 2048, 2048),
    Job("12 MP", 3000, 4000),
    Job("100 × 512²", 512, 512, planes=100),
)
QUICK: tuple[Job, ...] = (
    Job("256²", 256, 256),
    Job("512²", 512, 512),
    Job("4 × 512²", 512, 512, planes=4),
)
LONG = 4.0
"""Seconds of all turns together after which there is no further one, however few they were."""
WITH_FEWER_THREADS = "512²"
STACK_SECONDS = 20.0
"""Of a stack, the paths other than ours stop after the plane that exceeds this."""


def rows(
    jobs: Sequence[Job], *, threads: Sequence[int], effort: Effort
) -> Iterator[dict[str, Any]]:
    """Yield a JSON-able row for each job and path: medians in turns, then memory.

    All jobs with the most threads, one with fewer.
    """
    made = {name: paths.make(name) for name in paths.PATHS}
    peaks: dict[tuple[str, int, int], dict[str, Any]] = {}
    for count in sorted(set(threads), reverse=True):
        machine.use_threads(count)
        decode = stages.decode_seconds(GRID, GRID)
        for job in jobs:
            if count != max(threads) and job.name != WITH_FEWER_THREADS:
                continue
            for name, ledgers in _in_turns(job, made, effort).items():
                key = (name, job.height, job.width)
                if key not in peaks:
                    note(f"end to end, {job.name}, {name}, memory")
                    peaks[key] = _memory(*key)
                yield {**_row(job, name, ledgers, decode), "threads": count, "memory": peaks[key]}


def _row(job: Job, name: str, ledgers: list[Taken], decode: float) -> dict[str, Any]:
    """Return the turn in the middle, for a plane."""
    each = [sum(taken.stages.values()) / taken.planes for taken in ledgers]
    middle = ledgers[each.index(statistics.median_low(each))]
    of_stage = {stage: used / middle.planes for stage, used in middle.stages.items()}
    if name != paths.RELEASE:
        of_stage = stages.with_decoding_apart(of_stage, decode)
    return {
        **{"job": job.name, "path": name, "repeats": len(ledgers), "planes": middle.planes},
        **{"pixels": job.height * job.width, "stages": of_stage},
        "seconds": statistics.median(each),
    }


def _in_turns(job: Job, made: dict[str, paths.Path], effort: Effort) -> dict[str, list[Taken]]:
    """Run the paths one after the other, several times."""
    grey = paths.picture(job.height, job.width)
    found: dict[str, list[Taken]] = {name: [] for name in made}
    for name, path in made.items():
        note(f"end to end, {job.name}, {name}, first calls")
        for _ in range(1 if name == paths.RELEASE else 2):  # TorchScript specialises on the second
            path(grey, Ledger(Clock()))
    for turn in range(effort.most):
        for name, path in made.items():
            spent = sum(sum(taken.stages.values()) for taken in found[name])
            if spent > LONG or (turn >= effort.least and spent > effort.budget):
                continue
            note(f"end to end, {job.name}, {name}, turn {turn + 1}")
            most = float("inf") if name == paths.OURS else STACK_SECONDS
            found[name].append(once(path, grey, job.planes, most))
    return found


def once(path: paths.Path, grey: paths.Grey, planes: int = 1, most: float = float("inf")) -> Taken:
    """Run a stack of equal planes, or as many as begin within `most` seconds.

    What a plane's result takes to be given back is not counted.
    """
    ledger, seconds, done = Ledger(Clock()), 0.0, 0
    while done < planes and seconds < most:
        begin = time.perf_counter()
        result = path(grey, ledger)
        seconds += time.perf_counter() - begin
        done += 1
        del result
    return Taken(stages.with_rest(ledger.used, seconds), done)


def _memory(name: str, height: int, width: int) -> dict[str, Any]:
    try:
        return peak_of(name, height, width)
    except RuntimeError as error:
        return {"missing": in_a_line(error)}
