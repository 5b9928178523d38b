"""How the planes of a layer hang together: its axes by letter, and along which colour is held.

No Qt, no colour.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorize.sequences.parameters import StackParameters

if TYPE_CHECKING:
    from napari.layers import Image

CHANNEL = "c"
MEANINGS = {"t": "time", "z": "depth", CHANNEL: "channels", "y": "rows", "x": "columns"}
_WORDS = {
    **{"time": "t", "frame": "t", "depth": "z", "plane": "z", "slice": "z"},
    **{"channel": CHANNEL, "row": "y", "column": "x"},
}
_UNNAMED = "zt" + "pqrsuvw"
"""Letters of leading axes that nobody named, from the plane outwards."""

NOTHING_HELD = "None: each plane for itself"

DEFAULT_CONSISTENCY: float = StackParameters().consistency


@dataclass(frozen=True)
class Hold:
    """What the planes of a stack have to do with each other; axes are the layer's own.

    Parameters
    ----------
    along : int or None
        The axis along which colour is held; ``None``: each plane for itself.
    channel : int or None
        The axis of channels, each of which is coloured with a window of its own.
    consistency : float
        How firmly colour is held, 0…1.
    """

    along: int | None = None
    channel: int | None = None
    consistency: float = DEFAULT_CONSISTENCY


def suggested_axes(labels: Sequence[str]) -> str:
    """Return one letter for each axis, from what a layer calls them: ``"tzyx"``.

    Letters and common words are taken over. Where any axis has no such name (napari's own are
    ``"-3"``, ``"-2"``, ``"-1"``) the last two are y and x, and those before z and t.
    """
    named = [_WORDS.get(label.lower(), label.lower()) for label in labels]
    if all(len(name) == 1 and name.isalpha() for name in named) and len(set(named)) == len(named):
        return "".join(named)
    return _UNNAMED[: max(len(labels) - 2, 0)][::-1] + "yx"


def checked_axes(text: str, ndim: int, shown: Sequence[int]) -> str:
    """Return the letters of a layer's axes, or say what is wrong with them.

    Parameters
    ----------
    text : str
        What somebody typed; spaces and case do not count.
    ndim : int
        Axes that the layer has, colour not counted.
    shown : (int, int)
        The axes that are on screen.

    Raises
    ------
    ValueError
        Not one letter an axis, a letter twice, or channels on screen.
    """
    axes = "".join(text.split()).lower()
    if not axes.isalpha() or not axes.isascii():
        raise ValueError(f"Name the {ndim} axes by one letter each, for example {_example(ndim)}.")
    if len(axes) != ndim:
        raise ValueError(
            f"The layer has {ndim} axes, and {len(axes)} "
            f"{'is' if len(axes) == 1 else 'are'} named; for example {_example(ndim)}."
        )
    twice = [axis for axis in axes if axes.count(axis) > 1]
    if twice:
        raise ValueError(f"'{twice[0]}' is there twice; name each axis by a letter of its own.")
    if CHANNEL in axes and axes.index(CHANNEL) in shown:
        raise ValueError(
            "The axis c, of channels, is on screen as a side of the picture; look at the stack "
            "from another side, or give that axis another letter."
        )
    return axes


def axes_to_hold(axes: str, shape: Sequence[int], shown: Sequence[int]) -> dict[int | None, str]:
    """Return the axes along which colour can be held, outermost first, and what to call them.

    The last choice is none of them.
    """
    behind: dict[int | None, str] = {
        axis: f"{letter}{_meaning(letter)}: {shape[axis]} planes"
        for axis, letter in enumerate(axes)
        if axis not in shown and shape[axis] > 1 and letter != CHANNEL
    }
    return behind | {None: NOTHING_HELD}


def channel_axis(axes: str) -> int | None:
    """Return the axis of channels, if there is one."""
    return axes.index(CHANNEL) if CHANNEL in axes else None


def is_lazy(layer: "Image") -> bool:
    """Whether a layer's pixels are elsewhere until they are looked at: only arrays are in memory.

    A pyramid is lazy too: nobody wants all of its levels at once.
    """
    if layer.multiscale:
        return True
    data: Any = layer.data
    while isinstance(data, np.ndarray):
        if isinstance(data, np.memmap):
            return True
        if data.base is None:
            return False
        data = data.base  # a view of a memory map is an ordinary array
    return data is layer.data


def _meaning(letter: str) -> str:
    return f" ({MEANINGS[letter]})" if letter in MEANINGS else ""


def _example(ndim: int) -> str:
    return suggested_axes([""] * ndim)
