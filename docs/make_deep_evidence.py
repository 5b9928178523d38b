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
import json
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import wilcoxon

from napari_colorize import checkpoints
from napari_colorize.checkpoints import save_checkpoint
from napari_colorize.evaluation import bootstrap
from napari_colorize.evaluation.baselines import baselines, with_chroma
from napari_colorize.evaluation.colour import to_lab
from napari_colorize.evaluation.figures import psnr_distributions
from napari_colorize.evaluation.methods import GradedMethod, colorize_method
from napari_colorize.evaluation.runner import Grading, grade
from napari_colorize.evaluation.summary import summarise
from napari_colorize.methods.deep.descriptor import BLOCKS
from napari_colorize.methods.deep.graph import deep_graph
from napari_colorize.parameters import REFINEMENTS
from napari_colorize.training.deep import ablation, cache
from napari_colorize.training.deep.learning import learn
from napari_colorize.training.deep.record import make_record
from napari_colorize.training.deep.references import usual_size
from napari_colorize.training.deep.run import drawn
from napari_colorize.training.deep.settings import DeepSettings, chosen_blocks
from napari_colorize.training.deep.tree import grow, picture_psnr
from napari_colorize.training.pictures import find_pictures, fingerprint, included, split_holdout
from napari_colorize.training.recipe_files import load_recipe

FIGURE = Path(__file__).parent / "images" / "deep-psnr.svg"
ONE, ALL = "one network", ", ".join(BLOCKS)
PLAIN = "bilinear"

Row = Sequence[str | float]


