"""What a person has decided of a picture's colours, as one value: points, outlines and labels.

A hint says of some pixels what they mean: a colour, ``"neutral"`` (grey), ``"as predicted"`` (held
at what the method predicts), ``"locked"`` (as predicted, and nothing flows in or out) or
``"wall"`` (colour does not flow through). :class:`Hints` knows nothing of the picture itself;
:meth:`Hints.drawn` lays it over one.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from napari_colorize.guided.files import from_json, read_hints, to_json, write_hints
from napari_colorize.guided.marks import (
    LOCKED,
    MEANINGS,
    NEUTRAL,
    PREDICTED,
    WALL,
    Point,
    Polygon,
    checked_colour,
    checked_labels,
    checked_shape,
    checked_table,
    chroma_of,
    labels_in,
)

__all__ = ["MEANINGS", "NEUTRAL", "Drawn", "Hints", "Point", "Polygon", "checked_colour"]

FREE, HELD, AS_PREDICTED, LOCK, BARRIER = range(5)
"""What :attr:`Drawn.state` says of a pixel; the first is: nothing."""

_STATES = {PREDICTED: AS_PREDICTED, LOCKED: LOCK, WALL: BARRIER}


@dataclass(frozen=True, eq=False)
class Drawn:
    """Hints laid over a picture.

    Parameters
    ----------
    state : (H, W) uint8 array
        :data:`FREE`, :data:`HELD` (has a colour), :data:`AS_PREDICTED`, :data:`LOCK` or
        :data:`BARRIER`.
    index : (H, W) int32 array
        Row of ``chroma`` where the state is :data:`HELD`.
    chroma : (N, 2) float32 array
        a and b in Lab units of each colour.
    """

    state: NDArray[np.uint8]
    index: NDArray[np.int32]
    chroma: NDArray[np.float32]

    @property
    def held(self) -> NDArray[np.bool_]:
        """Where a colour was set, (H, W) bool."""
        return self.state == HELD

    @property
    def coloured(self) -> bool:
        """Whether any pixel has a colour: only then can anything change."""
        return bool(self.held.any())


@dataclass(frozen=True, eq=False, kw_only=True)
class Hints:
    """All that a person has decided of one picture.

    Where hints meet, points lie over polygons, polygons over labels, and later ones over earlier.

    Parameters
    ----------
    points : sequence of Point
    polygons : sequence of Polygon
    labels : (H, W) integer array, optional
        Scribbles or regions; 0 says nothing. A copy is kept.
    colours : mapping of int to colour
        What each label means; see :func:`checked_colour`. Labels that do not occur do no harm, so
        that one table serves a folder.
    shape : (int, int), optional
        Rows and columns of the picture that they are for; that of ``labels`` where these are given.
    file : str, optional
        Where they were read from, for the record.

    Raises
    ------
    TypeError, ValueError
        Something cannot be used; the sentence says what.

    Examples
    --------
    >>> hints = Hints(points=[Point(40, 60, "crimson"), Point(5, 5, "neutral")])
    >>> hints.legend
    'colours of 2 points set by hand'
    """

    points: tuple[Point, ...] = ()
    polygons: tuple[Polygon, ...] = ()
    labels: NDArray[np.int32] | None = None
    colours: Mapping[int, str] = field(default_factory=dict)
    shape: tuple[int, int] | None = None
    file: str | None = None

    def __post_init__(self) -> None:
        """Check all, and store what cannot change."""
        set_ = object.__setattr__
        for name, kind in (("points", Point), ("polygons", Polygon)):
            given = tuple(getattr(self, name))
            for one in given:
                if not isinstance(one, kind):
                    raise TypeError(f"{name} holds {one!r}; each must be a {kind.__name__}.")
            set_(self, name, given)
        set_(self, "colours", checked_table(self.colours))
        set_(self, "shape", checked_shape(self.shape))
        if self.labels is not None:
            labels = checked_labels(self.labels)
            if self.shape not in (None, labels.shape):
                raise ValueError(
                    f"The label image is {_size(labels.shape)} pixels, but the hints are for a "
                    f"picture of {_size(self.shape)}."
                )
            set_(self, "labels", labels)
            set_(self, "shape", labels.shape)
            self._refuse_unknown(labels)

    # -- made from ------------------------------------------------------------------------------

    @classmethod
    def from_points(
        cls,
        positions: Any,
        colours: Any,
        *,
        radius: float = 1.0,
        shape: tuple[int, int] | None = None,
    ) -> Self:
        """Make hints of positions, such as ``points_layer.data``.

        Parameters
        ----------
        positions : (N, 2) array-like
            Row and column in pixels.
        colours : colour or sequence of colours
            One for all, or one each.
        radius : float
            In pixels.
        shape : (int, int), optional
            Of the picture.

        Returns
        -------
        Hints
        """
        places = np.asarray(positions, dtype=float).reshape(-1, 2)
        each = [colours] * len(places) if isinstance(colours, str) else list(colours)
        if len(each) != len(places):
            raise ValueError(
                f"There are {len(places)} points and {len(each)} colours; give one colour for all, "
                "or as many as there are points."
            )
        pairs = zip(places.tolist(), each, strict=True)
        return cls(
            points=tuple(Point(r, c, colour, radius) for (r, c), colour in pairs), shape=shape
        )

    @classmethod
    def from_labels(cls, labels: Any, colours: Mapping[int, Any]) -> Self:
        """Make hints of a label image, scribbles or a segmentation, and a colour for each label.

        Parameters
        ----------
        labels : (H, W) integer array
            0 says nothing.
        colours : mapping of int to colour

        Returns
        -------
        Hints
        """
        return cls(labels=labels, colours=colours)

    @classmethod
    def from_strokes(cls, rgba: Any) -> Self:
        """Make hints of painted strokes: every pixel that is more than half opaque is one.

        Parameters
        ----------
        rgba : (H, W, 4) uint8 array
            Strokes on a transparent ground. A hard brush leaves the fewest colours.

        Returns
        -------
        Hints
        """
        strokes = np.asarray(rgba)
        if strokes.ndim != 3 or strokes.shape[-1] != 4 or strokes.dtype != np.uint8:
            raise ValueError(
                f"Strokes have shape {strokes.shape} and type {strokes.dtype}; they must be "
                "(height, width, 4) uint8, transparent where nothing is said."
            )
        painted = strokes[..., 3] > 127
        found, index = np.unique(strokes[painted][:, :3], axis=0, return_inverse=True)
        labels = np.zeros(strokes.shape[:2], np.int32)
        labels[painted] = index.ravel() + 1
        colours: dict[int, Any] = {i: tuple(c) for i, c in enumerate(found.tolist(), 1)}
        return cls(labels=labels, colours=colours)

    @classmethod
    def from_file(cls, path: Any) -> Self:
        """Read hints from a JSON file; see :mod:`napari_colorize.guided.files`."""
        return cls(**read_hints(path))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make hints of the form that files and records hold, with labels inside it."""
        return cls(**from_json(values, None))

    @classmethod
    def of(cls, given: Any) -> "Hints | None":
        """Return hints of whatever a front door takes: hints, a path, a record's form, or none."""
        if given is None or isinstance(given, Hints):
            return given
        if isinstance(given, Mapping):
            return cls.from_dict(given)
        if isinstance(given, (str, Path)) or hasattr(given, "__fspath__"):
            return cls.from_file(given)
        raise TypeError(
            f"hints is {type(given).__name__}; give napari_colorize.Hints or the path of a file "
            "of hints."
        )

    # -- asked ----------------------------------------------------------------------------------

    def __bool__(self) -> bool:
        """Whether anything is said at all."""
        return bool(self.points or self.polygons) or (
            self.labels is not None and bool(self.labels.any())
        )

    def __eq__(self, other: object) -> bool:
        """Whether the same is said of the same pixels; the file does not matter."""
        return isinstance(other, Hints) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        """Hash of what is said."""
        return hash(self.digest)

    @property
    def digest(self) -> str:
        """SHA-256 of what is said."""
        said = json.dumps(self.to_dict(), sort_keys=True).encode()
        return hashlib.sha256(said).hexdigest()

    @property
    def legend(self) -> str:
        """What a figure legend says of them: "colours of 7 scribbles set by hand"."""
        used = [] if self.labels is None else labels_in(self.labels)
        counted = (
            (len(used), "scribble"),
            (len(self.polygons), "outline"),
            (len(self.points), "point"),
        )
        said = [f"{count} {what}{'s' * (count > 1)}" for count, what in counted if count]
        return f"colours of {' and '.join(said)} set by hand" if said else ""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-able form that files and records hold, with labels inside it."""
        return to_json(self)

    def save(self, path: Any, *, overwrite: bool = False) -> Path:
        """Write a JSON file; see :func:`napari_colorize.guided.files.write_hints`."""
        return write_hints(self, path, overwrite=overwrite)

    def joined(self, other: "Hints") -> "Hints":
        """Return these with the points and polygons of others, which must have no labels."""
        if other.labels is not None:
            raise ValueError("Hints with a label image cannot be laid over others; merge labels.")
        return replace(
            self,
            points=(*self.points, *other.points),
            polygons=(*self.polygons, *other.polygons),
            shape=self.shape or other.shape,
        )

    # -- laid over a picture --------------------------------------------------------------------

    def drawn(self, shape: tuple[int, int]) -> Drawn:
        """Lay the hints over a picture.

        Parameters
        ----------
        shape : (int, int)
            Rows and columns of the picture.

        Returns
        -------
        Drawn

        Raises
        ------
        ValueError
            They are for a picture of another size, or a point or outline lies outside of it.
        """
        if self.shape not in (None, tuple(shape)):
            raise ValueError(
                f"The hints are for a picture of {_size(self.shape)} pixels, this one has "
                f"{_size(shape)}; take the hints that were made for it."
            )
        self._refuse_outside(shape)
        meanings = [*self.colours.values()]
        meanings += [outline.colour for outline in self.polygons]
        meanings += [point.colour for point in self.points]
        known = {meaning: number for number, meaning in enumerate(dict.fromkeys(meanings))}
        index = np.full(shape, -1, np.int32)
        if self.labels is not None:
            numbers = labels_in(self.labels)
            rows = [known[self.colours[n]] for n in numbers]
            if not numbers or numbers[-1] < self.labels.size:
                row_of = np.full(max(numbers, default=0) + 1, -1, np.int32)
                row_of[numbers] = rows
                index[...] = row_of[self.labels]
            else:  # a few very large numbers
                for number, row in zip(numbers, rows, strict=True):
                    index[self.labels == number] = row
        for polygon in self.polygons:
            _fill(index, polygon, known[polygon.colour])
        for point in self.points:
            _dot(index, point, known[point.colour])
        states = np.array([FREE, *(_STATES.get(m, HELD) for m in known)], np.uint8)
        chroma = chroma_of(list(known))
        return Drawn(states[index + 1], index, chroma)

    def _refuse_unknown(self, labels: NDArray[np.int32]) -> None:
        without = [n for n in labels_in(labels) if n not in self.colours]
        if without:
            named = ", ".join(map(str, without[:5])) + ("…" if len(without) > 5 else "")
            known = ", ".join(map(str, list(self.colours)[:8])) or "none"
            raise ValueError(
                f"The label image holds labels without a colour: {named} (with one: {known}). "
                "Give them a colour, or 'as predicted', or paint them out with 0."
            )

    def _refuse_outside(self, shape: tuple[int, int]) -> None:
        def outside(row: float, column: float) -> bool:
            return not (-0.5 <= row < shape[0] - 0.5 and -0.5 <= column < shape[1] - 0.5)

        for number, point in enumerate(self.points, 1):
            if outside(point.row, point.column):
                raise ValueError(
                    f"Point {number} of the hints lies at row {point.row:g}, column "
                    f"{point.column:g}, outside of the picture of {_size(shape)} pixels; move it "
                    "inside or take it out."
                )
        for number, polygon in enumerate(self.polygons, 1):
            if all(outside(row, column) for row, column in polygon.corners):
                raise ValueError(
                    f"Outline {number} of the hints has all its corners outside of the picture of "
                    f"{_size(shape)} pixels; move it inside or take it out."
                )


def _fill(index: NDArray[np.int32], polygon: Polygon, value: int) -> None:
    from skimage.draw import polygon as filled

    rows, columns = zip(*polygon.corners, strict=True)
    index[filled(rows, columns, index.shape)] = value


def _dot(index: NDArray[np.int32], point: Point, value: int) -> None:
    top, left = (max(0, math.ceil(at - point.radius)) for at in (point.row, point.column))
    bottom, right = (math.floor(at + point.radius) + 1 for at in (point.row, point.column))
    part = index[top:bottom, left:right]
    down, across = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
    part[(down - point.row) ** 2 + (across - point.column) ** 2 <= point.radius**2] = value
    index[math.floor(point.row + 0.5), math.floor(point.column + 0.5)] = value


def _size(shape: Any) -> str:
    return " × ".join(str(side) for side in shape)
