"""Colours taken from a reference picture: Welsh, Ashikhmin and Mueller (SIGGRAPH 2002).

Pixels get the chroma of a sample of the reference with a like luminance and a like spread of
luminance around it. What comes out is chroma; the picture's own lightness is never altered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from napari_colorize import ops

LMS_OF_RGB = np.array(
    [[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]]
)
"""Cone responses of red, green and blue (Reinhard et al. 2001, equation 4)."""
LAB_OF_LOG_LMS = np.diag([3**-0.5, 6**-0.5, 2**-0.5]) @ np.array(
    [[1.0, 1, 1], [1, 1, -2], [1, -1, 0]]
)
"""Ruderman's decorrelated axes l, α and β of the logarithms."""
DARKEST = 1 / 255
"""Cone responses below are taken as this: black has no logarithm."""
WINDOW = 5
GRID = 14
SWATCH_SAMPLES = 50
TEXTURE_SAMPLES = 200
TABLE = 10_001
CELLS = 128
"""Along each axis of the table that nearest samples are looked up in."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Transfer:
    """Chroma from a reference, and how it was chosen.

    Parameters
    ----------
    chroma : numpy.ndarray
        ``(H, W, 2)`` float32: a and b in Lab units, for the picture's own lightness.
    seed : int
        Of the samples' places.
    samples : numpy.ndarray
        ``(S, 2)`` int: rows and columns of the samples in the reference.
    choice : numpy.ndarray
        ``(H, W)`` int: which sample each pixel took.
    """

    chroma: Floats
    seed: int
    samples: NDArray[np.int64]
    choice: NDArray[np.int64] = field(repr=False)


def transfer(
    luma: NDArray,
    reference: NDArray,
    *,
    swatches: tuple[NDArray, NDArray] | None = None,
    seed: int = 0,
) -> Transfer:
    """Colour a picture like a reference.

    Welsh, Ashikhmin and Mueller (SIGGRAPH 2002), sections 2 and 3: the reference's luminance is
    remapped to the picture's mean and deviation; of some 200 samples on a jittered grid, each pixel
    takes the α and β of the one with the least
    ``½ |difference of luminance| + ½ |difference of deviation|``, the deviation being that of
    luminance in 5 × 5 pixels of the picture and of the reference.

    Parameters
    ----------
    luma : numpy.ndarray
        ``(H, W)`` float: the picture's lightness L*, 0…100.
    reference : numpy.ndarray
        ``(h, w, 3)`` uint8, or float in [0, 1]: a colour picture, sRGB. Any size.
    swatches : pair of numpy.ndarray, optional
        ``(H, W)`` and ``(h, w)`` int: numbered regions of the picture and of the reference; equal
        numbers from 1 on belong together, 0 is no swatch. Each region is coloured from 50 samples
        of its partner; what is in none then from the coloured regions, by the likeness of 5 × 5
        pixels.
    seed : int
        Of the samples' places.

    Returns
    -------
    Transfer
        Chroma, seed, samples and each pixel's choice.

    Raises
    ------
    ValueError
        For wrong shapes, values that are not finite, a reference without colour, and swatches
        without a number in common.

    Examples
    --------
    >>> import numpy as np
    >>> reference = np.zeros((20, 20, 3), np.uint8)
    >>> reference[:, :10], reference[:, 10:] = (90, 30, 30), (150, 180, 240)
    >>> luma = np.full((20, 20), 20.0)
    >>> luma[:, 10:] = 75.0
    >>> a, b = transfer(luma, reference).chroma[10, [2, 17]].T
    >>> bool(a[0] > 15 and b[1] < -10)
    True
    """
    picture = _luminance_of(_checked_luma(luma))
    colours = _colours_of(_checked_reference(reference))
    random = np.random.default_rng(seed)
    if swatches is None:
        samples = _jittered(colours.shape[:2], random)
        choice = _global_match(picture, colours, samples)
    else:
        samples, choice = _swatch_match(picture, colours, swatches, random)
    chroma = _chroma(picture, colours[tuple(samples.T)], choice)
    return Transfer(chroma, seed, samples, choice)


def nearest(samples: NDArray, luminance: Floats, deviation: Floats) -> NDArray[np.int64]:
    """Return the place of the nearest sample for each pixel, exactly; the first one of equals.

    A table over the plane of luminance and deviation names the samples that may be nearest in each
    of its cells, mostly a single one; only where there are more are distances compared.

    Parameters
    ----------
    samples : numpy.ndarray
        ``(S, 2)`` float32: luminance and deviation.
    luminance, deviation : numpy.ndarray
        ``(H, W)`` float32.

    Examples
    --------
    >>> import numpy as np
    >>> samples = np.float32([[0, 0], [1, 0.5]])
    >>> nearest(samples, np.float32([[0.2, 0.9]]), np.float32([[0.1, 0.1]])).tolist()
    [[0, 1]]
    """
    samples = np.asarray(samples, np.float32)
    places, edges = [], []
    for values in (luminance, deviation):
        low, high = float(values.min()), float(values.max())
        step = max((high - low) / CELLS, 1e-12)
        places.append(np.clip(((values - low) / step).astype(np.int32), 0, CELLS - 1))
        # A hair wider than the cells, so that rounding puts no pixel outside its own.
        starts = low + step * np.arange(CELLS)
        edges.append((starts - 1e-3 * step, starts + 1.001 * step))
    farthest, least = [], []
    for axis, (start, end) in enumerate(edges):
        at = samples[:, axis, None].astype(np.float64)
        farthest.append(np.maximum(np.abs(at - start), np.abs(at - end)))
        least.append(np.maximum(np.maximum(start - at, at - end), 0))
    bound = (farthest[0][:, :, None] + farthest[1][:, None, :]).min(0)
    may = least[0][:, :, None] + least[1][:, None, :] <= bound * (1 + 1e-6) + 1e-9
    # The candidates of a cell lie behind one another, the first samples first.
    cells, candidates = np.nonzero(may.reshape(len(samples), -1).T)
    count = np.bincount(cells, minlength=CELLS * CELLS)
    begin = np.cumsum(count) - count
    cell = (places[0] * CELLS + places[1]).ravel()
    found = candidates[begin][cell]
    pixels = np.flatnonzero((count > 1)[cell])
    cell = cell[pixels]
    bright, spread = luminance.ravel()[pixels], deviation.ravel()[pixels]
    best = None
    for turn in range(int(count.max())):
        index = candidates[begin[cell] + turn]
        distance = np.abs(bright - samples[index, 0]) + np.abs(spread - samples[index, 1])
        if best is None:
            best = distance
        else:
            better = distance < best
            found[pixels[better]] = index[better]
            best = np.where(better, distance, best)
        more = count[cell] > turn + 1
        if not more.all():
            pixels, cell, best = pixels[more], cell[more], best[more]
            bright, spread = bright[more], spread[more]
        if not len(pixels):
            break
    return found.reshape(luminance.shape)


def _checked_luma(luma: NDArray) -> NDArray:
    luma = np.asarray(luma, np.float64)
    if luma.ndim != 2 or luma.size == 0:
        raise ValueError(f"luma must have the shape (H, W); {luma.shape} was given.")
    if not np.isfinite(luma).all():
        raise ValueError("luma must be finite; replace NaN and infinite values first.")
    return luma


def _checked_reference(reference: NDArray) -> NDArray:
    reference = np.asarray(reference)
    if reference.ndim != 3 or reference.shape[2] != 3 or reference.size == 0:
        raise ValueError(
            f"A reference must be a colour picture of shape (H, W, 3); {reference.shape} was given."
        )
    rgb = reference.astype(np.float64) / (255 if reference.dtype == np.uint8 else 1)
    if not np.isfinite(rgb).all() or rgb.min() < 0 or rgb.max() > 1:
        raise ValueError("A reference must be uint8, or float in [0, 1], without NaN.")
    if np.ptp(rgb, axis=2).max() < 1e-6:
        raise ValueError("The reference is grey: there is no colour in it to take.")
    return rgb


def _ruderman(rgb: NDArray) -> NDArray:
    """Return (…, 3) l, α and β of red, green and blue in [0, 1]."""
    cones = np.maximum(rgb @ LMS_OF_RGB.T, DARKEST)
    return np.log10(cones) @ LAB_OF_LOG_LMS.T


@lru_cache(maxsize=1)
def _curve() -> NDArray:
    """Return l of the greys of `TABLE` lightnesses from 0 to 100."""
    lab = torch.zeros((TABLE, 3), dtype=torch.float64)
    lab[:, 0] = torch.linspace(0, 100, TABLE, dtype=torch.float64)
    return _ruderman(ops.lab_to_rgb(lab).clamp(0, 1).numpy())[:, 0]


def _luminance_of(luma: NDArray) -> NDArray:
    """Return l of the grey that has a lightness, read from a table of its curve."""
    curve = torch.from_numpy(_curve())
    at = torch.from_numpy(np.ascontiguousarray(luma)).clamp(0, 100) * ((TABLE - 1) / 100)
    below = at.long().clamp_(max=TABLE - 2)
    rise = curve[1:] - curve[:-1]
    return (curve[below] + rise[below] * (at - below)).numpy()


def _colours_of(rgb: NDArray) -> NDArray:
    """Return (h, w, 4): l of the grey as light, α, β, and how far the colour's own l lies above it.

    A picture's luminance is known through its lightness alone; with the reference's taken the same
    way, a picture that is its own reference finds itself.
    """
    colours = _ruderman(rgb)
    grey = _luminance_of(ops.rgb_to_lab(torch.from_numpy(rgb))[..., 0].numpy())
    return np.concatenate(
        [grey[..., None], colours[..., 1:], colours[..., :1] - grey[..., None]], -1
    )


def _chroma(picture: NDArray, samples: NDArray, choice: NDArray[np.int64]) -> Floats:
    """Return a and b of a picture's l with α, β and the rest of l of the samples chosen."""
    chosen = torch.from_numpy(samples).float()[torch.from_numpy(choice)]
    chosen[..., 0] = torch.from_numpy(picture).float() + chosen[..., 3]
    to_log = torch.from_numpy(np.linalg.inv(LAB_OF_LOG_LMS).T * np.log(10)).float()
    to_rgb = torch.from_numpy(np.linalg.inv(LMS_OF_RGB).T).float()
    cones = (chosen[..., :3] @ to_log).exp_()
    return ops.rgb_to_lab((cones @ to_rgb).clamp_(0, 1))[..., 1:].numpy()


