"""Measure, print the tables, keep the figures as JSON, and publish them if asked to."""

from __future__ import annotations

import argparse
import json
import logging
import os
import shlex
import sys
import warnings
from pathlib import Path
from typing import Any

from bench import end_to_end, growth, machine, operators, progress, publish, scale
from bench.cases import COLUMNS
from bench.clock import Effort

PARTS = ("operators", "end-to-end", "growth", "scale")
ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "performance.md"


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    made.add_argument("--quick", action="store_true", help="small sizes and few repeats")
    made.add_argument(
        "--only",
        metavar="NAME",
        action="append",
        help=f"a part ({', '.join(PARTS)}) or whatever an operator's name holds; may be repeated",
    )
    made.add_argument("--largest", type=int, metavar="SIDE", help="leave out larger pictures")
    made.add_argument("--threads", type=int, nargs="+", metavar="N", help="default: 1 2")
    made.add_argument(
        "--skip", action="append", default=[], choices=COLUMNS, help="leave out a peer"
    )
    made.add_argument("--budget", type=float, metavar="SECONDS", help="for the repeats of one call")
    made.add_argument(
        "--patience", type=float, metavar="SECONDS", default=20.0, help="longest call to show"
    )
    made.add_argument("--output", type=Path, default=ROOT / "build" / "bench", metavar="FOLDER")
    made.add_argument("--publish", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    made.add_argument("--render", type=Path, metavar="JSON", help="measure nothing, use these")
    return made


def main() -> None:
    """Run what the command line asks for."""
    asked = parser().parse_args()
    if asked.render:
        results = json.loads(asked.render.read_text("utf-8"))
    else:
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        logging.getLogger("torch._dynamo").setLevel(logging.ERROR)  # the twins' checks break graphs
        results = measure(asked)
        keep(results, asked.output)
    for name, section in publish.sections(results).items():
        print(f"\n## {name}\n\n{section}")
    if asked.publish:
        publish.write_all(results, PAGE)
        print(f"\nWritten into {PAGE}.", file=sys.stderr)


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Measure the parts asked for."""
    effort = Effort(budget=asked.budget or 0.6, patience=asked.patience)
    if asked.quick:
        effort = Effort(budget=asked.budget or 0.1, most=5, patience=min(asked.patience, 5.0))
    threads = asked.threads or [1, 2]
    results: dict[str, Any] = {"command": command(), "machine": machine.describe()}
    chosen = [o for o in operators.OPERATORS if wanted(o.name, "operators", asked.only)]
    results["operators"] = list(
        operators.rows(
            chosen,
            quick=asked.quick,
            threads=threads,
            effort=effort,
            skip=asked.skip,
            largest=asked.largest,
        )
    )
    if wanted("end-to-end", "end-to-end", asked.only):
        jobs = end_to_end.QUICK if asked.quick else end_to_end.JOBS
        largest = asked.largest or float("inf")
        jobs = tuple(job for job in jobs if max(job.height, job.width) <= largest)
        results["end_to_end"] = list(end_to_end.rows(jobs, threads=threads, effort=effort))
    if wanted("growth", "growth", asked.only):
        sides = growth.QUICK if asked.quick else growth.SIDES
        sides = tuple(side for side in sides if side <= (asked.largest or side))
        results["growth"] = list(growth.rows(sides, threads=max(threads), effort=effort))
    if wanted("scale", "scale", asked.only):
        volume = scale.QUICK if asked.quick else (scale.PLANES, scale.SIDE)
        results["scale"] = list(scale.rows(*volume))
    results["minutes"] = round(progress.elapsed() / 60, 1)
    return results


def wanted(name: str, part: str, only: list[str] | None) -> bool:
    """Whether ``--only`` lets something through: by its part, or by a piece of its name."""
    return not only or any(o == part or (o not in PARTS and o in name) for o in only)


def keep(results: dict[str, Any], folder: Path) -> None:
    """Write the figures and the plot of the growth into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False), "utf-8")
    if results.get("growth"):
        growth.plot(results["growth"], folder / "growth.svg")
    print(f"Figures: {folder / 'results.json'}", file=sys.stderr)


def command() -> str:
    """Return the command that measures the same, wherever its figures went."""
    kept = iter(sys.argv[1:])
    arguments = []
    for argument in kept:
        if argument == "--output":
            next(kept, None)
        elif argument != "--publish":
            arguments.append(argument)
    return f'make bench BENCH="{shlex.join(arguments)}"' if arguments else "make bench"


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
