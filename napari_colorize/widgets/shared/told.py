"""What the panel says of a finished run: the time it took, and what somebody should know of it."""

import math
from collections.abc import Mapping
from typing import Any

from napari_colorize.widgets.colorize.job import Job

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
    if job.lazy:
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
    if job.hold is None or job.hold.along is None or job.hold.axes:
        return []
    planes = job.shape[job.hold.along]
    return [f"Colour is held along an axis of {planes} planes that was guessed; see Axes."]