def _deviation(luminance: NDArray) -> Floats:
    """Return the standard deviation in 5 × 5 pixels, mirrored at the border."""
    centred = luminance - luminance.mean()
    window = (WINDOW, WINDOW)
    mean = cv2.blur(centred, window)
    squares = cv2.blur(centred * centred, window)
    return np.sqrt(np.maximum(squares - mean * mean, 0)).astype(np.float32)


def _remapped(reference: NDArray, of: NDArray, to: NDArray) -> NDArray:
    """Remap a reference's luminance by what brings the mean and deviation of `of` to `to`'s."""
    spread = of.std()
    scale = to.std() / spread if spread > 0 else 1.0
    return (reference - of.mean()) * scale + to.mean()


def _jittered(shape: tuple[int, ...], random: np.random.Generator) -> NDArray[np.int64]:
    """Return (196, 2) places, one in each cell of a grid of 14 × 14; fewer in smaller pictures."""
    axes = []
    for size in shape:
        cells = min(GRID, size)
        edges = np.arange(cells + 1) * size // cells
        axes.append((edges[:-1], np.diff(edges)))
    (rows, heights), (columns, widths) = axes
    jitter = random.random((2, len(rows), len(columns)))
    y = rows[:, None] + (jitter[0] * heights[:, None]).astype(np.int64)
    x = columns + (jitter[1] * widths).astype(np.int64)
    return np.stack([y.ravel(), x.ravel()], 1)


