"""Stacks and pyramids whose planes are coloured when somebody looks at them, in any order.

What is costly is kept for a while, in one bounded cache for all planes.
"""

from __future__ import annotations

import operator
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.parameters import ColorizeParameters
from napari_colorize.pipeline.plane import ColouredPlane, PlaneColorizer
from napari_colorize.results import ColorizedStack
from napari_colorize.sequences.parameters import stack_parameters, weights_of
from napari_colorize.sequences.planes import Stack
from napari_colorize.sequences.record import StackFacts, plane_record, stack_record
from napari_colorize.sequences.series import Series
from napari_colorize.sequences.stack import prepared

KEPT_PLANES = 64
"""Planes, of all series together, whose small prediction stays in memory, so that scrolling asks
for one new prediction a step; some 300 kB each. The series that is being looked at keeps as many
alone."""

KEPT_BYTES = 128 * 2**20
"""Finished planes that stay in memory: colour, uncertainty and clipped colours of one plane are
asked for one by one, and a viewer asks again at every redraw."""


class PlanesOnDemand:
    """Gives coloured planes of a stack, at any of its levels; what was predicted last is kept.

    Pickled for another process, it leaves the network and all results behind and loads the weights
    there anew.

    Parameters
    ----------
    seen : Stack
        The level that colour is predicted from.
    facts : StackFacts
        What all planes have in common.
    colorizer : PlaneColorizer
        With the window of all planes.
    """

    def __init__(self, seen: Stack, facts: StackFacts, colorizer: PlaneColorizer) -> None:
        self.seen, self.facts, self._colorizer = seen, facts, colorizer
        self._series: OrderedDict[tuple[int, ...], Series] = OrderedDict()
        self._lock = threading.Lock()
        self._finished = _Finished()

    def results(self, level: Stack, index: tuple[int, ...]) -> Results:
        """Return what is shown of a plane of a level."""
        return self._finished((id(level), index), lambda: _shown(self.coloured(level, index)))

    def keep(self, level: Stack, index: tuple[int, ...], made: ColouredPlane) -> None:
        """Have a plane that was coloured already at hand when it is looked at."""
        self._finished((id(level), index), lambda: _shown(made))

    def coloured(self, level: Stack, index: tuple[int, ...]) -> ColouredPlane:
        """Colour a plane of a level, under its own lightness."""
        below = index_below(index, level.shape, self.seen.shape)
        first, number = self.seen.split(below)
        series = self._series_of(first)
        values = series.values(number)
        assert values is not None, "the stack has the planes that its shape says"
        return series.finished(number, level.read(index), values)

    def _series_of(self, first: tuple[int, ...]) -> Series:
        """Return a series by the index of its first plane; those not used for long are dropped."""
        with self._lock:  # of two threads that come at once, both get one series
            if first not in self._series:
                stack, weights = self.seen, weights_of(self.facts.used.consistency)

                def read(number: int) -> NDArray[Any] | None:
                    return stack.read(stack.at(first, number)) if number < stack.length else None

                self._series[first] = Series(read, self._colorizer, weights, KEPT_PLANES)
            self._series.move_to_end(first)
            # A new series counts too: it is about to keep a prediction.
            while len(self._series) > 1 and self._kept() > KEPT_PLANES:
                self._series.popitem(last=False)
            return self._series[first]

    def _kept(self) -> int:
        return sum(max(series.kept, 1) for series in self._series.values())

    def __reduce__(self) -> tuple[Any, ...]:
        return _with_network, (self.seen, self.facts)


@dataclass(frozen=True, eq=False)
class Results:
    """What is shown of one plane; see :class:`~napari_colorize.pipeline.plane.ColouredPlane`."""

    rgb: NDArray[Any]
    uncertainty: NDArray[np.float32]
    clipped: NDArray[np.bool_]

    @property
    def nbytes(self) -> int:
        """Memory that they take."""
        return self.rgb.nbytes + self.uncertainty.nbytes + self.clipped.nbytes


def _shown(made: ColouredPlane) -> Results:
    return Results(made.rgb, made.uncertainty, made.clipped)


