"""Count the answers, over one or several participants, and show them with the pictures on a page.

The share fooled is counted per method and picture, and one interval is reported for a method.
Answers of one person, and about one picture, are alike, so that participants and pictures are drawn
again together (Owen 2007): an interval that takes every answer for independent would be too narrow.
Where there is nothing to draw, with one participant or where all answers are the same, it is
Wilson's (1927), which stays honest at 0 and 100 %.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_colorize.evaluation.bootstrap import DRAWS, LEVEL, from_draws
from napari_colorize.evaluation.report import as_data_uri, template
from napari_colorize.evaluation.runner import THUMBNAIL
from napari_colorize.evaluation.turing.session import Session
from napari_colorize.evaluation.turing.stimuli import Stimuli
from napari_colorize.storage import write_whole


@dataclass(frozen=True)
class Share:
    """How often participants were fooled.

    Parameters
    ----------
    fooled, trials : int
        Answers that took the real picture for the fake, of all that count.
    """

    fooled: int
    trials: int

    @property
    def share(self) -> float:
        """Share fooled: 0 always found out, 0.5 not to be told apart; NaN without a trial."""
        return self.fooled / self.trials if self.trials else float("nan")

    @property
    def wilson(self) -> tuple[float, float]:
        """Wilson's 95 % interval, 0…1, as if all answers were independent; by SciPy."""
        from scipy.stats import binomtest

        if not self.trials:
            return 0.0, 1.0
        found = binomtest(self.fooled, self.trials).proportion_ci(LEVEL, method="wilson")
        return float(found.low), float(found.high)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-able dict."""
        low, high = self.wilson
        share = self.share if self.trials else None
        return {
            "fooled": self.fooled,
            "trials": self.trials,
            "share": share,
            "low": low,
            "high": high,
        }


@dataclass(frozen=True)
class Interval:
    """A 95 % interval of a share, and how it was made.

    Parameters
    ----------
    low, high : float
        0…1.
    made_by : str
        ``"over people and pictures"`` or ``"Wilson"``.
    """

    low: float
    high: float
    made_by: str


@dataclass(frozen=True)
class TuringResult:
    """What several sittings say together.

    Parameters
    ----------
    participants : int
        How many people answered.
    methods : dict
        Method → its share.
    pictures : dict
        (method, picture id) → its share.
    names : dict
        Picture id → name.
    intervals : dict
        Method → the interval to report of its share.
    """

    participants: int
    methods: dict[str, Share]
    pictures: dict[tuple[str, str], Share]
    names: dict[str, str]
    intervals: dict[str, Interval]

    def ranked(self, method: str) -> list[tuple[str, Share]]:
        """Return a method's pictures, the most convincing first.

        Ordered by the middle of Wilson's interval, so that one lucky answer does not beat nine of
        ten.
        """
        own = [(picture, share) for (by, picture), share in self.pictures.items() if by == method]
        return sorted(own, key=lambda pair: (-sum(pair[1].wilson) / 2, pair[0]))

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-able dict."""
        return {
            "participants": self.participants,
            "methods": {
                method: {**share.to_dict(), **asdict(self.intervals[method])}
                for method, share in self.methods.items()
            },
            "pictures": [
                {"method": method, "picture": p, "name": self.names[p], **share.to_dict()}
                for method in self.methods
                for p, share in self.ranked(method)
            ],
        }


def merge(sessions: Sequence[Session], *, seed: int = 0) -> TuringResult:
    """Count the answers of one or several sittings; practice does not count.

    Parameters
    ----------
    sessions : sequence of Session
        Of the same stimuli; unfinished ones count as far as they got.
    seed : int
        Of the bootstrap.

    Raises
    ------
    ValueError
        No answer counts, the stimuli differ, or the same sitting is given twice.
    """
    _refuse_sessions(sessions)
    answers = [
        (session.participant, trial.method, trial.picture, bool(trial.fooled))
        for session in sessions
        for trial in session.trials
        if not trial.practice and trial.answer is not None
    ]
    if not answers:
        raise ValueError("No answer counts yet; finish the practice and answer some trials.")
    methods = sorted({method for _, method, _, _ in answers})
    shares = _shares([(method,) for _, method, _, _ in answers], answers, first=True)
    return TuringResult(
        len({participant for participant, *_ in answers}),
        shares,
        _shares([(method, picture) for _, method, picture, _ in answers], answers),
        {key: name for session in sessions for key, name in session.names.items()},
        {m: _interval(shares[m], [a for a in answers if a[1] == m], seed) for m in methods},
    )


