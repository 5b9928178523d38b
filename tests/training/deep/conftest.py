"""A semantic network without pretrained weights: tests need neither package nor download."""

import pytest
import torch


@pytest.fixture(scope="session")
def untrained_semantic():
    """Return a function in the place of `semantic.trained_semantic`: the same network, of noise."""
    from napari_colorize.methods.deep.semantic import SemanticNetwork

    def build(groups):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return SemanticNetwork(groups).eval().requires_grad_(False)

    return build
