"""Numbers while a training runs: ``metrics.csv``, and what a person sees in the terminal.

A row is logged for each time something is told, and the file is continued when a run is. The bar
says pictures a second, time left and the latest scores.
"""

from __future__ import annotations

import contextlib
import csv
import io
import logging
import sys
import warnings
from argparse import Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import ProgressBar
from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only
from lightning.pytorch.utilities.warnings import PossibleUserWarning
from tqdm import tqdm

from napari_colorize.storage import write_whole
from napari_colorize.training.trainers import steps_taken

FILE = "metrics.csv"


# Lightning's CSVLogger appends what a training logs after a kill to what it had logged before:
# steps that are taken again would stand there twice.
class MetricsFile(Logger):
    """Rows of numbers by step, kept in a CSV file that is replaced whole.

    Parameters
    ----------
    folder
        Of the run.
    from_step
        First step of this session; rows of an earlier one that the training is about to take
        again are dropped.
    """

    def __init__(self, folder: Path, from_step: int = 0) -> None:
        super().__init__()
        self.path = folder / FILE
        self.rows = [row for row in _read(self.path) if int(row["step"]) < from_step]

    @property
    def name(self) -> str:
        """No subfolder is made for a logger."""
        return ""

    @property
    def version(self) -> str:
        """No subfolder is made for a version."""
        return ""

    @rank_zero_only
    def log_hyperparams(
        self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any
    ) -> None:
        """Leave them out: ``run.json`` holds the recipe."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Add numbers to the row of a step."""
        number = str(step or 0)
        if not self.rows or self.rows[-1]["step"] != number:
            self.rows.append({"step": number})
        # Lightning logs the epoch as a float.
        shown = {k: str(int(v)) if k == "epoch" else f"{v:.6g}" for k, v in metrics.items()}
        self.rows[-1].update(shown)
        # At once: a checkpoint may follow, and a training that goes on from it never repeats them.
        self.save()

    @rank_zero_only
    def save(self) -> None:
        """Write all rows, whole."""
        columns = ["epoch", "step"]
        columns += sorted({key for row in self.rows for key in row} - set(columns))
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, columns)
        writer.writeheader()
        writer.writerows(self.rows)
        write_whole(self.path, text.getvalue())

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Write what is left."""
        self.save()


def _read(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [{k: v for k, v in row.items() if v} for row in csv.DictReader(file)]


def tensorboard(folder: Path) -> Logger:
    """Return a logger that writes TensorBoard files into the run.

    Raises
    ------
    ModuleNotFoundError
        Neither ``tensorboard`` nor ``tensorboardX`` is installed.
    """
    from lightning.pytorch.loggers import TensorBoardLogger

    try:
        return TensorBoardLogger(folder, name="", version="tensorboard")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "TensorBoard logs were asked for, but tensorboard is not installed: "
            "`pip install tensorboard`, or set tensorboard=false; metrics.csv is always written."
        ) from error


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
