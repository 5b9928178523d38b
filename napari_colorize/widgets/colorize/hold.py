"""How the planes of a layer hang together: its axes by letter, and along which colour is held.

No Qt, no colour.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorize.records.legend import MEANINGS
from napari_colorize.sequences.parameters import StackParameters
from napari_colorize.widgets.layers.planes import spatial_shape

if TYPE_CHECKING:
    from napari.layers import Image

CHANNEL = "c"
_WORDS = {
    **{"time": "t", "frame": "t", "depth": "z", "plane": "z", "slice": "z"},
    **{"channel": CHANNEL, "row": "y", "column": "x"},
}
_UNNAMED = "zt" + "pqrsuvw"
"""Letters of leading axes that nobody named, from the plane outwards."""

MOST_CHANNELS = 5
"""An axis that nobody named is not taken for z or t where it is no longer: it may be channels."""

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
    axes : str
        One letter for each axis; empty where nobody has said what they are.
    """

    along: int | None = None
    channel: int | None = None
    consistency: float = DEFAULT_CONSISTENCY
    axes: str = ""


def suggested_axes(labels: Sequence[str]) -> str:
    """Return one letter for each axis, from what a layer calls them: ``"tzyx"``.

    Letters and common words are taken over. Where any axis has no such name (napari's own are
    ``"-3"``, ``"-2"``, ``"-1"``) the last two are y and x, and those before z and t.
    """
    named = _letters(labels)
    if are_named(labels):
        return "".join(named)
    return _UNNAMED[: max(len(labels) - 2, 0)][::-1] + "yx"


def are_named(labels: Sequence[str]) -> bool:
    """Whether a layer says itself what each of its axes is; napari's own labels do not."""
    named = _letters(labels)
    sound = all(len(name) == 1 and name.isalpha() for name in named)
    return sound and len(set(named)) == len(named)


def _letters(labels: Sequence[str]) -> list[str]:
    return [_WORDS.get(label.lower(), label.lower()) for label in labels]


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


def first_to_hold(
    axes: str, shape: Sequence[int], shown: Sequence[int], *, guessed: bool
) -> int | None:
    """Return the axis along which colour is held unless somebody chooses another.

    It is t where there is one, else the outermost that is behind the screen; z before t only when
    asked. Where the axes are guessed, it must be too long for one of channels, between which
    nothing continues; of more than two axes behind the screen, one is very likely of channels, and
    none is taken before somebody has named them.
    """
    behind = [axis for axis in axes_to_hold(axes, shape, shown) if axis is not None]
    if guessed:
        leading = len(axes) - len(shown)
        behind = [axis for axis in behind if shape[axis] > MOST_CHANNELS and leading <= 2]
    return min(behind, key=lambda axis: (axes[axis] != "t", axis), default=None)


def hold_of(
    layer: "Image",
    shown: tuple[int, int],
    axes: str = "",
    consistency: float = DEFAULT_CONSISTENCY,
) -> Hold:
    """Return how the planes of a layer hang together where nobody looks at its rows.

    Parameters
    ----------
    layer : napari.layers.Image
    shown : (int, int)
        The axes that are on screen.
    axes : str
        What somebody typed for this layer; empty: what it says itself, or the guess.
    consistency : float

    Raises
    ------
    ValueError
        The axes cannot be used; see :func:`checked_axes`.
    """
    guessed = not axes and not are_named(layer.axis_labels)
    used = checked_axes(axes or suggested_axes(layer.axis_labels), layer.ndim, shown)
    along = first_to_hold(used, spatial_shape(layer), shown, guessed=guessed)
    return Hold(along, channel_axis(used), consistency, "" if guessed else used)


def answers(axes: str, shown: Sequence[int]) -> list[tuple[str, str]]:
    """Return what a guess may be answered with: titles of buttons, and the axes that they mean."""
    leading = [axis for axis in range(len(axes)) if axis not in shown]
    if len(leading) == 1:
        known = {"z": "z, depth", "t": "t, time"}
    elif len(leading) == 2:
        known = {"tz": "t, z", "zt": "z, t"}
    else:
        return [("They are right", axes)]
    found = []
    for letters, title in known.items():
        named = list(axes)
        for axis, letter in zip(leading, letters, strict=True):
            named[axis] = letter
        others = [named[axis] for axis in shown]
        if not set(letters) & set(others):
            found.append((title, "".join(named)))
    return found or [("They are right", axes)]


def said_of_guess(axes: str, shape: Sequence[int], along: int | None) -> str:
    """Return what somebody must know about axes that were guessed, before colour is held."""
    held = "Each plane is coloured for itself unless you choose an axis below"
    if along is not None:
        letter = axes[along]
        held = f"Colour would be held along {letter}{_meaning(letter)}, {shape[along]} planes"
    return (
        f"'{axes}' is a guess; nothing says what the planes are. {held}. Channels must be called c."
    )


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
