"""Hints on some planes of a stack, carried to the others along the motion between them.

On a hinted plane the solve is that of a single picture, with the stack's own colour behind it. How
far it changes that colour travels to the planes on either side, each pixel along the motion that
:mod:`napari_colorize.sequences.motion` finds, and stops at a cut. Between two hinted planes both
changes meet, each with a weight that falls with the distance.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.guided.decisions import Decisions
from napari_colorize.guided.hints import Drawn, Hints
from napari_colorize.guided.listening import Listening, listened, prior_chroma, rgb_of_chroma
from napari_colorize.guided.solve import Listen, Solved, solve
from napari_colorize.parameters import ColorizeParameters
from napari_colorize.pipeline.image import Plane, read_plane
from napari_colorize.pipeline.network import predict
from napari_colorize.pipeline.resample import network_shape
from napari_colorize.sequences.motion import find_motion, warped

Changes = dict[int, NDArray[np.float32]]
"""Number of a plane → how far its a and b are changed, (H, W, 2), in Lab units."""

LEAST = 0.05
"""Changes of fewer Lab units are none."""


def checked_hints(hints: Any, planes: int, shape: tuple[int, int]) -> dict[int, Hints]:
    """Return the hints of a stack by the numbers of their planes.

    Parameters
    ----------
    hints : mapping of int to hints
        See :meth:`napari_colorize.guided.hints.Hints.of`; numbers below 0 count from the end.
    planes : int
        How many planes there are.
    shape : (int, int)
        Rows and columns of a plane.

    Raises
    ------
    TypeError, ValueError
        They are no such mapping, or do not fit the stack.
    """
    if not isinstance(hints, Mapping) or "schema" in hints:
        raise TypeError(
            "hints of a stack are a mapping of the number of a plane to its hints, for example "
            "{0: hints_of_the_first, 9: 'tenth.hints.json'}."
        )
    found: dict[int, Hints] = {}
    for number, given in hints.items():
        if not isinstance(number, (int, np.integer)) or not -planes <= number < planes:
            raise ValueError(f"There is no plane {number!r}; the stack has {planes} planes.")
        own = Hints.of(given)
        if own is not None:
            own.drawn(shape)  # refuses what does not fit, before anything is coloured
            found[int(number) % planes] = own
    return found


def follow(
    rgb: Any,
    uncertainty: Any,
    read: Callable[[int], Any],
    used: ColorizeParameters,
    hints: Mapping[int, Hints],
    spread: float = 1.0,
    graph: Any = None,
    tick: Callable[[float], None] = lambda share: None,
) -> dict[str, Any]:
    """Change a coloured stack to what hints on some of its planes say.

    Parameters
    ----------
    rgb : (N, H, W, 3 or 4) array
        The coloured planes; changed in place, plane by plane.
    uncertainty : (N, H, W) float32 array or None
        0…1; becomes 0 where a colour was set by hand.
    read : callable
        ``read(number)`` gives a plane's raw pixels.
    used : ColorizeParameters
        Resolved, with the stack's window.
    hints : mapping of int to Hints
        See :func:`checked_hints`.
    spread : float
        0…1; see :func:`napari_colorize.guided.solve.solve`.
    graph : callable, optional
        What predicted the planes; hears the hints where it is a
        :class:`~napari_colorize.guided.listening.Listening`.
    tick : callable, optional
        Told the share done, 0…1; may raise to stop.

    Returns
    -------
    dict
        For the record: what was said, how many pixels were set and how many moved.
    """
    count = len(rgb)
    own: Changes = {}
    solved: dict[int, Solved] = {}
    facts: dict[str, Any] = {}
    for number, said in hints.items():
        plane = _seen(read(number), used)
        prior = _chroma(rgb[number])
        drawn = said.drawn(plane.luma.shape)
        sure = None if uncertainty is None else uncertainty[number]
        if not drawn.coloured:
            continue
        listen = None
        if isinstance(graph, Listening):
            listen = _hearing(graph, plane, used, drawn, prior)
        solved[number] = solve(
            plane.lightness(), prior, drawn, uncertainty=sure, spread=spread, listen=listen
        )
        own[number] = solved[number].chroma - prior
        if uncertainty is not None:
            uncertainty[number][drawn.held] = 0
        facts[str(number)] = Decisions(hints=said, spread=spread).described(solved[number])["hints"]
    motions = _Motions(read, used)
    for number in range(count):
        tick(number / count)
        change = own[number] if number in own else _met(number, own, motions)
        if change is not None and np.abs(change).max() > LEAST:
            _apply(rgb, number, change, _seen(read(number), used), used)
    return {"hints": facts, "spread": float(spread)}


def _hearing(
    ear: Listening,
    plane: Plane,
    used: ColorizeParameters,
    drawn: Drawn,
    prior: NDArray[np.float32],
) -> Listen:
    """Return what listens on one plane: how far hints change its own prediction, over `prior`."""
    assert used.network_size is not None, "parameters are resolved"
    height, width = plane.luma.shape
    seen = plane.lightness_at(network_shape(height, width, used.network_size))
    alone, _ = prior_chroma(plane, seen, predict(ear, seen, used)[0], used)

    def listen(
        held: NDArray[np.bool_], target: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        chroma, unsure = listened(ear, plane, seen, used, drawn, held, target)
        return prior + (chroma - alone), unsure

    return listen


class _Motions:
    """Fetches changes along the motion from plane to plane; keeps what it has fetched."""

    def __init__(self, read: Callable[[int], Any], used: ColorizeParameters) -> None:
        self._read, self._used = read, used
        self._carried: dict[tuple[int, int], NDArray[np.float32] | None] = {}

    def carried(self, start: int, number: int, own: Changes) -> NDArray[np.float32] | None:
        """Return the change of a hinted plane as it arrives at another; ``None`` past a cut."""
        if number == start:
            return own[start]
        if (start, number) not in self._carried:
            nearer = number - (1 if number > start else -1)
            before = self.carried(start, nearer, own)
            self._carried[start, number] = None
            if before is not None:
                here, there = (
                    _seen(self._read(n), self._used).lightness() for n in (number, nearer)
                )
                motion = find_motion(here, there, before.shape[:2])
                if motion is not None:
                    self._carried[start, number] = warped(before, motion.forward)
        return self._carried[start, number]


def _met(number: int, own: Changes, motions: _Motions) -> NDArray[np.float32] | None:
    """Return what the nearest hinted planes to either side make of one between them."""
    before = max((n for n in own if n < number), default=None)
    after = min((n for n in own if n > number), default=None)
    found = [
        (1 / abs(number - start), motions.carried(start, number, own))
        for start in (before, after)
        if start is not None
    ]
    arrived = [(weight, change) for weight, change in found if change is not None]
    if not arrived:
        return None
    total = sum(weight for weight, _ in arrived)
    return np.sum([weight / total * change for weight, change in arrived], axis=0, dtype=np.float32)


def _apply(
    rgb: Any, number: int, change: NDArray[np.float32], plane: Plane, used: ColorizeParameters
) -> None:
    coloured = np.array(rgb[number])
    touched = np.abs(change).max(-1) > LEAST
    own, _ = rgb_of_chroma(plane, _chroma(coloured) + change, used)
    coloured[touched, :3] = own[touched]
    rgb[number] = coloured


def _seen(pixels: Any, used: ColorizeParameters) -> Plane:
    return read_plane(pixels, used.window, used.gamma)


def _chroma(rgb: NDArray[Any]) -> NDArray[np.float32]:
    """Return a and b of coded sRGB, (H, W, 2)."""
    import torch

    from napari_colorize import ops

    pixels = rgb[..., :3]
    if pixels.dtype == np.uint16:
        pixels = pixels.astype(np.float32) / 65535
    lab = ops.rgb_to_lab(torch.from_numpy(np.ascontiguousarray(pixels)))
    return np.ascontiguousarray(lab[..., 1:].numpy())
