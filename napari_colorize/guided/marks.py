"""What a single hint says, and where: colours and the words beside them, points and outlines."""

import math
import numbers
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

NEUTRAL, PREDICTED, LOCKED, WALL = "neutral", "as predicted", "locked", "wall"
MEANINGS = (NEUTRAL, PREDICTED, LOCKED, WALL)
"""What a hint can say instead of a colour."""


def checked_colour(colour: Any) -> str:
    """Return a colour as ``"#rrggbb"``, or one of :data:`MEANINGS`.

    Parameters
    ----------
    colour : str or sequence of int
        ``"#rgb"``, ``"#rrggbb"``, a CSS name, a word of :data:`MEANINGS`, or red, green and blue
        as whole numbers 0…255.

    Returns
    -------
    str

    Raises
    ------
    TypeError, ValueError
        It is none of these.

    Examples
    --------
    >>> checked_colour("crimson"), checked_colour((0, 0, 128)), checked_colour("wall")
    ('#dc143c', '#000080', 'wall')
    """
    advice = (
        "give '#rrggbb', a CSS name such as 'crimson', three whole numbers 0 to 255, or one of "
        f"{', '.join(map(repr, MEANINGS))}"
    )
    if isinstance(colour, str):
        if colour.strip().lower() in MEANINGS:
            return colour.strip().lower()
        from PIL import ImageColor

        try:
            red, green, blue = ImageColor.getrgb(colour.strip())[:3]
        except ValueError:
            raise ValueError(f"{colour!r} is no colour; {advice}.") from None
        return f"#{red:02x}{green:02x}{blue:02x}"
    try:
        channels = [int(channel) for channel in colour]
        whole = channels == [float(channel) for channel in colour]
    except (TypeError, ValueError):
        raise TypeError(f"{colour!r} is no colour; {advice}.") from None
    if len(channels) != 3 or not whole or not all(0 <= channel <= 255 for channel in channels):
        raise ValueError(f"{colour!r} is no colour; {advice}.")
    return "#{:02x}{:02x}{:02x}".format(*channels)


@dataclass(frozen=True)
class Point:
    """A disc of one colour.

    Parameters
    ----------
    row, column : float
        Its centre in pixels; whole numbers are the centres of pixels.
    colour : str
        See :func:`checked_colour`.
    radius : float
        In pixels, 0…1000. The pixel under the centre always belongs to it.
    """

    row: float
    column: float
    colour: str
    radius: float = 1.0

    def __post_init__(self) -> None:
        """Check every number and the colour."""
        for name in ("row", "column", "radius"):
            object.__setattr__(self, name, _number(name, getattr(self, name)))
        if not 0 <= self.radius <= 1000:
            raise ValueError(f"A hint's radius is {self.radius:g}; it must be 0 to 1000 pixels.")
        object.__setattr__(self, "colour", checked_colour(self.colour))


@dataclass(frozen=True)
class Polygon:
    """A filled outline of one colour.

    Parameters
    ----------
    corners : sequence of (row, column)
        Three or more, in pixels.
    colour : str
        See :func:`checked_colour`.
    """

    corners: tuple[tuple[float, float], ...]
    colour: str

    def __post_init__(self) -> None:
        """Check every number and the colour."""
        try:
            corners = tuple((_number("row", r), _number("column", c)) for r, c in self.corners)
        except TypeError as error:
            raise TypeError(f"A polygon's corners are (row, column) pairs. {error}") from None
        if len(corners) < 3:
            raise ValueError(f"A polygon has {len(corners)} corners; it needs three or more.")
        object.__setattr__(self, "corners", corners)
        object.__setattr__(self, "colour", checked_colour(self.colour))


def chroma_of(colours: Sequence[str]) -> NDArray[np.float32]:
    """Return a and b in Lab units, (N, 2), of colours ``"#rrggbb"``; of ``"neutral"`` zeros."""
    return np.array([_chroma(colour) for colour in colours], np.float32).reshape(-1, 2)


def rgb_of(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue, 0…255, of ``"#rrggbb"``."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _chroma(meaning: str) -> tuple[float, float]:
    if meaning in MEANINGS:
        return 0.0, 0.0
    import torch

    from napari_colorize import ops

    lab = ops.rgb_to_lab(torch.tensor([rgb_of(meaning)], dtype=torch.uint8))[0]
    red, green, blue = rgb_of(meaning)
    return (0.0, 0.0) if red == green == blue else (float(lab[1]), float(lab[2]))


def checked_table(colours: Any) -> dict[int, str]:
    """Return a mapping of labels to colours, checked."""
    if not isinstance(colours, Mapping):
        raise TypeError(f"colours is {type(colours).__name__}; give a mapping of label to colour.")
    table = {}
    for label, colour in colours.items():
        if isinstance(label, bool) or not isinstance(label, numbers.Integral) or label < 1:
            raise ValueError(f"{label!r} is no label; labels are whole numbers from 1.")
        table[int(label)] = checked_colour(colour)
    return table


def checked_labels(labels: Any) -> NDArray[np.int32]:
    """Return a label image as an int32 copy that cannot be changed."""
    array = np.asarray(labels)
    if array.ndim != 2 or array.dtype.kind not in "biu" or not array.size:
        raise ValueError(
            f"The label image has shape {array.shape} and type {array.dtype}; it must be (height, "
            "width) of whole numbers."
        )
    if array.dtype != bool and (array.min() < 0 or array.max() > np.iinfo(np.int32).max):
        raise ValueError("The label image holds numbers that are no labels: below 0, or too large.")
    kept = array.astype(np.int32)
    kept.flags.writeable = False
    return kept


def labels_in(labels: NDArray[Any]) -> list[int]:
    """Return the labels that occur in a label image, 0 left out, in their order."""
    if labels.max(initial=0) < labels.size:  # counting is several times faster than sorting
        return [int(n) for n in np.flatnonzero(np.bincount(labels.ravel())) if n]
    return [int(n) for n in np.unique(labels) if n]


def checked_shape(shape: Any) -> tuple[int, int] | None:
    """Return rows and columns of a picture, or ``None``."""
    if shape is None:
        return None
    sides = tuple(shape) if isinstance(shape, Iterable) else (shape,)
    good = len(sides) == 2 and all(
        isinstance(side, numbers.Integral) and not isinstance(side, bool) and int(side) > 0
        for side in sides
    )
    if not good:
        raise ValueError(f"shape is {shape!r}; give the picture's rows and columns.")
    return int(sides[0]), int(sides[1])


def _number(name: str, value: Any) -> float:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(value):
        raise TypeError(f"A hint's {name} is {value!r}; give a finite number of pixels.")
    return float(value)
