"""Planes of a stack coloured one by one, in any order; what is costly is kept for a while."""

import threading
from collections import OrderedDict
from typing import Any

from numpy.typing import NDArray

from napari_colorize.sequences.planes import Stack
from napari_colorize.sequences.record import StackFacts
from napari_colorize.sequences.series import Coloured, Series

KEPT_PLANES = 64
"""Planes of a series whose small prediction stays in memory, so that scrolling asks for one new
prediction a step; some 300 kB each."""

KEPT_BYTES = 128 * 2**20
"""Finished planes that stay in memory: colour, uncertainty and clipped colours of one plane are
asked for one by one, and a viewer asks again at every redraw."""


class PlanesOnDemand:
    """Gives coloured planes of a stack, at any of its levels; what was predicted last is kept.

    Travels to other processes without the network and what it has kept.
    """

    def __init__(self, seen: Stack, facts: StackFacts, graph: Any) -> None:
        self.seen, self.facts, self._graph = seen, facts, graph
        self._series: dict[tuple[int, ...], Series] = {}
        self._finished = _Finished()

    def coloured(self, level: Stack, index: tuple[int, ...]) -> Coloured:
        """Return a plane of a level, under its own lightness."""
        key = (id(level), index)
        return self._finished.get(key) or self._finished.put(key, self._made(level, index))

    def _made(self, level: Stack, index: tuple[int, ...]) -> Coloured:
        below = index_below(index, level.shape, self.seen.shape)
        first, number = self.seen.split(below)
        series = self._series_of(first)
        values = series.values(number)
        assert values is not None, "the stack has the planes that its shape says"
        return series.finished(number, level.read(index), values)

    def _series_of(self, first: tuple[int, ...]) -> Series:
        if first not in self._series:
            stack, used = self.seen, self.facts.used

            def read(number: int) -> NDArray[Any] | None:
                return stack.read(stack.at(first, number)) if number < stack.length else None

            # Of two threads that come at once, both get the one that was first.
            self._series.setdefault(first, Series(read, self._graph, used, KEPT_PLANES))
        return self._series[first]

    def __reduce__(self) -> tuple[Any, ...]:
        return _with_network, (self.seen, self.facts)


class _Finished:
    """The planes that were finished last, as many as fit; several threads may ask."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, tuple[int, ...]], Coloured] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[int, tuple[int, ...]]) -> Coloured | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: tuple[int, tuple[int, ...]], coloured: Coloured) -> Coloured:
        with self._lock:
            self._kept[key] = coloured
            while len(self._kept) > 1 and sum(map(_size, self._kept.values())) > KEPT_BYTES:
                self._kept.popitem(last=False)
        return coloured


def _size(coloured: Coloured) -> int:
    arrays = (coloured.rgb, coloured.uncertainty, coloured.clipped, coloured.plane.luma)
    return sum(array.nbytes for array in arrays)


def _with_network(seen: Stack, facts: StackFacts) -> PlanesOnDemand:
    """Load the network in the process in which planes are to be coloured."""
    from napari_colorize import checkpoints

    checkpoint = facts.used.checkpoint
    assert checkpoint is not None, "parameters are resolved"
    return PlanesOnDemand(seen, facts, checkpoints.load(checkpoint, facts.used.device).graph)


def index_below(
    index: tuple[int, ...], shape: tuple[int, ...], below: tuple[int, ...]
) -> tuple[int, ...]:
    """Return the plane of another level that lies under a plane's middle."""
    sides = zip(index, shape, below, strict=False)
    return tuple(min(int((number + 0.5) * b / a), b - 1) for number, a, b in sides)
