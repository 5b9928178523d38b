"""From what the panel was told to a sitting: pairs made or found, a session planned or gone on.

Photographs are chosen and recoloured before anyone sits down: nothing then competes with the
display for the machine, and all participants of one collection see pairs of one set, so that their
files merge. Knows no Qt.
"""

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_colorize.results import Cancelled
from napari_colorize.widgets.shared import task as _executor
from napari_colorize.widgets.shared.preflight import load_torch

if TYPE_CHECKING:
    from napari_colorize.evaluation.methods import GradedMethod
    from napari_colorize.evaluation.turing.session import Session
    from napari_colorize.evaluation.turing.stimuli import Stimuli
    from napari_colorize.files.pictures import Picture

CONTROLS = ("mean chroma", "random chroma")
"""Baselines that show what a participant makes of colour without a network."""


@dataclass(frozen=True)
class Wish:
    """What the panel says; the ``metadata`` of the fields is what its form knows of them.

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
    participant: str = field(
        default="",
        metadata={"help": "Answers are gathered by it; the participant's file has it too."},
    )
    method: str = "colorful"
    checkpoint: str | None = None
    trials: int = field(
        default=40,
        metadata={
            "help": "Pairs that count. Each picture is seen once.",
            "min": 1,
            "max": 10_000,
            "step": 1,
        },
    )
    practice: int = field(
        default=5,
        metadata={"help": "Pairs before, which do not count.", "min": 0, "max": 100, "step": 1},
    )
    seconds: float = field(
        default=1.0,
        metadata={
            "help": "How long a pair is shown; 1 s in the paper.",
            "unit": "s",
            "min": 0.1,
            "max": 60.0,
            "step": 0.25,
        },
    )


@dataclass(frozen=True)
class Sitting:
    """A session and the pairs it shows."""

    session: "Session"
    stimuli: "Stimuli"


def kind_of(path: Path) -> str:
    """Return what a path is, by its name alone: session, pairs, pictures, or nothing."""
    if not str(path).strip(" .") or not path.exists():
        return "nothing"
    if path.is_file() and path.suffix.lower() == ".json":
        return "session"
    return "pairs" if (path / "stimuli.json").exists() else "pictures"


def sit_down(
    wish: Wish, progress: Callable[[float | None, str], None], should_stop: Callable[[], bool]
) -> Sitting:
    """Make a sitting ready.

    Parameters
    ----------
    wish : Wish
    progress : callable
        Told the share done, 0…1, and what is being done.
    should_stop : callable
        Asked after every picture. What is recoloured by then stays, and is used by the next
        preparation.

    Raises
    ------
    ValueError, FileNotFoundError
        There are too few pictures in colour, or files are no such files; the message says more.
    """
    from napari_colorize.evaluation.turing.session import Session
    from napari_colorize.evaluation.turing.stimuli import Stimuli

    if kind_of(wish.pictures) == "session":
        session = Session.load(wish.pictures)
        return Sitting(session, find_stimuli(session, wish.pictures.parent, wish.results))
    if not wish.participant.strip():
        raise ValueError("The participant has no name; a number will do.")
    if kind_of(wish.pictures) == "pairs":
        stimuli = Stimuli.load(wish.pictures)
    else:
        _refuse_nested(wish)
        stimuli = prepared(wish, progress, should_stop)
    wish.results.mkdir(parents=True, exist_ok=True)
    session = Session.plan(
        stimuli,
        wish.participant,
        seed=secrets.randbits(32),
        trials=wish.trials,
        practice=wish.practice,
        seconds_shown=wish.seconds,
        path=free_path(wish.results, slug(wish.participant) or "participant", ".json"),
    )
    return Sitting(session, stimuli)


def _refuse_nested(wish: Wish) -> None:
    """The pairs would be taken for photographs the next time."""
    if wish.results.resolve().is_relative_to(wish.pictures.resolve()):
        raise ValueError(
            f"The results folder {wish.results} lies inside the pictures {wish.pictures}; choose "
            "another one outside."
        )


def find_stimuli(session: "Session", *places: Path) -> "Stimuli":
    """Return the pairs of a session, looked for in places and the folders directly inside them.

    Raises
    ------
    ValueError
        They are not there.
    """
    from napari_colorize.evaluation.turing.stimuli import Stimuli

    for place in dict.fromkeys(places):
        for found in sorted([*place.glob("stimuli.json"), *place.glob("*/stimuli.json")]):
            stimuli = Stimuli.load(found.parent)
            if stimuli.fingerprint == session.stimuli:
                return stimuli
    looked = " or ".join(str(place) for place in dict.fromkeys(places))
    raise ValueError(
        f"The pairs of {session.path} are not in {looked}; choose the folder that holds them as "
        "results folder."
    )


def free_path(folder: Path, stem: str, suffix: str) -> Path:
    """Return a path in a folder that does not exist yet: ``ana.json``, ``ana-2.json``, …"""
    path, number = folder / f"{stem}{suffix}", 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}{suffix}"
    return path


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
    """Draw pictures in colour from a collection, the same ones every time; see `stimuli.draw`.

    Raises
    ------
    ValueError
        There are too few.
    """
    from napari_colorize.evaluation.turing.stimuli import draw
    from napari_colorize.files.pictures import read_pictures

    chosen = draw(read_pictures(source), count, tick=lambda: say("Choosing pictures…"))
    if len(chosen) < count:
        raise ValueError(
            f"{source} has too few pictures in colour: {count} are needed, practice included, and "
            f"{len(chosen)} were found. Ask for fewer pairs, or choose more photographs."
        )
    return chosen
