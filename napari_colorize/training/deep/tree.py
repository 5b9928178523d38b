"""Adaptive image clustering: layers of clusters, each left by what it learnt well (Cheng 2015).

The first layer is one cluster of all pictures. A picture's error is the negative PSNR of its own
cluster's network; pictures below the threshold leave, and the others are clustered again by
k-means on their global descriptors. So later layers are left with what the earlier could not learn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import torch
from torch import Tensor

from napari_colorize.methods.deep.graph import ClusterNetworks
from napari_colorize.training.callbacks.watching import nothing_learnt
from napari_colorize.training.deep.fitting import (
    LOOKS,
    Pixels,
    fit,
    joined,
    move_towards,
    new_networks,
    repeated,
)
from napari_colorize.training.deep.sampled import Sampled
from napari_colorize.training.deep.settings import DeepSettings

FEWEST_TO_CLUSTER = 10
"""Pictures that must be left for a further layer."""

_FEWEST_TO_CHECK_BY_PICTURE = 4

Looked = Callable[[ClusterNetworks, int, float, float | None], None]
"""``looked(networks, step, learnt, checked)``; see `grow`."""


@dataclass(frozen=True, eq=False)
class Cluster:
    """Pictures that share a network.

    Parameters
    ----------
    pictures
        (m,) int64: their numbers in `Sampled`.
    psnr
        (m,) float64, dB: how well the network colours each.
    centre
        (G,) float32: mean global descriptor.
    histogram
        (N,) float32: mean share of each semantic class.
    """

    pictures: np.ndarray
    psnr: np.ndarray
    centre: Tensor
    histogram: Tensor


@dataclass(frozen=True, eq=False)
class Tree:
    """Layers of clusters, and the networks of all clusters in that order.

    Parameters
    ----------
    layers
        The clusters of each layer.
    networks
        The networks of all clusters, layer after layer.
    """

    layers: tuple[tuple[Cluster, ...], ...]
    networks: ClusterNetworks

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        """All clusters, layer after layer: the order of the networks."""
        return tuple(cluster for layer in self.layers for cluster in layer)


def grow(
    sampled: Sampled,
    settings: DeepSettings,
    *,
    tick: Callable[[float, str], None] = lambda share, stage: None,
    looked: Looked = lambda networks, step, learnt, checked: None,
    enough: Callable[[], bool] = lambda: False,
) -> Tree:
    """Cluster, fit, remove what is learnt, and begin again with the rest.

    Parameters
    ----------
    sampled
        The pictures.
    settings
        Layers, sizes, threshold, seed and all that the fitting needs.
    tick
        Told the share done, 0…1, and what comes next; may raise to stop.
    looked
        Told at every look the networks that are being fitted, the steps taken in all layers, and
        the errors as `fitting.fit` tells them.
    enough
        Asked before every step; once it is true, the tree ends with the last finished layer, or
        with the best so far of the first.

    Raises
    ------
    ModuleNotFoundError
        scikit-learn is missing.
    Cancelled
        It was enough before the first look.
    """
    left = np.arange(len(sampled.references))
    layers: list[tuple[Cluster, ...]] = []
    fitted: list[ClusterNetworks] = []
    for depth in range(settings.layers):
        groups = [left] if depth == 0 else _clustered(sampled, left, settings, depth)
        stage = f"fitting layer {depth + 1}, {_counted(len(groups), 'cluster')}"

        def told(share: float, depth: int = depth, stage: str = stage) -> None:
            tick((depth + share) / settings.layers, stage)

        networks = _begun(sampled, fitted, len(groups), settings)
        taken = fit(
            networks,
            split(sampled, groups, settings, depth),
            settings,
            tick=told,
            looked=_counting_on(looked, networks, depth * settings.steps),
            enough=enough,
        )
        if taken < settings.steps:
            if fitted:
                break
            if taken < settings.steps / LOOKS:
                raise nothing_learnt()
        if fitted:
            move_towards(networks, fitted[0], settings.trust)
        layer = tuple(
            _cluster(sampled, group, networks, number) for number, group in enumerate(groups)
        )
        layers.append(layer)
        fitted.append(networks)
        left = np.sort(np.concatenate([_not_learnt(cluster, settings) for cluster in layer]))
        if len(left) < FEWEST_TO_CLUSTER or taken < settings.steps:
            break
    return Tree(tuple(layers), joined(fitted))


def split(
    sampled: Sampled, groups: Sequence[np.ndarray], settings: DeepSettings, depth: int
) -> Pixels:
    """Part the pixels of each cluster into those it is fitted to and those it is chosen by.

    By picture where there are four or more, at least one; else the lowest rows of each: pixels
    beside each other are alike, and random ones would hide that a network knows them by heart.
    """
    fitted, checked = [], []
    for number, group in enumerate(groups):
        random = np.random.default_rng((settings.seed, depth, number))
        if len(group) >= _FEWEST_TO_CHECK_BY_PICTURE:
            order = random.permutation(group)
            count = ceil(settings.check_share * len(group))
            checked.append(sampled.rows(order[:count]))
            fitted.append(sampled.rows(order[count:]))
        else:
            parts = [_parted(sampled.rows([p]), settings.check_share) for p in group]
            fitted.append(torch.cat([upper for upper, _ in parts]))
            checked.append(torch.cat([lower for _, lower in parts]))
    return Pixels(sampled.descriptors, sampled.chrominance, fitted, checked)


def _parted(rows: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Part one picture's pixels, which are sampled from the top down."""
    count = round(share * len(rows))
    return rows[: len(rows) - count], rows[len(rows) - count :]