def _refuse_sessions(sessions: Sequence[Session]) -> None:
    if not sessions:
        raise ValueError("There is no session to count; give at least one file.")
    if len({session.stimuli for session in sessions}) > 1:
        raise ValueError("The sessions showed different stimuli; merge those of one set only.")
    sittings = Counter((session.participant, session.seed) for session in sessions)
    twice = [participant for (participant, _), count in sittings.items() if count > 1]
    if twice:
        raise ValueError(f"The same session of {', '.join(twice)} was given twice; leave one out.")


def _shares(keys: Sequence[tuple[str, ...]], answers: Sequence[Any], *, first: bool = False) -> Any:
    trials = Counter(keys)
    fooled = Counter(key for key, answer in zip(keys, answers, strict=True) if answer[3])
    return {(key[0] if first else key): Share(fooled[key], trials[key]) for key in sorted(trials)}


def _interval(share: Share, answers: Sequence[Any], seed: int) -> Interval:
    people = {answer[0] for answer in answers}
    if len(people) > 1 and 0 < share.fooled < share.trials:
        return Interval(*_resampled(answers, seed), made_by="over people and pictures")
    return Interval(*share.wilson, made_by="Wilson")


def _resampled(answers: Sequence[Any], seed: int) -> tuple[float, float]:
    """Interval that knows that answers of one person, and about one picture, are alike.

    Participants and pictures are drawn independently with replacement; an answer counts as often
    as its participant times its picture was drawn (the pigeonhole bootstrap, Owen 2007).
    """
    people = sorted({answer[0] for answer in answers})
    pictures = sorted({answer[2] for answer in answers})
    who = np.array([people.index(answer[0]) for answer in answers])
    what = np.array([pictures.index(answer[2]) for answer in answers])
    fooled = np.array([answer[3] for answer in answers], dtype=float)
    generator = np.random.default_rng(seed)
    by_person = generator.multinomial(len(people), np.full(len(people), 1 / len(people)), DRAWS)
    by_picture = generator.multinomial(
        len(pictures), np.full(len(pictures), 1 / len(pictures)), DRAWS
    )
    weight = by_person[:, who] * by_picture[:, what]
    with np.errstate(invalid="ignore"):
        drawn = (weight @ fooled) / weight.sum(axis=1)
    spread = from_draws(float(fooled.mean()), drawn, len(pictures))
    return spread.low, spread.high


SHOWN = 8
"""Pictures in each row of the sheet."""


def write_sheet(path: str | Path, result: TuringResult, stimuli: Stimuli) -> Path:
    """Write the page.

    Parameters
    ----------
    path : str or path
        The HTML file.
    result : TuringResult
        From :func:`~napari_colorize.evaluation.turing.result.merge`.
    stimuli : Stimuli
        What was shown; its pictures go into the page.
    """
    rows = [row for method in result.methods for row in _rows(method, result, stimuli)]
    page = template("turing.html.j2").render(result=result.to_dict(), rows=rows)
    write_whole(Path(path), page)
    return Path(path)


def _rows(method: str, result: TuringResult, stimuli: Stimuli) -> list[dict[str, Any]]:
    ranked = result.ranked(method)
    chosen = {"most": ranked[:SHOWN], "least": ranked[::-1][:SHOWN]}
    return [
        {
            "title": f"{method}: {which} convincing",
            "columns": [
                {
                    "name": result.names[picture],
                    "fooled": share.fooled,
                    "trials": share.trials,
                    "views": [
                        ("real", _thumbnail(stimuli.real(picture))),
                        ("recoloured", _thumbnail(stimuli.fake(picture, method))),
                    ],
                }
                for picture, share in shares
            ],
        }
        for which, shares in chosen.items()
    ]


def _thumbnail(rgb: np.ndarray) -> str:
    from PIL import Image

    image = Image.fromarray(rgb)
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88)
    return as_data_uri(buffer.getvalue())
