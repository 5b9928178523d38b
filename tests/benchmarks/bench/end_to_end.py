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
from bench.operators import note
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


def rows(jobs: Sequence[Job], *, threads: int, effort: Effort) -> Iterator[dict[str, Any]]:
    """Yield a JSON-able row for each job and path: medians in turns, then memory."""
    machine.use_threads(threads)
    made = {name: paths.make(name) for name in paths.PATHS}
    decode = stages.decode_seconds(GRID, GRID)
    for job in jobs:
        taken = _in_turns(job, made, effort)
        for name, ledgers in taken.items():
            totals = [sum(ledger.values()) for ledger in ledgers]
            middle = ledgers[totals.index(statistics.median_low(totals))]
            if name != paths.RELEASE:
                middle = stages.with_decoding_apart(middle, decode * job.planes)
            yield {
                **{"job": job.name, "path": name, "threads": threads, "repeats": len(ledgers)},
                **{"pixels": job.height * job.width * job.planes, "stages": middle},
                "seconds": statistics.median(totals),
                "memory": _memory(name, job),
            }


def _in_turns(
    job: Job, made: dict[str, paths.Path], effort: Effort
) -> dict[str, list[dict[str, float]]]:
    """Run the paths one after the other, several times."""
    grey = paths.picture(job.height, job.width)
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in made}
    for path in made.values():
        for _ in range(2):  # TorchScript specialises on the second call
            path(grey, Ledger(Clock()))
    for turn in range(effort.most):
        for name, path in made.items():
            spent = sum(sum(ledger.values()) for ledger in taken[name])
            enough = effort.least if job.planes == 1 else 1
            if turn >= enough and spent > effort.budget:
                continue
            note(f"end to end, {job.name}, {name}, turn {turn + 1}")
            taken[name].append(once(path, grey, job.planes))
    return taken


def once(path: paths.Path, grey: paths.Grey, planes: int = 1) -> dict[str, float]:
    """Return the seconds of each stage and of the rest, over all planes of a stack."""
    ledger, begin = Ledger(Clock()), time.perf_counter()
    for _ in range(planes):
        path(grey, ledger)
    return stages.with_rest(ledger.used, time.perf_counter() - begin)


def _memory(name: str, job: Job) -> dict[str, Any]:
    try:
        return peak_of(name, job.height, job.width)
    except RuntimeError as error:
        return {"missing": in_a_line(error)}
