"""A small architecture, a user folder of its own, and a package that ships nothing."""

import pytest
import torch
from torch import Tensor, nn

from napari_colorize import methods
from napari_colorize.checkpoints import CheckpointRecord, clear_cache, registry


class TinyGraph(nn.Module):
    """Two convolutions with the signature of a method's graph, at stride 1."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels)
        self.last = nn.Conv2d(channels, 3, 1)
        self.register_buffer("index", torch.arange(4))

    def forward(
        self, luma: Tensor, temperature: Tensor, vividness: Tensor
    ) -> tuple[Tensor, Tensor]:
        out = self.last(self.norm(self.first(luma / 100)).relu())
        return out[:, :2] * vividness, torch.sigmoid(out[:, 2:] * temperature)


@pytest.fixture(autouse=True)
def _own_world(tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_COLORIZE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(registry, "SHIPPED_RECORDS", tmp_path / "shipped")
    monkeypatch.setattr(registry, "SHIPPED_WEIGHTS", tmp_path / "shipped")
    monkeypatch.setitem(methods.ARCHITECTURES, "tiny", TinyGraph)
    clear_cache()
    yield
    clear_cache()


@pytest.fixture
def tiny_graph():
    """An untrained `TinyGraph` in eval mode, the same in every run."""
    torch.manual_seed(0)
    graph = TinyGraph()
    graph.norm.running_var.uniform_(0.5, 2)
    return graph.eval()


@pytest.fixture
def make_record():
    """Build a valid record, with fields replaced as asked."""

    def make(name="tiny-one", **fields):
        given = {
            "method": "colorful",
            "architecture": "tiny",
            "data": [{"name": "no images", "licence": "CC0-1.0"}],
            "defaults": {"temperature": 0.38, "vividness": 0.5, "network_size": 64},
            "created": "2026-01-31",
        }
        return CheckpointRecord(name=name, **(given | fields))

    return make
