"""How networks are trained: by Lightning in the folder of a run, or in one go."""

from __future__ import annotations

import contextlib
import os
import tempfile
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_colorize.checkpoints import CheckpointRecord
from napari_colorize.training.trainers import Learner, Lesson, Trainer

if TYPE_CHECKING:
    from napari_colorize.training.tiles import Cut

_ALONE = {"workers": 0, "devices": 1, "strategy": "auto"}
"""One process: inside a program with windows and threads, neither forks nor copies of it start."""


class NetworkTrainer(Trainer):
    """Networks that learn by gradient descent over many pictures, by Lightning."""

    @abstractmethod
    def learner(self) -> Learner:
        """Return what the training of a network asks of the method; torch is imported inside."""

    def train(
        self,
        data: Sequence[str | Path],
        settings: Any,
        out: Path,
        *,
        resume: bool = False,
        licence: str = "",
    ) -> Path:
        """Train by `run.train_network`."""
        from napari_colorize.training.run import train_network

        return train_network(data, settings, out, resume=resume, licence=licence)

    def teach(self, lesson: Lesson) -> CheckpointRecord:
        """Teach by the same, in a folder that is thrown away."""
        return teach_network(self.recipe, lesson)


def teach_network(recipe_name: str, lesson: Lesson) -> CheckpointRecord:
    """Train a network from a packaged recipe and keep nothing but its weights.

    Parameters
    ----------
    recipe_name : str
        A recipe of the method.
    lesson : Lesson
        What was asked for.

    Returns
    -------
    CheckpointRecord
        As written.
    """
    from napari_colorize.training.recipe_files import load_recipe
    from napari_colorize.training.run import Target, train_network
    from napari_colorize.training.tiles import cut_arrays

    with (
        tempfile.TemporaryDirectory("", "napari-colorize-", ignore_cleanup_errors=True) as place,
        _own_chance(),
    ):
        sources: list[str | Path]
        changes, names = {**_ALONE, **_on(lesson.device), **lesson.changes}, []
        if isinstance(lesson.pictures, Mapping):
            parts = cut_arrays(lesson.pictures, lesson.tile)
            if parts.network_size:
                changes.setdefault("defaults.network_size", parts.network_size)
                if lesson.method == "colorful":
                    # Tiles have their final scale: the trunk must not enlarge them.
                    changes.setdefault("look_size", lesson.tile)
            sources, names = [_written(parts, Path(place) / "pictures")], list(lesson.pictures)
        else:
            sources = lesson.sources()
        weights = train_network(
            sources,
            load_recipe(recipe_name, changes, lesson.method),
            Path(place) / "run",
            licence=lesson.licence,
            watch=lesson.watch,
            target=Target(lesson.folder, lesson.name, tuple(names)),
        )
    return CheckpointRecord.from_json(weights.with_suffix(".json"))


def _on(device: str) -> dict[str, Any]:
    """Return a device, as `ColorizeParameters` names it, in Lightning's words."""
    kind, _, number = device.partition(":")
    if kind != "cuda":
        return {"accelerator": kind}
    return {"accelerator": "gpu", "devices": f"{number or 0},"}


def _written(parts: Cut, folder: Path) -> Path:
    """Write pictures as files, where the trainer of networks reads them."""
    import cv2
    import numpy as np

    folder.mkdir()
    for number, picture in enumerate(parts.pictures.values()):
        encoded, content = cv2.imencode(".png", np.ascontiguousarray(picture[..., ::-1]))
        assert encoded
        (folder / f"{number:05d}.png").write_bytes(content.tobytes())
    return folder


@contextlib.contextmanager
def _own_chance() -> Iterator[None]:
    """Leave the program's random numbers, and its environment, as they were."""
    from lightning.pytorch.utilities.seed import isolate_rng

    before = {key: value for key, value in os.environ.items() if key.startswith("PL_")}
    with isolate_rng():
        try:
            yield
        finally:
            for key in [key for key in os.environ if key.startswith("PL_")]:
                del os.environ[key]
            os.environ.update(before)