class _Finished:
    """The planes that were finished last, as many as fit.

    Several threads may ask, as a viewer does while somebody else looks ahead: who asks for a plane
    that is being made waits for it.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, Results] = OrderedDict()
        self._coming: dict[_Key, Future[Results]] = {}
        self._lock = threading.Lock()

    def __call__(self, key: _Key, make: Callable[[], Results]) -> Results:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            awaited = self._coming.get(key)
            coming = self._coming.setdefault(key, Future())
        if awaited is not None:
            return awaited.result()
        try:
            made = make()
        except BaseException as error:
            coming.set_exception(error)
            raise
        else:
            self._keep(key, made)
            coming.set_result(made)
            return made
        finally:
            with self._lock:
                del self._coming[key]

    def _keep(self, key: _Key, made: Results) -> None:
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > 1 and sum(r.nbytes for r in self._kept.values()) > KEPT_BYTES:
                self._kept.popitem(last=False)


_Key = tuple[int, tuple[int, ...]]
"""A level, by its identity, and the index of a plane."""


def _with_network(seen: Stack, facts: StackFacts) -> PlanesOnDemand:
    """Load the network in the process in which planes are to be coloured."""
    from napari_colorize import checkpoints

    checkpoint = facts.used.checkpoint
    assert checkpoint is not None, "parameters are resolved"
    model = checkpoints.load(checkpoint, facts.used.device)
    colorizer = PlaneColorizer(model, facts.used, window_mode=facts.window_mode)
    return PlanesOnDemand(seen, facts, colorizer)


def index_below(
    index: tuple[int, ...], shape: tuple[int, ...], below: tuple[int, ...]
) -> tuple[int, ...]:
    """Return the plane of another level that lies under a plane's middle."""
    sides = zip(index, shape, below, strict=False)
    return tuple(min(int((number + 0.5) * b / a), b - 1) for number, a, b in sides)


MAX_PREDICTED_SIDE = 1024
"""Of a pyramid, colour is predicted from the finest level whose short side is no longer."""


def colorize_lazy(
    stack: Any,
    method: str | None = None,
    *,
    axis: int | None = 0,
    rgb: bool = False,
    parameters: ColorizeParameters | None = None,
    source: Any = None,
    first: Sequence[int] | None = None,
    **changes: Any,
) -> ColorizedStack:
    """Colour a stack plane by plane, when a plane is looked at.

    Nothing is computed now but one plane, which shows that all fits together, and the window. Any
    plane comes out the same, whichever others were looked at before: its colour depends on the
    planes within reach on either side, whose small predictions are made with it. It is the plane
    that :func:`~napari_colorize.sequences.stack.colorize_stack` gives.

    Parameters
    ----------
    stack : array-like
        (…, Y, X) grey or, with ``rgb``, (…, Y, X, 3 or 4): dask, zarr, NumPy, a memory map.
    method, axis, rgb, parameters, source, **changes
        As in :func:`~napari_colorize.sequences.stack.colorize_stack`. The automatic window comes
        from up to 16 planes, evenly spread over the stack.
    first : sequence of int, optional
        The plane that is coloured now: one index a leading axis. Default: the first. Looked at
        soon, it is there.

    Returns
    -------
    ColorizedStack
        Its arrays are dask arrays with one chunk a plane. The record's numbers over all planes,
        such as ``clipped_share``, are null: nobody has computed them.

    Raises
    ------
    ImportError
        dask is missing; napari brings it.
    TypeError, ValueError
        As :func:`~napari_colorize.sequences.stack.colorize_stack`.

    Examples
    --------
    >>> import skimage.data, zarr
    >>> embryo = zarr.array(skimage.data.camera().reshape(4, 128, 512))
    >>> lazy = colorize_lazy(embryo, axis=0)
    >>> lazy.rgb.shape
    (4, 128, 512, 3)
    >>> lazy.rgb[2].compute().dtype
    dtype('uint8')
    """
    levels, record = _levels([stack], method, axis, rgb, parameters, source, first, changes)
    [(colours, uncertainty, clipped)] = levels
    return ColorizedStack(colours, uncertainty, clipped, record)


def colorize_multiscale(
    levels: Sequence[Any],
    method: str | None = None,
    *,
    axis: int | None = None,
    rgb: bool = False,
    parameters: ColorizeParameters | None = None,
    source: Any = None,
    first: Sequence[int] | None = None,
    **changes: Any,
) -> ColorizedStack:
    """Colour a pyramid plane by plane, when a plane is looked at.

    Colour is predicted once for all levels, from the finest whose short side is at most 1024
    pixels (else the coarsest), and laid under each level's own lightness. So all levels have the
    same colours, and the finest is read only where it is shown.

    Parameters
    ----------
    levels : sequence of array-like
        The same stack, (…, Y, X) or, with ``rgb``, (…, Y, X, 3 or 4), from fine to coarse. Coarse
        levels may have fewer planes.
    method, axis, rgb, parameters, source, first, **changes
        As in :func:`colorize_lazy`; a pyramid of single pictures takes ``axis=None``, and ``first``
        is counted in the finest level.

    Returns
    -------
    ColorizedStack
        ``rgb``, ``uncertainty`` and ``clipped`` are lists of dask arrays, from fine to coarse.

    Examples
    --------
    >>> import skimage.data
    >>> picture = skimage.data.camera()
    >>> pyramid = colorize_multiscale([picture, picture[::2, ::2], picture[::4, ::4]])
    >>> [level.shape for level in pyramid.rgb]
    [(512, 512, 3), (256, 256, 3), (128, 128, 3)]
    """
    done, record = _levels(
        list(levels), method, axis, rgb, parameters, source, first, changes, True
    )
    colours, uncertainty, clipped = (list(arrays) for arrays in zip(*done, strict=True))
    return ColorizedStack(colours, uncertainty, clipped, record)


