"""Lightness in, chroma and uncertainty out: descriptors, choice of the cluster, its network."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from napari_colorize.methods.deep.descriptor import BLOCKS, DeepDescriptor
from napari_colorize.methods.deep.gist import GIST_DIMENSIONS
from napari_colorize.methods.deep.semantic import SemanticNetwork, score_columns
from napari_colorize.methods.deep.yuv import luma_to_grey, uv_to_ab

CHROMA = 2
"""Outputs: U and V."""


class ClusterLayer(nn.Module):
    """One fully connected layer of every cluster: weights (K, out, in) and biases (K, out, 1)."""

    def __init__(self, clusters: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(clusters, outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(clusters, outputs, 1))
        # He et al. (ICCV 2015), for each cluster's matrix by itself.
        bound = math.sqrt(6.0 / inputs)
        nn.init.uniform_(self.weight, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        """(K, in, P) → (K, out, P)."""
        return torch.baddbmm(self.bias, self.weight, x)

    @torch.jit.export
    def chosen(self, x: Tensor, index: Tensor) -> Tensor:
        """(T, in, P) → (T, out, P), by the clusters `index` (T,)."""
        return torch.baddbmm(
            self.bias.index_select(0, index), self.weight.index_select(0, index), x
        )


class ClusterNetworks(nn.Module):
    """Descriptor to chroma: hidden layers of half the descriptor's width, ReLU, two outputs.

    Cheng 2015, section 3.1. The weights of all clusters lie in one tensor a layer, so that a step
    of training for all of them, or the answer of a few, is one batched product.

    Parameters
    ----------
    clusters
        Number of networks K.
    inputs
        Size of a descriptor D.
    hidden_layers
        Between input and output; three in the paper, from memory: a parameter.

    Attributes
    ----------
    centre, scale : (D,) buffers
        The networks see ``(x − centre) · scale``. 0 and 1 until training fills in the mean and the
        inverse standard deviation of its descriptors: the blocks differ in size a hundredfold.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, clusters: int, inputs: int, hidden_layers: int = 3) -> None:
        super().__init__()
        if clusters < 1 or inputs < 2 or hidden_layers < 1:
            raise ValueError(
                "The networks need at least 1 cluster, 2 inputs and 1 hidden layer; got "
                f"{clusters}, {inputs} and {hidden_layers}."
            )
        width = max(2, inputs // 2)
        self.clusters = clusters
        self.inputs = inputs
        self.register_buffer("centre", torch.zeros(inputs))
        self.register_buffer("scale", torch.ones(inputs))
        self.first = ClusterLayer(clusters, inputs, width)
        self.hidden = nn.ModuleList(
            [ClusterLayer(clusters, width, width) for _ in range(hidden_layers - 1)]
        )
        self.last = ClusterLayer(clusters, width, CHROMA)
        # Near grey at the start, which is right on average.
        nn.init.normal_(self.last.weight, std=0.01)

    def forward(self, x: Tensor) -> Tensor:
        """Chroma of each cluster's own descriptors, for training.

        Parameters
        ----------
        x
            (K, D, P) float: P descriptors for each of the K networks, as `DeepDescriptor` gives
            them (not yet standardised).

        Returns
        -------
        Tensor
            (K, 2, P): U and V.
        """
        x = self.first((x - self.centre[:, None]) * self.scale[:, None]).relu()
        for layer in self.hidden:
            x = layer(x).relu()
        return self.last(x)

    @torch.jit.export
    def predict(self, x: Tensor, index: Tensor) -> Tensor:
        """Chroma that some of the networks see in the same descriptors.

        Parameters
        ----------
        x
            (D, P) float.
        index
            (T,) int64, the clusters to ask.

        Returns
        -------
        Tensor
            (T, 2, P): U and V.
        """
        # Standardising is linear, so the first layer does it: one pass over x less.
        weight = self.first.weight.index_select(0, index) * self.scale
        bias = self.first.bias.index_select(0, index) - (weight @ self.centre)[:, :, None]
        asked, width, pixels = weight.shape[0], weight.shape[1], x.shape[1]
        h = torch.addmm(bias.reshape(-1, 1), weight.reshape(asked * width, -1), x)
        h = h.reshape(asked, width, pixels).relu_()
        for layer in self.hidden:
            # The checker takes a method of a list's module for a tensor.
            h = layer.chosen(h, index).relu_()  # type: ignore[operator]
        return self.last.chosen(h, index)


CANDIDATES = 3
"""Nearest clusters by GIST among which the semantic histogram decides (the authors' release)."""

BAND_PIXELS = 1 << 15
"""Pixels whose descriptors are in memory at a time: 16 MB of them."""

BAND_ROWS = 32
"""Rows that a band has at the least, even: of a picture 4,000 pixels wide, 66 MB of descriptors."""


class DeepGraph(nn.Module):
    """Deep Colorization at the resolution of its input (stride 1).

    Parameters
    ----------
    descriptor
        What pixels and pictures are described by.
    clusters
        Number of clusters K, those of all layers together.
    hidden_layers
        Of each cluster's network.

    Attributes
    ----------
    networks
        `ClusterNetworks`: the network of each cluster.
    centres : (K, 512) buffer
        GIST centre of each cluster.
    histograms : (K, S) buffer
        Semantic histogram of each cluster.
    spread : 0-dim buffer
        Disagreement in YUV units (0…1) that counts as an uncertainty of one half.
    """

    centres: Tensor
    histograms: Tensor
    spread: Tensor

    def __init__(self, descriptor: DeepDescriptor, clusters: int, hidden_layers: int = 3) -> None:
        super().__init__()
        self.stride: int = 1
        self.multiple: int = 1
        self.band_pixels, self.band_rows = BAND_PIXELS, BAND_ROWS
        self.descriptor = descriptor
        self.networks = ClusterNetworks(clusters, descriptor.dimensions, hidden_layers)
        self.candidates: int = min(CANDIDATES, clusters)
        self.register_buffer("centres", torch.zeros(clusters, GIST_DIMENSIONS))
        self.register_buffer("histograms", torch.zeros(clusters, descriptor.channels))
        self.register_buffer("spread", torch.tensor(0.05))

    def forward(
        self, luma: Tensor, temperature: Tensor, vividness: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Predict chroma.

        Parameters
        ----------
        luma
            (N, 1, H, W) float32, L* 0…100; any H, W ≥ 1.
        temperature, vividness
            0-dim float32. Without effect: the networks predict one colour, not a distribution.

        Returns
        -------
        ab
            (N, 2, H, W) float32, Lab units: what the chosen cluster's network predicts.
        uncertainty
            (N, 1, H, W) float32, 0…1: d / (d + spread), d being the root-mean-square distance in
            UV of the candidates' predictions from their mean. 0 where they agree, one half where
            they differ by `spread`; 1 throughout where there is only one cluster and so nobody to
            disagree. Taken at every second pixel of every second row, for speed.
        """
        gist, histogram, fine = self.descriptor(luma)
        return self._coloured(luma, fine, self._ranked(gist, histogram))

    @torch.jit.export
    def choose(self, luma: Tensor) -> Tensor:
        """Clusters that fit pictures (N, 1, H, W) best: (N, min(3, K)) int64, the chosen first.

        The three nearest by GIST over all layers, in the order of their semantic histogram's
        cosine with the picture's (Cheng 2015, section 3.3, as in the authors' release).
        """
        gist, histogram, _ = self.descriptor(luma)
        return self._ranked(gist, histogram)

    @torch.jit.export
    def with_cluster(self, luma: Tensor, cluster: Tensor) -> tuple[Tensor, Tensor]:
        """Predict chroma by the network of a cluster of your choice.

        Parameters
        ----------
        luma
            (N, 1, H, W) float32, L*.
        cluster
            (N,) or 0-dim int64, 0…K − 1.

        Returns
        -------
        ab, uncertainty
            As of `forward`; the chosen network and the best of the others are compared.
        """
        gist, histogram, fine = self.descriptor(luma)
        ranked = self._ranked(gist, histogram)
        chosen = cluster.reshape(-1, 1).expand(luma.shape[0], 1)
        # The chosen one goes first; where it was among the candidates, that copy goes last.
        order = torch.cat((chosen, ranked), 1)
        key = torch.cat((torch.full_like(chosen, -1), (ranked == chosen).long()), 1)
        place = torch.argsort(key, dim=1, stable=True)[:, : self.candidates]
        return self._coloured(luma, fine, order.gather(1, place))

    def _ranked(self, gist: Tensor, histogram: Tensor) -> Tensor:
        return ranked(gist, histogram, self.centres, self.histograms, self.candidates)

    def _coloured(self, luma: Tensor, fine: Tensor, ranked: Tensor) -> tuple[Tensor, Tensor]:
        grey = luma_to_grey(luma)
        fine = score_columns(fine, luma.shape[3])
        pictures = []
        for i in range(luma.shape[0]):
            one = slice(i, i + 1)
            pictures.append(self._streamed(luma[one], grey[one], fine[one], ranked[i]))
        both = torch.cat(pictures)
        return both[:, :2], both[:, 2:]

    def _streamed(self, luma: Tensor, grey: Tensor, fine: Tensor, index: Tensor) -> Tensor:
        """Ab and uncertainty (1, 3, H, W) of one picture, a band of rows at a time."""
        height, width = luma.shape[2], luma.shape[3]
        if not torch.jit.is_scripting() and torch.compiler.is_compiling():
            # A traced program cannot count its bands; it holds all descriptors at once.
            return self._band(luma, grey, fine, index, 0, height)
        # Even, so that every band takes its uncertainty at the same rows of the picture; not too
        # few, because DAISY reads 21 rows more on either side.
        step = max(self.band_rows, self.band_pixels // width // 2 * 2)
        result = torch.empty((1, 3, height, width), dtype=luma.dtype, device=luma.device)
        for first in range(0, height, step):
            last = min(first + step, height)
            result[:, :, first:last] = self._band(luma, grey, fine, index, first, last)
        return result

    def _band(
        self, luma: Tensor, grey: Tensor, fine: Tensor, index: Tensor, first: int, last: int
    ) -> Tensor:
        width = luma.shape[3]
        x = self.descriptor.rows(grey, fine, first, last)[0]
        uv = self.networks.predict(x.flatten(1), index[:1]).reshape(1, 2, last - first, width)
        ab = uv_to_ab(uv, luma[:, :, first:last])
        return torch.cat((ab, self._disagreement(x, uv, index)), 1)

    def _disagreement(self, x: Tensor, uv: Tensor, index: Tensor) -> Tensor:
        """Uncertainty (1, 1, rows, W), from every second pixel of every second row.

        Asking all candidates about all pixels would take twice the time of the whole graph.
        """
        rows, columns = x.shape[1], x.shape[2]
        if self.candidates == 1:
            return torch.ones_like(uv[:, :1])
        some = x[:, ::2, ::2].flatten(1)
        others = self.networks.predict(some, index[1:])
        every = torch.cat((uv[:, :, ::2, ::2].flatten(2), others))
        distance = (every - every.mean(0)).square().sum(1).mean(0).sqrt()
        uncertainty = (distance / (distance + self.spread)).reshape((rows + 1) // 2, -1)
        down = torch.arange(rows, device=x.device) // 2
        across = torch.arange(columns, device=x.device) // 2
        return uncertainty.index_select(0, down).index_select(1, across)[None, None]


def ranked(
    gist: Tensor, histogram: Tensor, centres: Tensor, histograms: Tensor, candidates: int
) -> Tensor:
    """Rank the clusters that fit pictures best (Cheng 2015, section 3.3).

    Parameters
    ----------
    gist, histogram
        (N, 512) and (N, S), of the pictures.
    centres, histograms
        (K, 512) and (K, S), of the clusters.
    candidates
        How many clusters, nearest by GIST, are put in the order of their histograms' cosine; all
        where there are fewer.

    Returns
    -------
    Tensor
        (N, min(candidates, K)) int64, the best first.
    """
    distance = (gist[:, None] - centres).square().sum(2)
    _, nearest = distance.topk(min(candidates, centres.shape[0]), dim=1, largest=False)
    theirs = histograms.index_select(0, nearest.flatten())
    theirs = theirs.reshape(nearest.shape[0], nearest.shape[1], -1)
    cosine = torch.cosine_similarity(theirs, histogram[:, None], dim=2)
    order = torch.argsort(cosine, dim=1, descending=True, stable=True)
    return nearest.gather(1, order)


def deep_graph(
    clusters: int = 1,
    groups: int = 47,
    blocks: Sequence[str] = BLOCKS,
    hidden_layers: int = 3,
    semantic: nn.Module | None = None,
) -> DeepGraph:
    """Build an untrained graph.

    Parameters
    ----------
    clusters
        Number of clusters, those of all layers together.
    groups
        Number of semantic groups of the default semantic network.
    blocks
        Parts of a pixel's descriptor; leave some out for the paper's ablation.
    hidden_layers
        Of each cluster's network.
    semantic
        A segmentation network in place of the default one; see `DeepDescriptor`. A record cannot
        name it: to load such weights, enter your own builder into ``methods.ARCHITECTURES``.
    """
    network = SemanticNetwork(groups) if semantic is None else semantic
    return DeepGraph(DeepDescriptor(network, blocks), clusters, hidden_layers)