@torch.no_grad()
def picture_psnr(
    sampled: Sampled, pictures: np.ndarray, networks: ClusterNetworks, number: int
) -> np.ndarray:
    """PSNR, dB, of each picture's sampled pixels under one of the networks."""
    found = []
    index = torch.tensor([number])
    for picture in pictures:
        rows = slice(int(sampled.first[picture]), int(sampled.first[picture + 1]))
        predicted = networks.predict(sampled.descriptors[rows].float().T, index)[0].T
        found.append(float(psnr(squared_error(predicted, sampled.chrominance[rows]).mean())))
    return np.array(found)


def _counting_on(
    looked: Looked, networks: ClusterNetworks, before: int
) -> Callable[[int, float, float | None], None]:
    return lambda step, learnt, checked: looked(networks, before + step, learnt, checked)


def _begun(
    sampled: Sampled, fitted: Sequence[ClusterNetworks], clusters: int, settings: DeepSettings
) -> ClusterNetworks:
    """Later networks start from the first: a cluster of few pictures knows too little alone."""
    if fitted:
        return repeated(fitted[0], clusters)
    return new_networks(
        clusters, sampled.descriptors, sampled.blocks, settings.hidden_layers, settings.seed
    )


def _cluster(
    sampled: Sampled, group: np.ndarray, networks: ClusterNetworks, number: int
) -> Cluster:
    rows = torch.from_numpy(group)
    return Cluster(
        pictures=group,
        psnr=picture_psnr(sampled, group, networks, number),
        centre=sampled.gist[rows].mean(0),
        histogram=sampled.histogram[rows].mean(0),
    )


def _not_learnt(cluster: Cluster, settings: DeepSettings) -> np.ndarray:
    return cluster.pictures[-cluster.psnr >= settings.threshold]


def _clustered(
    sampled: Sampled, left: np.ndarray, settings: DeepSettings, depth: int
) -> list[np.ndarray]:
    """k-means on the global descriptors; k so that clusters have the wanted size on average."""
    from sklearn.cluster import KMeans

    gist = sampled.gist[torch.from_numpy(left)].double().numpy()
    wanted = round(len(left) / settings.pictures_a_cluster)
    k = int(np.clip(wanted, 1, min(settings.most_clusters, len(np.unique(gist, axis=0)))))
    labels = KMeans(k, n_init=4, random_state=settings.seed + depth).fit_predict(gist)
    groups = [left[labels == label] for label in range(k)]
    return sorted((group for group in groups if len(group)), key=len, reverse=True)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


RGB_OF_UV = ((0.0, 1.14), (-0.39, -0.58), (2.03, 0.0))
"""What a unit of U and of V adds to R, G and B (the paper's released code)."""


def squared_error(predicted: Tensor, true: Tensor) -> Tensor:
    """Mean squared RGB error of each pixel that wrong chrominance brings about.

    Parameters
    ----------
    predicted, true
        (..., 2) U and V of colours in [0, 1].

    Returns
    -------
    Tensor
        (...), in squares of the range [0, 1], averaged over the three channels.
    """
    matrix = torch.tensor(RGB_OF_UV, dtype=predicted.dtype, device=predicted.device)
    return ((predicted - true) @ matrix.T).square().mean(-1)


def psnr(mean_squared: Tensor) -> Tensor:
    """Peak signal-to-noise ratio, dB, of mean squared errors of colours in [0, 1]."""
    return -10 * mean_squared.clamp(min=1e-10).log10()
