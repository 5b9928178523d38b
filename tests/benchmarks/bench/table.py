"""From measured rows to tables: Markdown that is readable in a terminal, too."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.clock import ratio
from bench.stages import share_outside_network

NOTHING = "–"
OURS = "ours"
TEXT_COLUMNS = (
    "operator",
    "size",
    "threads",
    "output",
    "picture",
    "path",
    "contender",
    "against",
    "verdict",
)


def markdown(header: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """Lay out a table with columns of even width; numbers stand on the right."""
    rows = [list(header), *(list(row) for row in body)]
    widths = [max(3, *(len(row[i]) for row in rows)) for i in range(len(header))]
    left = [name in TEXT_COLUMNS for name in header]

    def line(row: Sequence[str]) -> str:
        cells = (
            cell.ljust(width) if to_left else cell.rjust(width)
            for cell, width, to_left in zip(row, widths, left, strict=True)
        )
        return f"| {' | '.join(cells)} |"

    rule = (
        "-" * w if to_left else "-" * (w - 1) + ":" for w, to_left in zip(widths, left, strict=True)
    )
    return "\n".join([line(rows[0]), f"| {' | '.join(rule)} |", *map(line, rows[1:])])


def milliseconds(seconds: float | None) -> str:
    """Return three significant figures of a time in ms."""
    return NOTHING if seconds is None else significant(seconds * 1e3)


def significant(value: float) -> str:
    """Return three significant figures without an exponent, thousands parted by a space."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(digits, 6)}f}".replace(",", " ")


def times(value: float | None) -> str:
    """Return a ratio as 2.9×, 12×."""
    return NOTHING if value is None else f"{value:.1f}×" if value < 10 else f"{value:.0f}×"


def percent(value: float | None) -> str:
    """Return a share of 0…1 in per cent."""
    return NOTHING if value is None else f"{100 * value:.0f} %"


def best(row: dict[str, Any], column: str) -> tuple[str, float] | None:
    """Return the fastest contender of a column in a row, and its seconds."""
    found = [(c["seconds"], name) for name, c in row["cells"].items() if c["column"] == column]
    return min(found)[::-1] if found else None


def operators_table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> str:
    """One line a row: ours in ms, each peer in ms and its ratio to ours, share of the limit, error.

    Columns without any figure or reason are left out. The ratio is peer / ours.
    """
    used = [c for c in columns if any(_mentions(row, c) for row in rows)]
    header = ["operator", "size", "threads", "output", "ours, ms"]
    body = [_operator_line(row, used) for row in rows]
    return markdown([*header, *used, "of limit", "error of ours", "faults of ours"], body)


def _operator_line(row: dict[str, Any], columns: Sequence[str]) -> list[str]:
    ours = best(row, OURS)
    own = ours[1] if ours else None
    line = [row["operator"], row["size"], str(row["threads"] or NOTHING), row["output"]]
    line.append(milliseconds(own))
    for column in columns:
        peer = best(row, column)
        line.append(f"{milliseconds(peer[1])} ({times(ratio(peer[1], own))})" if peer else NOTHING)
    limit = row["limit"]
    share = ratio(limit["seconds"], own) if limit else None
    line.append(f"{percent(share)} {limit['kind']}" if share is not None else NOTHING)
    error = row["errors"]["of"].get(ours[0]) if ours else None
    line.append(NOTHING if error is None else f"{error:.1e} {row['errors']['unit']}")
    line.append(f"{row['cells'][ours[0]]['faults']:.0f}" if ours and row["threads"] else NOTHING)
    return line


def _mentions(row: dict[str, Any], column: str) -> bool:
    told = (*row["cells"].values(), *row["missing"].values())
    return any(entry["column"] == column for entry in told)


