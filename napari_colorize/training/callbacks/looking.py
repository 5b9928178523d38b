"""Pictures to look at while a training runs: sheets on the disk, and samples for whoever watches.

A sample sheet at every validation: numbers do not show blotches, eyes do. An `Onlooker` lets a
`watching.Watch` see a training by Lightning, and end it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from napari_colorize.training.callbacks.keeping import BEST
from napari_colorize.training.callbacks.watching import Watch, nothing_learnt, refuse_stopped
from napari_colorize.training.samples import centre_square
from napari_colorize.training.trainers import steps_taken

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


LOOKING = 0.02
"""Share of a training that goes to looking at the pictures before."""

_POINTS_AN_EPOCH = 8


class EnoughLearnt(Exception):
    """Ends a training whose best weights so far are to be kept."""


def looking(watch: Watch, begin: float, end: float) -> Callable[[float], None]:
    """Return what is to be told the share of the pictures that were looked at.

    Parameters
    ----------
    watch
        Who is told in turn, and may end it.
    begin, end
        Which part, 0…1, of all looking this is.
    """

    def tick(share: float) -> None:
        refuse_stopped(watch, nothing_yet=True)
        done = begin + (end - begin) * share
        watch.progress(LOOKING * done, "looking at the pictures")

    return tick


class Onlooker(lightning.Callback):
    """Tells a watch progress and error, shows it a sample at every validation, and obeys it.

    It must come before the weight averaging in the list of callbacks, which takes its weights
    back when a validation ends.

    Parameters
    ----------
    watch
        Who looks on.
    pictures
        Held out; the first is the sample.
    size
        Side of the sample, px; a multiple of 32.
    temperature, vividness
        Of the sample's prediction.
    """

    def __init__(
        self,
        watch: Watch,
        pictures: Sequence[Picture],
        size: int,
        temperature: float,
        vividness: float,
    ) -> None:
        self.watch = watch
        self.pictures = pictures
        self.size = size
        self.settings = (temperature, vividness)
        self._losses: list[float] = []
        self._learnt = float("nan")

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Show what the training starts from."""
        modes = [(module, module.training) for module in pl_module.modules()]
        pl_module.eval()
        self._show(pl_module)
        # Not all together: frozen parts stay in eval mode.
        for module, training in modes:
            module.training = training

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Tell how far it is, and ask whether to go on."""
        refuse_stopped(self.watch)
        if self.watch.enough():
            raise self._enough(trainer)
        taken, epochs = steps_taken(trainer), trainer.max_epochs or 1
        an_epoch = int(trainer.num_training_batches)
        share = taken / max(1, epochs * an_epoch)
        stage = f"pass {min(trainer.current_epoch + 1, epochs)} of {epochs}"
        self.watch.progress(LOOKING + (1 - LOOKING) * share, stage)
        if "train_loss" in trainer.callback_metrics:
            self._losses.append(float(trainer.callback_metrics["train_loss"]))
        if taken % max(1, an_epoch // _POINTS_AN_EPOCH) == 0:
            self._tell(taken, None)

    def on_validation_batch_end(self, *_: Any) -> None:
        """Ask whether to go on."""
        refuse_stopped(self.watch)

    def on_validation_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Tell the error on what was held out, and show the sample as it is coloured now."""
        if not trainer.sanity_checking:
            self._tell(steps_taken(trainer), float(trainer.callback_metrics["val_loss"]))
            self._show(pl_module)

    def _tell(self, step: int, held_back: float | None) -> None:
        if self._losses:
            self._learnt = sum(self._losses) / len(self._losses)
            self._losses.clear()
        self.watch.loss(step, self._learnt, held_back)

    def _show(self, module: lightning.LightningModule) -> None:
        for picture in self.pictures:
            try:
                truth = centre_square(picture.read(), self.size)
            except ValueError:
                continue
            grey, painted = grey_and_painted(module, truth, *self.settings)
            self.watch.sample(grey, painted, truth)
            return

    def _enough(self, trainer: lightning.Trainer) -> Exception:
        if not (Path(trainer.default_root_dir) / BEST).exists():
            return nothing_learnt()
        return EnoughLearnt(f"in pass {trainer.current_epoch + 1} of {trainer.max_epochs}")
