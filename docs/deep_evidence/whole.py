"""The whole path, from grey pictures to full-size colour, by the shipped weights."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from deep_evidence.tables import print_scores
from napari_colorize import checkpoints
from napari_colorize.checkpoints import save_checkpoint
from napari_colorize.evaluation.baselines import baselines
from napari_colorize.evaluation.methods import GradedMethod, colorize_method
from napari_colorize.evaluation.report import psnr_distributions
from napari_colorize.evaluation.runner import Grading, grade
from napari_colorize.evaluation.summary import summarise
from napari_colorize.methods.deep.graph import deep_graph
from napari_colorize.parameters import REFINEMENTS

ONE = "one network"
PLAIN = "bilinear"


def distribution(given: argparse.Namespace) -> None:
    """Colour photographs by the shipped weights, with clusters and without; draw the figure."""
    alone = without_clusters("deep", given.work)
    clustered = f"{checkpoints.load('deep').record.options['clusters']} clusters"
    methods = [
        colorize_method("deep", name=ONE, checkpoint=str(alone)),
        colorize_method("deep", name=clustered),
        *(plain for plain in baselines() if plain.name != "random chroma"),
    ]
    scores = graded(methods, given.val, given.work, given.limit)
    print_scores("The whole path", scores, ONE)
    shown = {name: scores["methods"][name] for name in ("grey", ONE, clustered)}
    given.figure.write_text(psnr_distributions(shown), encoding="utf-8")
    print(given.figure)


def refinement(given: argparse.Namespace) -> None:
    """Colour photographs with every refinement but that which only is another one, faster."""
    exact = [name for name in REFINEMENTS if name != "bilateral_grid"]
    names = sorted(exact, key=lambda name: name != PLAIN)
    methods = [colorize_method("deep", name=name, refinement=name) for name in names]
    print_scores("Refinement", graded(methods, given.val, given.work, given.limit), PLAIN)


def without_clusters(checkpoint: str, folder: Path) -> Path:
    """Save weights that have only a checkpoint's first cluster: that of all its pictures."""
    model = checkpoints.load(checkpoint)
    path = folder / f"{model.record.name}-one.safetensors"
    if not path.exists():
        options = {**model.record.options, "clusters": 1}
        record = replace(model.record, name=path.stem, source="imported", options=options)
        of_all = model.graph.state_dict()
        state = {
            name: of_all[name][: len(own)] if own.ndim else of_all[name]
            for name, own in deep_graph(**options).state_dict().items()
        }
        save_checkpoint(state, record, folder)
    return path


def graded(
    methods: Sequence[GradedMethod], images: Path, folder: Path, limit: int | None = None
) -> dict[str, Any]:
    """Grade methods as ``napari-colorize evaluate`` does; a graded picture is not graded again."""
    grading = Grading(methods, [images], limit=limit)
    return summarise(grading, grade(grading, folder / "ledger"))
