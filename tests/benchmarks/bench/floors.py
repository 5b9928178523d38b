"""What each operator was asked to reach, and whether it did: the project's floors and goals.

Floors are of the operators at their published sizes; goals are of the whole path.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench import paths, stages, table
from bench.clock import ratio


@dataclass(frozen=True)
class Floor:
    """One demand on an operator at a size, with the most threads measured.

    Parameters
    ----------
    operator, size : str
        As in the table of operators.
    against : str
        A peer's column, ``"limit"``, ``"error"`` or ``"time"``.
    least : float
        Peer: how many times our time it takes at least. Limit: its share of our time at least, 0…1.
        Error and time (seconds): what ours is at the most.
    stretch : float, optional
        The same, what would be better still.
    device : str
    """

    operator: str
    size: str
    against: str
    least: float
    stretch: float | None = None
    device: str = "cpu"

    @property
    def at_most(self) -> bool:
        """Whether smaller is better."""
        return self.against in ("error", "time")


def _colour() -> Iterator[Floor]:
    to_lab, to_rgb = "sRGB f32 → Lab", "Lab → sRGB f32"
    yield Floor(to_lab, "4096²", "OpenCV", 2.3, 3.5)
    yield Floor(to_lab, "4096²", "torch.compile", 10)
    yield Floor(to_lab, "4096²", "scikit-image", 60)
    yield Floor(to_lab, "4096²", "error", 2.5e-4)
    yield Floor(to_rgb, "4096²", "OpenCV", 1.5, 2.0)
    yield Floor(to_rgb, "4096²", "torch.compile", 9)
    yield Floor(to_rgb, "4096²", "error", 1e-5)
    yield Floor("sRGB uint8 → Lab", "4096²", "OpenCV", 4.5)
    yield Floor("Lab → sRGB uint8", "4096²", "OpenCV", 2.2)
    for name in (to_lab, to_rgb):
        yield Floor(name, "4096²", "time", 0.16e-3, device="cuda")


def _encoding() -> Iterator[Floor]:
    yield Floor("soft encode, sparse", "40×64²", "cKDTree", 70)
    yield Floor("soft encode, sparse", "40×64²", "cdist + topk", 400)
    yield Floor("soft encode, dense", "40×64²", "ball tree", 15)
    yield Floor("soft encode, dense", "40×64²", "limit", 0.85)
    yield Floor("annealed mean", "313×256²", "torch.compile", 12, 20)
    yield Floor("annealed mean", "313×256²", "limit", 1 / 3.2, 1 / 2)
    yield Floor("soft encode, dense", "40×64²", "time", 85e-6, device="cuda")
    yield Floor("annealed mean", "313×256²", "time", 36e-6, device="cuda")


def _bilateral() -> Iterator[Floor]:
    for radius, seconds in ((5, 0.05e-3), (10, 0.18e-3), (20, 0.7e-3)):
        name = f"joint bilateral, r = {radius}"
        for size in ("1024²", "2048²"):
            yield Floor(name, size, "OpenCV", 10, 15)
            yield Floor(name, size, "OpenCV uint8", 5.5)
            yield Floor(name, size, "kornia", 15)
            yield Floor(name, size, "limit", 0.4, 0.6)
        yield Floor(name, "2048²", "error", 1e-3)
        yield Floor(name, "1024²", "time", seconds, device="cuda")


FLOORS: tuple[Floor, ...] = (*_colour(), *_encoding(), *_bilateral())


def lines(rows: Sequence[dict[str, Any]], device: str) -> list[list[str]]:
    """Return a line for each floor and kind of outputs that the rows tell something about."""
    chosen = [row for row in rows if row["device"] == device]
    most = max((row["threads"] or 0 for row in chosen), default=0)
    found = []
    for floor in (floor for floor in FLOORS if floor.device == device):
        for row in chosen:
            if (row["operator"], row["size"]) != (floor.operator, floor.size):
                continue
            if (row["threads"] or 0) == most:
                found.append(_line(floor, row))
    return found


def as_table(rows: Sequence[dict[str, Any]], device: str = "cpu") -> str:
    """Lay out the floors beside what was found; empty where no row has a floor."""
    made = lines(rows, device)
    header = ["operator", "size", "output", "against", "floor", "found", "verdict", "stretch"]
    return table.markdown(header, made) if made else ""


def value_of(floor: Floor, row: dict[str, Any]) -> float | None:
    """Return what the row says about the floor, in the floor's unit; None where it says nothing."""
    ours = table.best(row, table.OURS)
    if ours is None:
        return None
    if floor.against == "time":
        return ours[1]
    if floor.against == "error":
        return row["errors"]["of"].get(ours[0])
    if floor.against == "limit":
        return ratio(row["limit"]["seconds"], ours[1]) if row["limit"] else None
    peer = table.best(row, floor.against)
    return ratio(peer[1], ours[1]) if peer else None