def main() -> None:
    """Measure the parts that were asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--val", type=Path, required=True, help="photographs to colour")
    parser.add_argument("--train", type=Path, nargs="+", default=[], help="to learn from")
    parser.add_argument("--stains", type=Path, help="tar with train/ and val/ of stained images")
    parser.add_argument("--work", type=Path, required=True, help="folder of what is finished")
    parser.add_argument("--part", choices=PARTS, action="append", help="instead of all parts")
    parser.add_argument("--limit", type=int, help="grade so many photographs only")
    parser.add_argument("--learn-from", type=int, help="learn from so many stained images only")
    parser.add_argument("--steps", type=int, help="of the trainings on stained images")
    parser.add_argument("--figure", type=Path, default=FIGURE)
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    for part in given.part or PARTS:
        PARTS[part](given)


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
    """Colour photographs with every refinement."""
    names = sorted(REFINEMENTS, key=lambda name: name != PLAIN)
    methods = [colorize_method("deep", name=name, refinement=name) for name in names]
    print_scores("Refinement", graded(methods, given.val, given.work, given.limit), PLAIN)


def clusters(given: argparse.Namespace) -> None:
    """Learn from photographs by one network and by clusters of networks, and colour others."""
    photographs = Photographs(given)
    found = photographs.remembered("clusters", lambda: _with_clusters(photographs))
    rows = [(name, _mean(own), told_difference(own, found[ONE])) for name, own in found.items()]
    columns = ("Networks", "PSNR, dB", f"against {ONE}")
    print_table(f"Clusters, pixels of {len(found[ONE])} photographs", columns, rows)


def _with_clusters(photographs: Photographs) -> dict[str, list[float]]:
    learnt, val = photographs.learnt, photographs.val
    settings = replace(photographs.settings, trust=1.0)
    tree = grow(learnt, settings)
    centres = torch.stack([cluster.centre for cluster in tree.clusters])
    histograms = torch.stack([cluster.histogram for cluster in tree.clusters])
    everything = np.arange(len(val.references))
    networks = {
        f"{len(tree.clusters)} clusters, from noise": ablation.from_noise(learnt, tree, settings),
        **{f"trust {share}": ablation.trusted(tree.networks, share) for share in (1.0, 0.5, 0.3)},
    }
    shipped: Any = checkpoints.load("deep").graph
    told = (shipped.networks, shipped.centres, shipped.histograms)
    of_shipped = ablation.candidate_psnr(val, *told)
    found = {
        ONE: picture_psnr(val, everything, tree.networks, 0),
        **{
            name: ablation.candidate_psnr(val, own, centres, histograms)[:, 0]
            for name, own in networks.items()
        },
        "as shipped": of_shipped[:, 0],
        "as shipped, the best of three": of_shipped.max(1),
        "grey": ablation.constant_psnr(val, torch.zeros(2)),
        "one constant colour": ablation.constant_psnr(val, learnt.chrominance.mean(0)),
    }
    return {name: own.tolist() for name, own in found.items()}


def descriptors(given: argparse.Namespace) -> None:
    """Learn from photographs by every choice of blocks."""
    photographs = Photographs(given)
    chosen = [blocks for size in (1, 2, 3) for blocks in combinations(BLOCKS, size)]
    found = {
        ", ".join(blocks): photographs.remembered(
            ", ".join(blocks), lambda blocks=blocks: _with_blocks(photographs, blocks)
        )
        for blocks in chosen
    }
    rows = [
        (
            *(name, _mean(own["val"]), told_difference(own["val"], found[ALL]["val"])),
            float(np.median(own["learnt"])),
        )
        for name, own in found.items()
    ]
    columns = ("Blocks", "PSNR on val", f"against {ALL}", "learnt from (median)")
    print_table("Descriptors", columns, rows)


def _with_blocks(photographs: Photographs, blocks: Sequence[str]) -> dict[str, list[float]]:
    learnt = ablation.only_blocks(photographs.learnt, blocks)
    val = ablation.only_blocks(photographs.val, blocks)
    tree = grow(learnt, replace(photographs.settings, layers=1))
    everything = np.arange(len(val.references))
    return {
        "val": picture_psnr(val, everything, tree.networks, 0).tolist(),
        "learnt": tree.clusters[0].psnr.tolist(),
    }


STAINS = {
    "as by default": DeepSettings(),
    "25 pictures a cluster": DeepSettings(pictures_a_cluster=25, threshold=-100.0, layers=2),
    "the same, trust 1": DeepSettings(pictures_a_cluster=25, threshold=-100.0, layers=2, trust=1.0),
}
"""Trainings on stained images: clusters as they come, and more of them, which nothing leaves."""


def stains(given: argparse.Namespace) -> None:
    """Learn from stained images, and colour others of the same two collections."""
    truths = unpacked(given.stains, "val", given.work / "stains")
    paths = [trained(given, number, settings) for number, settings in enumerate(STAINS.values())]
    alone = without_clusters(str(paths[0]), given.work)
    learnt = mean_colour(given.stains)
    deep = [
        colorize_method("deep", name=f"{name}, {_counted(path)}", checkpoint=str(path))
        for name, path in zip(STAINS, paths, strict=True)
    ]
    methods = [
        colorize_method("deep", name=ONE, checkpoint=str(alone)),
        *deep,
        colorize_method("colorful", name="colorful-stain", checkpoint="colorful-stain"),
        colorize_method("colorful"),
        GradedMethod(
            "mean colour of what was learnt from",
            lambda grey: with_chroma(grey, np.broadcast_to(learnt, (*grey.shape, 2))),
            {"ab": learnt.round(3).tolist()},
            "baseline",
        ),
        *(plain for plain in baselines() if plain.name == "grey"),
    ]
    print_scores("Stained images", graded(methods, truths, given.work, given.limit), ONE)


def trained(given: argparse.Namespace, number: int, settings: DeepSettings) -> Path:
    """Learn from the stained images for training; return the weights."""
    weights = given.work / f"stains-{number}.safetensors"
    if not weights.exists():
        pictures = included(find_pictures([given.stains]), ["train/*"])
        training, holdout = split_holdout(pictures, min(settings.holdout, len(pictures) // 10))
        seen, cached = fingerprint(pictures), given.work / f"stains-{cache.FILE}"
        size, pixels = usual_size(training), settings.samples // len(training)
        training = training[: given.learn_from]
        blocks = chosen_blocks(settings, len(training))
        settings = replace(settings, size=size, blocks=blocks, steps=given.steps or settings.steps)
        if not cached.exists():
            folder = given.work / "stains-train"
            sampled = ablation.described(training, settings, pixels, folder, at_once=25)
            sampled = ablation.only_blocks(sampled, blocks)
            cache.write(sampled, cached, cache.key_of(settings, seen))
        learnt = learn(training, settings, holdout=holdout, cached=cached, fingerprint=seen)
        data = [{"name": given.stains.name, "licence": "not stated"}]
        record = make_record(learnt, weights.stem, data=data, fingerprint=seen, hours=None)
        save_checkpoint(learnt.graph.state_dict(), record, given.work)
    return weights


def _counted(weights: Path) -> str:
    clusters = checkpoints.load(weights).record.options["clusters"]
    return "1 cluster" if clusters == 1 else f"{clusters} clusters"


def mean_colour(stained: Path) -> np.ndarray:
    """Mean a and b, (2,), of the stained images for training."""
    pictures = included(find_pictures([stained]), ["train/*"])
    return np.mean([to_lab(picture.read())[..., 1:].mean((0, 1)) for picture in pictures], axis=0)


def unpacked(archive: Path, prefix: str, folder: Path) -> Path:
    """Unpack the files of an archive whose name begins so into a folder, without their folders."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            path = folder / Path(member.name).name
            if member.isfile() and member.name.startswith(prefix) and not path.exists():
                path.write_bytes(tar.extractfile(member).read())  # type: ignore[union-attr]
    return folder


