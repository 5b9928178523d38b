"""Write docs/model-cards.md from the records of the weights that come with the package.

``make docs`` runs this. A test holds that the page is what the records say.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from napari_colorize.checkpoints.card import card
from napari_colorize.checkpoints.record import CheckpointRecord
from napari_colorize.checkpoints.registry import SHIPPED_RECORDS
from napari_colorize.evaluation.catalogue import BY_KEY

PAGE = Path(__file__).parent / "model-cards.md"

_HEAD = """\
# Model cards

One card for each set of weights that the package brings or offers to fetch, made from its record
by `docs/make_cards.py`: change the record, not this page. `napari-colorize models show NAME` prints
the same card, also for weights of your own; with `--json` the record itself. What the scores mean,
what they reward and how they are fooled is in [Evaluation](evaluation.md); how the weights were
chosen, and what was tried, in [Models](models.md).
"""


def page(records: Iterable[CheckpointRecord]) -> str:
    """Return the page: shipped weights first, by name."""
    ordered = sorted(records, key=lambda record: (record.source != "shipped", record.name))
    return "\n".join([_HEAD, *(card(record, BY_KEY, level=2) for record in ordered)])


def packaged() -> list[CheckpointRecord]:
    """Return the records inside the package, whatever else is on this machine."""
    return [CheckpointRecord.from_json(path) for path in sorted(SHIPPED_RECORDS.glob("*.json"))]


def main() -> None:
    """Write the page and say where it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=PAGE)
    output = parser.parse_args().output
    output.write_text(page(packaged()), encoding="utf-8")
    print(output)


if __name__ == "__main__":
    main()
