"""One solve for all that a person says of a picture, with a method's prediction behind it.

Every hinted pixel has its colour exactly, moved towards grey only where sRGB has no such colour at
the picture's lightness. All others are worked out in two steps. First the prediction *listens*: a
network that was taught to (:mod:`napari_colorize.guided.listening`) predicts anew. Of methods that
have none, how far the hints contradict the prediction is taken for a Gaussian process over the
picture, whose covariance says what is alike (lightness, predicted colour, place).
What the hints say beyond that is local; it spreads along the picture as in Levin, Lischinski and
Weiss (2004, section 2), and gives way to the prediction where a method is sure of it.

Walls and locked areas cut the picture into pieces. A piece without a hint keeps the prediction.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.guided.hints import AS_PREDICTED, BARRIER, HELD, LOCK, Drawn

MOST_VOICES = 256
"""So many groups of hinted pixels speak at the most; a Gaussian process costs their third power."""

COARSE_SIDE = 96
"""Long side, in pixels, of the grid on which the prediction listens: colour varies slowly."""

MOST_TINT = 15.0
"""Contradictions of more Lab units tint the whole picture no more than this."""

CERTAINTY = 1e-4
"""Weight of a prediction that is certain, against weights of neighbours that sum to 1."""

REACH = 0.3
"""How far what a prediction has not heard reaches where it is sure, as a share of the long side."""


Listen = Callable[[NDArray[np.bool_], NDArray[np.float32]], tuple[NDArray[Any], NDArray[Any]]]
"""``listen(held, target)``: the chroma (H, W, 2) and uncertainty (H, W) of a picture's prediction
that has heard the colours ``target`` at the pixels ``held``."""


@dataclass(frozen=True)
class Covariance:
    """What of a contradiction is shared by two places, in Lab units.

    The values were fitted to 40 training photographs by gradient descent.
    Distances are shares of the picture's long side.
    """

    everywhere: float = 5.8
    everywhere_lightness: float = 46.9
    saturation: float = 0.44
    alike: float = 5.8
    alike_lightness: float = 39.8
    alike_colour: float = 9.3
    alike_distance: float = 0.7
    near: float = 4.5
    near_lightness: float = 30.9
    near_distance: float = 0.096
    noise: float = 3.2

    def common(self, one: "Places", other: "Places") -> NDArray[np.float64]:
        """Return what holds of the whole picture, its tint and saturation, (N, M)."""
        light = _squares(one.lightness[:, None], other.lightness[:, None])
        tint = self.everywhere**2 * np.exp(-light / (2 * self.everywhere_lightness**2))
        return tint + self.saturation**2 * (one.colour @ other.colour.T)

    def alikeness(self, one: "Places", other: "Places") -> NDArray[np.float64]:
        """Return what holds of places that look alike, (N, M)."""
        light = _squares(one.lightness[:, None], other.lightness[:, None])
        return self.alike**2 * np.exp(
            -light / (2 * self.alike_lightness**2)
            - _squares(one.colour, other.colour) / (2 * self.alike_colour**2)
            - _squares(one.place, other.place) / (2 * self.alike_distance**2)
        )

    def local(self, one: "Places", other: "Places") -> NDArray[np.float64]:
        """Return what holds of a neighbourhood alone, (N, M)."""
        light = _squares(one.lightness[:, None], other.lightness[:, None])
        apart = _squares(one.place, other.place)
        return self.near**2 * np.exp(
            -light / (2 * self.near_lightness**2) - apart / (2 * self.near_distance**2)
        )


@dataclass(frozen=True, eq=False)
class Places:
    """Places in a picture, as the covariance sees them.

    Parameters
    ----------
    place : (N, 2) float array
        Row and column over the picture's long side.
    lightness : (N,) float array
        L*, 0…100.
    colour : (N, 2) float array
        Predicted a and b.
    """

    place: NDArray[np.float64]
    lightness: NDArray[np.float64]
    colour: NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Solved:
    """What a solve found.

    Parameters
    ----------
    chroma : (H, W, 2) float32 array
        a and b in Lab units; the prediction where nothing is ``touched``.
    touched : (H, W) bool array
        Pixels in pieces of the picture that hold a coloured hint.
    held : int
        Pixels whose colour was set.
    moved : int
        Those of them whose colour sRGB does not have at the picture's lightness.
    uncertainty : (H, W) float32 array or None
        Of the prediction that has heard the hints, 0 where a colour was set; None without one.
    """

    chroma: NDArray[np.float32]
    touched: NDArray[np.bool_]
    held: int
    moved: int
    uncertainty: NDArray[np.float32] | None = None


def solve(
    lightness: NDArray[np.float32],
    prior: NDArray[np.float32],
    drawn: Drawn,
    *,
    uncertainty: NDArray[np.float32] | None = None,
    spread: float = 1.0,
    reach: float = REACH,
    covariance: Covariance | None = None,
    listen: Listen | None = None,
    preview: bool = False,
    should_stop: Callable[[], bool] | None = None,
) -> Solved:
    """Colour a picture by hints, with a prediction behind them.

    Parameters
    ----------
    lightness : (H, W) float32 array
        L*, 0…100.
    prior : (H, W, 2) float32 array
        Predicted a and b at full size.
    drawn : Drawn
        The hints, laid over the picture.
    uncertainty : (H, W) float32 array, optional
        Of the prediction, 0…1; left out: it is nowhere sure.
    spread : float
        How far a hint speaks for places that look alike, 0 (its surroundings alone) … 1.
    reach : float
        Where something listens: how far, as a share of the picture's long side, a hint reaches
        beyond what was heard, on even ground where the prediction is certain.
    covariance : Covariance, optional
        What is alike, where nothing listens.
    listen : callable, optional
        The prediction that hears hints; see :data:`Listen`.
    preview : bool
        Be quick rather than exact; hinted pixels are exact all the same.
    should_stop : callable, optional
        Asked now and then; once it returns True, :class:`~napari_colorize.api.Cancelled` is raised.

    Returns
    -------
    Solved

    Raises
    ------
    ValueError
        Sizes differ.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_colorize.guided.hints import Hints
    >>> grey, nothing = np.full((8, 8), 50, np.float32), np.zeros((8, 8, 2), np.float32)
    >>> drawn = Hints.from_labels(np.ones((8, 8), int), {1: "#0000ff"}).drawn((8, 8))
    >>> solved = solve(grey, nothing, drawn)
    >>> solved.held, solved.moved
    (64, 64)
    """
    if lightness.shape != prior.shape[:2] or lightness.shape != drawn.state.shape:
        raise ValueError(
            f"Lightness has shape {lightness.shape}, the prediction {prior.shape} and the hints "
            f"{drawn.state.shape}; they must be of one picture."
        )
    held, target, moved = _targets(lightness, prior, drawn)
    closed = (drawn.state == LOCK) | (drawn.state == BARRIER)
    coloured = drawn.state == HELD
    chroma, touched = prior.copy(), np.zeros(lightness.shape, bool)
    unsure = None if uncertainty is None else uncertainty.copy()
    for part, inside in _pieces(closed, coloured):
        touched[part] |= inside
        if spread and listen is not None:
            own = np.zeros_like(held)
            own[part] = held[part] & inside
            listened, heard_unsure = listen(own, target)
            here = np.zeros_like(held)
            here[part] = inside
            chroma[here] += np.float32(spread) * (listened - prior)[here]
            if unsure is not None:
                unsure[here] += np.float32(spread) * (heard_unsure - unsure)[here]
        elif spread:
            heard = _listened(
                lightness[part],
                prior[part],
                held[part] & inside,
                target[part],
                max(lightness.shape),
                covariance or Covariance(),
            )
            chroma[part] += np.float32(spread) * np.where(inside[..., None], heard, 0)
    free = touched & ~held
    if free.any():
        from napari_colorize.guided.levin import propagate

        # On even ground such a weight lets colour fall by e over 1 / √weight pixels.
        weight = CERTAINTY if listen is None else (reach * max(lightness.shape)) ** -2
        sure = None if unsure is None else np.float32(weight) * (1 - unsure)
        known = held & touched
        beyond = propagate(
            lightness,
            np.where(known[..., None], target - chroma, 0).astype(np.float32),
            known,
            walls=None if touched.all() else ~touched,
            prior=None if sure is None else np.zeros_like(prior),
            certainty=sure,
            preview=preview,
            should_stop=should_stop,
        )
        chroma[free] += beyond[free]
    chroma[held & touched] = target[held & touched]
    if unsure is not None:
        unsure[coloured] = 0
    return Solved(chroma, touched, int(np.count_nonzero(coloured)), moved, unsure)


def in_gamut(
    lightness: NDArray[np.float32], chroma: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Move colours towards grey, at their lightness, until sRGB has them.

    Parameters
    ----------
    lightness : (N,) float32 array
        L*, 0…100.
    chroma : (N, 2) float32 array
        a and b in Lab units.

    Returns
    -------
    chroma : (N, 2) float32 array
    moved : (N,) bool array
    """
    import torch

    from napari_colorize import ops

    lab = torch.from_numpy(np.concatenate([lightness[:, None], chroma], 1).astype(np.float32))
    fitted, moved = ops.gamut_clip(lab, channel_dim=-1)
    return fitted[:, 1:].numpy(), moved.numpy()


