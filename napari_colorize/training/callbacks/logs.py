"""``metrics.csv``: one row for each time something is logged, continued when a run is."""

from __future__ import annotations

import csv
import io
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only

from napari_colorize.storage import write_whole

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
