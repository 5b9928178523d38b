"""From a job to finished arrays, plane by plane, always ready to stop. Knows no Qt."""

import math
from collections.abc import Generator
from concurrent.futures import wait
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import numpy as np

from napari_colorize.parameters import ColorizeParameters
from napari_colorize.widgets import _executor
from napari_colorize.widgets._job import Job
from napari_colorize.widgets._planes import Plane, into_plane, read_plane
from napari_colorize.widgets._preferences import preferences
from napari_colorize.widgets._preflight import load_torch

POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Progress:
    """How far a run is: ``fraction`` 0…1 and a few words."""

    fraction: float
    text: str


@dataclass
class Outcome:
    """The arrays of a finished run, in the source's axes, and its record."""

    rgb: np.ndarray
    uncertainty: np.ndarray | None
    clipped: np.ndarray | None
    record: dict[str, Any] = field(default_factory=dict)


def run(job: Job, stop: Event) -> Generator[Progress, None, Outcome | None]:
    """Colour the planes of a job one after another, yielding progress many times a second.

    Reading and colouring happen in the shared inference thread; this generator only waits for it,
    so that it can always be ended.

    Parameters
    ----------
    job : Job
    stop : threading.Event
        Set it to end the run at the next opportunity.

    Returns
    -------
    Outcome or None
        ``None`` after ``stop``.
    """
    outcome = None
    records: list[dict[str, Any]] = []
    try:
        for done, plane in enumerate(job.planes):
            stage = _Stage()
            future = _executor.submit(_colour, job, plane, stop, stage)
            while not future.done():
                yield _progress(job, done, stage)
                wait([future], timeout=POLL_SECONDS)
                if stop.is_set():
                    future.cancel()
                    return None
            result = future.result()
            if outcome is None:
                outcome = _empty_outcome(job, result.rgb.shape[-1], result.rgb.dtype)
            _store(outcome, job, plane, result)
            records.append(result.record)
        assert outcome is not None, "a job has at least one plane"
        outcome.record = _whole_record(job, records)
        return outcome
    except GeneratorExit:  # the worker was told to quit and drops the generator half-way
        stop.set()
        raise


@dataclass
class _Stage:
    """What the library last said about the plane under way; written by the inference thread."""

    share: float = 0.0
    text: str = "waiting"

    def note(self, share: float, text: str) -> None:
        self.share, self.text = share, text


def _colour(job: Job, plane: Plane, stop: Event, stage: _Stage) -> Any:
    """Read and colour one plane; runs in the inference thread."""
    from napari_colorize import api

    if stop.is_set():
        raise api.Cancelled("The run was cancelled before this plane.")
    stage.note(0.0, "loading PyTorch")
    load_torch()
    stage.note(0.0, "reading the layer")
    picture, parameters = _as_shown(read_plane(job.data, plane), job)
    return api.colorize(
        picture,
        parameters=parameters,
        progress=stage.note,
        should_stop=stop.is_set,
        source=_source(job, plane),
    )


def _as_shown(picture: np.ndarray, job: Job) -> tuple[np.ndarray, ColorizeParameters]:
    """Apply the layer's gamma, which the library has no parameter for, as the canvas does."""
    if job.gamma == 1 or job.window is None:
        return picture, job.parameters
    low, high = job.window
    shown = np.clip((picture.astype(np.float32) - low) / (high - low), 0, 1) ** job.gamma
    return shown, job.parameters.changed(window=(0, 1))


def _source(job: Job, plane: Plane) -> dict[str, Any]:
    """Say where a plane came from, for the record; a path only where it alone says everything."""
    source: dict[str, Any] = {
        "name": _plane_name(job, plane),
        "layer": job.name,
        "plane": {str(axis): index for axis, index in plane.at},
        "shown_axes": list(plane.shown),
        "level": job.level,
        "contrast_limits": list(job.window) if job.window else None,
        "gamma": job.gamma,
    }
    if job.path and not plane.at and plane.upright and job.level == 0 and job.gamma == 1:
        source["path"] = job.path
    return source


def _plane_name(job: Job, plane: Plane) -> str:
    """Return the layer's name with the plane as one writes it in Python: ``cells[3, :, :]``."""
    index = [str(i) if isinstance(i, int) else ":" for i in plane.slicing]
    gamma = "" if job.gamma == 1 else f", contrast limits and gamma {job.gamma:g} applied"
    return f"{job.name}[{', '.join(index)}]{gamma}" if plane.at else f"{job.name}{gamma}"


def _progress(job: Job, done: int, stage: _Stage) -> Progress:
    many = f"Plane {done + 1} of {len(job.planes)}: " if len(job.planes) > 1 else ""
    text = f"{many}{stage.text}"
    return Progress((done + stage.share) / len(job.planes), text[:1].upper() + text[1:] + "…")


def _empty_outcome(job: Job, channels: int, dtype: np.dtype) -> Outcome:
    _refuse_what_does_not_fit(job, channels, dtype)
    return Outcome(
        rgb=np.zeros((*job.shape, channels), dtype),
        uncertainty=np.zeros(job.shape, np.float32) if job.uncertainty else None,
        clipped=np.zeros(job.shape, bool) if job.clipped else None,
    )


def _refuse_what_does_not_fit(job: Job, channels: int, dtype: np.dtype) -> None:
    """Refuse a stack beyond the free memory at its first plane, not at its last."""
    pixel = channels * dtype.itemsize + 4 * job.uncertainty + job.clipped
    needed = math.prod(job.shape) * pixel
    free = preferences().memory_for_results()
    if needed > free:
        raise MemoryError(
            f"The coloured stack of shape {job.shape} needs {needed / 2**30:.1f} GiB, and "
            f"{free / 2**30:.1f} GiB of memory are free or allowed in the preferences. Colour "
            "single planes, or crop the stack."
        )


def _whole_record(job: Job, records: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the record of the plane, or one for all planes: the first's, with joint numbers."""
    first = records[0]
    if len(records) == 1:
        return first
    outputs, inputs = ([record[key] for record in records] for key in ("output", "input"))
    joint = {
        key: float(np.mean([output[key] for output in outputs]))
        for key in ("clipped_share", "mean_uncertainty")
    }
    name = f"{job.name} (each of {len(records)} planes)"
    return {
        **first,
        "source": {**first["source"], "name": name, "plane": "all", "planes": len(records)},
        "input": {**first["input"], "nan_count": sum(given["nan_count"] for given in inputs)},
        "output": {**first["output"], "shape": [*job.shape, first["output"]["shape"][-1]], **joint},
    }


def _store(outcome: Outcome, job: Job, plane: Plane, result: Any) -> None:
    into = plane if len(job.planes) > 1 else Plane(plane.shown, tuple((a, 0) for a, _ in plane.at))
    into_plane(outcome.rgb, into, result.rgb)
    if outcome.uncertainty is not None:
        into_plane(outcome.uncertainty, into, result.uncertainty)
    if outcome.clipped is not None:
        into_plane(outcome.clipped, into, result.clipped)
