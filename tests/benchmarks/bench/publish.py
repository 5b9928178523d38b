"""From results to the sections of docs/performance.md, and into it.

A section of the page stands between ``<!-- bench:NAME -->`` and ``<!-- /bench:NAME -->``. Only the
sections that the results hold are replaced, so that a run on another machine adds its part.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import floors, growth, paths, scale, stages, table
from bench.cases import COLUMNS

NAMES = ("operators", "floors", "accuracy", "cuda", "end-to-end", "growth", "scale")
SAME_RUN = ("floors", "accuracy")
"""Sections of what another section shows, which says where it was measured."""
QUOTED = {"256²": 6.780, "512²": 17.413}
"""Seconds a picture that reviews of the field quote for Deep Colorization."""
GROWTH_PLOT = "images/growth.svg"


def sections(results: dict[str, Any]) -> dict[str, str]:
    """Return Markdown by section name, for what the results hold."""
    origin = measured_on(results["machine"], results["command"], results.get("minutes"))
    made = {
        **_operators(results.get("operators", [])),
        **_end_to_end(results.get("end_to_end", [])),
        **_growth(results.get("growth", [])),
        **({"scale": scale.as_table(results["scale"])} if results.get("scale") else {}),
    }
    told = {name: section for name, section in made.items() if name in SAME_RUN}
    return {name: f"{origin}\n\n{section}" for name, section in made.items()} | told


def _operators(rows: Sequence[dict[str, Any]]) -> dict[str, str]:
    made: dict[str, str] = {}
    for name, device in (("operators", "cpu"), ("cuda", "cuda")):
        chosen = [row for row in rows if row["device"] == device]
        if chosen:
            parts = [table.operators_table(chosen, COLUMNS)]
            if below := table.reasons(chosen):
                parts.append("Without a figure:\n\n" + "\n".join(f"* {line}" for line in below))
            if device == "cuda" and (asked := floors.as_table(chosen, device)):
                parts.append(asked)
            made[name] = "\n\n".join(parts)
    if asked := floors.as_table(rows):
        made["floors"] = asked
    if rows:
        made["accuracy"] = table.accuracy_table(rows)
    return made


def _end_to_end(rows: Sequence[dict[str, Any]]) -> dict[str, str]:
    if not rows:
        return {}
    parts = [table.end_to_end_table(rows, (*stages.STAGES, stages.REST), paths.RELEASE)]
    if goals := floors.goals(rows):
        parts.append("\n".join(f"* {goal}" for goal in goals))
    if beside := table.quoted_table(rows, QUOTED, tuple(paths.PATHS)):
        parts += [
            "Reviews of the field quote these seconds a picture for *Deep Colorization* (Cheng, "
            "Yang, Sheng, ICCV 2015), on machines of their time, so that no ratio is made of it:",
            beside,
        ]
    return {"end-to-end": "\n\n".join(parts)}


def _growth(rows: Sequence[dict[str, Any]]) -> dict[str, str]:
    if not rows:
        return {}
    found = table.growth_table(
        rows,
        (*stages.STAGES, stages.REST),
        growth.exponents(rows, "seconds"),
        growth.exponents(rows, "memory"),
    )
    picture = f"![Time and peak memory of each stage against pixels]({GROWTH_PLOT})"
    return {"growth": f"{picture}\n\n{found}"}


def measured_on(machine: dict[str, Any], command: str, minutes: float | None = None) -> str:
    """Say on what, when, with which versions and by which command."""
    gpu = f", {machine['gpu']} (CUDA {machine['cuda']})" if "gpu" in machine else ""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return (
        f"Measured {machine['date']} on {machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB{gpu}, {machine['system']}, load {machine['load_before']} "
        f"before the run; napari-colorize {machine['napari-colorize']} ({machine['operators']} "
        f"operators, torch runs {machine['capability']}), Python {machine['python']}, {versions}. "
        f"By `{command}`{'' if minutes is None else f', {minutes:.0f} minutes in all'}."
    )


def into_page(page: Path, made: dict[str, str]) -> None:
    """Replace the sections of a page; the others stay as they are.

    Raises
    ------
    ValueError
        The page has no such section.
    """
    text = page.read_text("utf-8")
    for name, section in made.items():
        marks = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
        pattern = re.compile(f"{re.escape(marks[0])}.*?{re.escape(marks[1])}", re.DOTALL)
        if not pattern.search(text):
            raise ValueError(f"{page} has no section between {marks[0]} and {marks[1]}.")
        block = f"{marks[0]}\n\n{section}\n\n{marks[1]}"
        text = pattern.sub(lambda _, block=block: block, text)  # type: ignore[misc]
    page.write_text(text, "utf-8")


def write_all(results: dict[str, Any], page: Path) -> None:
    """Write the page's sections and the picture that one of them shows."""
    made = sections(results)
    if "growth" in made:
        growth.plot(results["growth"], page.parent / GROWTH_PLOT)
    into_page(page, made)
