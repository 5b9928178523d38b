"""How time and memory of our path grow with the picture: rows, the fit, and the plot."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench import machine, paths, stages
from bench.clock import Effort, in_a_line
from bench.end_to_end import GRID, once
from bench.memory import peak_of
from bench.progress import note

SIDES: tuple[int, ...] = (64, 128, 256, 512, 1024, 2048, 4096, 8192)
QUICK: tuple[int, ...] = (64, 128, 256, 512)
STRAIGHT_FROM = 512
"""Side from which the fit is made: below, what a call costs by itself hides the growth."""
FIXED = ("network", "decode")
"""Stages whose work is bounded by `network_size`, not by the picture."""
# Okabe and Ito's colours, which the colour-blind can tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")


def rows(sides: Sequence[int], *, threads: int, effort: Effort) -> Iterator[dict[str, Any]]:
    """Yield a JSON-able row for each side: median seconds and peak bytes of every stage."""
    machine.use_threads(threads)
    path = paths.make(paths.OURS)
    decode = stages.decode_seconds(GRID, GRID)
    for side in sides:
        note(f"growth, {side}²")
        grey = paths.picture(side, side)
        once(path, grey)
        runs: list[dict[str, float]] = []
        while len(runs) < effort.least or (
            sum(sum(run.values()) for run in runs) < effort.budget and len(runs) < effort.most
        ):
            runs.append(once(path, grey).stages)
        seconds = {
            stage: statistics.median(run.get(stage, 0.0) for run in runs)
            for stage in {stage for run in runs for stage in run}
        }
        try:
            memory: dict[str, Any] = peak_of(paths.OURS, side, side)
        except RuntimeError as error:
            memory = {"missing": in_a_line(error)}
        yield {
            **{"side": side, "pixels": side * side, "threads": threads, "repeats": len(runs)},
            "seconds": stages.with_decoding_apart(seconds, decode),
            "memory": memory,
        }


def exponent(pixels: Sequence[float], values: Sequence[float]) -> float | None:
    """Return k of the best fit values ∝ pixels^k, on logarithms; 1 is a straight line.

    None where fewer than two pairs are above 0.
    """
    pairs = [
        (math.log(x), math.log(y)) for x, y in zip(pixels, values, strict=True) if x > 0 and y > 0
    ]
    if len({x for x, _ in pairs}) < 2:
        return None
    return statistics.linear_regression(*zip(*pairs, strict=True)).slope


def series(
    grown: Sequence[dict[str, Any]], kind: str
) -> dict[str, tuple[list[float], list[float]]]:
    """Return pixels and values of each stage; `kind` is ``"seconds"`` or ``"memory"``."""
    lines: dict[str, tuple[list[float], list[float]]] = {}
    for row in grown:
        values = row["seconds"] if kind == "seconds" else row["memory"].get("stages", {})
        for stage in (*stages.STAGES, stages.REST):
            if values.get(stage, 0) > 0:
                pixels, found = lines.setdefault(stage, ([], []))
                pixels.append(row["pixels"])
                found.append(values[stage])
    return lines


def exponents(grown: Sequence[dict[str, Any]], kind: str) -> dict[str, float | None]:
    """Return each growing stage's exponent, over pictures of `STRAIGHT_FROM`² and more."""
    large = [row for row in grown if row["side"] >= STRAIGHT_FROM]
    lines = series(large, kind)
    return {stage: exponent(*line) for stage, line in lines.items() if stage not in FIXED}


def plot(grown: Sequence[dict[str, Any]], target: Path) -> None:
    """Draw time and memory against pixels, both axes logarithmic; the suffix decides the format.

    Raises
    ------
    ImportError
        Matplotlib is not installed.
    """
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "napari-colorize"  # the same picture, the same file
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    for ax, (kind, scale, label) in zip(
        axes, (("seconds", 1e3, "time (ms)"), ("memory", 2**-20, "peak memory (MiB)")), strict=True
    ):
        names = (*stages.STAGES, stages.REST)
        for stage, (pixels, values) in series(grown, kind).items():
            colour = COLOURS[names.index(stage)]
            ax.loglog(pixels, [v * scale for v in values], "o-", ms=4, color=colour, label=stage)
        if ax.lines:
            ends = [ax.lines[-1].get_xdata()[0], ax.lines[-1].get_xdata()[-1]]
            last = ax.lines[-1].get_ydata()[-1]
            ax.loglog(ends, [last * ends[0] / ends[1], last], ":", color="0.6", label="∝ pixels")
            ax.legend(fontsize=8, frameon=False)
        ax.set_xlabel("pixels")
        ax.set_ylabel(label)
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(alpha=0.2)
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, metadata={"Date": None} if target.suffix == ".svg" else None)
    plt.close(figure)
