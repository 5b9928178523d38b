"""Choose photographs and recolour them before anyone sits down. Knows no Qt.

Nothing then competes with the display for the machine, and all participants of one collection see
pairs of one set, so that their files merge.
"""

import hashlib
import heapq
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_colorize.api import Cancelled
from napari_colorize.widgets.shared import executor as _executor
from napari_colorize.widgets.shared.preflight import load_torch

if TYPE_CHECKING:
    from napari_colorize.evaluation.methods import GradedMethod
    from napari_colorize.evaluation.pictures import Picture
    from napari_colorize.evaluation.turing.stimuli import Stimuli

CONTROLS = ("mean chroma", "random chroma")
"""Baselines that show what a participant makes of colour without a network."""

SPARE = 2
"""How many times more pictures are drawn than needed, as nearly colourless ones are left out."""


@dataclass(frozen=True)
class Wish:
    """What the panel says.

    Parameters
    ----------
    pictures : path
        A folder or tar of real pictures, a folder of prepared pairs, or a session file (.json).
    results : path
        The folder where pairs and session files are kept.
    participant : str
        A name or a number.
    method : str
        A method of :func:`napari_colorize.colorize`, or one of :data:`CONTROLS`.
    checkpoint : str, optional
        Its weights; its default ones if left out.
    trials, practice : int
        Pairs that count, and pairs before them.
    seconds : float
        How long a pair is shown.
    """

    pictures: Path
    results: Path
    participant: str = ""
    method: str = "colorful"
    checkpoint: str | None = None
    trials: int = 40
    practice: int = 5
    seconds: float = 1.0


Say = Callable[[str], None]
"""Told what is being done; raises :class:`napari_colorize.Cancelled` where it should end."""


def prepared(
    wish: Wish, progress: Callable[[float | None, str], None], should_stop: Callable[[], bool]
) -> "Stimuli":
    """Choose and recolour pictures.

    Parameters
    ----------
    wish : Wish
        Its pictures are a folder or a tar.
    progress : callable
        Told the share done, 0…1, and what is being done.
    should_stop : callable
        Asked after every picture.

    Returns
    -------
    Stimuli
        Pairs for all trials, practice included.
    """
    from napari_colorize.evaluation.turing import stimuli

    total, done = wish.trials + wish.practice, 0

    def say(text: str) -> None:
        if should_stop():
            raise Cancelled("The preparation was cancelled.")
        progress(done / total, text)

    def tick() -> None:
        nonlocal done
        done += 1
        say(f"Recolouring: {done} of {total} pictures")

    say("Loading PyTorch…")
    load_torch()
    say("Loading the weights…")
    method = graded_method(wish.method, wish.checkpoint)
    say("Choosing pictures…")
    chosen = choose_pictures(wish.pictures, total, say)
    say("Recolouring…")
    told = "\n".join([method.key, *(picture.sha256 for picture in chosen)])
    name = f"pairs-{slug(method.name)}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"
    by_turns = replace(method, colour=lambda grey: _executor.submit(method.colour, grey).result())
    return stimuli.prepare(chosen, [by_turns], wish.results / name, tick=tick)


def slug(text: str) -> str:
    """Return a text as part of a file name."""
    return re.sub(r"[^\w]+", "-", text.strip().lower()).strip("-")


def graded_method(name: str, checkpoint: str | None) -> "GradedMethod":
    """Return a method by its name in the panel."""
    from napari_colorize.evaluation.baselines import baselines
    from napari_colorize.evaluation.methods import colorize_method

    if name in CONTROLS:
        return next(method for method in baselines() if method.name == name)
    return colorize_method(name, **({"checkpoint": checkpoint} if checkpoint else {}))


def choose_pictures(source: Path, count: int, say: Say) -> list["Picture"]:
    """Draw pictures in colour from a collection, the same ones every time.

    They are drawn by the order of their files' hashes: evenly from the whole collection, however
    its names are sorted.

    Raises
    ------
    ValueError
        There are too few.
    """
    from napari_colorize.evaluation.pictures import read_pictures

    def watched() -> Iterator["Picture"]:
        for number, picture in enumerate(read_pictures(source), 1):
            say(f"Reading pictures: {number}")
            yield picture

    drawn = heapq.nsmallest(SPARE * count, watched(), key=lambda picture: picture.sha256)
    chosen = _in_colour(drawn, count, say)
    if len(chosen) < count:
        raise ValueError(
            f"{source} has too few pictures in colour: {count} are needed, practice included, and "
            f"{len(chosen)} were found. Ask for fewer pairs, or choose more photographs."
        )
    return chosen


def _in_colour(pictures: Iterable["Picture"], count: int, say: Say) -> list["Picture"]:
    from napari_colorize.evaluation.metrics import colourfulness
    from napari_colorize.evaluation.turing.stimuli import COLOURLESS

    chosen: dict[str, Picture] = {}
    for picture in pictures:
        say("Choosing pictures…")
        if len(chosen) < count and colourfulness(picture.rgb()) >= COLOURLESS:
            chosen.setdefault(picture.sha256, picture)
    return list(chosen.values())
