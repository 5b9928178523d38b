"""What the panel *Train on my images* was asked to learn, and learning it. Knows no Qt.

A :class:`TrainingJob` holds the arrays of layers, not the layers: what happens to those after the
click cannot change or break the training.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
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
from napari_colorize.widgets.shared.preferences import preferences
from napari_colorize.widgets.shared.preflight import load_torch
from napari_colorize.widgets.shared.words import sentence_of as sentence_of_any
from napari_colorize.widgets.train.watch import LiveWatch

if TYPE_CHECKING:
    from napari.components import Dims
    from napari.layers import Image

    from napari_colorize.training.teaching import Taught

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
