r"""Measure what docs/deep-colorization.md says of clusters, descriptors, refinement and stains.

::

    python docs/make_deep_evidence.py --val val.tar --train train-0.tar train-1.tar train-2.tar \
        --stains microscopy.tar --work runs/deep-evidence

prints the page's tables and draws docs/images/deep-psnr.svg. All that is finished stays in the
folder of ``--work``, so that a run that was stopped goes on where it was. ``--part`` names single
parts; ``--limit 100`` grades that many photographs, evenly spread.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from deep_evidence.photographs import clusters, descriptors
from deep_evidence.stains import stains
from deep_evidence.whole import distribution, refinement

FIGURE = Path(__file__).parent / "images" / "deep-psnr.svg"

PARTS: Mapping[str, Callable[[argparse.Namespace], None]] = {
    part.__name__: part for part in (distribution, refinement, clusters, descriptors, stains)
}
LEARN_FROM_PHOTOGRAPHS = ("clusters", "descriptors")


def main() -> None:
    """Measure the parts that were asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--val", type=Path, help="photographs to colour")
    parser.add_argument("--train", type=Path, nargs="+", default=[], help="to learn from")
    parser.add_argument("--stains", type=Path, help="tar with train/ and val/ of stained images")
    parser.add_argument("--work", type=Path, required=True, help="folder of what is finished")
    parser.add_argument("--part", choices=PARTS, action="append", help="instead of all parts")
    parser.add_argument("--limit", type=int, help="colour so many pictures only")
    parser.add_argument("--learn-from", type=int, help="learn from so many pictures only")
    parser.add_argument("--steps", type=int, help="of the trainings")
    parser.add_argument("--figure", type=Path, default=FIGURE)
    given = parser.parse_args()
    parts = given.part or list(PARTS)
    refuse_missing(parser, given, parts)
    given.work.mkdir(parents=True, exist_ok=True)
    for part in parts:
        PARTS[part](given)


def refuse_missing(
    parser: argparse.ArgumentParser, given: argparse.Namespace, parts: list[str]
) -> None:
    """End where a part lacks its pictures, before any part has begun."""
    for part in parts:
        if part == "stains" and not given.stains:
            parser.error("The part stains needs --stains, a tar with train/ and val/.")
        if part != "stains" and not given.val:
            parser.error(f"The part {part} needs --val, the photographs to colour.")
        if part in LEARN_FROM_PHOTOGRAPHS and not given.train:
            parser.error(f"The part {part} needs --train, the photographs to learn from.")


if __name__ == "__main__":
    main()
