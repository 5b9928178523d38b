"""What a training of Deep Colorization tells about itself: the checkpoint's record, and a picture.

The record says settings, data, tree and scores. The picture shows the tree of clusters: sizes,
errors and sample pictures of every cluster.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_colorize.checkpoints import CheckpointRecord
from napari_colorize.storage import slug, staged
from napari_colorize.training import run_folder
from napari_colorize.training.deep.learning import Learnt
from napari_colorize.training.deep.pictures import thumbnail
from napari_colorize.training.deep.tree import Cluster, Tree
from napari_colorize.training.tiles import Reference

SAMPLES = 3
"""Pictures shown of a cluster: those nearest to its centre."""

_SIDE = 96
_ACROSS = 8


def draw_tree(
    tree: Tree, gist: NDArray[np.float32], references: Sequence[Reference], path: str | Path
) -> None:
    """Write the tree as a PNG: a row of clusters for each layer, with three pictures of each.

    Parameters
    ----------
    tree
        What to draw.
    gist
        (M, G) global descriptor of every picture: the three nearest to the centre are shown.
    references
        The M pictures; those shown are read again.
    path
        Where to write, whole or not at all.

    Raises
    ------
    ModuleNotFoundError
        matplotlib is missing.
    """
    from matplotlib.figure import Figure

    path = Path(path)
    lines = [
        (depth, layer[start : start + _ACROSS])
        for depth, layer in enumerate(tree.layers)
        for start in range(0, len(layer), _ACROSS)
    ]
    across = max(len(clusters) for _, clusters in lines)
    figure = Figure(figsize=(1.0 + 1.55 * max(across, 2), 0.1 + 0.78 * len(lines)), dpi=100)
    axes = figure.subplots(len(lines), across, squeeze=False)
    for row, (depth, clusters) in zip(axes, lines, strict=True):
        for place in row:
            place.set_axis_off()
        row[0].text(
            *(-0.12, 0.5, f"layer {depth + 1}"),
            transform=row[0].transAxes,
            rotation=90,
            va="center",
            ha="right",
            fontsize=8,
        )
        for place, cluster in zip(row, clusters, strict=False):
            _draw_cluster(place, cluster, nearest(cluster, gist, references))
    figure.subplots_adjust(0.06, 0.02, 0.99, 0.99 - 0.16 / len(lines), 0.08, 0.42)
    with staged([path], overwrite=True) as [part]:
        figure.savefig(part, format="png")


def nearest(
    cluster: Cluster, gist: NDArray[np.float32], references: Sequence[Reference]
) -> list[NDArray[np.uint8]]:
    """Return small squares of the (up to three) pictures nearest to a cluster's centre."""
    distance = np.linalg.norm(gist[cluster.pictures] - cluster.centre.numpy(), axis=1)
    found: list[NDArray[np.uint8]] = []
    for index in np.argsort(distance, kind="stable"):
        if len(found) == SAMPLES:
            break
        try:
            found.append(thumbnail(references[cluster.pictures[index]].read(), _SIDE))
        except ValueError:
            continue  # gone since it was learnt from; the next one will do
    return found


def _draw_cluster(axes: Any, cluster: Cluster, pictures: Sequence[NDArray[np.uint8]]) -> None:
    empty = [np.full((_SIDE, _SIDE, 3), 255, np.uint8)] * (SAMPLES - len(pictures))
    axes.imshow(np.concatenate([*pictures, *empty], axis=1))
    axes.set_title(f"{len(cluster.pictures)} · {np.median(cluster.psnr):.1f} dB", fontsize=7, pad=2)


INTENDED_USE = (
    "Pictures of the kind it learnt from, to look at. Predicted colour is no measurement."
)
KNOWN_FAILURES = (
    "Pictures of another kind than those it learnt from: one of its clusters is chosen all the "
    "same.",
    "Colours that grey texture and context do not tell come out as their mean, often brownish.",
)


def checkpoint_name(text: str) -> str:
    """Return a text as a checkpoint's name may be: lower case, digits, ``.``, ``_`` and ``-``."""
    return slug(text, "trained")


def told_tree(tree: Tree, threshold: float) -> list[dict[str, Any]]:
    """Return the tree as a record tells it: for each layer, its clusters' sizes and errors.

    ``median_psnr`` and ``lowest_psnr`` are dB over a cluster's own pictures; ``learnt`` counts
    those whose negative PSNR is below the threshold, which left the next layer.
    """
    return [
        {
            "pictures": sum(len(cluster.pictures) for cluster in layer),
            "learnt": int(sum((-cluster.psnr < threshold).sum() for cluster in layer)),
            "clusters": [_told_cluster(cluster) for cluster in layer],
        }
        for layer in tree.layers
    ]


def make_record(
    learnt: Learnt,
    name: str,
    *,
    data: Sequence[Mapping[str, str]],
    fingerprint: str,
    hours: float | None,
    **facts: Any,
) -> CheckpointRecord:
    """Write down a training.

    Parameters
    ----------
    learnt
        What came out of it.
    name
        What users call the checkpoint.
    data
        The pictures' sources, each with ``name`` and ``licence``.
    fingerprint
        Of the pictures: two trainings with the same saw the same.
    hours
        Wall-clock time.
    **facts
        Further fields of `CheckpointRecord`, over those chosen here.
    """
    settings, sampled = learnt.settings, learnt.sampled
    recipe = {
        **settings.to_dict(),
        "data_fingerprint": fingerprint,
        "training_pictures": len(sampled.references),
        "unreadable_pictures": len(sampled.unreadable),
        "sampled_pixels": len(sampled.descriptors),
        "torch": torch.__version__,
        "tree": told_tree(learnt.tree, settings.threshold),
        **({"stopped_early": True} if learnt.stopped else {}),
    }
    known: dict[str, Any] = {
        "source": "imported",
        "intended_use": INTENDED_USE,
        "known_failures": KNOWN_FAILURES,
        "hardware": run_folder.hardware(torch.device("cpu"), 1),
        "scores": learnt.scores.to_dict() if learnt.scores else {},
    }
    return CheckpointRecord(
        name=name,
        method="deep",
        architecture="deep",
        options={
            "clusters": learnt.graph.networks.clusters,
            "groups": settings.semantic_classes,
            "blocks": list(settings.blocks),
            "hidden_layers": settings.hidden_layers,
        },
        recipe=recipe,
        seed=settings.seed,
        # Neither temperature nor vividness has an effect on this method.
        defaults={"temperature": 1.0, "vividness": 0.0, "network_size": settings.size},
        data=tuple(data),
        hours=hours,
        **{**known, **facts},
    )


def _told_cluster(cluster: Cluster) -> dict[str, Any]:
    return {
        "pictures": len(cluster.pictures),
        "median_psnr": round(float(np.median(cluster.psnr)), 2),
        "lowest_psnr": round(float(cluster.psnr.min()), 2),
    }
