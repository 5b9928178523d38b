"""Compare coloured pictures with true ones that are at hand: all scores, and a map of the error.

:mod:`~napari_colorize.evaluation.runner` grades a *method* on a collection; here the colours exist
already, and whoever asks wants to see where they are wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from napari_colorize.evaluation.catalogue import BY_KEY, SCORES
from napari_colorize.evaluation.metrics import ab_error
from napari_colorize.evaluation.scoring import Coloured, ScoringOptions, Truth, score_picture
from napari_colorize.results import Cancelled

_WORSE = 1e-3
"""How far beyond 0…1 a float picture may stray by rounding."""


@dataclass(frozen=True)
class Comparison:
    """The scores of one picture or many, and each picture's map of the error.

    Parameters
    ----------
    scores : dict of str to float
        Key (see :data:`napari_colorize.evaluation.catalogue.SCORES`) → value as stored, shares as
        0…1. Over several pictures they are gathered as in an evaluation's report.
    errors : tuple of numpy.ndarray
        ``(H, W)`` float32 a picture: the distance on the ab plane of CIE L*a*b* (D65), Lab units.
    """

    scores: dict[str, float]
    errors: tuple[np.ndarray, ...] = field(repr=False)

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Return ``(title, value, unit, better)`` of each score, as a report shows it."""
        return [
            (
                BY_KEY[key].title,
                f"{value * BY_KEY[key].factor:.{BY_KEY[key].digits}f}",
                BY_KEY[key].unit,
                BY_KEY[key].better,
            )
            for key, value in self.scores.items()
        ]


def compare(
    coloured: Any,
    truth: Any,
    *,
    epsilon: float = 2.0,
    progress: Callable[[float, str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Comparison:
    """Compare a coloured picture, or a stack of them, with the true colours.

    Parameters
    ----------
    coloured, truth : array_like
        ``(…, H, W, 3)`` or ``(…, H, W, 4)`` sRGB of the same size: uint8, uint16 over its whole
        range, or float 0…1. Alpha is left out. All is graded as 8-bit codes.
    epsilon : float
        Tolerance of the accuracy, in L* units (Nazeri et al. 2018).
    progress : callable, optional
        ``progress(share 0…1, stage)``, from this thread.
    should_stop : callable, optional
        Asked before each plane.

    Returns
    -------
    Comparison
        Its errors are in C order of the leading axes.

    Raises
    ------
    ValueError, TypeError
        The sizes differ, or one of the two is no RGB picture.
    napari_colorize.results.Cancelled
        `should_stop` answered true.
    """
    shapes = [tuple(np.shape(picture)) for picture in (coloured, truth)]
    if shapes[0][:-1] != shapes[1][:-1] or min(map(len, shapes)) < 3:
        raise ValueError(
            f"The coloured picture has shape {shapes[0]}, the true one {shapes[1]}; both must be "
            "(…, height, width, 3 or 4) of the same size."
        )
    planes = list(np.ndindex(shapes[0][:-3]))
    pairs = ((np.asarray(coloured[i]), np.asarray(truth[i])) for i in planes)
    return compare_planes(
        pairs, count=len(planes), epsilon=epsilon, progress=progress, should_stop=should_stop
    )


def compare_planes(
    pairs: Iterable[tuple[np.ndarray, np.ndarray]],
    *,
    count: int,
    epsilon: float = 2.0,
    progress: Callable[[float, str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Comparison:
    """Compare pairs of ``(coloured, truth)`` planes one after another; see :func:`compare`.

    Parameters
    ----------
    pairs : iterable
        Read one at a time, so that a stack need not fit into memory.
    count : int
        How many there are, for the progress.
    """
    options = ScoringOptions(epsilon=epsilon)
    rows, errors = [], []
    for done, (coloured, truth) in enumerate(_asked(pairs, should_stop)):
        if progress is not None:
            many = f"plane {done + 1} of {count}" if count > 1 else "comparing"
            progress(done / count, many)
        true = Truth(as_codes(truth, "the true picture"))
        codes = as_codes(coloured, "the coloured picture")
        if codes.shape != true.rgb.shape:
            raise ValueError(
                f"The coloured picture is {_size(codes)} pixels, the true one {_size(true.rgb)}; "
                "compare pictures of the same size."
            )
        given = Coloured(codes)
        rows.append(score_picture(true, given, options)["scores"])
        errors.append(_error_map(true, given))
    if not errors:
        raise ValueError("There is no plane to compare; give at least one.")
    return Comparison(_gathered(rows), tuple(errors))


def as_codes(picture: Any, what: str = "the picture") -> np.ndarray:
    """Return an RGB picture of any usual type as 8-bit sRGB codes.

    Parameters
    ----------
    picture : array_like
        ``(H, W, 3 or 4)``: uint8, uint16 over its whole range, or float 0…1.
    what : str
        How an error calls the picture.

    Returns
    -------
    numpy.ndarray
        ``(H, W, 3)`` uint8.

    Raises
    ------
    ValueError, TypeError
        Another shape or type, NaN, or floats outside of 0…1.
    """
    array = np.asarray(picture)
    if array.ndim != 3 or array.shape[2] not in (3, 4) or array.size == 0:
        raise ValueError(
            f"{what} has shape {array.shape}; give (height, width, 3 or 4), RGB, not empty."
        )
    array = array[..., :3]
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.uint16:
        return np.rint(array / np.float32(257)).astype(np.uint8)
    if array.dtype.kind != "f":
        raise TypeError(f"{what} is {array.dtype}; give uint8, uint16, or float from 0 to 1.")
    low, high = float(array.min()), float(array.max())
    if not (low >= -_WORSE and high <= 1 + _WORSE):  # NaN fails, too
        raise ValueError(
            f"{what} holds values from {low:g} to {high:g}; float pictures go from 0 to 1."
        )
    return np.rint(np.clip(array, 0, 1) * 255).astype(np.uint8)


def _asked(
    pairs: Iterable[tuple[np.ndarray, np.ndarray]], should_stop: Callable[[], bool] | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for pair in pairs:
        if should_stop is not None and should_stop():
            raise Cancelled("The comparison was cancelled.")
        yield pair


def _error_map(truth: Truth, coloured: Coloured) -> np.ndarray:
    from napari_colorize.evaluation.colour import to_lab

    return ab_error(truth.lab, to_lab(coloured.rgb))


def _gathered(rows: list[dict[str, list[float]]]) -> dict[str, float]:
    """Pool the scores of pictures as their definitions say; one picture's are its own."""
    gathered = {}
    for score in SCORES:
        pairs = np.array([row.get(score.key, (0.0, 0.0)) for row in rows])
        value, weight = pairs.T
        if weight.any():
            gathered[score.key] = float(score.finished((value * weight).sum() / weight.sum()))
    return gathered


def _size(picture: np.ndarray) -> str:
    return f"{picture.shape[0]} × {picture.shape[1]}"