def verdict(floor: Floor, value: float | None) -> str:
    """Say whether the floor is met, and by how much it is missed if not."""
    if value is None:
        return "no figure"
    share = floor.least / value if floor.at_most else value / floor.least
    return "met" if share >= 1 else f"missed by {100 * (1 - share):.0f} %"


def at_the_limit(floor: Floor, row: dict[str, Any]) -> float | None:
    """Return how many times the limit's own time a peer needs; None if the floor is of no peer."""
    peer = table.best(row, floor.against)
    return ratio(peer[1], row["limit"]["seconds"]) if peer and row["limit"] else None


def _said(floor: Floor, row: dict[str, Any], value: float | None) -> str:
    """Return the verdict; where the machine's limit would miss a floor too, that stands with it."""
    said = verdict(floor, value)
    most = at_the_limit(floor, row)
    if not said.startswith("missed") or most is None or most >= floor.least:
        return said
    return f"{said} (the {row['limit']['kind']} alone: {table.times(most)})"


def _line(floor: Floor, row: dict[str, Any]) -> list[str]:
    value = value_of(floor, row)
    limit = row["limit"]["kind"] if row["limit"] else "limit"
    against = {"limit": limit, "error": "float64", "time": "time"}.get(floor.against, floor.against)
    shown = [_shown(floor, row, each) for each in (floor.least, value, floor.stretch)]
    place = [floor.operator, floor.size, row["output"], against]
    return [*place, shown[0], shown[1], _said(floor, row, value), shown[2]]


def _shown(floor: Floor, row: dict[str, Any], value: float | None) -> str:
    if value is None:
        return table.NOTHING
    if floor.against == "error":
        return f"{value:.1e} {row['errors']['unit']}"
    if floor.against == "time":
        return f"{table.milliseconds(value)} ms"
    return table.percent(value) if floor.against == "limit" else table.times(value)


MOST_OUTSIDE, MOST_EXTRA = 0.10, 3.0
"""Goals of the whole path: share of the time outside the network, extra bytes a byte."""


def goals(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Say of each of our paths whether the goals are met, with the most threads measured."""
    most = max((row["threads"] for row in rows), default=0)
    said = []
    for row in rows:
        if row["threads"] != most or row["path"] == paths.RELEASE:
            continue
        if row["job"] == "2048²":
            outside = stages.share_outside_network(row["stages"]) or 0.0
            met = "met" if outside <= MOST_OUTSIDE else "missed"
            said.append(
                f"{row['path']}, 2048²: {table.percent(outside)} of the time is not the network's; "
                f"the goal of at most {table.percent(MOST_OUTSIDE)} is {met}."
            )
        if row["job"] == "12 MP" and "extra" in row["memory"]:
            extra = row["memory"]["extra"]
            met = "met" if extra < MOST_EXTRA else "missed"
            said.append(
                f"{row['path']}, 12 MP: {extra:.2f} bytes beside picture and results for each byte "
                f"of the picture; the goal of below {MOST_EXTRA:.0f} is {met}."
            )
    return said
