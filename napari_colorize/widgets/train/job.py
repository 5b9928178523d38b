"""What the panel *Train on my images* was asked to learn, and learning it. Knows no Qt.

A :class:`TrainingJob` holds the arrays of layers, not the layers: what happens to those after the
click cannot change or break the training.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from napari_colorize.api import Cancelled
from napari_colorize.widgets.layers.planes import (
    Plane,
    all_planes,
    at_level,
    choose_level,
    plane_on_screen,
    read_plane,
    spatial_shape,
)
from napari_colorize.widgets.shared import executor as _executor
from napari_colorize.widgets.shared.background import Reporter, Step, follow
from napari_colorize.widgets.shared.preferences import preferences
from napari_colorize.widgets.shared.preflight import TorchUnavailableError, load_torch
from napari_colorize.widgets.train.watch import LiveWatch

if TYPE_CHECKING:
    from napari.components import Dims
    from napari.layers import Image

    from napari_colorize.training.teaching import Taught

SPEAKING_ERRORS = (ValueError, TypeError, MemoryError, FileNotFoundError, TorchUnavailableError)
"""Their messages are sentences written for the person at the screen."""

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
    job: TrainingJob, watch: LiveWatch, stop: Event
) -> "Generator[Step, None, Taught | NothingKept | None]":
    """Train in a thread of its own; ``None`` after ``stop``."""

    def call(reporter: Reporter, should_stop: Callable[[], bool]) -> "Taught | NothingKept":
        watch.obey(reporter, should_stop)
        reporter.note(None, "Reading the pictures…")
        load_torch()
        from napari_colorize.training.teaching import teach

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

    return (yield from follow(_submit, call, "Waiting…", stop))


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
    """Return what to show of an error: our own sentences as they are, others introduced."""
    if isinstance(error, SPEAKING_ERRORS) and str(error):
        sentence = str(error)
        if "are needed" in sentence:
            sentence += " Tick more layers, choose smaller tiles under More, or take Deep."
        return sentence
    if isinstance(error, ModuleNotFoundError):
        return (
            f"{error}. Training needs the extra packages; install napari-colorize[train] and "
            "restart napari."
        )
    return f"The training failed: {type(error).__name__}: {error}"


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


@cache
def _trainer() -> ThreadPoolExecutor:
    # Not the thread that colours: a quarter of an hour of training must not keep anybody from it.
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="napari-colorize-training")


def _submit(function: Any, *args: Any) -> Future:
    return _trainer().submit(_executor.with_threads, preferences().threads, function, *args)
