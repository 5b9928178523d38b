"""From a job to finished arrays, in another thread. Knows no Qt."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorize import files
from napari_colorize.widgets.colorize.job import Job, PlaneJob, StackJob
from napari_colorize.widgets.colorize.outcome import Outcome, is_same, refuse_what_does_not_fit
from napari_colorize.widgets.colorize.stack_run import colour_stack
from napari_colorize.widgets.layers.planes import Plane, into_plane, read_plane
from napari_colorize.widgets.shared.preflight import load_torch

if TYPE_CHECKING:
    pass


def run(
    job: Job,
    progress: Callable[[float | None, str], None],
    should_stop: Callable[[], bool],
    told: Mapping[str, Any] | None = None,
) -> Outcome:
    """Read and colour what a job says; runs in the inference thread.

    Parameters
    ----------
    job : Job
    progress : callable
        Told the share done, 0…1, and what comes next.
    should_stop : callable
        Asked several times a plane.
    told : mapping, optional
        What a person has decided, as :func:`napari_colorize.colorize` takes it, or for all planes
        :func:`napari_colorize.colorize_stack`.

    Raises
    ------
    napari_colorize.Cancelled
        ``should_stop`` said so.
    """
    from napari_colorize import api

    def note(share: float, stage: str) -> None:
        progress(share, stage[:1].upper() + stage[1:] + "…")

    note(0.0, "loading PyTorch")
    load_torch()
    note(0.0, "reading the layer")
    if isinstance(job, StackJob):
        return colour_stack(job, note, should_stop, told)
    assert isinstance(job, PlaneJob)  # there is no third kind
    result = api.colorize(
        read_plane(job.data, job.plane),
        parameters=job.parameters,
        progress=note,
        should_stop=should_stop,
        source=source_of(job),
        **(told or {}),
    )
    return _in_the_plane(job, result)


def source_of(job: PlaneJob) -> dict[str, Any]:
    """Say where a plane came from, for the record; a path only where it alone says everything."""
    plane = job.plane
    source: dict[str, Any] = {
        "name": f"{job.name}{_index_of(plane)}",
        "expression": _expression_of(job),
        "layer": job.name,
        "file": job.path,
        "plane": {str(axis): index for axis, index in plane.at},
        "part": [list(ends) for ends in plane.part] if plane.part else None,
        "shown_axes": list(plane.shown),
        "level": job.level,
        "contrast_limits": list(job.window) if job.window else None,
        "gamma": job.gamma,
    }
    whole = not plane.at and plane.part is None
    if job.path and whole and plane.upright and job.level == 0 and _is_first_page(job):
        source["path"] = job.path
    return source


def _is_first_page(job: PlaneJob) -> bool:
    """Whether a layer still holds what its file does; its data may have been changed since."""
    try:
        page = next(files.iter_pages(str(job.path)))
    except (OSError, ValueError):
        return False
    return is_same(page.pixels, read_plane(job.data, job.plane))


def _expression_of(job: PlaneJob) -> str:
    """Return what gives the pixels that were coloured in napari's console."""
    level = f"[{job.level}]" if _is_pyramid(job) else ""
    turned = "" if job.plane.upright else ".swapaxes(0, 1)"
    return f"viewer.layers[{job.name!r}].data{level}{_index_of(job.plane)}{turned}"


def _is_pyramid(job: PlaneJob) -> bool:
    layer = job.layer()
    return job.level > 0 or bool(layer is not None and layer.multiscale)


def _index_of(plane: Plane) -> str:
    """Return a plane as one writes it behind a name in Python: ``[3, :, :]``."""
    if not plane.at and plane.part is None:
        return ""
    index = [str(i) if isinstance(i, int) else _range(i) for i in plane.slicing]
    return f"[{', '.join(index)}]"


def _range(part: slice) -> str:
    return ":" if part.start is None else f"{part.start}:{part.stop}"


def _in_the_plane(job: PlaneJob, result: Any) -> Outcome:
    """Put a coloured plane into arrays with all axes of the layer, of length 1 where sliced."""
    channels, dtype = result.rgb.shape[-1], result.rgb.dtype
    refuse_what_does_not_fit(job, channels, dtype)
    first = Plane(job.plane.shown, tuple((axis, 0) for axis, _ in job.plane.at))

    def placed(picture: np.ndarray) -> np.ndarray:
        whole = np.zeros((*job.shape, *picture.shape[2:]), picture.dtype)
        into_plane(whole, first, picture)
        return whole

    return Outcome(
        job=job,
        rgb=placed(result.rgb),
        uncertainty=placed(result.uncertainty) if job.uncertainty else None,
        clipped=placed(result.clipped) if job.clipped else None,
        record=result.record,
    )
