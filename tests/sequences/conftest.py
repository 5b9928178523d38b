"""A network that changes its mind from plane to plane."""

import pytest


@pytest.fixture
def moody_model(fake_model):
    """A network whose colour depends on lightness, and on a mood that is the plane's own.

    The mood comes from the plane's mean: a plane has the same colour whenever it is asked for, and
    another one with the least noise. ``calls`` counts the predictions.
    """
    import torch

    calm = fake_model.graph
    fake_model.calls = 0

    def graph(luma, temperature, vividness):
        fake_model.calls += 1
        chroma, uncertainty = calm(luma, temperature, vividness)
        mood = torch.sin(luma.double().mean() * 1e5).float() * 6
        return chroma * 0.2 + mood, uncertainty

    fake_model.graph = graph
    return fake_model
