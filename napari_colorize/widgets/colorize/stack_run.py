"""A whole stack from a job to its arrays: at once, or a plane when looked at. Knows no Qt."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from napari_colorize import files
from napari_colorize.pipeline.image import read_lazily
from napari_colorize.results import Cancelled
from napari_colorize.sequences.channels import colorize_channels
from napari_colorize.sequences.lazy import colorize_lazy, colorize_multiscale
from napari_colorize.sequences.stack import ColorizedStack, colorize_stack
from napari_colorize.widgets.colorize.job import StackJob
from napari_colorize.widgets.colorize.outcome import Outcome, is_same, refuse_what_does_not_fit
from napari_colorize.widgets.layers.planes import Plane


class StackView:
    """The planes of an array, indexed by its other axes; reads one plane at a time.

    While ``should_stop`` is set, it is asked before each plane; the library's own lazy stacks ask
    nobody.

    Parameters
    ----------
    data : array-like
        NumPy, dask, zarr, …; a colour axis, if any, is the last.
    shown : (int, int)
        The array axes that run down and across the screen.
    rgb : bool
        Whether the last axis is colour.
    """

    def __init__(self, data: Any, shown: tuple[int, int], rgb: bool) -> None:
        self._data, self._shown = data, shown
        ndim = len(data.shape) - rgb
        self.leading = tuple(axis for axis in range(ndim) if axis not in shown)
        self.order = (*self.leading, *shown)
        """The array's axes, in the order that they have here."""
        self.should_stop: Callable[[], bool] | None = None
        colour = data.shape[-1:] if rgb else ()
        self.shape = (*(int(data.shape[axis]) for axis in self.order), *colour)

    def __getitem__(self, index: tuple[int, ...]) -> np.ndarray:
        if self.should_stop is not None and self.should_stop():
            raise Cancelled("The run was cancelled before this plane.")
        plane = Plane(self._shown, tuple(zip(self.leading, index, strict=True)))
        picture = read_lazily(self._data[plane.slicing])
        return picture if plane.upright else picture.swapaxes(0, 1)

    def back(self, result: Any) -> Any:
        """Return an array with the axes of this view in the order of the layer's own."""
        own = [int(axis) for axis in np.argsort(self.order)]
        more = range(len(own), result.ndim)
        return result if own == sorted(own) else result.transpose([*own, *more])


Note = Callable[[float, str], None]


def colour_stack(
    job: StackJob,
    note: Note,
    should_stop: Callable[[], bool],
    told: Mapping[str, Any] | None = None,
) -> Outcome:
    """Colour all planes of a job; runs in the inference thread.

    Parameters
    ----------
    job : StackJob
    note : callable
        Told the share done, 0…1, and what comes next.
    should_stop : callable
        Asked several times a plane.
    told : mapping, optional
        What a person has decided, as :func:`napari_colorize.colorize_stack` takes it; of a job
        that is not lazy.

    Returns
    -------
    Outcome
        In the layer's own axes. Of a lazy job the plane on screen is worked out already, so that
        showing it does not hold up the window.
    """
    views = [StackView(level, job.plane.shown, job.rgb) for level in job.levels]
    for view in views:
        view.should_stop = should_stop
    options = _common(job, views[0])
    if job.lazy:
        note(0.0, "colouring the plane on screen")
        options["first"] = _first(job, views[0])
        how: Callable[..., ColorizedStack] = colorize_lazy
    else:
        channels = 4 if job.rgb and job.levels[0].shape[-1] == 4 else 3
        refuse_what_does_not_fit(job, channels, np.dtype(job.parameters.dtype))
        maps = job.uncertainty or job.clipped
        options |= {"progress": note, "should_stop": should_stop, "maps": maps}
        options |= dict(told or {})
        how = colorize_stack
    result = _coloured(job, views, colorize_multiscale if job.pyramid else how, options)
    for view in views:
        view.should_stop = None  # the planes that are looked at later belong to no run
    return Outcome(
        job=job,
        rgb=_back(views, result.rgb),
        uncertainty=_back(views, result.uncertainty) if job.uncertainty else None,
        clipped=_back(views, result.clipped) if job.clipped else None,
        record=result.record,
    )


def _common(job: StackJob, view: StackView) -> dict[str, Any]:
    along = job.hold.along
    return {
        "axis": None if along is None else view.leading.index(along),
        "rgb": job.rgb,
        "source": _source(job, view),
    }


def _first(job: StackJob, view: StackView) -> tuple[int, ...]:
    """Return the plane on screen as the library counts it, channels left out."""
    at = dict(job.plane.at)
    return tuple(at[axis] for axis in view.leading if axis != job.hold.channel)


def _coloured(
    job: StackJob,
    views: list[StackView],
    how: Callable[..., ColorizedStack],
    options: dict[str, Any],
) -> ColorizedStack:
    """Colour the stack, or its channels one by one, each with the window of its own values."""
    stack = views if job.pyramid else views[0]
    if job.hold.channel is None:
        return how(stack, parameters=job.parameters, **options)
    return colorize_channels(
        stack,
        channel_axis=views[0].leading.index(job.hold.channel),
        how=how,
        parameters=job.parameters.changed(window=None),
        **options,
    )


def _source(job: StackJob, view: StackView) -> dict[str, Any]:
    """Say where a stack came from; a path only where its pages are the planes as they are."""
    plain = view.order == tuple(range(len(view.order)))
    colour = (len(view.order),) if job.rgb else ()
    moved = "" if plain else f".transpose{(*view.order, *colour)}"
    data = f"viewer.layers[{job.name!r}].data"
    source: dict[str, Any] = {
        "name": f"{job.name}{moved}",
        "expression": f"[level{moved} for level in {data}]" if job.pyramid else f"{data}{moved}",
        "layer": job.name,
        "file": job.path,
        "plane": "all",
        "planes": int(np.prod(view.shape[: len(view.leading)])),
        "shown_axes": list(job.plane.shown),
        "level": 0,
        "contrast_limits": list(job.window) if job.window else None,
        "gamma": job.gamma,
    }
    if job.hold.axes:
        source["axes"] = "".join(job.hold.axes[axis] for axis in view.order)
    if job.path and view.leading and plain and not job.pyramid and _has_pages(str(job.path), view):
        source["path"] = job.path
    return source


def _has_pages(path: str, view: StackView) -> bool:
    """Whether the pages that the library reads from a file are a stack's planes, in their order.

    The first and the last are compared: a layer's data may have been changed since it was opened.
    """
    if not path.lower().endswith(files.READABLE):
        return False
    lengths = view.shape[: len(view.leading)]
    try:
        with files.open_stack(path) as pages:
            if len(pages) != math.prod(lengths):
                return False
            named = [length for _, length in pages.axes if length > 1]
            if len(named) > 1 and named != [length for length in lengths if length > 1]:
                return False
            ends = ((0, (0,) * len(lengths)), (len(pages) - 1, tuple(n - 1 for n in lengths)))
            return all(is_same(pages[page], view[index]) for page, index in ends)
    except (OSError, ValueError):
        return False


def _back(views: list[StackView], result: Any) -> Any:
    if isinstance(result, list):
        return [view.back(level) for view, level in zip(views, result, strict=True)]
    return views[0].back(result)
