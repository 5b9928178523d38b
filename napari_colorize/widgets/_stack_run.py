"""A whole stack from a job to its arrays: at once, or a plane when looked at. Knows no Qt."""

from collections.abc import Callable
from typing import Any

import numpy as np

from napari_colorize import files
from napari_colorize.parameters import ColorizeParameters
from napari_colorize.sequences.channels import Channel, colorize_channels
from napari_colorize.sequences.lazy import colorize_lazy, colorize_multiscale
from napari_colorize.sequences.stack import ColorizedStack, colorize_stack
from napari_colorize.sequences.window import shared_window
from napari_colorize.widgets._job import Job
from napari_colorize.widgets._run import Outcome, refuse_what_does_not_fit
from napari_colorize.widgets._stack_view import Shaded, StackView

Note = Callable[[float, str], None]


def colour(job: Job, note: Note, should_stop: Callable[[], bool]) -> Outcome:
    """Colour all planes of a job; runs in the inference thread.

    Parameters
    ----------
    job : Job
        With ``hold``.
    note : callable
        Told the share done, 0…1, and what comes next.
    should_stop : callable
        Asked several times a plane.

    Returns
    -------
    Outcome
        In the layer's own axes. Of a lazy job the plane on screen is worked out already, so that
        showing it does not hold up the window.
    """
    levels = job.data if isinstance(job.data, list) else [job.data]
    views = [StackView(level, job.plane.shown, job.rgb) for level in levels]
    for view in views:
        view.should_stop = should_stop
    options = _common(job, views[0])
    if job.lazy:
        note(0.0, "colouring the plane on screen")
        options["first"] = _first(job, views[0])
        how: Callable[..., ColorizedStack] = colorize_lazy
    else:
        channels = 4 if job.rgb and job.data.shape[-1] == 4 else 3
        refuse_what_does_not_fit(job, channels, np.dtype(job.parameters.dtype))
        maps = job.uncertainty or job.clipped
        options |= {"progress": note, "should_stop": should_stop, "maps": maps}
        how = colorize_stack
    result = _coloured(
        job, views, colorize_multiscale if isinstance(job.data, list) else how, options
    )
    for view in views:
        view.should_stop = None  # the planes that are looked at later belong to no run
    return Outcome(
        rgb=_back(views, result.rgb),
        uncertainty=_back(views, result.uncertainty) if job.uncertainty else None,
        clipped=_back(views, result.clipped) if job.clipped else None,
        record=result.record,
    )


def _common(job: Job, view: StackView) -> dict[str, Any]:
    assert job.hold is not None, "the caller asks for a stack"
    along = job.hold.along
    return {
        "axis": None if along is None else view.leading.index(along),
        "rgb": job.rgb,
        "source": _source(job, view),
    }


def _first(job: Job, view: StackView) -> tuple[int, ...]:
    """Return the plane on screen as the library counts it, channels left out."""
    at = dict(job.plane.at)
    assert job.hold is not None, "the caller asks for a stack"
    return tuple(at[axis] for axis in view.leading if axis != job.hold.channel)


def _coloured(
    job: Job, views: list[StackView], how: Callable[..., ColorizedStack], options: dict[str, Any]
) -> ColorizedStack:
    """Colour the stack, or its channels one by one, under the layer's contrast and gamma."""
    assert job.hold is not None, "the caller asks for a stack"
    parameters: ColorizeParameters = job.parameters
    given: list[Any] = list(views)
    channel = None if job.hold.channel is None else views[0].leading.index(job.hold.channel)
    windows = None
    if channel is not None:
        parameters = parameters.changed(window=None)
    if job.gamma != 1 and job.window is not None:
        shown = [job.window] if channel is None else _own_windows(views, channel)
        given = [Shaded(view, shown, job.gamma, channel) for view in views]
        windows = None if channel is None else [(0, 1)] * len(shown)
        parameters = parameters.changed(window=(0, 1) if channel is None else None)
    stack = given if isinstance(job.data, list) else given[0]
    if channel is None:
        return how(stack, parameters=parameters, **options)
    return colorize_channels(
        stack, channel_axis=channel, windows=windows, how=how, parameters=parameters, **options
    )


def _own_windows(views: list[StackView], channel: int) -> list[tuple[float, float]]:
    """Choose a window for each channel, where gamma must be applied before the library sees it."""
    coarsest = views[-1]

    def window(number: int) -> tuple[float, float]:
        one = Channel(coarsest, channel, number)
        indices = list(np.ndindex(one.shape[:-2]))
        return shared_window(lambda at: one[indices[at]], len(indices), rgb=False)

    return [window(number) for number in range(coarsest.shape[channel])]


def _source(job: Job, view: StackView) -> dict[str, Any]:
    """Say where a stack came from; a path only where its pages are the planes as they are."""
    plain = view.order == tuple(range(len(view.order)))
    moved = "" if plain else f".transpose{view.order}"
    gamma = "" if job.gamma == 1 else f", contrast limits and gamma {job.gamma:g} applied"
    planes = int(np.prod(view.shape[: len(view.leading)]))
    source: dict[str, Any] = {
        "name": f"{job.name}{moved}{gamma}",
        "layer": job.name,
        "plane": "all",
        "planes": planes,
        "shown_axes": list(job.plane.shown),
        "level": job.level,
        "contrast_limits": list(job.window) if job.window else None,
        "gamma": job.gamma,
    }
    one_file = job.path and len(view.leading) == 1 and not isinstance(job.data, list)
    if one_file and plain and job.gamma == 1 and _pages(str(job.path)) == planes:
        source["path"] = job.path
    return source


def _pages(path: str) -> int:
    """Return how many pages the library reads from a file; 0 where it cannot."""
    try:
        return files.count_pages(path)
    except (OSError, ValueError):
        return 0


def _back(views: list[StackView], result: Any) -> Any:
    if isinstance(result, list):
        return [view.back(level) for view, level in zip(views, result, strict=True)]
    return views[0].back(result)
