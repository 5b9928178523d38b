"""What a checkpoint of Deep Colorization tells about itself: settings, data, tree and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from napari_colorize.checkpoints import CheckpointRecord
from napari_colorize.storage import slug
from napari_colorize.training import description
from napari_colorize.training.deep.learning import Learnt
from napari_colorize.training.deep.tree import Cluster, Tree

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
        "hardware": description.hardware(torch.device("cpu"), 1),
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
