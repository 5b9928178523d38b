"""A place of work with the files that the pages speak of, and small weights in it."""

import importlib
import os
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import tifffile
from pages import ROOT
from torch import Tensor, nn, sigmoid
from torch.nn.functional import avg_pool2d

from napari_colorize import methods
from napari_colorize.checkpoints import CheckpointRecord, clear_cache, registry, save_checkpoint


class TinyGraph(nn.Module):
    """Signature and stride of a method's graph, and a few weights."""

    def __init__(self) -> None:
        super().__init__()
        self.colour = nn.Conv2d(1, 2, 1)

    def forward(
        self, luma: Tensor, temperature: Tensor, vividness: Tensor
    ) -> tuple[Tensor, Tensor]:
        small = avg_pool2d(luma, 4, ceil_mode=True)
        return self.colour(small) * vividness, sigmoid(small / 50.0 - 1.0) * temperature


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """A folder with the files that the pages speak of, and small weights called colorful."""
    shipped = tmp_path / "shipped"
    monkeypatch.setenv("NAPARI_COLORIZE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(registry, "SHIPPED_RECORDS", shipped)
    monkeypatch.setattr(registry, "SHIPPED_WEIGHTS", shipped)
    monkeypatch.setitem(methods.ARCHITECTURES, "tiny", TinyGraph)
    record = CheckpointRecord(
        name="colorful",
        method="colorful",
        architecture="tiny",
        defaults={"temperature": 0.38, "vividness": 0.5, "network_size": 64},
    )
    save_checkpoint(TinyGraph().state_dict(), record, shipped)
    place = tmp_path / "work"
    (place / "scans" / "below").mkdir(parents=True)
    grey = np.random.default_rng(0).integers(0, 256, (20, 30), dtype=np.uint8)
    for name in ("photo.jpg", "scans/a.png", "scans/below/b.png"):
        cv2.imwrite(str(place / name), grey)
    tifffile.imwrite(place / "cells.tif", grey.astype(np.uint16) * 16)
    stack = np.stack([grey, grey[::-1]]).astype(np.uint16) * 16
    tifffile.imwrite(place / "stack.tif", stack, photometric="minisblack")
    monkeypatch.chdir(place)
    clear_cache()
    yield place
    clear_cache()


@pytest.fixture
def windows(request, monkeypatch):
    """Let scripts open napari: layers, sliders and panels are real, the window is not."""
    napari = pytest.importorskip("napari", reason="needs the extra napari-colorize[napari]")
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    qtbot = request.getfixturevalue("qtbot")
    from napari.components import ViewerModel
    from npe2 import PluginManifest

    manifest = PluginManifest.from_file(ROOT / "napari_colorize" / "napari.yaml")
    opened = []

    def open_viewer():
        viewer = ViewerModel()
        panels = []

        def dock(plugin, title):
            assert plugin == manifest.name
            [widget] = [w for w in manifest.contributions.widgets if w.display_name == title]
            [command] = [c for c in manifest.contributions.commands if c.id == widget.command]
            module, _, name = command.python_name.partition(":")
            panel = getattr(importlib.import_module(module), name)(viewer)
            qtbot.addWidget(panel)
            panels.append(panel)
            return None, panel

        opened.append((viewer, panels))
        window = SimpleNamespace(add_plugin_dock_widget=dock)
        return SimpleNamespace(window=window, layers=viewer.layers, add_image=viewer.add_image)

    def stay_open():
        for _, panels in opened:
            qtbot.waitUntil(lambda: not any(p.task.busy for p in panels), timeout=30_000)  # noqa: B023

    monkeypatch.setattr(napari, "Viewer", open_viewer)
    monkeypatch.setattr(napari, "run", stay_open)
    return opened
