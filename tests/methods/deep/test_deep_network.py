"""All clusters' networks at once are each cluster's network by itself."""

import pytest
import torch
from torch import nn

from napari_colorize.methods.deep.graph import ClusterNetworks


def networks(clusters=4, inputs=20, hidden_layers=3):
    torch.manual_seed(0)
    found = ClusterNetworks(clusters, inputs, hidden_layers).requires_grad_(False)
    for name, parameter in found.named_parameters():
        if name.endswith("bias") or name.startswith("last"):
            parameter.normal_(std=0.3)
    found.centre.normal_()
    found.scale.uniform_(0.5, 3)
    return found


def one_of(stacked, cluster):
    """The same network from torch's own layers."""
    layers = []
    for layer in (stacked.first, *stacked.hidden, stacked.last):
        linear = nn.Linear(layer.weight.shape[2], layer.weight.shape[1]).requires_grad_(False)
        linear.weight.copy_(layer.weight[cluster])
        linear.bias.copy_(layer.bias[cluster, :, 0])
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


@pytest.mark.parametrize("hidden_layers", [1, 2, 3])
def test_each_cluster_is_a_network_of_its_own(hidden_layers):
    stacked = networks(hidden_layers=hidden_layers)
    x = torch.randn(4, 20, 50)
    found = stacked(x)
    for cluster in range(4):
        seen = (x[cluster].T - stacked.centre) * stacked.scale
        expected = one_of(stacked, cluster)(seen).T
        torch.testing.assert_close(found[cluster], expected, atol=1e-5, rtol=1e-4)


def test_some_networks_can_be_asked_about_the_same_pixels():
    stacked = networks()
    x, asked = torch.randn(20, 70), torch.tensor([2, 0, 2])
    every = stacked(x.expand(4, -1, -1))
    torch.testing.assert_close(stacked.predict(x, asked), every[asked], atol=1e-5, rtol=1e-4)


def test_widths_are_the_papers():
    found = ClusterNetworks(2, 128)
    shapes = [tuple(layer.weight.shape) for layer in (found.first, *found.hidden, found.last)]
    assert shapes == [(2, 64, 128), (2, 64, 64), (2, 64, 64), (2, 2, 64)]


def test_a_cluster_learns_without_touching_the_others():
    stacked = networks().requires_grad_(True)
    target = torch.zeros(4, 2, 50)
    error = (stacked(torch.randn(4, 20, 50)) - target).square()[1].mean()
    error.backward()
    for parameter in stacked.parameters():
        moved = parameter.grad.abs().flatten(1).sum(1) > 0
        assert moved.tolist() == [False, True, False, False]


def test_untrained_networks_say_grey():
    torch.manual_seed(0)
    uv = ClusterNetworks(3, 128)(torch.rand(3, 128, 40))
    assert uv.abs().max() < 0.2


@pytest.mark.parametrize(("clusters", "inputs", "layers"), [(0, 9, 1), (1, 1, 1), (1, 9, 0)])
def test_impossible_sizes_are_refused(clusters, inputs, layers):
    with pytest.raises(ValueError, match="at least 1 cluster, 2 inputs and 1 hidden layer"):
        ClusterNetworks(clusters, inputs, layers)
