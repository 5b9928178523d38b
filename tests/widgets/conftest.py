"""A viewer without a window, and a model small enough to run in every test."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Event
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("qtpy", reason="the panel needs the extra napari-colorize[napari]")
pytest.importorskip("napari", reason="the panel needs the extra napari-colorize[napari]")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Without any screen, real or virtual, let panels live offscreen and skip whole windows."""
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform == "linux" and not any(os.environ.get(name) for name in screens):
        os.environ["QT_QPA_PLATFORM"] = "offscreen"  # has no OpenGL, so no napari canvas
    if item.get_closest_marker("qt") and os.environ.get("QT_QPA_PLATFORM") == "offscreen":
        pytest.skip("no display: install xvfb and pytest-xvfb to open real windows")


@pytest.fixture(autouse=True)
def widgets_end_with_their_test() -> Iterator[None]:
    """Let Qt delete now what pytest-qt has given up, as a programme's event loop would.

    PySide6 cannot bear that Python collects a living widget in another thread (dask's, zarr's).
    """
    yield
    from qtpy.QtCore import QCoreApplication, QEvent

    if QCoreApplication.instance() is not None:
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture(autouse=True)
def plugin_preferences(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep tests from what whoever runs them has set under Preferences → Colorize."""
    import napari.settings

    if hasattr(napari.settings, "get_plugin_settings"):
        monkeypatch.setattr(napari.settings, "get_plugin_settings", {}.__getitem__)


@dataclass
class TinyModel:
    """Stands in for the network: colour follows lightness, and a test can hold it."""

    gate: Event = field(default_factory=Event)
    entered: Event = field(default_factory=Event)
    calls: int = 0
    error: Exception | None = None
    seconds: float = 0.0

    def __call__(self, luma, temperature, vividness):
        """Return chroma and uncertainty on a grid of a quarter of the size."""
        from torch.nn.functional import adaptive_avg_pool2d

        self.calls += 1
        self.entered.set()
        assert self.gate.wait(30), "the test forgot to open the gate"
        if self.error is not None:
            raise self.error
        time.sleep(self.seconds)
        small = tuple(-(-side // 4) for side in luma.shape[-2:])
        light = adaptive_avg_pool2d(luma, small)
        chroma = 0.4 * light - 15
        return chroma.new_tensor([1.0, -0.7])[:, None, None] * chroma, light / 100


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[TinyModel]:
    """Put a tiny model in the place of every checkpoint; all else of the library is real."""
    import torch  # noqa: F401  # here, so that no test's time limit has to cover its loading

    from napari_colorize.checkpoints import CheckpointRecord
    from napari_colorize.pipeline import network

    tiny = TinyModel()
    tiny.gate.set()
    record = CheckpointRecord(
        name="tiny",
        method="colorful",
        architecture="tiny",
        sha256="0" * 64,
        file="tiny.safetensors",
        defaults={"temperature": 0.4, "vividness": 0.6, "network_size": 64},
    )
    stand_in = SimpleNamespace(
        load=lambda name, device: SimpleNamespace(graph=tiny, record=record),
        default_for=lambda method: record,
    )
    monkeypatch.setattr(network, "checkpoints", stand_in)
    yield tiny
    tiny.gate.set()


@pytest.fixture
def viewer():
    """Return a viewer model; it has layers and sliders, but no window."""
    from napari.components import ViewerModel

    return ViewerModel()


@pytest.fixture
def make_panel(qtbot) -> Iterator[Callable]:
    """Return a function that puts a panel beside a viewer."""
    from napari_colorize.widgets.colorize.panel import ColorizePanel

    kept = []  # as a dock does; pytest-qt does not

    def make(viewer) -> ColorizePanel:
        panel = ColorizePanel(viewer)
        qtbot.addWidget(panel)
        kept.append(panel)
        return panel

    yield make
    kept.clear()


@pytest.fixture
def finish(qtbot) -> Callable:
    """Return a function that waits until a panel's run is over."""

    def wait_for(panel) -> None:
        qtbot.waitUntil(lambda: not panel.task.busy, timeout=30_000)

    return wait_for


@pytest.fixture
def grey() -> np.ndarray:
    """Return a 48 × 40 picture of dark, middle and bright parts."""
    rows, columns = np.mgrid[:48, :40]
    return ((rows * 5 + columns * 3) % 256).astype(np.uint8)
