"""From rows to tables and into the page: figures keep their place, gaps their reasons."""

from __future__ import annotations

import pytest
from bench import growth, publish, stages, table
from bench.__main__ import PAGE, command, parser, wanted

MACHINE = {
    **{"date": "2020-01-02", "processor": "Abacus", "cores": 2, "memory_gib": 1},
    **{"system": "Slate", "load_before": 0.0, "napari-colorize": "0", "operators": "native"},
    **{"capability": "BEADS", "python": "3", "versions": {"torch": "2"}},
}


def cell(column: str, seconds: float) -> dict:
    return {
        **{"column": column, "seconds": seconds, "low": seconds, "high": seconds},
        **{"repeats": 3, "faults": 12.0},
    }


def row(**changes) -> dict:
    made = {
        **{"operator": "finish", "size": "256²", "pixels": 65536, "device": "cpu"},
        **{"threads": 2, "output": "fresh", "limit": {"kind": "copy", "seconds": 0.001}},
        "cells": {
            "ours (planar)": cell("ours", 0.002),
            "ours (interleaved)": cell("ours", 0.004),
            "OpenCV (a)": cell("OpenCV", 0.009),
            "OpenCV (b)": cell("OpenCV", 0.006),
        },
        "missing": {"kornia": {"column": "kornia", "why": "not installed (kornia)"}},
        "errors": {
            "unit": "ΔE",
            "size": "256²",
            "of": {"ours (planar)": 2.5e-4, "OpenCV (a)": 0.5},
        },
    }
    return {**made, **changes}


def cells_of(line: str) -> list[str]:
    return [part.strip() for part in line.strip("|").split("|")]


def as_dict(text: str, line: int = 0) -> dict[str, str]:
    lines = text.splitlines()
    return dict(zip(cells_of(lines[0]), cells_of(lines[2 + line]), strict=True))


def test_the_fastest_of_a_column_stands_in_the_table_with_its_ratio() -> None:
    found = as_dict(table.operators_table([row()], ["OpenCV", "kornia", "CuPy"]))
    assert found["ours, ms"] == "2.00"
    assert found["OpenCV"] == "6.00 (3.0×)"
    assert found["of limit"] == "50 % copy"
    assert found["error of ours"] == "2.5e-04 ΔE"
    assert found["faults of ours"] == "12"


def test_a_peer_without_figure_is_a_dash_and_one_nobody_has_is_no_column() -> None:
    found = as_dict(table.operators_table([row()], ["OpenCV", "kornia", "CuPy"]))
    assert found["kornia"] == "–"
    assert "CuPy" not in found
    assert table.reasons([row()]) == ["kornia: not installed (kornia) (finish 256²)"]


def test_reasons_stand_once_however_many_rows_share_them() -> None:
    rows = [row(size=f"{n}²", threads=t) for n in (1, 2, 3, 4) for t in (1, 2)]
    assert table.reasons(rows) == ["kornia: not installed (kornia) (4 sizes)"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1234.5, "1 234"), (99.96, "100.0"), (12.34, "12.3"), (0.01234, "0.0123")],
)
def test_three_significant_figures(value, text) -> None:
    assert table.significant(value) == text


