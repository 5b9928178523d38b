"""Planes out of anything that has them, one at a time."""

import itertools
import math
import operator
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_colorize.pipeline.image import read_lazily

Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class Stack:
    """An array of planes that is read plane by plane, and which of its axes colour follows.

    Parameters
    ----------
    data : array-like
        (…, Y, X) or, with ``rgb``, (…, Y, X, 3 or 4): NumPy, dask, zarr, or anything else with
        ``shape`` that is indexed like an array.
    axis : int or None
        The axis of z or t along which structure continues, not one of a plane's own; negative
        ones count from the end of (…, Y, X). ``None``: planes have nothing to do with each other.
    rgb : bool
        Whether the last axis is colour.

    Raises
    ------
    TypeError, ValueError
        Not an array of planes, or no such axis; the sentence says what to do.
    """

    data: Any
    axis: int | None = 0
    rgb: bool = False

    def __post_init__(self) -> None:
        shape = tuple(int(side) for side in self.data.shape)
        ndim = len(shape) - self.rgb
        wanted = "(…, height, width, 3 or 4)" if self.rgb else "(…, height, width)"
        if ndim < 2 or (self.rgb and shape[-1] not in (3, 4)):
            raise ValueError(f"The stack has shape {shape}; {wanted} is accepted with this rgb.")
        if 0 in shape:
            raise ValueError(f"The stack has no pixels: its shape is {shape}.")
        object.__setattr__(self, "axis", _checked_axis(self.axis, ndim, shape))

    @property
    def shape(self) -> tuple[int, ...]:
        """(…, Y, X), without colour."""
        shape = tuple(int(side) for side in self.data.shape)
        return shape[:-1] if self.rgb else shape

    @property
    def channels(self) -> int:
        """Of the result: 4 where there is alpha."""
        return 4 if self.rgb and self.data.shape[-1] == 4 else 3

    @property
    def length(self) -> int:
        """Planes in one series."""
        return 1 if self.axis is None else self.shape[self.axis]

    @property
    def count(self) -> int:
        """Planes in all."""
        return math.prod(self.shape[:-2])

    def series(self) -> Iterator[tuple[int, ...]]:
        """Yield the index of the first plane of each series: one integer a leading axis."""
        sides = [
            range(1 if axis == self.axis else side) for axis, side in enumerate(self.shape[:-2])
        ]
        yield from itertools.product(*sides)

    def split(self, index: Sequence[int]) -> tuple[tuple[int, ...], int]:
        """Return the series of a plane, and the plane's number in it."""
        if self.axis is None:
            return tuple(index), 0
        first = list(index)
        number, first[self.axis] = first[self.axis], 0
        return tuple(first), number

    def at(self, first: Sequence[int], number: int) -> tuple[int, ...]:
        """Return the index of a plane from its series and its number in it."""
        index = list(first)
        if self.axis is not None:
            index[self.axis] = number
        return tuple(index)

    def read(self, index: Sequence[int]) -> NDArray[Any]:
        """Return one plane, (Y, X) or (Y, X, C), and read nothing else."""
        return read_lazily(self.data[tuple(index)])


def _checked_axis(axis: Any, ndim: int, shape: tuple[int, ...]) -> int | None:
    if axis is None:
        return None
    try:
        number = operator.index(axis)
    except TypeError:
        raise TypeError(f"axis is {axis!r}; give the number of the axis of z or t.") from None
    found = number + ndim if number < 0 else number
    if not 0 <= found < ndim - 2:
        free = ", ".join(str(free) for free in range(ndim - 2))
        accepted = f"accepted are {free} and None" if free else "a single plane takes axis=None"
        raise ValueError(
            f"axis is {axis}, and the stack has shape {shape}: the last two axes "
            f"{'before colour ' if len(shape) > ndim else ''}are the plane's own; {accepted}."
        )
    return found


class Pile:
    """Separate pictures of one size and type of axes, indexed like an array.

    Raises
    ------
    ValueError
        No pictures, or of several shapes.
    """

    def __init__(self, pictures: Sequence[Any]) -> None:
        shapes = list(dict.fromkeys(tuple(np.shape(picture)) for picture in pictures))
        if len(shapes) != 1:
            found = ", ".join(str(shape) for shape in shapes[:3]) or "there is none"
            raise ValueError(
                f"The planes of a stack have one shape; found: {found}. Colour pictures of several "
                "sizes one by one, or with colorize_planes."
            )
        self._pictures = pictures
        self.shape = (len(pictures), *shapes[0])

    def __getitem__(self, index: Any) -> Any:
        (number, *_) = index if isinstance(index, tuple) else (index,)
        return self._pictures[number]


class Recent(Generic[Value]):
    """What was made last for a number, a few of them: the oldest is forgotten first.

    Who makes a value is said with each request: held here, it would keep its owner in memory.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[int, Value] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, number: int, make: Callable[[int], Value]) -> Value:
        """Return what is kept for a number, else what ``make(number)`` returns."""
        if number in self._kept:
            self._kept.move_to_end(number)
            return self._kept[number]
        made = make(number)
        self._kept[number] = made
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)
        return made


class Streamed:
    """Planes that come one after another and are kept for a while.

    Parameters
    ----------
    planes : iterable
        Pictures as :func:`napari_colorize.colorize` takes them.
    keep : int
        How many of the last ones can be asked for again.
    """

    def __init__(self, planes: Iterable[Any], keep: int) -> None:
        self._coming = iter(planes)
        self._keep = keep
        self._kept: dict[int, NDArray[Any]] = {}
        self._next = 0

    def read(self, number: int) -> NDArray[Any] | None:
        """Return a plane, or ``None`` behind the last."""
        while self._next <= number:
            try:
                plane = next(self._coming)
            except StopIteration:
                return None
            self._kept[self._next] = read_lazily(plane)
            self._kept.pop(self._next - self._keep, None)
            self._next += 1
        return self._kept[number]
