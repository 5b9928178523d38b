"""Planes in, coloured planes out, one after another: for stacks beyond memory."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from napari_colorize.parameters import ColorizeParameters
from napari_colorize.pipeline.image import read_lazily
from napari_colorize.pipeline.window import shared_window, window_of_type
from napari_colorize.records.legend import legend
from napari_colorize.records.source import describe_source
from napari_colorize.results import Colorized, Progress, Ticker
from napari_colorize.sequences.parameters import StackParameters, stack_parameters, weights_of
from napari_colorize.sequences.planes import Streamed
from napari_colorize.sequences.record import StackFacts, plane_record
from napari_colorize.sequences.series import Series
from napari_colorize.sequences.stack import ahead, decided_of, loaded, of_plane

if TYPE_CHECKING:
    from napari_colorize.guided.decisions import Decisions


def colorize_planes(
    planes: Iterable[Any],
    method: str | None = None,
    *,
    rgb: bool = False,
    reference: Any = None,
    palette: Any = None,
    palette_strength: float = 1.0,
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
    reference, palette, palette_strength
        As for :func:`napari_colorize.colorize`: one reference or palette for all planes.

    Yields
    ------
    Colorized
        Its record's ``stack`` names the plane's number.

    Raises
    ------
    TypeError, ValueError, MemoryError, Cancelled
        As :func:`colorize_stack`, with the plane at which it happens.

    Examples
    --------
    >>> import skimage.data
    >>> film = skimage.data.camera()[::4, ::4].reshape(2, 64, 128)
    >>> for result in colorize_planes(plane for plane in film):
    ...     print(result.record["stack"]["plane"], result.rgb.shape)
    0 (64, 128, 3)
    1 (64, 128, 3)
    """
    asked = stack_parameters(parameters, method, changes)
    describe_source(source)
    decisions = decided_of(reference, palette, palette_strength, 1.0, False)
    return coloured_planes(
        planes,
        asked,
        rgb=rgb,
        tick=Ticker(progress, should_stop),
        source=source,
        decisions=decisions,
    )


def coloured_planes(
    planes: Iterable[Any],
    asked: StackParameters,
    *,
    rgb: bool,
    tick: Ticker,
    source: Any,
    window_mode: str | None = None,
    decisions: "Decisions | None" = None,
) -> Iterator[Colorized]:
    """Colour planes by checked parameters; :func:`colorize_planes` is the door to it.

    Parameters
    ----------
    planes, rgb, source
        As for :func:`colorize_planes`.
    asked : StackParameters
    tick : Ticker
    window_mode : {"automatic", "explicit"}, optional
        Who chose ``asked.window``; by default the user, where there is one.
    decisions : Decisions, optional
        What a person has decided of all planes.
    """
    tick(0.0, "choosing the window")
    again: Any = planes if hasattr(planes, "__getitem__") and hasattr(planes, "__len__") else None
    count = None if again is None else len(again)
    streamed = Streamed(planes, keep=ahead(asked))
    first = streamed.read(0)
    if first is None:
        return
    mode = window_mode or ("automatic" if asked.window is None else "explicit")
    if asked.window is None and count is not None:
        window = shared_window(lambda number: read_lazily(again[number]), count, rgb)
        asked = asked.changed(window=window)
    elif asked.window is None:
        asked = asked.changed(window=window_of_type(first, rgb))
    used, colorizer = loaded(asked, mode, decisions)
    facts = StackFacts(used=used, window_mode=mode, axis=0, rgb=rgb, planes=count, source=source)
    series = Series(streamed.read, colorizer, weights_of(used.consistency))
    number = 0
    while coloured := series.coloured(number, of_plane(tick, number, count)):
        record = plane_record(facts, coloured, number)
        if decisions is not None:
            record["guide"] = decisions.described(None, colorizer.graph)
            record["legend"] = legend(record)
        yield Colorized(coloured.rgb, coloured.uncertainty, coloured.clipped, record)
        number += 1
    tick(1.0, "done")
