"""What each part of the method is worth: the same pictures, described once, learnt in other ways.

``docs/make_deep_evidence.py`` makes the tables of ``docs/deep-colorization.md`` with these.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from napari_colorize.files.pictures import Picture, fingerprint_of_names
from napari_colorize.methods.deep.descriptor import BLOCKS, DeepDescriptor
from napari_colorize.methods.deep.graph import CANDIDATES, ClusterNetworks, ranked
from napari_colorize.methods.deep.yuv import rgb_to_uv
from napari_colorize.training.deep.fitting import fit, joined, move_towards, new_networks, repeated
from napari_colorize.training.deep.learning import block_sizes, describe
from napari_colorize.training.deep.sampled import (
    Sampled,
    read_samples,
    sample,
    sample_key,
    write_samples,
)
from napari_colorize.training.deep.semantic import trained_semantic
from napari_colorize.training.deep.settings import DeepSettings
from napari_colorize.training.deep.tree import Tree, picture_psnr, psnr, split, squared_error

AT_ONCE = 100
"""Pictures described between two writings to the disk."""


def described(
    pictures: Sequence[Picture],
    settings: DeepSettings,
    pixels: int,
    folder: Path,
    *,
    at_once: int = AT_ONCE,
) -> Sampled:
    """Describe pictures by all blocks and keep some pixels of each; remember them on the disk.

    Parameters
    ----------
    pictures
        At least one.
    settings
        Seed, size and number of semantic classes; its ``size`` must be chosen already.
    pixels
        Kept of each picture.
    folder
        Made if needed. What it holds of the same pictures and settings is not done again.
    at_once
        Pictures described between two writings to it.
    """
    settings = replace(settings, blocks=BLOCKS, samples=10**9, most_samples_a_picture=pixels)
    descriptor = DeepDescriptor(trained_semantic(settings.semantic_classes), BLOCKS).eval()
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for begin in range(0, len(pictures), at_once):
        some = pictures[begin : begin + at_once]
        path, key = (
            folder / f"{begin}.safetensors",
            sample_key(settings, fingerprint_of_names(some)),
        )
        part = read_samples(path, key, some)
        if part is None:
            part = sample(
                some,
                lambda luma: describe(descriptor, luma),
                rgb_to_uv,
                settings,
                blocks=block_sizes(settings),
            )
            write_samples(part, path, key)
        parts.append(part)
    return merged(parts)


def merged(parts: Sequence[Sampled]) -> Sampled:
    """Put what was sampled of several groups of pictures one after the other."""
    counts = torch.cat([part.first.diff() for part in parts])
    return Sampled(
        descriptors=torch.cat([part.descriptors for part in parts]),
        chrominance=torch.cat([part.chrominance for part in parts]),
        first=torch.cat((torch.zeros(1, dtype=torch.long), counts.cumsum(0))),
        gist=torch.cat([part.gist for part in parts]),
        histogram=torch.cat([part.histogram for part in parts]),
        blocks=parts[0].blocks,
        references=tuple(picture for part in parts for picture in part.references),
        unreadable=tuple(name for part in parts for name in part.unreadable),
    )


def only_blocks(sampled: Sampled, blocks: Sequence[str]) -> Sampled:
    """Keep some of the blocks of descriptors that have all of them."""
    parts = dict(zip(BLOCKS, sampled.descriptors.split(list(sampled.blocks), 1), strict=True))
    return replace(
        sampled,
        descriptors=torch.cat([parts[block] for block in blocks], 1),
        blocks=tuple(parts[block].shape[1] for block in blocks),
    )


def one_network(networks: ClusterNetworks) -> ClusterNetworks:
    """Return the network of all pictures alone: the first of a tree's, as no clustering has it."""
    alone = ClusterNetworks(1, networks.inputs, len(networks.hidden) + 1)
    state = networks.state_dict()
    alone.load_state_dict({key: state[key][: len(own)] for key, own in alone.state_dict().items()})
    return alone


def trusted(networks: ClusterNetworks, share: float) -> ClusterNetworks:
    """Return a tree's networks with only a share of the way that each went from the first.

    Parameters
    ----------
    networks
        Of a tree that was grown with a ``trust`` of 1.
    share
        0…1: the ``trust`` wanted. Other than in a training, the clusters stay what they are.
    """
    moved = deepcopy(networks).requires_grad_(False)
    move_towards(moved, repeated(one_network(networks), networks.clusters), share)
    return moved


def from_noise(sampled: Sampled, tree: Tree, settings: DeepSettings) -> ClusterNetworks:
    """Fit each of a tree's clusters anew, not starting from the network of all pictures.

    Nearest to the paper, which tells of no common start (Cheng 2015, section 3.3).
    """
    layers = [one_network(tree.networks)]
    for depth, layer in enumerate(tree.layers[1:], 1):
        groups = [cluster.pictures for cluster in layer]
        networks = new_networks(
            *(len(groups), sampled.descriptors, sampled.blocks),
            *(settings.hidden_layers, settings.seed),
        )
        fit(networks, split(sampled, groups, settings, depth), settings)
        layers.append(networks)
    return joined(layers)


def candidate_psnr(
    sampled: Sampled, networks: ClusterNetworks, centres: Tensor, histograms: Tensor
) -> np.ndarray:
    """PSNR of other pictures under the clusters that the method would choose for them.

    Parameters
    ----------
    sampled
        The pictures, M of them.
    networks, centres, histograms
        Of K clusters, as a `DeepGraph` holds them.

    Returns
    -------
    numpy.ndarray
        (M, min(3, K)) float64, dB, over the sampled pixels: the chosen cluster first.
    """
    order = ranked(sampled.gist, sampled.histogram, centres, histograms, CANDIDATES)
    return np.array(
        [
            [picture_psnr(sampled, np.array([i]), networks, number)[0] for number in candidates]
            for i, candidates in enumerate(order.tolist())
        ]
    )


def constant_psnr(sampled: Sampled, colour: Tensor) -> np.ndarray:
    """PSNR, (M,) dB, of one colour, (2,) U and V, everywhere; grey is (0, 0)."""
    pictures = sampled.chrominance.split(sampled.first.diff().tolist())
    return np.array([float(psnr(squared_error(colour, true).mean())) for true in pictures])
