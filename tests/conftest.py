"""Fixtures for everything that colours: a small network in the place of trained weights."""

from types import SimpleNamespace

import pytest


def _graph():
    """Return a network of the contract's shape: stride 4, colour from lightness, some too vivid."""
    import torch
    from torch import nn
    from torch.nn.functional import avg_pool2d

    class Graph(nn.Module):
        def forward(
            self, luma: torch.Tensor, temperature: torch.Tensor, vividness: torch.Tensor
        ) -> tuple[torch.Tensor, torch.Tensor]:
            small = avg_pool2d(luma, 4, ceil_mode=True)
            a = (small - 40.0) * (0.5 + vividness)
            b = (60.0 - small) * (0.5 + vividness)
            uncertainty = (small / 100.0).clamp(0.0, 1.0) * temperature
            return torch.cat([a, b], 1), uncertainty

    return Graph().eval()


@pytest.fixture
def fake_model(monkeypatch):
    """Put a small network behind the library's one seam, ``checkpoints.load``; list its calls.

    ``fake_model.graph`` may be replaced by another callable; ``fake_model.record`` is what the
    checkpoint says about itself, ``fake_model.loaded`` what was asked for.
    """
    from napari_colorize import checkpoints

    model = SimpleNamespace(
        graph=_graph(),
        record=SimpleNamespace(
            name="fake",
            method="colorful",
            sha256="0123456789abcdef" * 4,
            defaults={"temperature": 0.38, "vividness": 0.5, "network_size": 64},
        ),
        loaded=[],
    )

    def load(name_or_path, device="cpu"):
        model.loaded.append((str(name_or_path), str(device)))
        return model

    monkeypatch.setattr(checkpoints, "load", load, raising=False)
    monkeypatch.setattr(checkpoints, "method_of", lambda name: model.record.method, raising=False)
    monkeypatch.setattr(checkpoints, "default_for", lambda method: model.record, raising=False)
    return model
