"""From results to the sections of docs/performance.md, and into it.

A section of the page stands between ``<!-- bench:NAME -->`` and ``<!-- /bench:NAME -->``. Only the
sections that the results hold are replaced, so that a run on another machine adds its part.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from bench import growth, paths, stages, table
from bench.cases import COLUMNS

NAMES = ("operators", "accuracy", "cuda", "end-to-end", "growth")
QUOTED = (
    "Reviews of the field quote 6.780 s (256²) and 17.413 s (512²) a picture for *Deep "
    "Colorization* (Cheng, Yang, Sheng, ICCV 2015), on machines of their time; no ratio is made of "
    "that."
)
GROWTH_PLOT = "images/growth.svg"


def sections(results: dict[str, Any]) -> dict[str, str]:
    """Return Markdown by section name, for what the results hold."""
    made: dict[str, str] = {}
    rows = results.get("operators", [])
    origin = measured_on(results["machine"], results["command"])
    for name, device in (("operators", "cpu"), ("cuda", "cuda")):
        chosen = [row for row in rows if row["device"] == device]
        if chosen:
            parts = [origin, table.operators_table(chosen, COLUMNS)]
            if below := table.reasons(chosen):
                parts.append("Without a figure:\n\n" + "\n".join(f"* {line}" for line in below))
            made[name] = "\n\n".join(parts)
    if rows:
        made["accuracy"] = "\n\n".join([origin, table.accuracy_table(rows)])
    if results.get("end_to_end"):
        found = table.end_to_end_table(
            results["end_to_end"], (*stages.STAGES, stages.REST), paths.RELEASE
        )
        made["end-to-end"] = "\n\n".join([origin, found, QUOTED])
    if results.get("growth"):
        grown = results["growth"]
        found = table.growth_table(
            grown,
            (*stages.STAGES, stages.REST),
            growth.exponents(grown, "seconds"),
            growth.exponents(grown, "memory"),
        )
        picture = f"![Time and peak memory of each stage against pixels]({GROWTH_PLOT})"
        made["growth"] = "\n\n".join([origin, picture, found])
    return made


def measured_on(machine: dict[str, Any], command: str) -> str:
    """Say on what, when, with which versions and by which command."""
    gpu = f", {machine['gpu']} (CUDA {machine['cuda']})" if "gpu" in machine else ""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return (
        f"Measured {machine['date']} on {machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB{gpu}, {machine['system']}, load {machine['load_before']} "
        f"before the run; napari-colorize {machine['napari-colorize']} ({machine['operators']} "
        f"operators, torch runs {machine['capability']}), Python {machine['python']}, {versions}. "
        f"By `{command}`."
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