def _global_match(
    picture: NDArray, colours: NDArray, samples: NDArray[np.int64]
) -> NDArray[np.int64]:
    luminance = _remapped(colours[..., 0], colours[..., 0], picture)
    at = tuple(samples.T)
    statistics = np.stack([luminance[at], _deviation(luminance)[at]], 1)
    return nearest(statistics, picture.astype(np.float32), _deviation(picture))


def _swatch_match(
    picture: NDArray,
    colours: NDArray,
    swatches: tuple[NDArray, NDArray],
    random: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    here, there = (np.asarray(labels) for labels in swatches)
    for name, labels, shape in (
        ("picture", here, picture.shape),
        ("reference", there, colours.shape[:2]),
    ):
        if labels.shape != shape:
            raise ValueError(
                f"The swatches of the {name} must be as large as it is, {shape}; {labels.shape} "
                "was given."
            )
    common = sorted((set(np.unique(here)) & set(np.unique(there))) - {0})
    if not common:
        raise ValueError(
            "The swatches of the picture and of the reference have no number in common: give "
            "regions that belong together equal numbers, from 1 on."
        )
    spread = _deviation(picture)
    choice = np.full(picture.shape, -1, np.int64)
    samples: list[NDArray[np.int64]] = []
    for label in common:
        region, partner = here == label, there == label
        places = np.argwhere(partner)
        count = min(SWATCH_SAMPLES, len(places))
        places = places[np.sort(random.choice(len(places), count, replace=False))]
        luminance = _remapped(colours[..., 0], colours[..., 0][partner], picture[region])
        at = tuple(places.T)
        statistics = np.stack([luminance[at], _deviation(luminance)[at]], 1)
        found = nearest(statistics, picture[region].astype(np.float32)[None], spread[region][None])
        choice[region] = found[0] + sum(map(len, samples))
        samples.append(places)
    _match_textures(picture, choice, random)
    return np.concatenate(samples), choice


def _match_textures(
    picture: NDArray, choice: NDArray[np.int64], random: np.random.Generator
) -> None:
    """Give pixels without a choice that of the coloured pixel with the likest 5 × 5 pixels."""
    known, rest = np.argwhere(choice >= 0), np.argwhere(choice < 0)
    if not len(rest):
        return
    count = min(TEXTURE_SAMPLES, len(known))
    known = known[np.sort(random.choice(len(known), count, replace=False))]
    margin = WINDOW // 2
    padded = cv2.copyMakeBorder(
        (picture - picture.mean()).astype(np.float32), *(margin,) * 4, cv2.BORDER_REFLECT_101
    )
    windows = np.lib.stride_tricks.sliding_window_view(padded, (WINDOW, WINDOW))
    textures = windows[tuple(known.T)].reshape(count, -1)
    half_norms = 0.5 * (textures * textures).sum(1)
    own = choice[tuple(known.T)]
    for block in np.array_split(rest, max(1, len(rest) // 65_536)):
        patches = windows[tuple(block.T)].reshape(len(block), -1)
        # Half the squared distance, less what all samples share.
        nearest_texture = (half_norms - patches @ textures.T).argmin(1)
        choice[tuple(block.T)] = own[nearest_texture]
