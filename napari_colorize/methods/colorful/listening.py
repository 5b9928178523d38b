"""A network that listens: what a few true colours say of all other places of the picture.

Zhang, Zhu, Isola, Geng, Lin, Yu and Efros (2017, arXiv 1705.02999) give a network planes of hints
beside the lightness and learn the whole network anew. Here the network of `hypercolumn` stays as it
is, and a small part beside it listens. A hint's *news*, its colour less the mean of what was
predicted there, is taken for an observation of a Gaussian process over the picture. What two places
have in common is learnt: a sum of kernels over a projection of the network's own features (Wilson,
Hu, Salakhutdinov and Xing 2016, arXiv 1511.02222), lightness, predicted colour and place, each as
strong as the prediction is unsure there. The process gives every place an expected colour and how
sure that is. The predicted distribution is multiplied with the Gaussian of both (a product of
experts, Hinton 2002), and a perceptron whose last layer begins at zero says what that leaves out.

Hints are few and the process weighs them exactly, however many say the same; planes of zeros with
a few dots in them, as of 2017, need a deep network to carry a colour across the picture. It can
also be learnt at sparse positions, like the rest. Without a hint nothing is added at all.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_colorize.methods.colorful.graph import ColorfulGraph
from napari_colorize.methods.colorful.hypercolumn import HypercolumnNetwork
from napari_colorize.methods.padding import pad_to_multiple
from napari_colorize.ops.bins import NUM_BINS, bin_tensor

UNIT = 10.0
"""Lab units that news and spreads are counted in, so that all numbers are near one."""

REACHES = (4.0, 1.0, 0.7, 0.5, 0.3, 0.1, 0.04)
"""Distances over which the kernels begin to fall, as shares of the picture's long side: one a
kernel."""


class Seen(NamedTuple):
    """What the network holds of N pictures at P places each, before any hint.

    ``hidden`` (N, P, C): what its last layer reads; ``logits`` (N, P, 313), not rebalanced;
    ``light`` (N, P): L*, 0…100; ``place`` (N, P, 2): row and column over the long side.
    """

    hidden: Tensor
    logits: Tensor
    light: Tensor
    place: Tensor


class Alike(NamedTuple):
    """By what places are compared, (N, P, …) each.

    ``point`` (K, D): a place in the space of each kernel; ``strength`` (K): the deviation that it
    explains, in ``UNIT``; ``mean`` (2) and ``spread``: of the predicted distribution, in ``UNIT``;
    ``own`` (W): the network's features, narrowed.
    """

    point: Tensor
    strength: Tensor
    mean: Tensor
    spread: Tensor
    own: Tensor


class Listener(nn.Module):
    """Changes a predicted distribution to what hints say of it.

    Parameters
    ----------
    hidden
        Channels of the network's last hidden layer.
    width
        Numbers a kernel that the network's features are projected to.
    narrow
        Numbers that the perceptron and the gates see of these features.
    """

    bins: Tensor

    def __init__(self, hidden: int, width: int = 16, narrow: int = 64) -> None:
        super().__init__()
        kernels = len(REACHES)
        self.kernels, self.width, self.unit = kernels, width, UNIT
        self.register_buffer("bins", bin_tensor() / UNIT, persistent=False)
        self.project = nn.Linear(hidden, kernels * width, bias=False)
        self.narrow = nn.Linear(hidden, narrow)
        self.strength = nn.Linear(narrow + 1, kernels)
        self.scales = nn.Parameter(torch.zeros(kernels, 3))
        self.saturation = nn.Parameter(torch.tensor(-1.6))
        self.gate = nn.Sequential(nn.Linear(narrow + 5, 32), nn.GELU(), nn.Linear(32, kernels))
        self.noise = nn.Parameter(torch.tensor(-2.3))
        self.trust = nn.Parameter(torch.zeros(2))
        self.rest = nn.Sequential(nn.Linear(narrow + 8, 128), nn.GELU(), nn.Linear(128, NUM_BINS))
        self._begin()

    @torch.jit.unused
    def _begin(self) -> None:
        nn.init.normal_(self.project.weight, std=0.02)
        nn.init.zeros_(self.strength.weight)
        nn.init.constant_(self.strength.bias, -1.2)
        with torch.no_grad():
            self.scales[:, 2] = -torch.tensor(REACHES).log()
            self.scales[:, 0] = -1.2  # lightness, in UNIT: some 30 L*
        gate, rest = self.gate[2], self.rest[2]
        assert isinstance(gate, nn.Linear)
        assert isinstance(rest, nn.Linear)
        nn.init.zeros_(gate.weight)
        nn.init.constant_(gate.bias, 2.0)
        nn.init.zeros_(rest.weight)
        nn.init.zeros_(rest.bias)

    def compare(self, seen: Seen) -> Alike:
        """Return by what the places of pictures are compared; once a picture."""
        n, p = seen.light.shape
        share = seen.logits.softmax(-1)
        mean = share @ self.bins
        square = share @ self.bins.square().sum(-1, keepdim=True)
        spread = (0.5 * (square - mean.square().sum(-1, keepdim=True))).clamp_min(0.01).sqrt()
        own = self.narrow(seen.hidden)
        strength = self.strength(torch.cat((own, spread.log()), -1)).exp() * spread
        learnt = self.project(seen.hidden).reshape(n, p, self.kernels, self.width)
        scale = self.scales.exp()
        beside = (
            seen.light[..., None, None] / self.unit * scale[:, 0:1],
            mean[:, :, None] * scale[:, 1:2] * 0.5,
            seen.place[:, :, None] * scale[:, 2:3],
        )
        point = torch.cat((learnt, beside[0], beside[1], beside[2]), -1)
        return Alike(point, strength, mean, spread[..., 0], own)

    def forward(
        self, seen: Seen, alike: Alike, at: Tensor, colour: Tensor, doubt: Tensor, valid: Tensor
    ) -> Tensor:
        """Logits (N, P, 313) that have heard the hints.

        Parameters
        ----------
        seen, alike
            From the network and `compare`.
        at
            (N, M) int64: which of the places the hints are at, M ≥ 1.
        colour
            (N, M, 2): their a and b, Lab units.
        doubt
            (N, M): deviation of that, Lab units; 0 for what a person has set.
        valid
            (N, M) bool: which of them count; pictures with fewer hints are filled up.
        """
        told = at[..., None]
        mean = alike.mean.gather(1, told.expand(-1, -1, 2))
        news = (colour / self.unit - mean) * valid[..., None]
        own = alike.own.gather(1, told.expand(-1, -1, alike.own.shape[2]))
        spread = alike.spread.gather(1, at)
        size = news.square().sum(-1, keepdim=True).add(1e-4).sqrt()
        about = (own, news, size, size / spread[..., None], spread.log()[..., None])
        # A colour far from what was predicted may be one thing's own, and say little of the rest.
        gate = self.gate(torch.cat(about, -1)).sigmoid()

        of_hints = self.saturation.exp() * torch.ones_like(mean) * mean
        between = of_hints @ of_hints.transpose(1, 2)
        of_all = self.saturation.exp() * alike.mean
        across = of_all @ of_hints.transpose(1, 2)
        alone = of_all.square().sum(-1)
        for k in range(self.kernels):
            point = alike.point[:, :, k]
            there = point.gather(1, told.expand(-1, -1, point.shape[2]))
            strong = alike.strength[:, :, k]
            loud = strong.gather(1, at) * gate[..., k]
            between = between + loud[:, :, None] * loud[:, None] * _near(there, there)
            across = across + strong[:, :, None] * loud[:, None] * _near(point, there)
            alone = alone + strong.square()
        keep = valid.to(colour.dtype)
        between = between * keep[:, :, None] * keep[:, None]
        across = across * keep[:, None]
        own_doubt = self.noise.exp() + (doubt / self.unit).square()
        triangle = torch.linalg.cholesky(between + torch.diag_embed(own_doubt + 1 - keep))
        weights = torch.cholesky_solve(news, triangle)
        expected = across @ weights
        known = torch.linalg.solve_triangular(triangle, across.transpose(1, 2), upper=False)
        share = (known.square().sum(1) / alone).clamp(0, 0.9999)[..., None]

        variance = alone[..., None] * (1 - share)
        trust = self.trust.exp()
        sure = trust[0] * share / variance
        towards = sure * alike.mean + trust[1] * expected / variance
        logits = towards @ self.bins.T - 0.5 * sure * self.bins.square().sum(-1)
        given = (
            alike.own,
            expected,
            alike.mean,
            share,
            (1 - share).log(),
            alike.spread.log()[..., None],
            expected.square().sum(-1, keepdim=True).add(1e-4).sqrt(),
        )
        return seen.logits + logits + share * self.rest(torch.cat(given, -1))


def _near(one: Tensor, other: Tensor) -> Tensor:
    """Gaussian of the distances of all pairs: (N, P, D), (N, M, D) → (N, P, M)."""
    squares = one.square().sum(-1)[:, :, None] + other.square().sum(-1)[:, None]
    return (one @ other.transpose(1, 2) - 0.5 * squares).clamp_max(0).exp()


class ListeningGraph(ColorfulGraph):
    """A `ColorfulGraph` of hypercolumns with a `Listener` beside it; without hints the same.

    Parameters
    ----------
    network, trained_rebalancing
        As for `ColorfulGraph`.
    width, narrow
        As for `Listener`.
    """

    def __init__(
        self,
        network: HypercolumnNetwork,
        trained_rebalancing: float,
        width: int = 16,
        narrow: int = 64,
    ) -> None:
        super().__init__(network, trained_rebalancing)
        self.listener = Listener(network.logits.in_features, width, narrow)

    @torch.jit.export
    def look(self, luma: Tensor) -> tuple[Seen, Alike]:
        """Look at one picture, once for all hints: its places are the cells of stride 4, row-wise.

        Parameters
        ----------
        luma
            (1, 1, H, W) float32, L* 0…100; padded as `forward` pads it.
        """
        padded = pad_to_multiple(luma, self.multiple)
        hidden = self.network.hidden(self.network.look(padded))  # type: ignore[operator]
        n, height, width, channels = hidden.shape
        row = torch.arange(height, device=luma.device)[:, None].expand(height, width)
        column = torch.arange(width, device=luma.device)[None].expand(height, width)
        place = torch.stack((row, column), -1).reshape(1, height * width, 2) + 0.5
        seen = Seen(
            hidden.reshape(n, height * width, channels),
            self.network.logits(hidden).flatten(1, 2),  # type: ignore[operator]
            F.avg_pool2d(padded, self.stride).flatten(1),
            (place / max(height, width)).to(luma.dtype),
        )
        return seen, self.listener.compare(seen)

    @torch.jit.export
    def heard(
        self, seen: Seen, alike: Alike, at: Tensor, colour: Tensor, doubt: Tensor, valid: Tensor
    ) -> Tensor:
        """Return logits that have heard hints; see `Listener.forward`."""
        return self.listener(seen, alike, at, colour, doubt, valid)


def listening_graph(
    trunk: str = "lite2",
    widths: Sequence[int] = (512, 512),
    context: int = 256,
    blocks: int = 0,
    width: int = 16,
    narrow: int = 64,
    trained_rebalancing: float = 0.0,
) -> ListeningGraph:
    """Build an untrained `ListeningGraph`."""
    network = HypercolumnNetwork(trunk, widths, context, blocks)
    return ListeningGraph(network, trained_rebalancing, width, narrow)
