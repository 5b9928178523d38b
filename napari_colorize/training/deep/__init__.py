"""Training of *Deep Colorization* (Cheng, Yang, Sheng 2015): pictures in, tree of networks out.

`run.train_deep` learns from files, `run.train_on_arrays` from pictures in memory. Their parts:

- `settings.py`: everything that decides a training
- `pictures.py`: pictures as the method sees them: to learn from, to watch, to be scored on
- `semantic.py`: the pretrained classifier and its groups
- `sampled.py`: sampled pixels, described once and kept compactly, in memory and on the disk
- `tree.py`: adaptive clustering, layer after layer
- `fitting.py`: least squares for the networks of all clusters at once
- `learning.py`: all of this in its order, to a filled graph
- `record.py`, `run.py`: the checkpoint's record, the tree as a picture, and whole trainings
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_colorize.training.trainers import Lesson, Trainer

if TYPE_CHECKING:
    from napari_colorize.checkpoints import CheckpointRecord
    from napari_colorize.training.deep.settings import DeepSettings


class DeepTrainer(Trainer):
    """How *Deep Colorization* is trained: all its own, by clustering and least squares."""

    def settings(self, name: str, table: Mapping[str, Any]) -> DeepSettings:
        """Build the settings; see `deep_settings`."""
        from napari_colorize.training.deep.settings import deep_settings

        return deep_settings(name, table)

    def train(
        self,
        data: Sequence[str | Path],
        settings: DeepSettings,
        out: Path,
        *,
        resume: bool = False,
        licence: str = "",
    ) -> Path:
        """Train by `run.train_deep`."""
        from napari_colorize.training.deep.run import train_deep

        return train_deep(data, settings, out, resume=resume, licence=licence)

    def teach(self, lesson: Lesson) -> CheckpointRecord:
        """Teach by `run.teach_deep`."""
        from napari_colorize.training.deep.run import teach_deep

        return teach_deep(lesson)


TRAINER = DeepTrainer()
"""What the method's card leads to."""
