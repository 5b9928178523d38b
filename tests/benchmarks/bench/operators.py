"""Measure every operator against its peers and its limit: one row a size, threads and outputs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from bench import (
    allocator,
    bilateral_cases,
    colour_cases,
    cuda,
    encoding_cases,
    levin_cases,
    machine,
    plan,
    upsample_cases,
)
from bench.cases import OURS, Case, Contender, Operator, bound
from bench.clock import Call, Effort, Missing, Timing, in_a_line, in_turns, warmed
from bench.limits import Limit
from bench.plan import Foresight
from bench.progress import note

OPERATORS: tuple[Operator, ...] = (
    *colour_cases.OPERATORS,
    *encoding_cases.OPERATORS,
    *bilateral_cases.OPERATORS,
    *upsample_cases.OPERATORS,
    *levin_cases.OPERATORS,
)
LIMIT = "limit"


def rows(
    operators: Sequence[Operator],
    *,
    quick: bool,
    threads: Sequence[int],
    effort: Effort,
    skip: Sequence[str] = (),
    largest: int | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield a JSON-able row for each operator, size, number of threads and kind of outputs.

    Which of them are left out is said in `bench.plan`.
    """
    for operator in operators:
        sides = operator.quick if quick else operator.sizes
        sides = [side for side in sides if largest is None or side <= largest]
        if not sides:
            continue
        note(f"{operator.name}, accuracy")
        machine.use_threads(max(threads))
        errors = accuracy(operator, [*skip, plan.COMPILER])  # the twin again, and slow to compile
        foresight: dict[int, Foresight] = {}
        for side in sides:
            case = operator.case(side)
            kinds = case.outputs if allocator.can_choose() else ("default",)
            for count, wanted in groupby(
                plan.settings(side, sides, threads, kinds), lambda setting: setting.threads
            ):
                machine.use_threads(count)
                ahead = foresight.setdefault(count, Foresight(effort))
                absent = plan.left_out(operator.name, skip)
                for row in cpu_rows(case, effort, list(wanted), ahead, absent):
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


def cpu_rows(
    case: Case,
    effort: Effort,
    settings: Sequence[plan.Setting],
    ahead: Foresight,
    skip: Sequence[str] = (),
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a case with the number of threads in use, one for each setting."""
    if not any(setting.compiled for setting in settings):
        skip = [*skip, plan.COMPILER]
    note(f"{case.operator}, {case.size}, {machine.threads()} threads, first calls")
    inputs = case.inputs("cpu", 0)
    limit = case.limit(inputs)
    calls, once, missing = _warmed(case, inputs, effort, ahead, skip)
    for setting in settings:
        note(f"{case.operator}, {case.size}, {machine.threads()} threads, {setting.output}")
        timings, factor = _timed(calls, limit, effort, setting.output)
        bound_by = limit.kind, factor
        yield row_of(case, "cpu", setting.output, {**timings, **once}, missing, bound_by)


def _warmed(
    case: Case,
    inputs: dict[str, Any],
    effort: Effort,
    ahead: Foresight,
    skip: Sequence[str],
) -> tuple[dict[str, Call], dict[str, Timing], dict[str, str]]:
    """Return the calls to repeat, the timings of those too long for that, and why some are not."""
    calls: dict[str, Call] = {}
    once: dict[str, Timing] = {}
    missing: dict[str, str] = {}
    for contender in _chosen(case, "cpu", skip):
        try:
            ahead.check(contender.name, case.pixels)
            call = bound(contender, inputs)
            first, last = warmed(call, contender.warmups, effort)
        except Exception as error:
            if contender.column == OURS:
                raise
            missing[contender.name] = _reason(error)
            continue
        ahead.learn(contender.name, case.size, case.pixels, first, last)
        if last > effort.long:
            once[contender.name] = Timing.of([last])
        else:
            calls[contender.name] = call
    return calls, once, missing


def _timed(
    calls: dict[str, Call], limit: Limit, effort: Effort, output: str
) -> tuple[dict[str, Timing], float]:
    """Measure the calls and what bounds them; return the factor from its probe to the bound."""
    probe, factor = limit.probe("cpu", output)
    with allocator.outputs(output) if output != "default" else contextlib.nullcontext():
        for call in (probe, *calls.values()):
            call()  # fills the allocator's store
        before = allocator.release if output == "fresh" else None
        return in_turns({**calls, LIMIT: probe}, effort, before), factor


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


def _chosen(case: Case, device: str, skip: Sequence[str]) -> list[Contender]:
    return [c for c in case.contenders if device in c.devices and c.column not in skip]


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, Missing) else in_a_line(error)
