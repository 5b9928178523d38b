"""Choose photographs and recolour them before anyone sits down. Knows no Qt.

Nothing then competes with the display for the machine, and all participants of one collection see
pairs of one set, so that their files merge.
"""

import hashlib
import heapq
import re
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from napari_colorize.widgets.shared import executor as _executor
from napari_colorize.widgets.shared.background import POLL_SECONDS, Step
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


class _Stopped(Exception):
    """The preparation was cancelled."""


def prepared(wish: Wish, stop: Event) -> Generator[Step, None, "Stimuli | None"]:
    """Choose and recolour in a thread of its own, so that this generator can always be ended.

    Parameters
    ----------
    wish : Wish
        Its pictures are a folder or a tar.
    stop : threading.Event
        Set it to end after the picture under way.

    Returns
    -------
    Stimuli or None
        Pairs for all its trials, practice included; ``None`` after ``stop``.
    """
    counter = Counter(wish.trials + wish.practice, stop)
    pool = ThreadPoolExecutor(1, thread_name_prefix="napari-colorize-turing")
    future = pool.submit(_prepare, wish, counter)
    pool.shutdown(wait=False)
    try:
        while not future.done():
            yield counter.progress()
            wait([future], timeout=POLL_SECONDS)
            if stop.is_set():
                return None
        return future.result()
    except GeneratorExit:  # the worker was told to quit and drops the generator half-way
        stop.set()
        raise


def slug(text: str) -> str:
    """Return a text as part of a file name."""
    return re.sub(r"[^\w]+", "-", text.strip().lower()).strip("-")


class Counter:
    """How far the preparation is; written by its thread, read by the worker's.

    Parameters
    ----------
    total : int
        Pictures to recolour.
    stop : threading.Event
        Ends the preparation the next time it says something.
    """

    def __init__(self, total: int, stop: Event) -> None:
        self.total, self.stop = total, stop
        self.done, self.text = 0, "Loading PyTorch…"

    def progress(self) -> Step:
        """Return what was said last."""
        return Step(self.done / self.total, self.text)

    def say(self, text: str) -> None:
        """Note what is being done."""
        if self.stop.is_set():
            raise _Stopped
        self.text = text

    def tick(self) -> None:
        """Count a picture."""
        self.done += 1
        self.say(f"Recolouring: {self.done} of {self.total} pictures")


def _prepare(wish: Wish, counter: Counter) -> "Stimuli":
    from napari_colorize.evaluation.turing import stimuli

    load_torch()
    counter.say("Loading the weights…")
    method = graded_method(wish.method, wish.checkpoint)
    counter.say("Choosing pictures…")
    chosen = choose_pictures(wish.pictures, counter.total, counter)
    counter.say("Recolouring…")
    told = "\n".join([method.key, *(picture.sha256 for picture in chosen)])
    name = f"pairs-{slug(method.name)}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"
    by_turns = replace(method, colour=lambda grey: _executor.submit(method.colour, grey).result())
    return stimuli.prepare(chosen, [by_turns], wish.results / name, tick=counter.tick)


def graded_method(name: str, checkpoint: str | None) -> "GradedMethod":
    """Return a method by its name in the panel."""
    from napari_colorize.evaluation.baselines import baselines
    from napari_colorize.evaluation.methods import colorize_method

    if name in CONTROLS:
        return next(method for method in baselines() if method.name == name)
    return colorize_method(name, **({"checkpoint": checkpoint} if checkpoint else {}))


def choose_pictures(source: Path, count: int, counter: Counter) -> list["Picture"]:
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
            counter.say(f"Reading pictures: {number}")
            yield picture

    drawn = heapq.nsmallest(SPARE * count, watched(), key=lambda picture: picture.sha256)
    chosen = _in_colour(drawn, count, counter)
    if len(chosen) < count:
        raise ValueError(
            f"{source} has too few pictures in colour: {count} are needed, practice included, and "
            f"{len(chosen)} were found. Ask for fewer trials, or choose more photographs."
        )
    return chosen


def _in_colour(pictures: Iterable["Picture"], count: int, counter: Counter) -> list["Picture"]:
    from napari_colorize.evaluation.metrics import colourfulness
    from napari_colorize.evaluation.turing.stimuli import COLOURLESS

    chosen: dict[str, Picture] = {}
    for picture in pictures:
        counter.say("Choosing pictures…")
        if len(chosen) < count and colourfulness(picture.rgb()) >= COLOURLESS:
            chosen.setdefault(picture.sha256, picture)
    return list(chosen.values())
