"""Teach the shipped Colorful weights to listen, and ship what listens.

``python docs/make_listener.py PICTURES.tar... --out runs/hints --features FOLDER`` trains by the
recipe ``hints`` (or goes on where it was stopped, or takes a run that is finished) and writes
``colorful-listening`` into the package. Run it again whenever ``colorful`` is replaced: what
listens belongs to one file of weights, by its hash, and nothing hears with another. Then write the
cards (``python docs/make_cards.py``) and the tables of docs/guided.md
(``python docs/make_guided_evidence.py``) anew.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from napari_colorize.checkpoints import CheckpointRecord, registry
from napari_colorize.training import train
from napari_colorize.training.description import hardware
from napari_colorize.training.publish import publish

NAME = "colorful-listening"


def ship(run: Path, many: int) -> CheckpointRecord:
    """Write a finished run into the package, all of the network borrowed from ``colorful``."""
    import torch

    base = registry.record("colorful")
    told = json.loads((run / "run.json").read_text(encoding="utf-8"))
    own = json.loads(next((run / "checkpoint").glob("*.json")).read_text(encoding="utf-8"))
    features = told["recipe"].get("features")
    if features:  # a folder of this machine
        told["recipe"]["features"] = ""
        (run / "run.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
    return publish(
        run,
        NAME,
        registry.SHIPPED_RECORDS,
        weights_directory=registry.SHIPPED_WEIGHTS,
        overwrite=True,
        lender=(base.file, "network.", "network."),
        defaults=base.defaults,
        scores=base.scores,  # without hints it gives the same pixels; a test holds that
        data=[{"name": f"{many:,} of the photographs of `colorful`", "licence": "see that record"}],
        source="shipped",
        hours=own["hours"],
        hardware=hardware(torch.device("cpu"), 1),
        intended_use="Beside `colorful`, where hints or a reference say what colour things have. "
        "Without them it predicts what `colorful` does, whose scores these are. Predicted colour "
        "is not a measurement.",
        known_failures=(
            *base.known_failures,
            "A hint may reach things that only look alike: say 'as predicted' or 'neutral' there.",
            "Colours that are far from any photograph spread less far than likely ones.",
        ),
        licence=base.licence,
    )


def main() -> None:
    """Train if need be, and ship."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", nargs="+", type=Path, help="tar archives or folders")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--features", default="", help="looks of the trunk that are there already")
    parser.add_argument("--include", nargs="*", default=[], help="patterns of pictures' names")
    parser.add_argument("--seen", type=int, help="pictures of earlier runs too, for the record")
    asked = parser.parse_args()
    if not (asked.out / "graph.pt").exists():
        changes = {"features": asked.features, "include": asked.include}
        train("hints", asked.pictures, asked.out, changes=changes, resume=True)
    told = json.loads((asked.out / "run.json").read_text(encoding="utf-8"))
    record = ship(asked.out, asked.seen or told["training_pictures"])
    print(f"{record.name}: {record.size_bytes:,} bytes, SHA-256 {record.sha256}")


if __name__ == "__main__":
    main()