def test_every_line_of_a_table_has_the_same_width() -> None:
    lines = table.accuracy_table([row(), row(operator="other")]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert len(lines) == 2 + 4


def end_to_end(path: str, seconds: float, of_stage: dict, memory: dict) -> dict:
    return {
        **{"job": "512²", "path": path, "threads": 2, "repeats": 3, "pixels": 1},
        **{"stages": of_stage, "seconds": seconds, "memory": memory},
    }


def test_end_to_end_shows_share_ratio_and_memory() -> None:
    rows = [
        end_to_end("ours", 0.5, {"network": 0.4, "finish": 0.1}, {"peak": 2 << 20, "extra": 1.25}),
        end_to_end("release", 2.0, {"network": 1.0, "finish": 1.0}, {"missing": "no"}),
    ]
    text = table.end_to_end_table(rows, ("network", "decode", "finish"), "release")
    ours, release = as_dict(text), as_dict(text, 1)
    assert (ours["network"], ours["decode"], ours["finish"]) == ("400", "–", "100")
    assert ours["not network"] == "20 %"
    assert (ours["release / this"], release["release / this"]) == ("4.0×", "1.0×")
    assert (ours["peak, MiB"], ours["extra B / B"]) == ("2.00", "1.25")
    assert release["peak, MiB"] == "–"


def test_a_stack_tells_the_time_of_a_plane_and_of_how_many() -> None:
    stack = end_to_end("ours", 0.5, {"network": 0.5}, {}) | {"job": "100 × 512²", "planes": 23}
    found = as_dict(table.end_to_end_table([stack], ("network",), "release"))
    assert found["picture"] == "100 × 512², a plane of 23"


def test_quoted_seconds_stand_beside_each_paths() -> None:
    rows = [
        end_to_end("ours", 0.5, {}, {}),
        {**end_to_end("ours", 9.0, {}, {}), "threads": 1},
        end_to_end("release", 2.0, {}, {}),
    ]
    text = table.quoted_table(rows, {"256²": 1.0, "512²": 17.413}, ("ours", "paper", "release"))
    found = as_dict(text)
    assert found["Deep Colorization, quoted, s"] == "17.413"
    assert [found[f"{name}, s"] for name in ("ours", "paper", "release")] == ["0.500", "–", "2.000"]
    assert len(text.splitlines()) == 3
    assert table.quoted_table([], {"256²": 1.0}, ("ours",)) == ""


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_exponent_of_a_growth(power) -> None:
    pixels = [4.0**k for k in range(5)]
    assert growth.exponent(pixels, [3 * p**power for p in pixels]) == pytest.approx(power)


def test_the_exponent_needs_two_sizes() -> None:
    assert growth.exponent([1.0], [1.0]) is None
    assert growth.exponent([1.0, 4.0], [0.0, 2.0]) is None


def grown(side: int) -> dict:
    n = side * side
    seconds = {"window": 1e-9 * n, "network": 0.4, "finish": 2e-9 * n}
    memory = {"stages": {"window": 4.0 * n, "network": 1e6, "finish": 0.0}}
    return {"side": side, "pixels": n, "threads": 2, "seconds": seconds, "memory": memory}


def test_exponents_are_of_large_pictures_and_growing_stages() -> None:
    rows = [grown(side) for side in (64, 512, 1024, 2048)]
    rows[0]["seconds"]["window"] = 5.0  # what a small call costs by itself
    assert growth.exponents(rows, "seconds") == pytest.approx({"window": 1.0, "finish": 1.0})
    assert growth.exponents(rows, "memory") == pytest.approx({"window": 1.0})


def test_the_plot_is_drawn(tmp_path) -> None:
    pytest.importorskip("matplotlib")
    growth.plot([grown(side) for side in (64, 128, 256)], tmp_path / "deep" / "growth.svg")
    assert (tmp_path / "deep" / "growth.svg").read_text("utf-8").startswith("<?xml")


def test_stages_book_once_and_the_rest_is_what_nobody_booked() -> None:
    class Steps:
        def __init__(self) -> None:
            self.now = 0

        def start(self) -> int:
            self.now += 1
            return self.now

        def stop(self, mark: int) -> float:
            self.now += 10
            return float(self.now - mark)

        def combine(self, one: float, other: float) -> float:
            return one + other

    ledger = stages.Ledger(Steps())
    inner = ledger.of("inner", lambda: 1)
    outer = ledger.of("outer", lambda: inner() + 1)
    assert outer() == 2
    assert ledger.used == {"outer": 10.0}
    outer()
    inner()
    assert ledger.used == {"outer": 20.0, "inner": 10.0}
    assert stages.with_rest(ledger.used, 33.0)[stages.REST] == 3.0
    apart = stages.with_decoding_apart({"network": 5.0, "finish": 1.0}, 0.5)
    assert apart == {"network": 4.5, "decode": 0.5, "finish": 1.0}
    assert stages.share_outside_network(apart) == pytest.approx(0.25)


def test_only_lets_parts_and_pieces_of_names_through() -> None:
    assert wanted("finish", "operators", None)
    assert wanted("joint bilateral, r = 5", "operators", ["joint"])
    assert wanted("finish", "operators", ["operators"])
    assert not wanted("finish", "operators", ["growth"])
    assert not wanted("growth", "growth", ["finish"])
    assert parser().parse_args(["--only", "finish", "--quick"]).only == ["finish"]


def test_the_command_told_can_be_typed(monkeypatch) -> None:
    typed = ["bench", "--only", "f32 → Lab", "--output", "elsewhere", "--publish"]
    monkeypatch.setattr("sys.argv", typed)
    assert command() == """make bench BENCH="--only 'f32 → Lab'\""""
    monkeypatch.setattr("sys.argv", ["bench", "--publish"])
    assert command() == "make bench"


def test_a_run_replaces_its_own_sections_of_the_page_alone(tmp_path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(PAGE.read_text("utf-8"), "utf-8")
    results = {"machine": MACHINE, "command": "make bench", "operators": [row()]}
    made = publish.sections(results)
    assert set(made) == {"operators", "accuracy"}
    assert [name for name, section in made.items() if "Abacus" in section] == ["operators"]
    publish.into_page(page, made)
    publish.into_page(page, made)  # twice changes nothing more
    text = page.read_text("utf-8")
    assert text.count("6.00 (3.0×)") == 1
    assert "Abacus" in text
    assert "By `make bench`" in text
    before = PAGE.read_text("utf-8")
    for name in ("cuda", "end-to-end", "growth"):
        mark = f"<!-- bench:{name} -->"
        assert text.split(mark)[1].split("<!-- /")[0] == before.split(mark)[1].split("<!-- /")[0]


def test_the_page_has_a_place_for_every_section(tmp_path) -> None:
    text = PAGE.read_text("utf-8")
    for name in publish.NAMES:
        assert text.count(f"<!-- bench:{name} -->") == text.count(f"<!-- /bench:{name} -->") == 1
    empty = tmp_path / "empty.md"
    empty.write_text("nothing", "utf-8")
    with pytest.raises(ValueError, match="no section"):
        publish.into_page(empty, {"growth": "text"})
