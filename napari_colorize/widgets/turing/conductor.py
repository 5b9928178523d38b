"""Leads a participant through a session: message, pair, answer, next pair, pause, end."""

from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_colorize.widgets.shared.words import sentence_of
from napari_colorize.widgets.turing.pairs import Sitting
from napari_colorize.widgets.turing.store import PairStore
from napari_colorize.widgets.turing.view import PairView, Phase

LATE_SECONDS = 0.05
"""A pair that stood longer than its time by more than this is counted as late."""

WELCOME = (
    "Two pictures will appear for {seconds:g} s. One is a photograph; the other has the colours "
    "that a computer gave it. Click the recoloured one, or press ← or →. Guess if you cannot tell."
    "\n\n{block}\n\nPress Space when you are ready."
)


class Conductor(QObject):
    """Runs one sitting in a view.

    Signals
    -------
    changed()
        Something that the panel shows about progress is different.
    finished()
        All trials are answered.
    broken(str)
        A sentence why it cannot go on now; it rests, and going on tries again.
    """

    changed = Signal()
    finished = Signal()
    broken = Signal(str)

    def __init__(self, sitting: Sitting, view: PairView, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.sitting, self.view = sitting, view
        self.displayed: list[float] = []
        self.resting = True
        self._owed = False  # a pair was seen and its answer is still to come
        self._announced = True
        self._store = PairStore(sitting, self)
        self._store.arrived.connect(self._on_arrived)
        self._store.failed.connect(self._on_missing)
        view.chosen.connect(self._on_chosen)
        view.blanked.connect(self._on_blanked)
        view.go.connect(self.go_on)
        view.pause_asked.connect(self.pause)
        self._store.want(self._index)
        self._welcome()

    @property
    def _index(self) -> int:
        return self.sitting.session.answered

    @property
    def progress(self) -> str:
        """Where the participant is, in words."""
        trials = self.sitting.session.trials
        trial = self.sitting.session.next_trial()
        if trial is None:
            return "Finished"
        practice = sum(one.practice for one in trials)
        if trial.practice:
            return f"Practice {self._index + 1} of {practice}"
        return f"Pair {self._index + 1 - practice} of {len(trials) - practice}"

    @property
    def late(self) -> int:
        """How many pairs stood too long because the machine was busy."""
        limit = self.sitting.session.seconds_shown + LATE_SECONDS
        return sum(seconds > limit for seconds in self.displayed)

    def go_on(self) -> None:
        """Begin, or go on after a message or a pause."""
        if not self.resting:
            return
        self.resting = False
        self.view.setFocus()
        if self._owed:
            self.view.ask_again()
        else:
            self._announced = True
            self._next()
        self.changed.emit()

    def pause(self) -> None:
        """Take everything away; a pair that was seen is not shown again, only asked for."""
        if self.resting:
            return
        self._owed = self.view.phase in (Phase.SHOWN, Phase.ASKING)
        self._rest("Pause", "Press Space to go on.")

    def leave(self) -> None:
        """End; every answer is in the session file. The view no longer answers to this sitting."""
        self.resting = True
        self.view.chosen.disconnect(self._on_chosen)
        self.view.blanked.disconnect(self._on_blanked)
        self.view.go.disconnect(self.go_on)
        self.view.pause_asked.disconnect(self.pause)
        self.view.show_message("", "")
        self.deleteLater()

    def _next(self) -> None:
        if self.sitting.session.next_trial() is None:
            self.resting = True
            self.view.show_message("Thank you", "That was the last pair.")
            self.changed.emit()
            self.finished.emit()
            return
        if not self._announced and self._at_first_that_counts():
            self._rest("The practice is over", "From now on it counts.\n\nPress Space to begin.")
            return
        self._store.want(self._index)
        pair = self._store.get(self._index)
        if pair is not None:
            self.view.show_pair(pair.left, pair.right, self.sitting.session.seconds_shown)
        self.changed.emit()

    def _on_arrived(self, index: int) -> None:
        waiting = not self.resting and index == self._index
        if waiting and self.view.phase in (Phase.MESSAGE, Phase.GAP):
            self._next()

    def _on_chosen(self, side: str, seconds: float | None) -> None:
        self._owed = False
        try:
            self.sitting.session.answer(side, seconds)
        except OSError as error:  # the answer is kept and stored with the next one
            self._break(error)
            return
        if self._at_first_that_counts():
            self._announced = False
        self._next()

    def _on_missing(self, index: int, error: Exception) -> None:
        if not self.resting and index == self._index:
            self._break(error)

    def _on_blanked(self, seconds: float) -> None:
        self.displayed.append(seconds)

    def _break(self, error: Exception) -> None:
        self._rest("Pause", "Something went wrong; please call the person who runs the test.")
        self.broken.emit(sentence_of(error, "The Turing test failed", "evaluate"))

    def _at_first_that_counts(self) -> bool:
        """Whether the practice has just ended."""
        trials, index = self.sitting.session.trials, self._index
        return 0 < index < len(trials) and trials[index - 1].practice and not trials[index].practice

    def _welcome(self) -> None:
        session: Any = self.sitting.session
        practice = sum(trial.practice for trial in session.trials)
        first = "pair is" if practice == 1 else f"{practice} pairs are"
        block = f"The first {first} for practice." if practice else ""
        if session.answered:
            block = "You go on where you stopped."
        self.view.show_message(
            "Find the recoloured picture",
            WELCOME.format(seconds=session.seconds_shown, block=block).replace("\n\n\n\n", "\n\n"),
        )

    def _rest(self, title: str, text: str) -> None:
        self.resting = True
        self.view.show_message(title, text)
        self.changed.emit()
