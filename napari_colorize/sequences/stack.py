"""Stacks in, coloured stacks out."""

from collections.abc import Callable
from typing import Any

import numpy as np

from napari_colorize.parameters import ColorizeParameters
from napari_colorize.pipeline import memory
from napari_colorize.pipeline.network import load_model, resolve_device
from napari_colorize.pipeline.plane import ColouredPlane, PlaneColorizer
from napari_colorize.pipeline.region import Region, checked_region, within
from napari_colorize.pipeline.window import shared_window
from napari_colorize.records.legend import legend
from napari_colorize.records.source import describe_source
from napari_colorize.results import ColorizedStack, Progress, Ticker
from napari_colorize.sequences.parameters import (
    StackParameters,
    reach_of,
    stack_parameters,
    weights_of,
)
from napari_colorize.sequences.planes import Pile, Stack, Streamed
from napari_colorize.sequences.record import StackFacts, Totals, plane_record, stack_record
from napari_colorize.sequences.series import Read, Series, Tick


def colorize_stack(
    stack: Any,
    method: str | None = None,
    *,
    axis: int | None = 0,
    rgb: bool = False,
    maps: bool = True,
    out: Any = None,
    hints: Any = None,
    spread: float = 1.0,
    region: Any = None,
    parameters: ColorizeParameters | None = None,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
    source: Any = None,
    **changes: Any,
) -> ColorizedStack:
    """Colour a stack so that colour holds from plane to plane.

    All planes share one intensity window. Along ``axis`` colour is a mean over neighbouring
    planes, fetched along the motion between them, where their lightness agrees; see
    :mod:`napari_colorize.sequences.series`. Planes are read one at a time and once: at any time
    a few of them, as they were given, and the results are in memory.

    Parameters
    ----------
    stack : array-like or iterable
        (…, Y, X) grey or, with ``rgb``, (…, Y, X, 3 or 4): NumPy, dask, zarr; or an iterable of
        planes of one size, which is the axis 0. Any real dtype.
    method : {"colorful"}, optional
        Default: that of ``parameters``, else ``"colorful"``.
    axis : int or None
        The axis of z or t along which structure continues. Other leading axes number stacks that
        are coloured on their own, with the same window. ``None``: each plane for itself.
    rgb : bool
        Whether the last axis is colour, of which the lightness is used. Never guessed.
    maps : bool
        Whether to keep uncertainty and clipped colours, 5 bytes a pixel.
    out : array-like, optional
        Where to put the RGB: of the result's shape and dtype, written plane by plane, for example
        a zarr array or a memory map. Default: a new NumPy array.
    hints : mapping of int to hints, optional
        What a person has decided of some planes, by their number along ``axis``: ``Hints`` or
        files of them. Colour goes from plane to plane along the motion, both ways, and meets
        between hinted planes. The stack must be one series of planes.
    spread : float
        As for :func:`napari_colorize.colorize`.
    region : (Y, X) or (…, Y, X) array, or "inside border", optional
        Where to colour: of all planes alike, or of each its own; see
        :func:`napari_colorize.colorize`.
    parameters : StackParameters or ColorizeParameters, optional
        All choices in one object.
    progress : callable, optional
        Called as ``progress(share, stage)`` with a share of 0…1, from the calling thread.
    should_stop : callable, optional
        Asked several times a plane; once it returns True, ``Cancelled`` is raised.
    source : str, path or mapping, optional
        Where the stack came from, for the record.
    **changes
        Single fields of :class:`~napari_colorize.sequences.parameters.StackParameters`, for
        example ``consistency=1``, over ``parameters``.

    Returns
    -------
    ColorizedStack

    Raises
    ------
    TypeError, ValueError
        The stack, its axis or a parameter cannot be used, or weights are missing or damaged.
    MemoryError
        Memory ran out.
    Cancelled
        ``should_stop`` returned True. Planes that were put into ``out`` stay there.

    Examples
    --------
    >>> import skimage.data
    >>> film = skimage.data.camera()[::4, ::4].reshape(2, 64, 128)
    >>> result = colorize_stack(film, axis=0, consistency=0.5)
    >>> result.rgb.shape, result.uncertainty.shape
    ((2, 64, 128, 3), (2, 64, 128))
    >>> result.record["stack"]["reach"]
    4
    """
    asked = stack_parameters(parameters, method, changes)
    whole = Stack(stack if hasattr(stack, "shape") else Pile(list(stack)), axis, rgb)
    tick = Ticker(progress, should_stop)
    said = _said_of(whole, hints)
    region = _region_of(whole, region)
    tick(0.0, "choosing the window")
    facts, colorizer = prepared(whole, asked, source)
    weights = weights_of(facts.used.consistency)
    # How sure the prediction is says how far hints reach, whether anybody asked for maps or not.
    results = _Results(whole, facts.used.dtype, maps or bool(said), out)
    totals = Totals()
    cuts: list[tuple[int, ...]] = []
    record: dict[str, Any] = {}
    coloured_share: list[float] = []
    for first in whole.series():
        series = Series(_buffered(whole, first, facts.used), colorizer, weights)
        for number in range(whole.length):
            coloured = series.coloured(number, of_plane(tick, totals.planes, whole.count))
            assert coloured is not None, "the stack has the planes that its shape says"
            at = whole.at(first, number)
            own = region[at] if isinstance(region, np.ndarray) and region.ndim > 2 else region
            coloured = within(coloured, own)
            if own is not None:
                coloured_share.append(coloured.facts["region"]["share"])
            results.put(at, coloured)
            totals.add(coloured)
            record = record or plane_record(facts, coloured, number)
        cuts += [whole.at(first, number) for number in sorted(series.cuts)]
    guide = None
    if said:
        from napari_colorize.sequences.guided import follow

        first = next(iter(whole.series()))
        guide = follow(
            np.moveaxis(results.rgb, whole.axis or 0, 0),
            None
            if results.uncertainty is None
            else np.moveaxis(results.uncertainty, whole.axis or 0, 0),
            lambda number: whole.read(whole.at(first, number)),
            facts.used,
            said,
            spread,
            lambda share: tick(0.95 + 0.05 * share, "following the hints"),
        )
    record = stack_record(
        facts,
        record,
        totals,
        cuts=cuts,
        input_shape=whole.data.shape,
        output_shape=results.rgb.shape,
    )
    if guide is not None:
        record["guide"] = guide
    if coloured_share:
        said_of = {} if isinstance(region, str) else Region(region).described()
        record["region"] |= said_of | {"share": float(np.mean(coloured_share))}
    record["legend"] = legend(record)
    tick(1.0, "done")
    if not maps:
        results.uncertainty = results.clipped = None
    return ColorizedStack(results.rgb, results.uncertainty, results.clipped, record)


