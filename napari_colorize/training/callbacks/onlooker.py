"""Lets a `watching.Watch` see a training by Lightning, and end it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import lightning

from napari_colorize.files.pictures import Picture
from napari_colorize.training.callbacks.keeping import BEST
from napari_colorize.training.callbacks.sheet import grey_and_painted
from napari_colorize.training.callbacks.watching import Watch, nothing_learnt, refuse_stopped
from napari_colorize.training.samples import centre_square
from napari_colorize.training.trainers import steps_taken

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
