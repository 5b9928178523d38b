"""What comes of a run: arrays, the layers made of them, and what is said of them. Knows no Qt."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorize.widgets.colorize.job import Job, StackJob
from napari_colorize.widgets.layers.marks import RECORD_KEY, prefer_our_writers
from napari_colorize.widgets.shared.preferences import preferences

if TYPE_CHECKING:
    from napari.layers import Layer


@dataclass
class Outcome:
    """The arrays of a finished run, in the source's axes, and its record.

    Of a lazy run they are dask arrays, of a pyramid lists of them.
    """

    job: Job
    rgb: Any
    uncertainty: Any
    clipped: Any
    record: dict[str, Any] = field(default_factory=dict)


def is_lazy_run(job: Job) -> bool:
    """Whether planes are coloured when somebody looks at them."""
    return isinstance(job, StackJob) and job.lazy


def refuse_what_does_not_fit(job: Job, channels: int, dtype: np.dtype) -> None:
    """Refuse a result beyond the free memory before anything is coloured."""
    pixel = channels * dtype.itemsize + 4 * job.uncertainty + job.clipped
    needed = math.prod(job.shape) * pixel
    free = preferences().memory_for_results()
    if needed > free:
        raise MemoryError(
            f"The coloured stack of shape {job.shape} needs {needed / 2**30:.1f} GiB, and "
            f"{free / 2**30:.1f} GiB of memory are free or allowed in the preferences. Colour "
            "single planes, or crop the stack."
        )


def is_same(page: np.ndarray, plane: np.ndarray) -> bool:
    """Whether two planes hold the same numbers of the same type."""
    return page.dtype == plane.dtype and np.array_equal(page, plane, page.dtype.kind == "f")


def build_layers(job: Job, outcome: Outcome) -> list["Layer"]:
    """Return the layers of a run, lowest first: uncertainty, colour, clipped colours.

    Lazy ones are not visible yet: napari would colour the first plane of a visible layer as soon as
    it is made, wherever the sliders stand. Show them once they are in a viewer.

    Built here, and not left to napari's converters, because those overwrite a layer of the same
    name, guess what is RGB, and lose scale, units or axis labels.
    """
    from napari.layers import Image, Labels

    prefer_our_writers()
    method = job.parameters.method
    common = {
        "metadata": {RECORD_KEY: outcome.record},
        "multiscale": isinstance(job, StackJob) and job.pyramid,
        "visible": not is_lazy_run(job),
        **job.placement,
    }
    layers: list[Layer] = []
    if outcome.uncertainty is not None:
        layers.append(
            Image(
                outcome.uncertainty,
                rgb=False,
                name=f"{job.name} (uncertainty, {method})",
                colormap="magma",
                contrast_limits=(0, 1),
                **common,
            )
        )
    layers.append(
        Image(
            outcome.rgb,
            rgb=True,
            name=preferences().name_of(job.name, method),
            **common,
        )
    )
    if outcome.clipped is not None:
        layers.append(
            Labels(
                _as_labels(outcome.clipped),
                name=f"{job.name} (clipped colours, {method})",
                **common,
            )
        )
    return layers


def _as_labels(clipped: Any) -> Any:
    if isinstance(clipped, list):
        return [level.astype(np.uint8) for level in clipped]
    return clipped.astype(np.uint8)


LAZY = "The layer is there. Planes are coloured when you come to them, the next ones meanwhile."
ONE_SHADE = (
    "Under these contrast limits all of it is of one shade; there is nothing to tell colours by."
)


def told_of(job: Job, record: Mapping[str, Any], seconds: float) -> str:
    """Return what to say of a finished run.

    Parameters
    ----------
    job : Job
    record : mapping
        Of its result.
    seconds : float
        How long it took.
    """
    if is_lazy_run(job):
        return " ".join([LAZY, *_said_of_axis(job)])
    said = [f"Done in {seconds:.1f} s.", *_said_of_input(job, record["input"])]
    share = record["output"]["clipped_share"]
    if share >= 0.0005:  # less is shown as 0.0%
        said.append(f"{share:.1%} of the pixels are paler than predicted: sRGB has no such colour.")
    return " ".join([*said, *_said_of_axis(job), *record.get("memory", [])])


def _said_of_input(job: Job, given: Mapping[str, Any]) -> list[str]:
    """Warn where there was little or nothing to be seen."""
    missing, pixels = given["nan_count"], math.prod(job.shape)
    if missing == pixels:
        return ["All of it is missing (NaN); the result is black."]
    said = [ONE_SHADE] if given["one_shade"] else []
    if missing:
        many = "1 pixel is" if missing == 1 else f"{missing} pixels are"
        said.append(f"{many} missing (NaN) and black.")
    return said


def _said_of_axis(job: Job) -> list[str]:
    """Say that colour was held along an axis of which nobody has said what it is."""
    if not isinstance(job, StackJob) or job.hold.along is None or job.hold.axes:
        return []
    planes = job.shape[job.hold.along]
    return [f"Colour is held along an axis of {planes} planes that was guessed; see Axes."]