def _targets(
    lightness: NDArray[np.float32], prior: NDArray[np.float32], drawn: Drawn
) -> tuple[NDArray[np.bool_], NDArray[np.float32], int]:
    """Return which pixels are held, at which chroma, and how many colours had to be moved."""
    coloured, as_predicted = drawn.state == HELD, drawn.state == AS_PREDICTED
    target = np.zeros_like(prior)
    target[as_predicted] = prior[as_predicted]
    fitted, moved = in_gamut(lightness[coloured], drawn.chroma[drawn.index[coloured]])
    target[coloured] = fitted
    return coloured | as_predicted, target, int(np.count_nonzero(moved))


def _pieces(
    closed: NDArray[np.bool_], coloured: NDArray[np.bool_]
) -> Iterator[tuple[tuple[slice, slice], NDArray[np.bool_]]]:
    """Yield the box of each piece between walls that holds a coloured hint, and its pixels."""
    if not coloured.any():
        return
    if not closed.any():
        whole = slice(0, closed.shape[0]), slice(0, closed.shape[1])
        yield whole, np.ones_like(closed)
        return
    import cv2

    # Levin's window is 3 x 3: colour flows over corners too.
    _, number, boxes, _ = cv2.connectedComponentsWithStats(
        (~closed).astype(np.uint8), connectivity=8
    )
    for piece in np.unique(number[coloured]):
        left, top, width, height = boxes[piece][:4]
        part = slice(top, top + height), slice(left, left + width)
        yield part, number[part] == piece


