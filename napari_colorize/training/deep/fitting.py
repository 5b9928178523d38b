"""Least squares for the networks of all clusters at once (Cheng 2015, §3.1).

Ours, since the paper is silent: AdamW on random pixels, its rate falling along a half cosine, and
of twenty looks at pixels that were not fitted each cluster keeps its best network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from napari_colorize.methods.deep.graph import ClusterNetworks
from napari_colorize.training.deep.settings import DeepSettings

LOOKS = 20
"""How often the pixels that are not fitted are looked at."""

_LOOKED_AT = 4096
_MEASURED = 100_000
_SMALLEST_DEVIATION = 1e-5


@dataclass(frozen=True, eq=False)
class Pixels:
    """Sampled pixels and which of them each cluster may use.

    Parameters
    ----------
    descriptors
        (S, D) float16 or float32.
    chrominance
        (S, 2) float32: U and V.
    fitted, checked
        For each cluster the rows that it is fitted to and chosen by. An empty `checked` keeps
        the last network.
    """

    descriptors: Tensor
    chrominance: Tensor
    fitted: Sequence[Tensor]
    checked: Sequence[Tensor]

    def of(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Descriptors (K, D, B) and chrominance (K, 2, B), float32, of rows (K, B)."""
        chosen = self.descriptors[rows].float(), self.chrominance[rows].float()
        return chosen[0].transpose(1, 2), chosen[1].transpose(1, 2)


def new_networks(
    clusters: int, descriptors: Tensor, blocks: Sequence[int], hidden_layers: int, seed: int
) -> ClusterNetworks:
    """Build networks that standardise these (S, D) descriptors; all clusters start alike.

    Parameters
    ----------
    clusters
        Number of networks.
    descriptors
        What they will see; mean and deviation are those of up to 100,000 rows.
    blocks
        Sizes of the descriptor's blocks, which sum to D. A block is divided by one number, the
        root mean square of its deviations: by its own deviation, a number that hardly varies in
        the pictures learnt from would be blown up, and be out of all bounds in another picture.
    hidden_layers, seed
        Of the networks.
    """
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randperm(len(descriptors), generator=generator)[:_MEASURED]
    x = descriptors[rows].double()
    variances = x.var(0, correction=0).split(list(blocks))
    deviation = torch.cat([v.mean().sqrt().expand(len(v)) for v in variances])
    networks = _built(1, descriptors.shape[1], hidden_layers, seed)
    networks.centre.copy_(x.mean(0))
    networks.scale.copy_(1 / deviation.clamp(min=_SMALLEST_DEVIATION))
    return repeated(networks, clusters)


def repeated(networks: ClusterNetworks, clusters: int) -> ClusterNetworks:
    """Return as many copies of one network (K = 1) as there are clusters."""
    copies = _built(clusters, networks.inputs, len(networks.hidden) + 1)
    state = networks.state_dict()
    copies.load_state_dict(
        {key: state[key].expand_as(own) for key, own in copies.state_dict().items()}
    )
    return copies


def joined(layers: Sequence[ClusterNetworks]) -> ClusterNetworks:
    """Return the networks of several layers of the tree in one, in that order."""
    first = layers[0]
    clusters = sum(networks.clusters for networks in layers)
    whole = _built(clusters, first.inputs, len(first.hidden) + 1)
    parts = [networks.state_dict() for networks in layers]
    shared = {"centre", "scale"}
    whole.load_state_dict(
        {
            key: parts[0][key] if key in shared else torch.cat([part[key] for part in parts])
            for key in whole.state_dict()
        }
    )
    return whole


@torch.no_grad()
def move_towards(networks: ClusterNetworks, one: ClusterNetworks, share: float) -> None:
    """Take every network, in place, the rest of the way back to the one it started from.

    Weights between a network and what it was fitted further to work, and are more robust than
    the end (Wortsman et al., CVPR 2022).

    Parameters
    ----------
    networks
        Fitted from copies of `one`.
    one
        What they started from (K = 1).
    share
        0…1: how much of the way that was gone is kept.
    """
    for own, begun in zip(networks.parameters(), one.parameters(), strict=True):
        own.copy_(begun + share * (own - begun))