class Photographs:
    """Photographs to learn from, as the shipped weights did, and to colour: pixels of both."""

    def __init__(self, given: argparse.Namespace) -> None:
        self._given = given
        self._file = given.work / "photographs.json"
        self.settings = replace(load_recipe("deep-photos", {}, "deep"), blocks=BLOCKS)

    @cached_property
    def learnt(self) -> ablation.Sampled:
        """The pixels to learn from."""
        pictures = drawn(find_pictures(self._given.train), self.settings)
        training, _ = split_holdout(pictures, self.settings.holdout)
        pixels = self.settings.samples // len(training)
        return ablation.described(training, self.settings, pixels, self._given.work / "train")

    @cached_property
    def val(self) -> ablation.Sampled:
        """The pixels to colour, 1,024 of each picture."""
        pictures = find_pictures([self._given.val])
        return ablation.described(pictures, self.settings, 1024, self._given.work / "val")

    def remembered(self, name: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return what a comparison found, worked out once."""
        known = json.loads(self._file.read_text()) if self._file.exists() else {}
        if name not in known:
            known[name] = work()
            self._file.write_text(json.dumps(known))
        return known[name]


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


def print_scores(heading: str, scores: Mapping[str, Any], reference: str) -> None:
    """Print PSNR and error of each method, and how far they lie from one of them."""

    def psnr(name: str) -> list[float]:
        return scores["methods"][name]["per_picture"]["psnr"]["value"]

    rows = [
        (
            *(name, _mean(psnr(name)), float(np.median(psnr(name)))),
            *(method["scores"]["rmse_ab"]["value"], told_difference(psnr(name), psnr(reference))),
        )
        for name, method in scores["methods"].items()
    ]
    columns = ("", "PSNR, dB", "median", "RMSE of ab", f"PSNR against {reference}")
    print_table(f"{heading}, {scores['pictures']['count']} pictures", columns, rows)


def told_difference(values: Sequence[float], reference: Sequence[float]) -> str:
    """Say how far values lie from others: mean, 95 % interval, Wilcoxon's signed-rank test."""
    difference = np.asarray(values) - np.asarray(reference)
    if not difference.any():
        return ""
    counts = bootstrap.draw_counts(len(difference))
    found = bootstrap.estimate_ratio(difference, np.ones(len(difference)), counts)
    better, worse = (100 * np.mean(sign * difference > 0) for sign in (1, -1))
    return (
        f"{found.value:+.3f} ({found.low:+.3f} … {found.high:+.3f}), better in {better:.0f} %, "
        f"worse in {worse:.0f} %, p = {wilcoxon(difference).pvalue:.1g}"
    )


def print_table(heading: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Print a table in Markdown."""
    print(f"\n{heading}\n\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for row in rows:
        print(f"| {' | '.join(f'{c:.2f}' if isinstance(c, float) else c for c in row)} |")


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


PARTS: Mapping[str, Callable[[argparse.Namespace], None]] = {
    part.__name__: part for part in (distribution, refinement, clusters, descriptors, stains)
}

if __name__ == "__main__":
    main()