def _listened(
    lightness: NDArray[np.float32],
    prior: NDArray[np.float32],
    held: NDArray[np.bool_],
    target: NDArray[np.float32],
    side: int,
    covariance: Covariance,
) -> NDArray[np.float32]:
    """Return what the hints of one piece say of all of it, (H, W, 2) in Lab units."""
    import torch

    from napari_colorize import ops
    from napari_colorize.pipeline.resample import resize

    places, said = _voices(lightness, prior, held, target, side)
    against = said - places.colour
    alike = covariance.alikeness(places, places) + covariance.local(places, places)
    alike[np.diag_indices_from(alike)] += covariance.noise**2
    # A colour far from what was predicted is one thing's own: it does not tint the whole picture.
    far = np.linalg.norm(against, axis=1, keepdims=True)
    mild = against * np.minimum(1, MOST_TINT / np.maximum(far, 1e-6))
    common = covariance.common(places, places)
    tint = np.linalg.solve(common + alike, mild)
    rest = np.linalg.solve(alike, against - common @ tint)

    height, width = lightness.shape
    share = min(1.0, COARSE_SIDE / max(height, width))
    grid = max(1, round(height * share)), max(1, round(width * share))
    light = resize(np.ascontiguousarray(lightness), grid)
    colour = resize(np.ascontiguousarray(prior), grid)
    down, across = np.indices(grid, dtype=np.float64)
    place = np.stack([(down + 0.5) / grid[0] * height, (across + 0.5) / grid[1] * width], -1) / side
    seen = Places(place.reshape(-1, 2), light.ravel().astype(float), colour.reshape(-1, 2))
    heard = covariance.common(seen, places) @ tint + covariance.alikeness(seen, places) @ rest
    small = heard.reshape(*grid, 2).astype(np.float32)
    if grid == lightness.shape:
        return small
    planes = torch.from_numpy(np.ascontiguousarray(small.transpose(2, 0, 1)))[None]
    enlarged = ops.joint_bilateral_upsample(
        planes,
        torch.from_numpy(np.ascontiguousarray(light))[None, None],
        torch.from_numpy(np.ascontiguousarray(lightness))[None, None],
        radius=2,
        sigma_space=1.0,
        sigma_range=8.0,
    )
    return enlarged[0].permute(1, 2, 0).numpy()


def _voices(
    lightness: NDArray[np.float32],
    prior: NDArray[np.float32],
    held: NDArray[np.bool_],
    target: NDArray[np.float32],
    side: int,
) -> tuple[Places, NDArray[np.float64]]:
    """Return hinted pixels in groups, a cell of a grid and a colour each: one that speaks."""
    rows, columns = np.nonzero(held)
    cell = max(4, side // 64)
    wanted = target[rows, columns].astype(np.float64)
    key = np.stack([rows // cell, columns // cell, *np.rint(wanted / 4).astype(int).T], 1)
    _, group = np.unique(key, axis=0, return_inverse=True)
    group = group.ravel()
    count = np.bincount(group)

    def mean(values: NDArray[np.floating]) -> NDArray[np.float64]:
        columned = values.reshape(len(group), -1)
        sums = [np.bincount(group, column) for column in columned.T]
        return np.stack(sums, 1) / count[:, None]

    # Evenly through the picture where there are more than can be asked.
    taken = np.unique(np.linspace(0, len(count) - 1, MOST_VOICES).round().astype(int))
    place = (mean(np.stack([rows, columns], 1).astype(float)) + 0.5) / side
    light = mean(lightness[rows, columns])[:, 0]
    colour = mean(prior[rows, columns])
    said = mean(wanted)
    return Places(place[taken], light[taken], colour[taken]), said[taken]


def _squares(one: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return squared distances of all pairs, (N, M)."""
    one, other = one.astype(np.float64), other.astype(np.float64)
    lengths = (one**2).sum(1)[:, None] + (other**2).sum(1)[None]
    return np.maximum(lengths - 2 * one @ other.T, 0)
