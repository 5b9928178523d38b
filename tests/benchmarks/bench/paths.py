"""The paths compared end to end: ours, ours with the paper's network, and the public release's.

A path is made once and called with (H, W) uint8 pictures and a `Ledger`.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.stages import Ledger, watched

Grey = NDArray[np.uint8]
Path = Callable[[Grey, Ledger], Any]

NETWORK_SIZE = 256
"""Side of what the release's network sees, and the short side for ours."""

OURS, OURS_PAPER, RELEASE = "ours", "ours, paper's network", "release"


def make(name: str) -> Path:
    """Return the path of this name: one of `PATHS`."""
    return PATHS[name]()


def picture(height: int, width: int) -> Grey:
    """Return a grey picture with large and fine structure, always the same."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    waves = np.sin(y * (7 / height)) + np.cos(x * (11 / width)) + np.sin(0.21 * x + 0.17 * y)
    return ((waves + 3) * (255 / 6)).astype(np.uint8)


def _ours(model: Any) -> Path:
    from napari_colorize import colorize

    def call(grey: Grey, ledger: Ledger) -> Any:
        with watched(ledger, model):
            return colorize(grey, network_size=NETWORK_SIZE, device="cpu")

    return call


def _with_default_weights() -> Path:
    """The weights that `colorize` takes by itself; without them their architecture, untrained."""
    from napari_colorize import checkpoints

    try:
        return _ours(checkpoints.load(checkpoints.default_for("colorful").name))
    except ValueError:  # not here yet
        return _ours(_untrained("colorful-compact"))


def _with_paper_network() -> Path:
    return _ours(_untrained("colorful-paper"))


def _untrained(architecture: str) -> Any:
    """Return a scripted graph with random weights, which cost what trained ones cost."""
    import torch

    from napari_colorize import methods
    from napari_colorize.checkpoints import CheckpointRecord

    torch.manual_seed(0)
    record = CheckpointRecord(
        name=f"untrained-{architecture}",
        method="colorful",
        architecture=architecture,
        defaults={"temperature": 0.38, "vividness": 0.5, "network_size": NETWORK_SIZE},
    )
    graph = torch.jit.script(methods.ARCHITECTURES[architecture]().eval())
    return SimpleNamespace(graph=graph, record=record)


def _release() -> Path:
    """The way the public release goes.

    scikit-image's Lab of the picture and of its 256 × 256 copy; the paper's network in plain
    PyTorch; softmax and the mean over the bins; bilinear upsampling, fourfold and then to the
    picture's size; scikit-image's way back to sRGB.
    """
    import cv2
    import torch
    from skimage import color
    from torch.nn import functional as F

    from napari_colorize.methods.colorful.network import PaperNetwork

    torch.manual_seed(0)
    network = PaperNetwork().eval()

    def call(grey: Grey, ledger: Ledger) -> Any:
        with torch.inference_mode():
            with ledger.book("window"):
                rgb = np.repeat(grey[..., None], 3, axis=-1)
                seen = cv2.resize(rgb, (NETWORK_SIZE, NETWORK_SIZE), interpolation=cv2.INTER_CUBIC)
                full, small = (
                    torch.from_numpy(color.rgb2lab(x)[..., 0].copy()).float()[None, None]
                    for x in (rgb, seen)
                )
            with ledger.book("network"):
                logits = network(small)
            with ledger.book("decode"):
                ab = 110 * network.model_out(torch.softmax(logits, dim=1))
            with ledger.book("upsample"):
                ab = F.interpolate(ab, scale_factor=4, mode="bilinear", align_corners=False)
                ab = F.interpolate(ab, size=grey.shape, mode="bilinear", align_corners=False)
            with ledger.book("finish"):
                lab = torch.cat([full, ab], dim=1)[0].numpy().transpose(1, 2, 0)
                return np.rint(color.lab2rgb(lab) * 255).astype(np.uint8)

    return call


PATHS: dict[str, Callable[[], Path]] = {
    OURS: _with_default_weights,
    OURS_PAPER: _with_paper_network,
    RELEASE: _release,
}