def accuracy_table(rows: Sequence[dict[str, Any]]) -> str:
    """Largest error of every contender against float64: one line an operator and contender."""
    body, seen = [], set()
    for row in rows:
        if row["operator"] in seen:
            continue
        seen.add(row["operator"])
        errors = row["errors"]
        body += [
            [row["operator"], errors["size"], name, f"{value:.1e} {errors['unit']}"]
            for name, value in errors["of"].items()
        ]
    return markdown(["operator", "size", "contender", "largest error"], body)


def reasons(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Say why figures are missing, once each: peer, reason, where."""
    where: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for name, entry in row["missing"].items():
            places = where.setdefault((name, entry["why"]), [])
            place = f"{row['operator']} {row['size']}"
            if place not in places:
                places.append(place)
    return [
        f"{name}: {why} ({', '.join(places) if len(places) < 4 else f'{len(places)} sizes'})"
        for (name, why), places in where.items()
    ]


def end_to_end_table(rows: Sequence[dict[str, Any]], stages: Sequence[str], slowest: str) -> str:
    """Milliseconds of each stage and path, the share outside the network, memory, the ratio."""
    whole = {(row["job"], row["threads"], row["path"]): row["seconds"] for row in rows}
    header = ["picture", "path", "threads", *stages, "whole, ms", "not network"]
    body = []
    for row in rows:
        of_stage = row["stages"]
        outside = share_outside_network(of_stage)
        reference = whole.get((row["job"], row["threads"], slowest))
        memory = row["memory"]
        body.append(
            [
                *(_picture(row), row["path"], str(row["threads"])),
                *(milliseconds(of_stage.get(stage)) for stage in stages),
                *(milliseconds(row["seconds"]), percent(outside)),
                times(ratio(reference, row["seconds"])),
                mebibytes(memory.get("peak")),
                NOTHING if "extra" not in memory else f"{memory['extra']:.2f}",
            ]
        )
    return markdown([*header, f"{slowest} / this", "peak, MiB", "extra B / B"], body)


def _picture(row: dict[str, Any]) -> str:
    """Name the picture; of a stack, say how many planes of it were run."""
    planes = row.get("planes", 1)
    return row["job"] if planes == 1 else f"{row['job']}, a plane of {planes}"


def quoted_table(
    rows: Sequence[dict[str, Any]], quoted: Mapping[str, float], names: Sequence[str]
) -> str:
    """Seconds that others quote beside each path's, with the most threads; empty without any."""
    most = max((row["threads"] for row in rows), default=0)
    ours = {(r["job"], r["path"]): r["seconds"] for r in rows if r["threads"] == most}
    body = [
        [job, f"{seconds:.3f}", *(_seconds(ours.get((job, name))) for name in names)]
        for job, seconds in quoted.items()
        if any((job, name) in ours for name in names)
    ]
    header = ["picture", "Deep Colorization, quoted, s", *(f"{name}, s" for name in names)]
    return markdown(header, body) if body else ""


def _seconds(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.3f}"


def mebibytes(value: float | None) -> str:
    """Return bytes in MiB, three significant figures."""
    return NOTHING if value is None else significant(value / 2**20)


def growth_table(
    rows: Sequence[dict[str, Any]],
    stages: Sequence[str],
    time_exponents: dict[str, float | None],
    memory_exponents: dict[str, float | None],
) -> str:
    """Milliseconds and peak MiB of each stage at each size; exponents of the growth below."""
    header = ["size", "threads", *stages, *(f"{stage}, MiB" for stage in stages)]
    body = []
    for row in rows:
        memory = row["memory"].get("stages", {})
        body.append(
            [
                *(f"{row['side']}²", str(row["threads"])),
                *(milliseconds(row["seconds"].get(stage)) for stage in stages),
                *(mebibytes(memory.get(stage)) for stage in stages),
            ]
        )
    fitted = [
        *(_fitted(time_exponents.get(stage)) for stage in stages),
        *(_fitted(memory_exponents.get(stage)) for stage in stages),
    ]
    return markdown(header, [*body, ["growth", NOTHING, *fitted]])


def _fitted(exponent: float | None) -> str:
    return NOTHING if exponent is None else f"∝ n^{exponent:.2f}"
