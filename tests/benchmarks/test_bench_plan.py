"""What is left out of the long run, and what is foreseen to take too long."""

from __future__ import annotations

import pytest
from bench.clock import Effort, Missing
from bench.plan import Foresight, Setting, left_out, medium_of, settings

SIDES = (256, 512, 1024, 2048, 4096)
BOTH = ("reused", "fresh")


def test_every_size_is_measured_with_most_threads_in_kept_memory() -> None:
    for side in SIDES:
        first = next(settings(side, SIDES, [1, 2], BOTH))
        assert (first.threads, first.output) == (2, "reused")


def test_fresh_memory_and_compiling_at_one_medium_size_and_the_largest() -> None:
    for side in SIDES:
        rows = list(settings(side, SIDES, [1, 2], BOTH))
        telling = side in (1024, 4096)
        assert (Setting(2, "fresh", telling) in rows) == telling
        assert any(row.compiled for row in rows) == telling


def test_fewer_threads_at_the_medium_size_alone_and_without_compiling() -> None:
    rows = {side: list(settings(side, SIDES, [1, 2], BOTH)) for side in SIDES}
    fewer = {side: [row for row in rows[side] if row.threads == 1] for side in SIDES}
    assert fewer.pop(1024) == [Setting(1, "reused", False)]
    assert not any(fewer.values())


def test_an_operator_of_one_size_has_all_rows_at_it() -> None:
    assert list(settings(64, (64,), [2, 1], BOTH)) == [
        Setting(2, "reused", True),
        Setting(2, "fresh", True),
        Setting(1, "reused", False),
    ]


@pytest.mark.parametrize(
    ("sides", "medium"), [(SIDES, 1024), ((64, 128, 256), 256), ((768, 1280), 768)]
)
def test_the_medium_size(sides, medium) -> None:
    assert medium_of(sides) == medium


def test_what_compiles_for_minutes_is_not_compiled() -> None:
    assert left_out("joint bilateral, r = 5", ["kornia"]) == ["kornia", "torch.compile"]
    assert left_out("joint bilateral upsample", ["kornia"]) == ["kornia"]


class TestForesight:
    def test_a_call_is_refused_where_its_time_grows_beyond_the_patience(self) -> None:
        ahead = Foresight(Effort(patience=20.0))
        ahead.check("kornia", 1000)
        ahead.learn("kornia", "256²", 1000, 3.0, 2.0)
        ahead.check("kornia", 10000)
        with pytest.raises(Missing, match=r"about 32 s, after 2\.0 s for 256²"):
            ahead.check("kornia", 16000)
        ahead.check("OpenCV", 16000)

    def test_what_compiles_for_long_is_not_compiled_again(self) -> None:
        ahead = Foresight(Effort(compiling=20.0))
        ahead.learn("torch.compile", "1024²", 1000, 50.0, 0.5)
        with pytest.raises(Missing, match="took 50 s for 1024²"):
            ahead.check("torch.compile", 2000)
