"""The record of a stack: that of its planes, and how they hang together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from napari_colorize.pipeline.plane import ColouredPlane
from napari_colorize.records.legend import legend
from napari_colorize.records.record import clipped_share, make_record, mean_uncertainty
from napari_colorize.sequences.parameters import StackParameters, reach_of


@dataclass(frozen=True)
class StackFacts:
    """What all planes of a stack have in common.

    Parameters
    ----------
    used : StackParameters
        Resolved, with the window of all planes.
    axis : int or None
    rgb : bool
    planes : int or None
        How many; ``None`` where planes come one after another and their end is not known.
    window_mode : {"automatic", "explicit"}
    source : optional
        As in :func:`napari_colorize.colorize`.
    lazy : bool
        Whether planes are worked out when they are looked at.
    levels : int or None
        Of a pyramid, how many.
    """

    used: StackParameters
    axis: int | None
    rgb: bool
    planes: int | None
    window_mode: str
    source: Any = None
    lazy: bool = False
    levels: int | None = None

    def stack(self, **more: Any) -> dict[str, Any]:
        """Return the part of a record that a single picture does not have."""
        reach = 0 if self.axis is None else reach_of(self.used.consistency)
        return {
            "axis": self.axis,
            "rgb": self.rgb,
            "planes": self.planes,
            "consistency": self.used.consistency,
            "reach": reach,
            **({"levels": self.levels} if self.levels else {}),
            **more,
        }


@dataclass
class Totals:
    """Numbers of many planes, gathered while they pass."""

    planes: int = 0
    nan_count: int = 0
    one_shade: bool = True
    memory: dict[str, None] = field(default_factory=dict)
    sums: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(("outside", "clipped", "moved", "uncertainty"), 0.0)
    )

    def add(self, coloured: ColouredPlane) -> None:
        """Count one plane."""
        self.planes += 1
        self.nan_count += coloured.plane.nan_count
        self.one_shade = self.one_shade and coloured.plane.one_shade
        self.memory.update(dict.fromkeys(coloured.memory))
        self.sums["outside"] += coloured.plane.outside_window
        self.sums["clipped"] += clipped_share(coloured)
        self.sums["moved"] += coloured.moved_share
        self.sums["uncertainty"] += mean_uncertainty(coloured)

    def mean(self, key: str) -> float:
        """Return the mean over the planes."""
        return float(self.sums[key] / max(self.planes, 1))


def plane_record(facts: StackFacts, coloured: ColouredPlane, number: int) -> dict[str, Any]:
    """Return the record of one plane of a stack."""
    record = make_record(coloured, facts.source)
    return with_stack(record, facts.stack(plane=number))


def stack_record(
    facts: StackFacts,
    plane: Mapping[str, Any],
    totals: Totals | None,
    *,
    input_shape: Iterable[int],
    output_shape: Iterable[int],
    cuts: Iterable[Iterable[int]] = (),
) -> dict[str, Any]:
    """Return the record of a whole stack: joint numbers in the places of a plane's own.

    Parameters
    ----------
    facts : StackFacts
    plane : mapping
        The record of any of its planes, from :func:`plane_record`.
    totals : Totals or None
        Of all planes; ``None`` where they are yet to be worked out: their numbers are then null.
    input_shape, output_shape : iterable of int
        Of the whole stack.
    cuts : iterable of indices
        Of the planes that show something else than the plane before them.
    """
    joint_input = {
        "shape": [int(side) for side in input_shape],
        "nan_count": totals.nan_count if totals else None,
        "outside_window": totals.mean("outside") if totals else None,
        "one_shade": totals.one_shade if totals else None,
    }
    joint_output = {
        "shape": [int(side) for side in output_shape],
        "clipped_share": totals.mean("clipped") if totals else None,
        "moved_share": totals.mean("moved") if totals else None,
        "mean_uncertainty": totals.mean("uncertainty") if totals else None,
    }
    whole = {
        **plane,
        "input": {**plane["input"], **joint_input},
        "output": {**plane["output"], **joint_output},
    }
    if totals and totals.memory:
        whole["memory"] = list(totals.memory)
    found = [[int(number) for number in index] for index in cuts] if totals else None
    return with_stack(whole, facts.stack(cuts=found, lazy=facts.lazy))


def channels_record(
    records: Sequence[Mapping[str, Any]],
    *,
    channel_axis: int,
    axis: int | None,
    input_shape: Iterable[int],
) -> dict[str, Any]:
    """Return one record of all channels: the first's, with joint numbers and all windows.

    Parameters
    ----------
    records : sequence of mapping
        Of the channels, from :func:`stack_record`.
    channel_axis, axis : int, int or None
        The axis of the channels and that of z or t, counted in the whole.
    input_shape : iterable of int
        Of the whole.
    """
    first = records[0]
    inputs, outputs, stacks = ([r[key] for r in records] for key in ("input", "output", "stack"))
    shape = list(first["output"]["shape"])
    shape.insert(channel_axis, len(records))
    cuts = None
    if all(stack["cuts"] is not None for stack in stacks):
        cuts = [
            [*cut[:channel_axis], number, *cut[channel_axis:]]
            for number, stack in enumerate(stacks)
            for cut in stack["cuts"]
        ]
    stack = {
        **first["stack"],
        "axis": axis,
        "planes": sum(stack["planes"] for stack in stacks),
        "cuts": cuts,
        "channel_axis": channel_axis,
        "windows": [given["window"] for given in inputs],
    }
    shades = [given["one_shade"] for given in inputs]
    outside, nan_count = _mean(inputs, "outside_window"), _mean(inputs, "nan_count")
    whole = {
        **first,
        "input": {
            **first["input"],
            "shape": [int(side) for side in input_shape],
            "nan_count": None if nan_count is None else round(nan_count * len(records)),
            "outside_window": outside,
            "one_shade": None if None in shades else all(shades),
        },
        "output": {
            **first["output"],
            "shape": shape,
            "clipped_share": _mean(outputs, "clipped_share"),
            "moved_share": _mean(outputs, "moved_share"),
            "mean_uncertainty": _mean(outputs, "mean_uncertainty"),
        },
    }
    return with_stack(whole, stack)


def _mean(parts: Sequence[Mapping[str, Any]], key: str) -> float | None:
    """Return the mean of a number over parts of one size; ``None`` where nobody computed it."""
    values = [part[key] for part in parts]
    return None if None in values else sum(values) / len(values)


def with_stack(record: Mapping[str, Any], stack: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record that says how its planes hang together, with the legend to it."""
    whole = {**record, "stack": dict(stack)}
    return whole | {"legend": legend(whole)}
