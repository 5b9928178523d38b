"""From colour pictures to a graph that colours like them: the whole training but its files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from napari_colorize.methods.deep.daisy import DAISY_DIMENSIONS
from napari_colorize.methods.deep.descriptor import BLOCKS, DeepDescriptor
from napari_colorize.methods.deep.graph import DeepGraph
from napari_colorize.methods.deep.patch import PATCH_DIMENSIONS
from napari_colorize.methods.deep.yuv import luma_to_grey, rgb_to_uv
from napari_colorize.training.callbacks.watching import Watch, refuse_stopped
from napari_colorize.training.deep.pictures import (
    HoldoutScore,
    LearningPreview,
    score,
    seen_at,
    usual_size,
)
from napari_colorize.training.deep.sampled import (
    Descriptors,
    Sampled,
    read_samples,
    sample,
    sample_key,
    write_samples,
)
from napari_colorize.training.deep.semantic import trained_semantic
from napari_colorize.training.deep.settings import DeepSettings, chosen_blocks
from napari_colorize.training.deep.tree import Tree, grow
from napari_colorize.training.tiles import Reference

NEARLY_GREY = 0.02
"""Largest |U|, |V| of a picture without colour."""

_ASKED_FOR_SPREAD = 40

Tick = Callable[[float, str], None]
"""Told the share done, 0…1, and in a few words what comes next; may raise to stop."""


@dataclass(frozen=True, eq=False)
class Learnt:
    """What a training made.

    Parameters
    ----------
    graph
        Filled, in eval mode.
    settings
        As used: size and blocks are chosen.
    tree, sampled
        The clusters, and the pictures they are made of.
    scores
        Of the pictures set aside; ``None`` if there are none.
    stopped
        Somebody had enough of it before its end.
    """

    graph: DeepGraph
    settings: DeepSettings
    tree: Tree
    sampled: Sampled
    scores: HoldoutScore | None
    stopped: bool = False


def learn(
    references: Sequence[Reference],
    settings: DeepSettings,
    *,
    holdout: Sequence[Reference] = (),
    cached: Path | None = None,
    fingerprint: str = "",
    tick: Tick = lambda share, stage: None,
    watch: Watch | None = None,
) -> Learnt:
    """Describe the pictures, grow the tree, fill the graph and score it.

    Parameters
    ----------
    references
        The pictures to learn from, one at least.
    settings
        What to do with them.
    holdout
        Pictures to score on.
    cached
        Where to keep what was sampled, or to take it from if it is of the same pictures and
        settings; nowhere if left out.
    fingerprint
        Of the pictures, for the cache.
    tick
        Progress; what it raises ends the training.
    watch
        Sees error and sample, and may end the training.

    Raises
    ------
    ValueError
        There is no picture, they cannot be read, or they have no colour.
    ModuleNotFoundError
        scikit-learn, or the pretrained classifier, is missing.
    Cancelled
        The watch ended it, and nothing had been learnt or nothing was to be kept.
    """
    watch = watch or Watch()
    if not references:
        raise ValueError("There is no picture to learn from; give one in colour at least.")
    tick(0.0, "looking at the pictures")
    settings = replace(
        settings,
        size=settings.size or usual_size(references),
        blocks=chosen_blocks(settings, len(references)),
    )
    descriptor = DeepDescriptor(trained_semantic(settings.semantic_classes), settings.blocks)
    descriptor.eval()
    key = sample_key(settings, fingerprint)
    sampled = read_samples(cached, key, references) if cached else None
    if sampled is None:
        sampled = sample(
            references,
            lambda luma: describe(descriptor, luma),
            rgb_to_uv,
            settings,
            blocks=block_sizes(settings),
            tick=_describing(tick, watch),
        )
        if cached:
            write_samples(sampled, cached, key)
    refuse_grey(sampled)
    preview = LearningPreview(descriptor, [*holdout, *references], settings.size, watch)

    def growing(share: float, stage: str) -> None:
        refuse_stopped(watch)
        tick(0.6 + 0.3 * share, stage)

    tree = grow(sampled, settings, tick=growing, looked=preview.look, enough=watch.enough)
    graph = filled(descriptor, tree, settings)
    preview.look_at_graph(graph)
    tick(0.9, "measuring disagreement")
    set_spread(graph, references, settings)
    scores = None
    stopped = watch.enough()
    if holdout and not stopped:

        def scoring(share: float) -> None:
            refuse_stopped(watch)
            tick(0.92 + 0.08 * share, "scoring pictures that were set aside")

        scores = score(graph, holdout, references, settings.size, tick=scoring)
    refuse_stopped(watch)
    tick(1.0, "done")
    return Learnt(graph, settings, tree, sampled, scores, stopped)


def _describing(tick: Tick, watch: Watch) -> Callable[[float], None]:
    def told(share: float) -> None:
        refuse_stopped(watch, nothing_yet=True)
        tick(0.6 * share, "describing the pictures")

    return told


def block_sizes(settings: DeepSettings) -> list[int]:
    """Sizes of the blocks of the descriptor, in its order."""
    sizes = (PATCH_DIMENSIONS, DAISY_DIMENSIONS, settings.semantic_classes)
    named = zip(BLOCKS, sizes, strict=True)
    return [size for block, size in named if block in settings.blocks]


@torch.no_grad()
def describe(descriptor: DeepDescriptor, luma: Tensor) -> Descriptors:
    """Describe one picture (1, 1, h, w), L*: every pixel, and the whole."""
    gist, histogram, fine = descriptor(luma)
    rows = descriptor.rows(luma_to_grey(luma), fine, 0, luma.shape[2])
    return Descriptors(rows[0], gist[0], histogram[0])


def filled(descriptor: DeepDescriptor, tree: Tree, settings: DeepSettings) -> DeepGraph:
    """Put a tree's networks, centres and histograms into a graph."""
    clusters = tree.clusters
    graph = DeepGraph(descriptor, len(clusters), settings.hidden_layers)
    graph.networks.load_state_dict(tree.networks.state_dict())
    graph.centres.copy_(torch.stack([cluster.centre for cluster in clusters]))
    graph.histograms.copy_(torch.stack([cluster.histogram for cluster in clusters]))
    return graph.eval().requires_grad_(False)


@torch.no_grad()
def set_spread(graph: DeepGraph, references: Sequence[Reference], settings: DeepSettings) -> None:
    """Let the usual disagreement on the pictures learnt from count as an uncertainty of one half.

    The graph says u = d / (d + spread); with a spread of 1, d = u / (1 − u).
    """
    if graph.networks.clusters == 1:
        return  # nobody disagrees
    graph.spread.fill_(1.0)
    found = []
    for index in np.linspace(0, len(references) - 1, _ASKED_FOR_SPREAD).astype(int):
        try:
            seen = seen_at(references[index].read(), settings.size)
        except ValueError:
            continue
        luma = torch.from_numpy(seen.lightness)[None, None]
        _, uncertainty = graph(luma, torch.ones(()), torch.ones(()))
        found.append((uncertainty / (1 - uncertainty)).flatten()[::16])
    graph.spread.copy_(torch.cat(found).median().clamp(min=1e-4))


def refuse_grey(sampled: Sampled) -> None:
    """Raise where no picture has a colour that is plainly not grey."""
    strongest = sampled.chrominance.abs().amax(1)
    if float(strongest.amax()) <= NEARLY_GREY:
        raise ValueError(
            f"All of the {len(sampled.references)} pictures are grey, so there is no colour to "
            "learn. Give pictures in colour; they are made grey here."
        )