def _levels(
    levels: list[Any],
    method: str | None,
    axis: int | None,
    rgb: bool,
    parameters: ColorizeParameters | None,
    source: Any,
    first: Sequence[int] | None,
    changes: dict[str, Any],
    pyramid: bool = False,
) -> tuple[list[tuple[Any, Any, Any]], dict[str, Any]]:
    """Return the lazy arrays of each level, and the record of all."""
    asked = stack_parameters(parameters, method, changes)
    stacks = _checked([Stack(level, axis, rgb) for level in levels])
    seen = stacks[_predicted_level(stacks)]
    facts, colorizer = prepared(
        seen, asked, source, lazy=True, levels=len(stacks) if pyramid else None
    )
    colours = PlanesOnDemand(seen, facts, colorizer)
    asked_first = _checked_index(first, stacks[0])
    index = index_below(asked_first, stacks[0].shape, seen.shape)
    tried = colours.coloured(seen, index)
    colours.keep(seen, index, tried)
    record = stack_record(
        facts,
        plane_record(facts, tried, 0),
        None,
        input_shape=stacks[0].data.shape,
        output_shape=(*stacks[0].shape, tried.rgb.shape[-1]),
    )
    return [_arrays(colours, stack) for stack in stacks], record


def _checked(stacks: list[Stack]) -> list[Stack]:
    if not stacks:
        raise ValueError("The pyramid has no levels; give its arrays from fine to coarse.")
    if len({(len(stack.shape), stack.channels) for stack in stacks}) > 1:
        shapes = ", ".join(str(stack.shape) for stack in stacks)
        raise ValueError(f"The levels of a pyramid have the same axes; given were {shapes}.")
    return stacks


def _checked_index(first: Sequence[int] | None, stack: Stack) -> tuple[int, ...]:
    sides = stack.shape[:-2]
    index = (0,) * len(sides) if first is None else tuple(operator.index(i) for i in first)
    if len(index) != len(sides) or not all(0 <= i < n for i, n in zip(index, sides, strict=True)):
        raise ValueError(
            f"first is {index}; give the plane's index along each of the leading axes, {sides}."
        )
    return index


def _predicted_level(stacks: list[Stack]) -> int:
    for level, stack in enumerate(stacks):
        if min(stack.shape[-2:]) <= MAX_PREDICTED_SIDE:
            return level
    return len(stacks) - 1


class _Block:
    """Makes the chunk of one plane of one of the three results.

    Deliberately opaque to dask, which would compute a stack that it found in an argument.
    """

    def __init__(self, colours: PlanesOnDemand, level: Stack, result: str) -> None:
        self.colours, self.level, self.result = colours, level, result

    def __call__(self, block_id: tuple[int, ...]) -> NDArray[Any]:
        index = block_id[: len(self.level.shape) - 2]
        plane: NDArray[Any] = getattr(self.colours.results(self.level, index), self.result)
        return plane[(None,) * len(index)]


def _arrays(colours: PlanesOnDemand, level: Stack) -> tuple[Any, Any, Any]:
    """Return colour, uncertainty and clipped colours of a level as dask arrays."""
    import dask.array as da

    single = tuple((1,) * side for side in level.shape[:-2])
    plane = tuple((side,) for side in level.shape[-2:])

    def array(result: str, dtype: Any, *more: int) -> Any:
        chunks = (*single, *plane, *((side,) for side in more))
        return da.map_blocks(
            _Block(colours, level, result),
            chunks=chunks,
            dtype=dtype,
            meta=np.empty((0,) * len(chunks), dtype=dtype),
            name=f"colorize-{result}-{uuid.uuid4().hex}",
        )

    colour = array("rgb", colours.facts.used.dtype, level.channels)
    return colour, array("uncertainty", np.float32), array("clipped", bool)
