"""Flicker: how much colour changes between frames that show the same, and pans to measure it on.

A photograph that a window glides over is a film whose motion and true colours are known. What a
method gives for the same spot of the photograph should not depend on where the window stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_colorize.evaluation.colour import to_lab


@dataclass(frozen=True, eq=False)
class Pan:
    """A film of a still picture.

    Parameters
    ----------
    frames : list of (h, w, 3) uint8 arrays
        True colours, sRGB.
    corners : list of (int, int)
        Where each frame's first pixel lies in the picture: row, column.
    """

    frames: list[np.ndarray]
    corners: list[tuple[int, int]]


def pan(
    picture: np.ndarray, count: int, *, share: float = 0.75, step: tuple[int, int] = (1, 3)
) -> Pan:
    """Glide over a picture with a window that turns back at its borders.

    Parameters
    ----------
    picture : (H, W, 3) uint8 array
        sRGB.
    count : int
        Frames, 1 or more.
    share : float
        Sides of a frame as a share of the picture's, above 0, at most 1.
    step : (int, int)
        Whole pixels from frame to frame, down and right, 0 or more.

    Returns
    -------
    Pan
        Views of the picture.
    """
    if not 0 < share <= 1 or count < 1:
        raise ValueError(f"share is {share} and count {count}; give 0 < share ≤ 1 and count ≥ 1.")
    sides = [max(1, int(side * share)) for side in picture.shape[:2]]
    rooms = [whole - side for whole, side in zip(picture.shape, sides, strict=False)]
    corners = [
        (_there_and_back(frame * step[0], rooms[0]), _there_and_back(frame * step[1], rooms[1]))
        for frame in range(count)
    ]
    frames = [picture[row : row + sides[0], left : left + sides[1]] for row, left in corners]
    return Pan(frames, corners)


def flicker(
    frames: Sequence[np.ndarray],
    corners: Sequence[tuple[int, int]] | None = None,
    where: Sequence[np.ndarray] | None = None,
) -> float:
    """Return the mean |Δab| between consecutive frames, at the same spot of the scene.

    For each pair of frames: the distance on the ab plane of CIE L*a*b* between the two colours of
    a spot, averaged over the pixels that both frames show; then the mean over the pairs.

    Parameters
    ----------
    frames : sequence of (h, w, 3) uint8 arrays
        sRGB, of one size, two or more.
    corners : sequence of (int, int), optional
        Where each frame's first pixel lies in the scene: row, column. Default: nothing moves.
    where : sequence of (h, w) bool arrays, optional
        Of each pair, the pixels of the first frame that count: those whose structure continues.
        Pairs without any are left out.

    Returns
    -------
    float
        Lab units; 0 for a film whose colours stay.

    Raises
    ------
    ValueError
        Fewer than two frames, two consecutive ones that show nothing in common, or no pixel that
        counts.
    """
    if len(frames) < 2:
        raise ValueError("Flicker is a difference between frames; give two or more.")
    places = list(corners) if corners is not None else [(0, 0)] * len(frames)
    if len(places) != len(frames):
        raise ValueError(f"There are {len(frames)} frames and {len(places)} corners; make equal.")
    changes = []
    before = to_lab(frames[0])[..., 1:]
    for number in range(1, len(frames)):
        after = to_lab(frames[number])[..., 1:]
        one, two = overlap(before, after, places[number - 1], places[number])
        if one.size == 0:
            raise ValueError(f"Frames {number - 1} and {number} show nothing in common.")
        change = np.hypot(*np.moveaxis(two - one, -1, 0))
        if where is not None:
            mask = where[number - 1]
            change = change[overlap(mask, mask, places[number - 1], places[number])[0]]
        if change.size:
            changes.append(change.mean(dtype=np.float64))
        before = after
    if not changes:
        raise ValueError("No pixel counts in any pair of frames; give masks that are not empty.")
    return float(np.mean(changes))


def overlap(
    one: np.ndarray, two: np.ndarray, corner: tuple[int, int], other: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the parts of two frames of one size that show the same spots, as views."""
    height, width = one.shape[:2]
    down, right = other[0] - corner[0], other[1] - corner[1]
    rows = slice(max(down, 0), max(height + min(down, 0), 0))
    columns = slice(max(right, 0), max(width + min(right, 0), 0))
    there_rows = slice(max(-down, 0), max(height + min(-down, 0), 0))
    there_columns = slice(max(-right, 0), max(width + min(-right, 0), 0))
    return one[rows, columns], two[there_rows, there_columns]


def _there_and_back(way: int, room: int) -> int:
    if room == 0:
        return 0
    way %= 2 * room
    return way if way <= room else 2 * room - way
