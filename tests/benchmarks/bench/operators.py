"""Measure every operator against its peers and its limit: one row a size, threads and outputs."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from bench import (
    allocator,
    bilateral_cases,
    colour_cases,
    cuda,
    encoding_cases,
    machine,
    upsample_cases,
)
from bench.cases import Case, Contender, Operator, bound
from bench.clock import Call, Effort, Missing, Timing, in_a_line, in_turns, warmed

OPERATORS: tuple[Operator, ...] = (
    *colour_cases.OPERATORS,
    *encoding_cases.OPERATORS,
    *bilateral_cases.OPERATORS,
    *upsample_cases.OPERATORS,
)
LIMIT = "limit"
LONG = 1.0
"""Seconds of a call from which page faults no longer count beside its work."""


def rows(
    operators: Sequence[Operator],
    *,
    quick: bool,
    threads: Sequence[int],
    effort: Effort,
    skip: Sequence[str] = (),
    largest: int | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield a JSON-able row for each operator, size, number of threads and kind of outputs."""
    for operator in operators:
        errors = accuracy(operator, skip)
        for side in operator.quick if quick else operator.sizes:
            if largest is not None and side > largest:
                continue
            case = operator.case(side)
            for count in threads:
                machine.use_threads(count)
                for row in cpu_rows(case, effort, skip):
                    yield {**row, "threads": count, "errors": errors}
            if cuda.available():
                yield {**cuda.row(case, skip), "errors": errors}


def accuracy(operator: Operator, skip: Sequence[str] = ()) -> dict[str, Any]:
    """Compare every contender with the float64 reference, at one small size."""
    case = operator.case(operator.exact_at)
    inputs = case.inputs("cpu", 0)
    wanted = case.reference(inputs)
    found: dict[str, Any] = {"unit": case.error_name, "size": case.size, "of": {}}
    for contender in _chosen(case, "cpu", skip):
        # A peer that fails is listed with its reason where it is timed.
        with contextlib.suppress(Exception):
            result = contender.read(bound(contender, inputs)())
            found["of"][contender.name] = case.error(result, wanted)
    return found


def cpu_rows(case: Case, effort: Effort, skip: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    """Yield the rows of a case: for reused and for fresh outputs where that can be chosen."""
    inputs = case.inputs("cpu", 0)
    calls: dict[str, Call] = {}
    taken: dict[str, float] = {}
    missing: dict[str, str] = {}
    for contender in _chosen(case, "cpu", skip):
        try:
            call = bound(contender, inputs)
            taken[contender.name] = warmed(call, contender.warmups, effort.patience)
        except Exception as error:
            if contender.column == "ours":
                raise
            missing[contender.name] = _reason(error)
        else:
            calls[contender.name] = call
    for output in case.outputs if allocator.can_choose() else ("default",):
        note(f"{case.operator}, {case.size}, {machine.threads()} threads, {output} outputs")
        kind, factor, probe = _limit(case, inputs, output)
        with allocator.outputs(output) if output != "default" else contextlib.nullcontext():
            probe()
            for name, call in calls.items():
                if taken[name] < LONG:
                    call()  # fills the allocator's store
            before = allocator.release if output == "fresh" else None
            timings = in_turns({**calls, LIMIT: probe}, effort, before)
        yield row_of(case, "cpu", output, timings, missing, (kind, factor))


def row_of(
    case: Case,
    device: str,
    output: str,
    timings: dict[str, Timing],
    missing: dict[str, str],
    limit: tuple[str, float],
) -> dict[str, Any]:
    """Put one row together; `limit` is its kind and the factor from its probe's time."""
    kind, factor = limit
    bound_by = timings.pop(LIMIT, None)
    column = {contender.name: contender.column for contender in case.contenders}
    return {
        "operator": case.operator,
        "size": case.size,
        "pixels": case.pixels,
        "device": device,
        "output": output,
        "cells": {name: {"column": column[name], **asdict(t)} for name, t in timings.items()},
        "missing": {name: {"column": column[name], "why": why} for name, why in missing.items()},
        "limit": None if bound_by is None else {"kind": kind, "seconds": bound_by.seconds * factor},
    }


def note(text: str) -> None:
    """Say on the error stream what is being measured."""
    print(text, file=sys.stderr, flush=True)


def _limit(case: Case, inputs: dict[str, Any], output: str) -> tuple[str, float, Call]:
    limit = case.limit(inputs)
    probe, factor = limit.probe("cpu", output)
    return limit.kind, factor, probe


def _chosen(case: Case, device: str, skip: Sequence[str]) -> list[Contender]:
    return [c for c in case.contenders if device in c.devices and c.column not in skip]


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, Missing) else in_a_line(error)
