"""The tree of clusters as a picture: sizes, errors and sample pictures of every cluster."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.storage import staged
from napari_colorize.training.arrays import Reference
from napari_colorize.training.deep.references import thumbnail
from napari_colorize.training.deep.tree import Cluster, Tree

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
