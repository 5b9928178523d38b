"""A sample sheet at every validation: numbers do not show blotches, eyes do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import lightning
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from napari_colorize import ops
from napari_colorize.files.pictures import Picture
from napari_colorize.storage import write_whole
from napari_colorize.training.samples import centre_square

PICTURES = 8
GAP = 4


class SampleSheet(lightning.Callback):
    """Write ``sheets/epoch-NNN.png``: one row a picture, grey | predicted | truth.

    Parameters
    ----------
    folder
        Of the run.
    pictures
        Held out; the first eight are shown, the same every time.
    size
        Side of each, px; a multiple of 32.
    temperature, vividness
        Of the prediction: the defaults that the finished checkpoint will have.
    """

    def __init__(
        self,
        folder: Path,
        pictures: Sequence[Picture],
        size: int,
        temperature: float,
        vividness: float,
    ) -> None:
        self.folder = folder / "sheets"
        self.pictures = pictures[:PICTURES]
        self.size = size
        self.temperature = temperature
        self.vividness = vividness

    def on_validation_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Colour the pictures with the weights under validation and write the sheet.

        On Lightning's order of hooks: callbacks that come before the weight averaging in the
        list still see the averaged weights here.
        """
        if trainer.sanity_checking or not trainer.is_global_zero:
            return
        rows = [self._row(pl_module, picture) for picture in self.pictures]
        self.folder.mkdir(exist_ok=True)
        path = self.folder / f"epoch-{trainer.current_epoch + 1:03d}.png"
        encoded, content = cv2.imencode(".png", _stacked(rows)[..., ::-1])
        assert encoded
        write_whole(path, content.tobytes())

    def _row(self, module: lightning.LightningModule, picture: Picture) -> list[NDArray[np.uint8]]:
        truth = centre_square(picture.read(), self.size)
        return [*grey_and_painted(module, truth, self.temperature, self.vividness), truth]


@torch.no_grad()
def grey_and_painted(
    module: lightning.LightningModule,
    truth: NDArray[np.uint8],
    temperature: float,
    vividness: float,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Colour a picture's lightness with the weights as they are.

    Parameters
    ----------
    module
        Its ``graph``, which must be in eval mode, colours.
    truth
        (S, S, 3) uint8; S is a multiple of 32.
    temperature, vividness
        Of the prediction.

    Returns
    -------
    grey, painted
        (S, S, 3) uint8.
    """
    lab = ops.rgb_to_lab(torch.from_numpy(truth.copy()).float() / 255)
    luma = lab[None, None, ..., 0]
    grey = lab * torch.tensor([1.0, 0.0, 0.0])
    setting = torch.tensor([temperature, vividness], device=module.device)
    # Outside any autocast: the decoding wants full precision.
    with torch.autocast(module.device.type, enabled=False):
        graph: Any = module.graph
        ab, _ = graph(luma.to(module.device), setting[0], setting[1])
    ab = F.interpolate(ab.cpu(), truth.shape[:2], mode="bilinear")
    painted, _ = ops.gamut_clip(torch.cat((luma, ab), 1)[0].permute(1, 2, 0).contiguous())
    shown = [ops.lab_to_rgb(plane, dtype=torch.uint8).numpy() for plane in (grey, painted)]
    return shown[0], shown[1]


def _stacked(rows: Sequence[Sequence[NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    """Put pictures of one size into a grid with white gaps."""
    framed = [
        [np.pad(cell, ((0, GAP), (0, GAP), (0, 0)), constant_values=255) for cell in row]
        for row in rows
    ]
    return np.concatenate([np.concatenate(row, 1) for row in framed], 0)
