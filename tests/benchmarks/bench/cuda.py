"""The same rows on a CUDA device: events, and inputs that are never in the cache.

Every launch takes the next of several copies of its inputs, more together than the second-level
cache holds, so that reads come from memory. Times are between events on the stream, medians.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from bench.cases import OURS, Case, Contender, bound
from bench.clock import Call, Missing, Timing, in_a_line
from bench.limits import size_of
from bench.progress import note

LAUNCHES, WARMUPS = 60, 10
MOST_COPIES = 64


def available() -> bool:
    """Whether there is a CUDA device to measure on."""
    return torch.cuda.is_available()


def copies_needed(bytes_each: int, cache_bytes: int) -> int:
    """Return how many inputs it takes to have twice the cache between two uses of one."""
    return max(2, min(MOST_COPIES, -(-2 * cache_bytes // max(1, bytes_each)) + 1))


def row(case: Case, skip: Sequence[str] = ()) -> dict[str, Any]:
    """Measure a case on the current device; outputs come from torch's caching allocator."""
    from bench.operators import LIMIT, row_of

    note(f"{case.operator}, {case.size}, CUDA")
    cache = torch.cuda.get_device_properties(0).L2_cache_size
    first = case.inputs("cuda", 0)
    count = copies_needed(size_of(*first.values()), cache)
    inputs = [first, *(case.inputs("cuda", seed) for seed in range(1, count))]
    timings: dict[str, Timing] = {}
    missing: dict[str, str] = {}
    for contender in case.contenders:
        if "cuda" not in contender.devices or contender.column in skip:
            continue
        try:
            timings[contender.name] = _timing(_calls(contender, inputs))
        except Exception as error:
            if contender.column == OURS:
                raise
            missing[contender.name] = str(error) if isinstance(error, Missing) else in_a_line(error)
    limit, factor = case.limit(first), 1.0
    try:
        probes = [limit.probe("cuda", "reused") for _ in range(count)]
        timings[LIMIT] = _timing([probe for probe, _ in probes])
        factor = probes[0][1]
    except Exception as error:
        missing[LIMIT] = in_a_line(error)
    reasons = {name: why for name, why in missing.items() if name != LIMIT}
    made = row_of(case, "cuda", "caching allocator", timings, reasons, (limit.kind, factor))
    return {**made, "threads": None}


def _calls(contender: Contender, inputs: list[Any]) -> list[Call]:
    calls = [bound(contender, each) for each in inputs]
    for call in [*calls, *calls[: WARMUPS * contender.warmups]]:
        call()
    torch.cuda.synchronize()
    return calls


def _timing(calls: list[Call]) -> Timing:
    """Queue the launches with an event on either side of each, then wait once."""
    marks = [[torch.cuda.Event(enable_timing=True) for _ in range(2)] for _ in range(LAUNCHES)]
    for turn, (begin, end) in enumerate(marks):
        call = calls[turn % len(calls)]
        begin.record()
        call()
        end.record()
    torch.cuda.synchronize()
    return Timing.of([begin.elapsed_time(end) / 1000 for begin, end in marks])
