"""What session files say: counted by the engine, written out as a sheet, told in words. No Qt."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_colorize.results import Cancelled
from napari_colorize.widgets.turing.pairs import find_stimuli, free_path

if TYPE_CHECKING:
    from napari_colorize.evaluation.turing.result import TuringResult
    from napari_colorize.evaluation.turing.session import Session


@dataclass(frozen=True)
class Fooled:
    """One method's share, ready to be shown: shares 0…1."""

    method: str
    share: float
    low: float
    high: float
    fooled: int
    trials: int

    @property
    def sentence(self) -> str:
        """The share with its interval, in words."""
        return (
            f"{100 * self.share:.0f} % fooled "
            f"(95 %: {100 * self.low:.0f} … {100 * self.high:.0f} %), "
            f"{self.fooled} of {self.trials} pairs"
        )


@dataclass(frozen=True)
class Tally:
    """A counted result.

    Parameters
    ----------
    methods : tuple of Fooled
    participants : int
    files : tuple of path
        The session files.
    sheet : path or None
        The page of the most and least convincing pictures; ``None`` where it could not be made.
    why_no_sheet : str
        Then a sentence.
    """

    methods: tuple[Fooled, ...]
    participants: int
    files: tuple[Path, ...]
    sheet: Path | None
    why_no_sheet: str = ""


def tally(
    files: Sequence[Path],
    results: Path,
    progress: Callable[[float | None, str], None],
    should_stop: Callable[[], bool],
) -> Tally:
    """Count one or several session files and write the sheet beside the first.

    Parameters
    ----------
    files : sequence of path
        Session files of the same pairs.
    results : path
        Where the pairs are looked for besides the files' folder.
    progress : callable
        Told the share done, 0…1, and what is being done.
    should_stop : callable
        Asked before the sheet is made.

    Raises
    ------
    ValueError, FileNotFoundError
        No answer counts yet, the files do not belong together, or are something else.
    """
    from napari_colorize.evaluation.turing.result import merge
    from napari_colorize.evaluation.turing.session import Session

    progress(0.0, "Counting…")
    sessions = [Session.load(path) for path in files]
    result = merge(sessions)
    progress(0.5, "Making the sheet…")
    if should_stop():
        raise Cancelled("The count was cancelled.")
    sheet, why = _written(result, sessions[0], files, results)
    return Tally(_methods_of(result), result.participants, tuple(files), sheet, why)


def _written(
    result: "TuringResult", session: "Session", files: Sequence[Path], results: Path
) -> tuple[Path | None, str]:
    """Write the page and its numbers; without the pairs or a package there is only the count."""
    first = files[0]
    try:
        from napari_colorize.evaluation.turing.result import write_sheet

        pairs = find_stimuli(session, first.parent, results)
        if len(files) == 1:
            path = first.with_name(f"{first.stem}-result.html")
        else:
            path = free_path(first.parent, f"merged-{len(files)}-result", ".html")
        write_sheet(path, result, pairs)
    except (ValueError, OSError, ModuleNotFoundError) as error:
        return None, str(error)
    body = json.dumps(result.to_dict(), ensure_ascii=False, indent=1) + "\n"
    path.with_suffix(".json").write_text(body, encoding="utf-8")
    return path, ""


def _methods_of(result: "TuringResult") -> tuple[Fooled, ...]:
    shown = []
    for method, share in result.methods.items():
        interval = result.intervals[method]
        shown.append(
            Fooled(method, share.share, interval.low, interval.high, share.fooled, share.trials)
        )
    return tuple(shown)
