"""One participant's sitting: which pair comes next, on which side the fake is, what was answered.

The whole plan is drawn from a seed before the first trial and stored with the answers, so a sitting
that is broken off goes on with the next pair. A participant sees every picture once, recoloured by
one of the methods; the methods take turns, and so do the sides, in random order. A practice block
of its own pictures comes first and does not count. Nobody is told whether an answer was right.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from napari_colorize.evaluation.turing.stimuli import Stimuli
from napari_colorize.storage import write_whole

FORMAT = "napari-colorize turing session 1"
SIDES = ("left", "right")


@dataclass(frozen=True)
class Trial:
    """One pair and its answer.

    Parameters
    ----------
    picture : str
        Id of the real picture.
    method : str
        Method that made the fake.
    fake_side : {"left", "right"}
        Where the fake is shown.
    practice : bool
        Whether it is of the practice block.
    answer : {"left", "right"}, optional
        Where the participant saw the fake; ``None`` as long as it was not answered.
    seconds : float, optional
        From the pictures' appearance to the answer.
    """

    picture: str
    method: str
    fake_side: str
    practice: bool
    answer: str | None = None
    seconds: float | None = None

    @property
    def fooled(self) -> bool | None:
        """Whether the participant took the real picture for the fake; ``None`` unanswered."""
        return None if self.answer is None else self.answer != self.fake_side


@dataclass
class Session:
    """A sitting, stored after every answer.

    Parameters
    ----------
    participant : str
        A name or a number; results are gathered by it.
    stimuli : str
        Fingerprint of the stimuli.
    names : dict
        Picture id → name, for reports.
    seed : int
        Of the plan.
    seconds_shown : float
        How long a pair is shown; the paper's 1 s.
    trials : list of Trial
        The plan with the answers given so far.
    path : path, optional
        Where it is stored; ``None``: nowhere.
    """

    participant: str
    stimuli: str
    names: dict[str, str]
    seed: int
    seconds_shown: float
    trials: list[Trial]
    path: Path | None = field(default=None, compare=False)

    @classmethod
    def plan(
        cls,
        stimuli: Stimuli,
        participant: str,
        *,
        seed: int,
        trials: int | None = None,
        practice: int = 5,
        seconds_shown: float = 1.0,
        path: str | Path | None = None,
    ) -> Session:
        """Plan a sitting.

        Parameters
        ----------
        stimuli : Stimuli
            What can be shown.
        participant : str
            Who sits.
        seed : int
            Of pictures, order, methods and sides; give each participant another.
        trials : int, optional
            Pairs that count; all pictures but those of the practice if left out.
        practice : int
            Pairs before that do not count.
        seconds_shown : float
            How long a pair is shown.
        path : str or path, optional
            Where to store it; must not exist yet.

        Raises
        ------
        ValueError
            There are too few pictures, or a number makes no sense.
        FileExistsError
            The path exists; load it to go on.
        """
        count = len(stimuli.pictures) - practice if trials is None else trials
        _refuse_plan(participant, practice, count, seconds_shown, len(stimuli.pictures))
        if path is not None and Path(path).exists():
            raise FileExistsError(f"{path} exists; load it to go on, or give another name.")
        generator = np.random.default_rng(seed)
        pictures = generator.permutation(stimuli.pictures)[: practice + count].tolist()
        planned = [
            *_block(pictures[:practice], stimuli.methods, generator, practice=True),
            *_block(pictures[practice:], stimuli.methods, generator, practice=False),
        ]
        names = dict(zip(stimuli.pictures, stimuli.names, strict=True))
        session = cls(
            participant.strip(),
            stimuli.fingerprint,
            {picture: names[picture] for picture in pictures},
            seed,
            float(seconds_shown),
            planned,
            None if path is None else Path(path),
        )
        session.save()
        return session

    @classmethod
    def load(cls, path: str | Path) -> Session:
        """Load a stored sitting, to go on or to count.

        Raises
        ------
        FileNotFoundError, ValueError
            It is not there, or is something else.
        """
        try:
            body = json.loads(Path(path).read_text(encoding="utf-8"))
            if body.pop("format") != FORMAT:
                raise ValueError("another format")
            trials = [Trial(**trial) for trial in body.pop("trials")]
            session = cls(**body, trials=trials, path=Path(path))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"{path} is no session of a Turing test ({error}).") from error
        for trial in trials:
            if trial.fake_side not in SIDES or trial.answer not in (*SIDES, None):
                raise ValueError(f"{path} holds a trial with an unknown side; it is damaged.")
        return session

    def save(self) -> None:
        """Store it, beside first, then renamed."""
        if self.path is None:
            return
        body = {
            "format": FORMAT,
            "participant": self.participant,
            "stimuli": self.stimuli,
            "names": self.names,
            "seed": self.seed,
            "seconds_shown": self.seconds_shown,
            "trials": [asdict(trial) for trial in self.trials],
        }
        write_whole(self.path, json.dumps(body, ensure_ascii=False, indent=1) + "\n")

    @property
    def answered(self) -> int:
        """How many trials are answered, practice included."""
        return sum(trial.answer is not None for trial in self.trials)

    def next_trial(self) -> Trial | None:
        """Return the next pair to show; ``None`` when all are answered."""
        return next((trial for trial in self.trials if trial.answer is None), None)

    def answer(self, side: str, seconds: float | None = None) -> None:
        """Take the participant's answer to the next trial and store it.

        Parameters
        ----------
        side : {"left", "right"}
            Where the participant saw the fake.
        seconds : float, optional
            Reaction time.
        """
        if side not in SIDES:
            raise ValueError(f"The answer is {side!r}; it must be 'left' or 'right'.")
        index = self.answered
        if index >= len(self.trials):
            raise ValueError("All trials are answered; plan a new session.")
        self.trials[index] = replace(self.trials[index], answer=side, seconds=seconds)
        self.save()


def _refuse_plan(
    participant: str, practice: int, count: int, seconds: float, pictures: int
) -> None:
    if not participant.strip():
        raise ValueError("The participant has no name; a number will do.")
    if practice < 0 or count < 1 or practice + count > pictures:
        raise ValueError(
            f"{practice} practice pairs and {count} that count need {max(practice, 0) + count} "
            f"pictures, at least one that counts; there are {pictures}. Ask for fewer pairs, or "
            "prepare more pictures."
        )
    if not seconds > 0:
        raise ValueError(f"A pair is shown for {seconds} s; give more than 0.")


def _block(
    pictures: Sequence[str],
    methods: Sequence[str],
    generator: np.random.Generator,
    *,
    practice: bool,
) -> list[Trial]:
    """Give each picture a method and a side, each as often as the others, in random order."""
    count = len(pictures)
    by_turns = np.resize(generator.permutation(len(methods)), count)
    sides = generator.permutation(np.resize(generator.permutation(2), count))
    return [
        Trial(picture, methods[method], SIDES[side], practice)
        for picture, method, side in zip(
            pictures, generator.permutation(by_turns), sides, strict=True
        )
    ]
