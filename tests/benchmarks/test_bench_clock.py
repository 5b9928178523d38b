"""The arithmetic and the manners of the benchmark's clock."""

from __future__ import annotations

import pytest
from bench import allocator
from bench.clock import Effort, Missing, Timing, in_turns, quartiles, ratio, warmed


def test_the_median_of_repeats_does_not_follow_an_outlier() -> None:
    timing = Timing.of([3.0, 1.0, 2.0, 900.0, 2.5], [4, 4, 0, 4, 9])
    assert timing == Timing(seconds=2.5, low=2.0, high=3.0, repeats=5, faults=4)


@pytest.mark.parametrize(
    ("values", "expected"), [([7.0], (7.0, 7.0)), ([1, 2, 3, 4, 5], (2, 4)), ([0, 1], (0.25, 0.75))]
)
def test_quartiles(values, expected) -> None:
    assert quartiles(values) == expected


def test_a_ratio_above_one_means_that_ours_is_faster() -> None:
    assert ratio(6.0, 2.0) == 3.0
    assert ratio(None, 2.0) is None
    assert ratio(6.0, None) is None
    assert ratio(6.0, 0.0) is None


def test_calls_take_turns_and_none_is_always_first() -> None:
    order: list[str] = []
    calls = {name: (lambda name=name: order.append(name)) for name in "abc"}
    in_turns(calls, Effort(least=3, most=3))
    assert "".join(order) == "abcbcacab"


def test_a_call_beyond_its_budget_sits_out_after_the_least_repeats(monkeypatch) -> None:
    now = [0.0]
    monkeypatch.setattr("bench.clock.time.perf_counter", lambda: now[0])

    def lasting(seconds: float):
        return lambda: now.__setitem__(0, now[0] + seconds)

    calls = {"slow": lasting(5.0), "quick": lasting(0.01)}
    found = in_turns(calls, Effort(budget=2.0, least=2, most=6))
    assert (found["slow"].repeats, found["quick"].repeats) == (2, 6)
    assert found["slow"].seconds == pytest.approx(5.0)


def test_what_fails_or_takes_too_long_is_missing_with_a_reason(monkeypatch) -> None:
    with pytest.raises(Missing, match="ZeroDivisionError: division"):
        warmed(lambda: 1 / 0, 1, Effort())
    now = iter(range(0, 1000, 40))
    monkeypatch.setattr("bench.clock.time.perf_counter", lambda: next(now))
    with pytest.raises(Missing, match="took 40 s"):
        warmed(lambda: None, 1, Effort(patience=30.0))
    assert warmed(lambda: None, 2, Effort(patience=60.0)) == (40, 40)


@pytest.mark.skipif(not allocator.can_choose(), reason="this C library is not glibc")
def test_fresh_outputs_cost_page_faults_and_reused_ones_do_not() -> None:
    """16 MiB without huge pages are 4096 faults; reused they are none but a few."""
    import ctypes

    library = ctypes.CDLL(None)
    library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    library.free.argtypes = [ctypes.c_void_p]
    size = 16 << 20

    def fill() -> None:
        block = library.malloc(size)
        ctypes.memset(block, 1, size)
        library.free(block)

    faults = {}
    for kind in allocator.OUTPUTS:
        with allocator.outputs(kind):
            fill()
            before = allocator.release if kind == "fresh" else None
            found = in_turns({"fill": fill}, Effort(least=3, most=3), before)
            faults[kind] = found["fill"].faults
    assert faults["reused"] < 50
    # Transparent huge pages leave eight faults at least, and each page's own at most.
    assert faults["fresh"] >= size / (2 << 20)


def test_unknown_outputs_are_refused() -> None:
    with pytest.raises(ValueError, match="'fresh' or 'reused'"), allocator.outputs("warm"):
        pass
