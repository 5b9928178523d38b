"""What the panel *Train on my images* was asked to learn, learning it, and what is seen meanwhile.

A :class:`TrainingJob` holds the arrays of layers, not the layers: what happens to those after the
click cannot change or break the training. The training's thread writes what is seen, the window's
thread reads it; each takes or leaves whole objects only. Knows no Qt.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from napari_colorize.results import Cancelled
from napari_colorize.training.callbacks.watching import Watch
from napari_colorize.widgets.layers.planes import (
    Plane,
    all_planes,
    at_level,
    choose_level,
    plane_on_screen,
    read_plane,
    spatial_shape,
)
from napari_colorize.widgets.shared.preferences import preferences
from napari_colorize.widgets.shared.preflight import load_torch
from napari_colorize.widgets.shared.words import sentence_of as sentence_of_any

if TYPE_CHECKING:
    import numpy as np
    from napari.components import Dims
    from napari.layers import Image

    from napari_colorize.training.front import Taught

_WINDOW_SECONDS, _FIRST_GUESS_SECONDS = 60.0, 4.0


@dataclass(frozen=True)
class Point:
    """One point of the curve: step, error on what is learnt from and on what is held back."""

    step: int
    learnt: float
    held_back: float | None


@dataclass(frozen=True)
class Sample:
    """One picture as it is coloured now; three (h, w, 3) uint8 arrays."""

    grey: "np.ndarray"
    predicted: "np.ndarray"
    truth: "np.ndarray"


class LiveWatch(Watch):
    """Keeps what a training tells, and hands on that somebody had enough of it."""

    def __init__(self) -> None:
        self.curve: tuple[Point, ...] = ()
        self.latest: Sample | None = None
        self._enough = Event()
        self._tell: Callable[[float | None, str], None] = lambda share, text: None
        self._stopped: Callable[[], bool] = lambda: False
        self._left = TimeLeft()

    def obey(
        self, progress: Callable[[float | None, str], None], should_stop: Callable[[], bool]
    ) -> None:
        """Tell one, and ask the other of those who wait for the training."""
        self._tell, self._stopped = progress, should_stop

    def keep_best(self) -> None:
        """End the training; the best so far is kept."""
        self._enough.set()

    def progress(self, share: float, stage: str) -> None:
        """Report it, with the time that is left."""
        left = self._left.after(share)
        self._tell(share, f"{stage[:1].upper()}{stage[1:]}{left and f'; {left}'}…")

    def loss(self, step: int, learnt: float, held_back: float | None) -> None:
        """Add a point to the curve."""
        if math.isfinite(learnt):
            self.curve = (*self.curve, Point(step, learnt, held_back))

    def sample(self, grey: "np.ndarray", predicted: "np.ndarray", truth: "np.ndarray") -> None:
        """Keep the latest."""
        self.latest = Sample(grey, predicted, truth)

    def should_stop(self) -> bool:
        """Whether the panel is gone."""
        return self._stopped()

    def enough(self) -> bool:
        """Whether *Cancel* was pressed."""
        return self._enough.is_set()


class TimeLeft:
    """Guesses from the pace of the last minute.

    Parameters
    ----------
    clock : callable
        Seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, float]] = deque()

    def after(self, share: float) -> str:
        """Return the time left at this share in words; empty where it cannot be guessed yet."""
        now = self._clock()
        # Ten points a second say no more than one, and a training tells hundreds.
        if not self._seen or now - self._seen[-1][0] >= 0.1:
            self._seen.append((now, share))
        while now - self._seen[0][0] > _WINDOW_SECONDS:
            self._seen.popleft()
        then, had = self._seen[0]
        if now - then < _FIRST_GUESS_SECONDS or not had < share < 1:
            return ""
        return in_words((1 - share) * (now - then) / (share - had))


def in_words(seconds: float) -> str:
    """Return a rough time as people say it."""
    if seconds < 55:
        return f"about {max(10, 10 * math.ceil(seconds / 10))} seconds left"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"about {minutes} minute{'s' if minutes > 1 else ''} left"
    return f"about {round(minutes / 60)} hours left"


MAX_PIXELS = 16 * 2**20
"""Of a pyramid, the finest level whose plane has at most this many pixels is learnt from."""


