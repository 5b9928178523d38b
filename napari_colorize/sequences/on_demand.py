"""Planes of a stack coloured one by one, in any order; what is costly is kept for a while."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.pipeline.plane import ColouredPlane, PlaneColorizer
from napari_colorize.sequences.parameters import weights_of
from napari_colorize.sequences.planes import Stack
from napari_colorize.sequences.record import StackFacts
from napari_colorize.sequences.series import Series

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

    def results(self, level: Stack, index: tuple[int, ...]) -> "Results":
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

    def __call__(self, key: "_Key", make: Callable[[], Results]) -> Results:
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

    def _keep(self, key: "_Key", made: Results) -> None:
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
