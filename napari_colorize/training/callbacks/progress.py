"""What a person sees while a training runs: pictures a second, time left, the latest scores."""

from __future__ import annotations

import contextlib
import logging
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import lightning
from lightning.pytorch.callbacks import ProgressBar
from lightning.pytorch.utilities.warnings import PossibleUserWarning
from tqdm import tqdm

from napari_colorize.training.trainers import steps_taken


@contextlib.contextmanager
def quiet_lightning() -> Iterator[None]:
    """Leave out what Lightning tells about itself; its errors and real warnings stay."""
    logger = logging.getLogger("lightning.pytorch")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PossibleUserWarning)
            warnings.filterwarnings("ignore", ".*LeafSpec.*")
            yield
    finally:
        logger.setLevel(before)


# Lightning's TQDMProgressBar has a bar an epoch, counted in batches; it cannot be entered half-way.
class TrainingBar(ProgressBar):
    """One bar over the whole training, counted in pictures, and a line for every validation.

    Parameters
    ----------
    batch
        Pictures of one step on each device.
    """

    def __init__(self, batch: int) -> None:
        super().__init__()
        self.batch = batch
        self._bar: tqdm[Any] | None = None
        self._enabled = True

    def disable(self) -> None:
        """Show nothing: Lightning asks this of all processes but the first."""
        self._enabled = False

    def enable(self) -> None:
        """Show again."""
        self._enabled = True

    def on_train_start(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Open the bar where the training stands."""
        per_step = self.batch * trainer.world_size
        epochs = trainer.max_epochs or 0
        self._bar = tqdm(
            total=epochs * int(trainer.num_training_batches) * per_step,
            # Left out of the rate: what an earlier session did says nothing of this one's pace.
            initial=steps_taken(trainer) * per_step,
            unit="picture",
            desc="Training",
            disable=None if self._enabled else True,
            file=sys.stderr,
            smoothing=0.02,
        )

    def on_train_batch_end(self, trainer: lightning.Trainer, *args: Any) -> None:
        """Count the pictures of a step."""
        if self._bar is None:
            return
        self._bar.update(self.batch * trainer.world_size)
        loss = trainer.callback_metrics.get("train_loss")
        if loss is not None and steps_taken(trainer) % 10 == 0 and not self._bar.disable:
            self._bar.set_postfix_str(
                f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}, loss {float(loss):.3f}",
                refresh=False,
            )

    def on_validation_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Say the validation's scores, on a terminal or in a log alike."""
        if trainer.sanity_checking or not self._enabled:
            return
        metrics = trainer.callback_metrics
        scores = ", ".join(
            f"{title} {float(metrics[name]):.{digits}f}"
            for name, title, digits in (
                ("val_loss", "loss", 3),
                ("val_rmse_0.0", "ab error", 2),
                ("val_chroma_0.5", "chroma over truth", 2),
                ("val_rmse", "ab error", 2),
                ("val_chroma", "chroma over truth", 2),
            )
            if name in metrics
        )
        tqdm.write(
            f"Epoch {trainer.current_epoch + 1} of {trainer.max_epochs} validated: {scores}",
            file=sys.stderr,
        )

    def teardown(self, trainer: lightning.Trainer, *args: Any, **kwargs: Any) -> None:
        """Close the bar, also when the training was stopped."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
