"""Floors beside what was found: met, or missed by how much."""

from __future__ import annotations

import pytest
from bench import floors, operators
from bench.cases import COLUMNS
from bench.floors import FLOORS, Floor, verdict


def row(**changes):
    def cell(column, seconds):
        return {"column": column, "seconds": seconds}

    made = {
        **{"operator": "annealed mean", "size": "313×256²", "device": "cpu", "threads": 2},
        **{"output": "reused", "limit": {"kind": "read", "seconds": 0.004}},
        "cells": {"ours": cell("ours", 0.01), "torch.compile": cell("torch.compile", 0.11)},
        "errors": {"unit": "Lab units", "of": {"ours": 2e-5}},
    }
    return {**made, **changes}


def test_every_floor_is_of_a_case_that_is_measured() -> None:
    sizes = {(o.name, o.case(side).size) for o in operators.OPERATORS for side in o.sizes}
    for floor in FLOORS:
        assert (floor.operator, floor.size) in sizes
        assert floor.against in (*COLUMNS, "limit", "error", "time")


def test_ratios_and_shares_are_compared_with_their_floors() -> None:
    found = {line[3]: line[4:] for line in floors.lines([row()], "cpu")}
    assert found["torch.compile"] == ["12×", "11×", "missed by 8 %", "20×"]
    assert found["read"] == ["31 %", "40 %", "met", "50 %"]


def test_a_floor_that_the_limit_itself_misses_is_marked() -> None:
    slow = {"kind": "fill", "seconds": 0.02}
    assert floors.lines([row(limit=slow)], "cpu")[0][6] == "missed by 8 % (the fill alone: 5.5×)"


def test_fewer_threads_are_not_judged() -> None:
    lines = floors.lines([row(), row(threads=1)], "cpu")
    assert len(lines) == 2


def test_without_a_peer_there_is_no_verdict() -> None:
    alone = row(cells={"ours": {"column": "ours", "seconds": 1.0}})
    assert floors.lines([alone], "cpu")[0][6] == "no figure"


@pytest.mark.parametrize(
    ("against", "least", "value", "said"),
    [
        ("OpenCV", 2.0, 2.0, "met"),
        ("OpenCV", 2.0, 1.5, "missed by 25 %"),
        ("error", 1e-3, 5e-4, "met"),
        ("error", 1e-3, 2e-3, "missed by 50 %"),
        ("time", 1e-3, 4e-3, "missed by 75 %"),
    ],
)
def test_verdicts(against, least, value, said) -> None:
    assert verdict(Floor("finish", "256²", against, least), value) == said


def test_no_floor_no_table() -> None:
    assert floors.as_table([row(operator="finish")]) == ""


def whole(path, job, network, other, extra):
    return {
        **{"path": path, "job": job, "threads": 2, "memory": {"extra": extra}},
        "stages": {"network": network, "finish": other},
    }


def test_goals_of_the_whole_path() -> None:
    said = floors.goals(
        [
            whole("ours", "2048²", 0.3, 0.7, 0.1),
            whole("ours, paper's network", "2048²", 0.95, 0.05, 0.1),
            whole("ours", "12 MP", 0.3, 0.7, 3.5),
            whole("release", "2048²", 0.1, 0.9, 0.1),
        ]
    )
    assert said[0].startswith("ours, 2048²: 70 % of the time")
    assert said[0].endswith("missed.")
    assert said[1].endswith("met.")
    assert "3.50 bytes" in said[2]
    assert said[2].endswith("missed.")
    assert len(said) == 3
