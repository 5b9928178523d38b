"""From what the panel was told to a sitting: pairs made or found, a session planned or gone on.

Knows no Qt.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_colorize.widgets.turing.prepare import Wish, prepared, slug

if TYPE_CHECKING:
    from napari_colorize.evaluation.turing.session import Session
    from napari_colorize.evaluation.turing.stimuli import Stimuli


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
