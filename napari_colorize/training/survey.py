"""A look at the pictures before a training: can they be read, have they colour, and which."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from napari_colorize import ops
from napari_colorize.files.pictures import Picture
from napari_colorize.methods.colorful.loss import NEARLY_GREY
from napari_colorize.ops.bins import NUM_BINS
from napari_colorize.training.samples import CentrePairs

FEWEST_PICTURES = 20
"""Colour pictures below which nothing can be learnt."""


class TooFewPictures(ValueError):
    """There are fewer pictures, or fewer in colour, than can be learnt from."""


@dataclass(frozen=True)
class Survey:
    """What a look at some pictures found.

    Parameters
    ----------
    prior
        (313,) float64, sums to 1: share of pixels nearest to each of the 313 bins, over the
        centre squares of the pictures that can be read. Zeros if none can.
    examined
        How many pictures were decoded or tried.
    colourful
        How many of them have a colour that is plainly not grey.
    unreadable
        The pictures that cannot be decoded.
    """

    prior: NDArray[np.float64]
    examined: int
    colourful: int
    unreadable: tuple[Picture, ...]


def look_at(
    pictures: Sequence[Picture],
    size: int,
    title: str = "",
    tick: Callable[[float], None] = lambda share: None,
) -> Survey:
    """Decode pictures once, count what is damaged or grey, and measure the colour prior.

    Parameters
    ----------
    pictures
        Which to look at.
    size
        Side to which their centre squares are brought, px.
    title
        Of the progress bar; none is shown if empty, or where stderr is no terminal.
    tick
        Told the share done, 0…1, before every picture; may raise to stop.
    """
    counts = torch.zeros(NUM_BINS, dtype=torch.float64)
    squares = CentrePairs(pictures, size)
    unreadable: list[Picture] = []
    colourful = 0
    quiet = None if title else True
    for number in tqdm(range(len(squares)), desc=title, unit="picture", disable=quiet):
        tick(number / len(squares))
        try:
            _, ab = squares[number]
        except ValueError:
            unreadable.append(pictures[number])
            continue
        colourful += bool(ab.abs().max() > NEARLY_GREY)
        index, _ = ops.soft_encode(ab[None], neighbours=1)
        counts += torch.bincount(index.flatten(), minlength=NUM_BINS)
    prior = (counts / counts.sum().clamp(min=1)).numpy()
    return Survey(prior, len(pictures), colourful, tuple(unreadable))


def refuse_unusable(survey: Survey, readable: int, most_unreadable: float) -> None:
    """Raise where a survey's pictures cannot teach colour.

    Parameters
    ----------
    survey
        Of the training pictures, or a sample of them.
    readable
        Training pictures that are left without those known to be damaged.
    most_unreadable
        Largest share of damaged pictures that is put up with.

    Raises
    ------
    TooFewPictures
        (a ``ValueError``) Too few pictures are left, or too few have colour.
    ValueError
        Too large a share cannot be read, or all are grey.
    """
    damaged = len(survey.unreadable)
    if damaged > most_unreadable * survey.examined:
        some = ", ".join(picture.name for picture in survey.unreadable[:3])
        raise ValueError(
            f"{damaged} of {survey.examined} pictures cannot be read ({some}"
            f"{', …' if damaged > 3 else ''}). Copy them again or take them out; or, to train "
            "without them, raise unreadable_share in the recipe."
        )
    if readable < FEWEST_PICTURES:
        raise TooFewPictures(
            f"{readable} pictures are too few to learn colour from; at least "
            f"{FEWEST_PICTURES + FEWEST_PICTURES // 9} are needed, a tenth of which is set aside "
            "to validate on."
        )
    if not survey.colourful:
        raise ValueError(
            f"All of the {survey.examined - damaged} pictures looked at are grey, so there is no "
            "colour to learn. Give pictures in colour; they are made grey here."
        )
    if survey.colourful < FEWEST_PICTURES:
        raise TooFewPictures(
            f"Only {survey.colourful} of {survey.examined - damaged} pictures looked at have "
            f"colour; at least {FEWEST_PICTURES} are needed. The others are grey."
        )