@dataclass(frozen=True)
class Reference:
    """Planes of one layer: its name, its array (not read yet), and which planes."""

    name: str
    data: Any
    planes: tuple[Plane, ...]


@dataclass(frozen=True)
class TrainingJob:
    """Everything that one training needs.

    Parameters
    ----------
    method : str
    name : str
        Of the weights.
    references : tuple of Reference
        Planes of layers to learn from; empty where ``path`` says what to learn from.
    path : Path, optional
        A folder or a tar archive of pictures.
    tile : int
        Side of the tiles that planes are cut into, px; 0: whole planes.
    changes : mapping
        Fields of the recipe that differ from its own.
    licence : str
        Terms and source of the pictures, for the record.
    """

    method: str
    name: str
    references: tuple[Reference, ...] = ()
    path: Path | None = None
    tile: int = 0
    changes: Mapping[str, Any] = field(default_factory=dict)
    licence: str = ""


@dataclass(frozen=True)
class NothingKept:
    """The training was ended before there was anything to keep; a sentence says so."""

    sentence: str


def references_of(
    layers: "Sequence[Image]", dims: "Dims", *, every_plane: bool = False
) -> tuple[Reference, ...]:
    """Take from RGB layers what a training learns from; reads no pixel.

    Raises
    ------
    ValueError
        There is no layer, or nothing of one is on screen.
    """
    if not layers:
        raise ValueError("Tick at least one RGB layer to learn from, or choose a folder.")
    return tuple(_reference_of(layer, dims, every_plane) for layer in layers)


def train(
    job: TrainingJob,
    watch: LiveWatch,
    progress: Callable[[float | None, str], None],
    should_stop: Callable[[], bool],
) -> "Taught | NothingKept":
    """Train what a job says; runs in the thread of trainings."""
    watch.obey(progress, should_stop)
    progress(None, "Reading the pictures…")
    load_torch()
    from napari_colorize.training.front import teach

    try:
        return teach(
            job.method,
            _arrays(job) if job.path is None else job.path,
            job.name,
            tile=job.tile,
            changes=job.changes,
            licence=job.licence,
            device=preferences().device,
            watch=watch,
        )
    except Cancelled as cancelled:
        return NothingKept(str(cancelled))


def summary(taught: "Taught") -> str:
    """Say what came out of a training."""
    record = taught.record
    what = "picture" if taught.pictures == 1 else "pictures or tiles"
    ended = " It was ended early; the best so far was kept." if taught.stopped else ""
    scores = record.scores
    told = (
        f" Pictures that were set aside: PSNR {scores['psnr']:.1f} dB, left grey "
        f"{scores['psnr_of_grey']:.1f} dB, in their mean colour "
        f"{scores['psnr_of_mean_colour']:.1f} dB."
        if "psnr_of_mean_colour" in scores
        else ""
    )
    return (
        f"'{record.name}' has learnt from {taught.pictures} {what} and is in the list of weights."
        f"{ended}{told}"
    )


def sentence_of(error: Exception) -> str:
    """Return what to show of an error, and which control helps."""
    from napari_colorize.training.survey import TooFewPictures

    sentence = sentence_of_any(error, "The training failed", "train")
    if isinstance(error, TooFewPictures):
        sentence += " Tick more layers, choose smaller tiles under More, or take Deep."
    return sentence


def _reference_of(layer: "Image", dims: "Dims", every_plane: bool) -> Reference:
    plane = plane_on_screen(layer, dims)
    level = choose_level(layer, plane, MAX_PIXELS)
    shape = spatial_shape(layer, level)
    factors = [full / own for full, own in zip(spatial_shape(layer), shape, strict=True)]
    plane = at_level(plane, factors, shape)
    planes = tuple(all_planes(shape, plane)) if every_plane else (plane,)
    return Reference(layer.name, layer.data[level] if layer.multiscale else layer.data, planes)


def _arrays(job: TrainingJob) -> dict[str, Any]:
    """Read the planes, each under a name of its own."""
    found: dict[str, Any] = {}
    for reference in job.references:
        for plane in reference.planes:
            at = ", ".join(str(index) for _, index in plane.at)
            name = f"{reference.name} ({at})" if at else reference.name
            found[name] = read_plane(reference.data, plane)
    return found
