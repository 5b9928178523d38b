"""Fixtures for everything that colours, and how two processes share the tests between them."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import hypothesis
import pytest

try:
    import fcntl
except ImportError:  # Windows: tests that measure time have company there
    fcntl = None

ROOMS = ("training", "widgets", "docs", "cli", "methods")
"""Folders of tests that take longest: they begin, so that the processes end at one time."""

if "PYTEST_XDIST_WORKER" in os.environ:
    # As many processes as cores: one thread each. Read by torch, and by programs that tests start.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring the folders that take longest to the front, each as it was."""
    tests = Path(__file__).parent
    order = {name: place for place, name in enumerate(ROOMS)}
    items.sort(key=lambda item: order.get(item.path.relative_to(tests).parts[0], len(order)))


class Turns:
    """Lets a test that measures time run while the other processes are between two tests."""

    def __init__(self, run: str) -> None:
        place = Path(tempfile.gettempdir())
        self._paths = [place / f"colorize-tests-{run}.{name}" for name in ("door", "room")]
        self._door, self._room = (path.open("w") for path in self._paths)

    @contextmanager
    def taken(self, alone: bool) -> Iterator[None]:
        """Wait for one's turn. Whoever waits to be alone holds the door, so that nobody enters."""
        fcntl.flock(self._door, fcntl.LOCK_EX)
        fcntl.flock(self._room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(self._door, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(self._room, fcntl.LOCK_UN)

    def close(self) -> None:
        """Leave nothing."""
        for file, path in zip((self._door, self._room), self._paths, strict=True):
            file.close()
            path.unlink(missing_ok=True)


TURNS = pytest.StashKey[Turns]()


def pytest_configure(config: pytest.Config) -> None:
    """Share turns among the processes of a run, where there are several; let Hypothesis wait."""
    hypothesis.settings.register_profile(
        "busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.load_profile("busy")  # how long examples take, other programs decide
    shared = getattr(config, "workerinput", None)
    if shared is not None and fcntl is not None:
        config.stash[TURNS] = Turns(shared["testrunuid"])
        config.add_cleanup(config.stash[TURNS].close)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[object]:
    """Take turns, fixtures included."""
    turns = item.config.stash.get(TURNS, None)
    if turns is None:
        return (yield)
    with turns.taken(alone=item.get_closest_marker("alone") is not None):
        return (yield)


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


SEPIA = '''
"""A method of another package: every picture in one warm tone."""

import torch
from torch import Tensor, nn

from napari_colorize.methods import Architecture, MethodCard, Paper


class SepiaGraph(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tone = nn.Parameter(torch.tensor([8.0, 20.0]))

    def forward(
        self, luma: Tensor, temperature: Tensor, vividness: Tensor
    ) -> tuple[Tensor, Tensor]:
        flat = torch.zeros_like(luma)
        return flat + self.tone[None, :, None, None], flat + 1.0


CARD = MethodCard(
    name="sepia",
    title="Sepia",
    long_title="Sepia toning",
    paper=Paper(("Doe", "Roe"), 2026),
    uncertainty="nothing: it is 1 throughout",
    architectures={"sepia-flat": Architecture("Sepia, flat", SepiaGraph)},
    without_effect=("temperature", "vividness"),
)
'''


@pytest.fixture
def sepia(tmp_path, monkeypatch):
    """Install another package with a method, and its weights; return the package's folder.

    The method is not registered: its entry point does that in a new process, `sepia_card` in this.
    """
    from importlib import import_module

    from napari_colorize import checkpoints

    site = tmp_path / "site"
    about = site / "sepia_colour-1.0.dist-info"
    about.mkdir(parents=True)
    (site / "sepia_colour.py").write_text(SEPIA)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: sepia-colour\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[napari_colorize.methods]\nsepia = sepia_colour:CARD\n"
    )
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("NAPARI_COLORIZE_HOME", str(tmp_path / "home"))
    monkeypatch.delitem(sys.modules, "sepia_colour", raising=False)
    graph = import_module("sepia_colour").SepiaGraph()
    record = checkpoints.CheckpointRecord(
        name="sepia-one",
        method="sepia",
        architecture="sepia-flat",
        source="imported",
        defaults={"temperature": 1.0, "vividness": 0.5, "network_size": 64},
        created="2026-01-31",
    )
    checkpoints.save_checkpoint(graph.state_dict(), record, tmp_path / "home" / "checkpoints")
    return site


@pytest.fixture
def sepia_card(sepia):
    """Register the method of `sepia` in this process; return its card."""
    from importlib import import_module

    from napari_colorize import methods

    card = import_module("sepia_colour").CARD
    methods.register(card)
    yield card
    methods.unregister(card.name)