def _region_of(whole: Stack, region: Any) -> Any:
    """Return a region of all planes, or of each its own, checked before anything is coloured."""
    flat = not isinstance(region, str) and np.ndim(region) == 2
    return checked_region(region, whole.shape[-2:] if flat else whole.shape)


def _said_of(whole: Stack, hints: Any) -> dict[int, Any]:
    """Return the hints of a stack, checked before anything is coloured."""
    if hints is None:
        return {}
    if whole.count != whole.length:
        raise ValueError(
            f"The stack has shape {whole.shape}; hints are for one series of planes along `axis`. "
            "Give one series at a time."
        )
    from napari_colorize.sequences.guided import checked_hints

    height, width = whole.shape[-2:]
    return checked_hints(hints, whole.length, (height, width))


def prepared(
    whole: Stack,
    asked: StackParameters,
    source: Any,
    *,
    lazy: bool = False,
    levels: int | None = None,
) -> tuple[StackFacts, PlaneColorizer]:
    """Choose the window of a stack and load its weights.

    Parameters
    ----------
    whole : Stack
    asked : StackParameters
    source, lazy, levels
        As in :class:`~napari_colorize.sequences.record.StackFacts`.

    Returns
    -------
    facts : StackFacts
        What all planes have in common.
    colorizer : PlaneColorizer
    """
    describe_source(source)  # a wrong one is refused before the work, not after
    mode = "automatic" if asked.window is None else "explicit"
    if asked.window is None:
        indices = list(np.ndindex(whole.shape[:-2]))
        window = shared_window(lambda number: whole.read(indices[number]), whole.count, whole.rgb)
        asked = asked.changed(window=window)
    used, colorizer = loaded(asked, mode)
    facts = StackFacts(
        used=used,
        window_mode=mode,
        axis=whole.axis,
        rgb=whole.rgb,
        planes=whole.count,
        source=source,
        lazy=lazy,
        levels=levels,
    )
    return facts, colorizer


def loaded(asked: StackParameters, window_mode: str) -> tuple[StackParameters, PlaneColorizer]:
    """Load the weights; return the resolved parameters, and what colours planes by them.

    Parameters
    ----------
    asked : StackParameters
        With the window of all planes.
    window_mode : {"automatic", "explicit"}
        Who chose it.
    """
    device = resolve_device(asked.device)
    with memory.explained("loading the weights", None, device):
        model, used = load_model(asked, device)
    return used, PlaneColorizer(model, used, window_mode=window_mode)


class _Results:
    """The arrays of a stack, filled plane by plane."""

    def __init__(self, whole: Stack, dtype: str, maps: bool, out: Any) -> None:
        shape = (*whole.shape, whole.channels)
        if out is not None and (tuple(out.shape) != shape or np.dtype(out.dtype).name != dtype):
            raise ValueError(
                f"out has shape {tuple(out.shape)} and type {out.dtype}; the coloured stack needs "
                f"{shape} and {dtype}."
            )
        self.rgb = np.empty(shape, dtype) if out is None else out
        self.uncertainty = np.empty(whole.shape, np.float32) if maps else None
        self.clipped = np.empty(whole.shape, bool) if maps else None

    def put(self, index: tuple[int, ...], coloured: ColouredPlane) -> None:
        self.rgb[index] = coloured.rgb
        if self.uncertainty is not None and self.clipped is not None:
            self.uncertainty[index] = coloured.uncertainty
            self.clipped[index] = coloured.clipped


def _buffered(whole: Stack, first: tuple[int, ...], used: StackParameters) -> Read:
    """Return what reads a series' planes, each once: it is predicted ahead of being coloured."""
    planes = (whole.read(whole.at(first, number)) for number in range(whole.length))
    return Streamed(planes, keep=ahead(used)).read


def ahead(parameters: StackParameters) -> int:
    """Return how many planes are between the one to be coloured and the last one predicted."""
    return reach_of(parameters.consistency) + 2


def of_plane(tick: Ticker, number: int, count: int | None) -> Tick:
    """Return a plane's own progress as part of the whole; of an unknown whole, nothing."""
    many = f"plane {number + 1}" + (f" of {count}" if count else "")
    reached = 0.0

    def report(share: float, stage: str) -> None:
        nonlocal reached
        reached = max(reached, share)  # planes ahead are predicted on the way
        tick((number + reached) / count if count else 0.0, f"{many}: {stage}")

    return report
