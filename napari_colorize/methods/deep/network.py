"""One small network for each cluster, all of them computed at once."""

import math

import torch
from torch import Tensor, nn

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
