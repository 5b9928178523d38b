"""Regions of a picture: colours for their numbers, soft edges, and an area to keep to.

Everything here makes or changes label images and their table of colours, from which
:class:`napari_colorize.guided.hints.Hints` are made; no pixel is coloured.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.guided.marks import NEUTRAL, WALL, checked_colour


def table_by(
    values: Mapping[int, Any],
    colours: Sequence[Any] | Callable[[NDArray[np.float64]], Any],
) -> dict[int, str]:
    """Give labels colours by a value each: their number, or a column of measurements.

    Parameters
    ----------
    values : mapping of int to number or str
        Label → value. A value that is missing (None or NaN) gives grey.
    colours : sequence of colours, or callable
        A sequence goes to the different values in turn, in their order. A colour map is called
        with numbers of 0…1, (N,) float64, and returns (N, 3 or more) of 0…1: numbers are spread
        over it from the least to the greatest, words evenly in their order.

    Returns
    -------
    dict of int to str
        Label → ``"#rrggbb"``, or ``"neutral"`` where there is no value.

    Raises
    ------
    ValueError
        There is no label, or no colour.

    Examples
    --------
    >>> table_by({1: "nucleus", 2: "vesicle", 5: "nucleus"}, ["#e69f00", "#56b4e9"])
    {1: '#e69f00', 2: '#56b4e9', 5: '#e69f00'}
    >>> table_by({1: 10.0, 2: 30.0, 3: 20.0}, lambda x: np.stack([x, 1 - x, 0 * x], 1))
    {1: '#00ff00', 2: '#ff0000', 3: '#808000'}
    """
    if not values:
        raise ValueError("There is no label to give a colour; paint or choose some regions first.")
    known = {label: _plain(value) for label, value in values.items()}
    present = [value for value in known.values() if value is not None]
    numeric = all(isinstance(value, float) for value in present)
    different = sorted(set(present), key=lambda value: value if numeric else str(value))
    if callable(colours):
        shades = _along(colours, different, numeric)
    else:
        list_ = [checked_colour(colour) for colour in colours]
        if not list_:
            raise ValueError("The list of colours is empty; give one colour or more.")
        shades = [list_[number % len(list_)] for number in range(len(different))]
    table = dict(zip(different, shades, strict=True))
    return {
        label: NEUTRAL if value is None else table[value] for label, value in sorted(known.items())
    }


def softened(labels: NDArray[Any], pixels: int) -> NDArray[np.int32]:
    """Free the pixels beside the borders of regions, so that the picture's own edges decide there.

    Parameters
    ----------
    labels : (H, W) integer array
        0 says nothing; it has borders too.
    pixels : int
        How far from a border a region gives way, 0…100.

    Returns
    -------
    (H, W) int32 array
        0 where a pixel of another number lies within so many rows and columns. A region that would
        vanish is kept whole.

    Examples
    --------
    >>> softened(np.array([[1, 1, 1, 2, 2, 2]]), 1).tolist()
    [[1, 1, 0, 0, 2, 2]]
    """
    if not 0 <= pixels <= 100:
        raise ValueError(f"A soft edge of {pixels} pixels was asked for; give 0 to 100.")
    whole = np.asarray(labels).astype(np.int32)
    if not pixels:
        return whole
    import cv2

    _, dense = np.unique(whole, return_inverse=True)
    numbers = dense.reshape(whole.shape).astype(np.float32)  # exact up to 2**24 regions
    window = np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)
    inner = cv2.dilate(numbers, window) == cv2.erode(numbers, window)
    kept = np.where(inner, whole, 0)
    gone = np.setdiff1d(whole, kept)
    return np.where(np.isin(whole, gone), whole, kept) if len(gone) else kept


def kept_within(
    labels: NDArray[Any], colours: Mapping[int, Any], inside: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], dict[int, Any]]:
    """Keep colour to an area: what lies around it is neutral, and neither side tints the other.

    Parameters
    ----------
    labels : (H, W) integer array
        What is said already; outside of the area it no longer counts.
    colours : mapping of int to colour
        Its table.
    inside : (H, W) bool array
        The area. A line of one pixel around it becomes a wall, which keeps the prediction.

    Returns
    -------
    labels : (H, W) int32 array
    colours : dict
        The table with two labels more.

    Raises
    ------
    ValueError
        The area is of another size, or there is none.

    Examples
    --------
    >>> inside = np.zeros((5, 5), bool)
    >>> inside[2, 2] = True
    >>> labels, table = kept_within(np.zeros((5, 5), int), {}, inside)
    >>> labels[2].tolist(), table
    ([1, 2, 0, 2, 1], {1: 'neutral', 2: 'wall'})
    """
    said, area = np.asarray(labels), np.asarray(inside, bool)
    if said.shape != area.shape:
        raise ValueError(
            f"The area to colour within is {area.shape[0]} × {area.shape[1]} pixels, the picture "
            f"{said.shape[0]} × {said.shape[1]}; draw it on this picture."
        )
    if not area.any():
        raise ValueError("The area to colour within is empty; draw it on the picture.")
    if area.all():
        return said.astype(np.int32), dict(colours)
    import cv2

    line = cv2.dilate(area.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & ~area
    grey = max([*colours, int(said.max()), 0]) + 1
    kept = np.where(area, said, grey).astype(np.int32)
    kept[line] = grey + 1
    return kept, {**colours, grey: NEUTRAL, grey + 1: WALL}


def _plain(value: Any) -> Any:
    """Return a value as a float or a text; missing ones as None."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value != value:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value) if np.isfinite(value) else None
    return str(value)


def _along(colours: Callable[..., Any], values: Sequence[Any], numeric: bool) -> list[str]:
    """Spread values over a colour map."""
    at = np.array(values, np.float64) if numeric else np.arange(len(values), dtype=np.float64)
    reach = at.max() - at.min() if len(at) else 0.0
    rgb = np.asarray(colours((at - at.min()) / reach if reach else np.full(len(at), 0.5)))
    codes = np.rint(np.clip(rgb[:, :3], 0, 1) * 255).astype(int)
    return [checked_colour(code) for code in codes.tolist()]