def _built(clusters: int, inputs: int, hidden_layers: int, seed: int = 0) -> ClusterNetworks:
    """Build networks from a seed of their own; the caller's random numbers are left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ClusterNetworks(clusters, inputs, hidden_layers)


def fit(
    networks: ClusterNetworks,
    pixels: Pixels,
    settings: DeepSettings,
    *,
    tick: Callable[[float], None] = lambda share: None,
    looked: Callable[[int, float, float | None], None] = lambda step, learnt, checked: None,
    enough: Callable[[], bool] = lambda: False,
) -> int:
    """Fit the network of each cluster to its pixels, in place.

    Parameters
    ----------
    networks
        What to start from.
    pixels
        What to fit to.
    settings
        Seed, steps, batch and learning rate.
    tick
        Told the share done, 0…1, before every step; may raise to stop.
    looked
        Told at every look the steps taken and the mean squared errors, relative to that of grey:
        of what was fitted since the last look, and of what is held back (``None``: nothing is).
    enough
        Asked before every step; once it is true, the best so far is what comes out.

    Returns
    -------
    int
        Steps taken.
    """
    generator = torch.Generator().manual_seed(settings.seed)
    everything = pixels.chrominance.float()
    reach = float(everything.square().mean().sqrt().clamp(min=1e-3))
    optimiser = torch.optim.AdamW(_grouped(networks, reach, settings), betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, settings.steps)
    best = _Best(networks, pixels, generator)
    every = max(1, settings.steps // LOOKS)
    taken, since = 0, 0.0
    while taken < settings.steps and not enough():
        tick(taken / settings.steps)
        rows = torch.stack([_drawn(rows, settings.batch, generator) for rows in pixels.fitted])
        x, uv = pixels.of(rows)
        optimiser.zero_grad(set_to_none=True)
        # A sum over clusters: each has the gradient it would have alone.
        loss = (networks(x) - uv).square().mean((1, 2)).sum() / reach**2
        loss.backward()
        optimiser.step()
        schedule.step()
        taken += 1
        since += loss.item() / networks.clusters
        if taken % every == 0 or taken == settings.steps:
            best.look()
            checked = None if best.latest is None else best.latest / reach**2
            looked(taken, since / ((taken - 1) % every + 1), checked)
            since = 0.0
    best.take_back()
    return taken


def _grouped(
    networks: ClusterNetworks, reach: float, settings: DeepSettings
) -> list[dict[str, object]]:
    """Give the last layer steps as small as its outputs are: Adam's do not know their size."""
    last = list(networks.last.parameters())
    others = [*networks.first.parameters(), *networks.hidden.parameters()]
    rate, decay = settings.learning_rate, settings.weight_decay
    return [
        {"params": others, "lr": rate, "weight_decay": decay},
        {"params": last, "lr": rate * reach, "weight_decay": decay / reach},
    ]


class _Best:
    """Keeps, cluster by cluster, the network that does best on what it was not fitted to."""

    def __init__(
        self, networks: ClusterNetworks, pixels: Pixels, generator: torch.Generator
    ) -> None:
        self._networks = networks
        self._pixels = pixels
        self._rows = [_drawn(rows, _LOOKED_AT, generator) for rows in pixels.checked]
        self._errors = torch.full((len(self._rows),), torch.inf)
        self._kept = [parameter.detach().clone() for parameter in networks.parameters()]
        self.latest: float | None = None
        """Mean squared error of the clusters at the latest look; of those that can be looked at."""
        self.look()

    @torch.no_grad()
    def look(self) -> None:
        """Compare with the best so far."""
        found = []
        for cluster, rows in enumerate(self._rows):
            error = torch.tensor(-torch.inf)  # with nothing to look at, the last is the best
            if len(rows):
                x, uv = self._pixels.of(rows[None])
                predicted = self._networks.predict(x[0], torch.tensor([cluster]))
                error = (predicted - uv).square().mean()
                found.append(float(error))
            if error <= self._errors[cluster]:
                self._errors[cluster] = error
                for kept, parameter in zip(self._kept, self._networks.parameters(), strict=True):
                    kept[cluster] = parameter[cluster]
        self.latest = sum(found) / len(found) if found else None

    @torch.no_grad()
    def take_back(self) -> None:
        """Put the best of each cluster in its place."""
        for kept, parameter in zip(self._kept, self._networks.parameters(), strict=True):
            parameter.copy_(kept)


def _drawn(rows: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """`count` of the rows, with replacement; none of none."""
    if not len(rows):
        return rows
    return rows[torch.randint(len(rows), (count,), generator=generator)]
