"""Planes in, coloured planes out, one after another: for stacks beyond memory."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from napari_colorize.parameters import ColorizeParameters
from napari_colorize.records import record as provenance
from napari_colorize.results import Colorized, Progress, Ticker
from napari_colorize.sequences.parameters import StackParameters, stack_parameters
from napari_colorize.sequences.planes import Streamed
from napari_colorize.sequences.record import plane_record
from napari_colorize.sequences.series import Series
from napari_colorize.sequences.stack import ahead, loaded, of_plane
from napari_colorize.sequences.window import shared_window, window_of_type


def colorize_planes(
    planes: Iterable[Any],
    method: str | None = None,
    *,
    rgb: bool = False,
    parameters: ColorizeParameters | None = None,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
    source: Any = None,
    **changes: Any,
) -> Iterator[Colorized]:
    """Colour planes one after another, each held by those around it.

    For stacks beyond memory: with the default consistency a result comes when the next planes
    within reach have been read. ``files.write`` takes what this returns.

    Parameters
    ----------
    planes : iterable
        Pictures in the order of z or t: an array, a sequence, or a generator. They may differ in
        size; colour does not follow from one size to another.
    method, rgb, parameters, progress, should_stop, source, **changes
        As in :func:`colorize_stack`. Of planes that come out of a generator and are neither 8-bit
        nor integer RGB, the window must be given: they cannot be read twice.

    Yields
    ------
    Colorized
        Its record's ``stack`` names the plane's number.

    Raises
    ------
    As :func:`colorize_stack`.
    """
    asked = stack_parameters(parameters, method, changes)
    provenance.describe_source(source)
    tick = Ticker(progress, should_stop)
    return _each(planes, asked, rgb, tick, source)


def _each(
    planes: Iterable[Any], asked: StackParameters, rgb: bool, tick: Ticker, source: Any
) -> Iterator[Colorized]:
    tick(0.0, "choosing the window")
    again: Any = planes if hasattr(planes, "__getitem__") and hasattr(planes, "__len__") else None
    count = None if again is None else len(again)
    streamed = Streamed(planes, keep=ahead(asked))
    first = streamed.read(0)
    if first is None:
        return
    window = asked.window
    if window is None and count is not None:
        window = shared_window(again.__getitem__, count, rgb)
    elif window is None:
        window = window_of_type(first, rgb)
    facts, graph = loaded(asked, window, source, axis=0, rgb=rgb, planes=count)
    series = Series(streamed.read, graph, facts.used)
    number = 0
    while coloured := series.coloured(number, of_plane(tick, number, count)):
        record = plane_record(facts, coloured, number)
        yield Colorized(coloured.rgb, coloured.uncertainty, coloured.clipped, record)
        number += 1
    tick(1.0, "done")
