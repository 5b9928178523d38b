"""The panel *Colorization Turing test*: it sets up, hands over to a participant, and shows."""

from functools import partial
from pathlib import Path

from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QFileDialog

from napari_colorize.widgets.shared.docking import TURING
from napari_colorize.widgets.shared.executor import PAIRS
from napari_colorize.widgets.shared.panel import RunningPanel
from napari_colorize.widgets.shared.task import Work
from napari_colorize.widgets.turing.conductor import Conductor
from napari_colorize.widgets.turing.layout import TuringLayout
from napari_colorize.widgets.turing.pairs import Sitting, kind_of, sit_down
from napari_colorize.widgets.turing.tally import Tally, tally

PANEL = TURING


class TuringPanel(RunningPanel):
    """Asks a participant which of two pictures was recoloured.

    The engine is :mod:`napari_colorize.evaluation.turing`. The panel shows its pictures itself and
    adds nothing to the viewer.
    """

    UNDER_WAY = "The pairs are being made ready; wait for it or cancel it first."
    CANCELLED = "Cancelled. What is recoloured already is used the next time."
    FAILED = "The Turing test failed"
    EXTRA = "evaluate"

    def __init__(self) -> None:
        super().__init__(thread=PAIRS)
        self.ui: TuringLayout = TuringLayout(self)
        self.take_controls(self.ui)
        self.conductor: Conductor | None = None
        self.tally: Tally | None = None
        self._headline, self._note = "", ""
        self._connect()

    # -- what a person does -----------------------------------------------------------------------

    def plan(self) -> Work:
        """Return what makes a sitting ready as the form says."""
        wish = self.ui.form.wish()
        if self.ui.form.pictures.text().strip() == "":
            raise ValueError("There are no pictures; choose a folder or a tar of photographs.")
        if not wish.pictures.exists():
            raise ValueError(f"{wish.pictures} does not exist; choose a folder or a file.")
        return partial(sit_down, wish)

    def pause_or_go_on(self) -> None:
        """Pause between pairs, or go on."""
        if self.conductor is None:
            return
        if self.conductor.resting:
            self.conductor.go_on()
        else:
            self.conductor.pause()

    def quit(self) -> None:
        """End the sitting here; its file can be opened to go on."""
        if self.conductor is None:
            return
        path = self.conductor.sitting.session.path
        self._leave()
        self.ui.form.pictures.setText(str(path))
        self.ui.show_set_up()
        self.rest(f"All answers so far are in {path}. Start goes on with it.")

    def ask_for_files(self) -> None:
        """Ask which session files to count."""
        start = str(self.ui.form.wish().results)
        files, _ = QFileDialog.getOpenFileNames(self, "Session files", start, "Sessions (*.json)")
        if files:
            self.count([Path(path) for path in files])

    def count(self, files: list[Path], headline: str = "Result", note: str = "") -> None:
        """Count session files and show the result."""
        if self.task.busy:
            return
        self._headline, self._note = headline, note
        self.begin(partial(tally, files, self.ui.form.wish().results))

    def open_sheet(self) -> None:
        """Open the page of the most and least convincing pictures in the browser."""
        if self.tally is not None and self.tally.sheet is not None:
            url = QUrl.fromLocalFile(str(self.tally.sheet.resolve()))
            if not QDesktopServices.openUrl(url):
                self.complain(f"No browser could be opened; the sheet is {self.tally.sheet}.")

    def new_session(self) -> None:
        """Back to the first page, for the next participant."""
        if kind_of(self.ui.form.wish().pictures) == "session":
            self.ui.form.pictures.clear()
        self.ui.form.participant.clear()
        self.ui.show_set_up()
        self.rest("")

    # -- what happens ---------------------------------------------------------------------------

    def _connect(self) -> None:
        self.ui.pause.clicked.connect(self.pause_or_go_on)
        self.ui.quit.clicked.connect(self.quit)
        self.ui.merge.clicked.connect(self.ask_for_files)
        self.ui.merge_more.clicked.connect(self.ask_for_files)
        self.ui.open_sheet.clicked.connect(self.open_sheet)
        self.ui.again.clicked.connect(self.new_session)
        self.ui.form.kind_changed.connect(self._on_kind)
        self.ui.form.changed.connect(self.offer)

    def _on_kind(self, kind: str) -> None:
        self.ui.run.setText("Go on" if kind == "session" else "Start")

    def offer(self) -> None:
        """Offer what can be done now."""
        self.ui.run.setEnabled(not self.task.busy and not self.ui.form.problem)

    def show_result(self, result: Sitting | Tally) -> str:
        """Show a count, or hand a sitting over to the participant."""
        if isinstance(result, Tally):
            self.tally = result
            self.ui.show_result(result, self._headline, self._note)
        else:
            self._hand_over(result)
        return ""

    def _hand_over(self, sitting: Sitting) -> None:
        if sitting.session.next_trial() is None:
            self._finish(sitting)
            return
        self.conductor = Conductor(sitting, self.ui.view, self)
        self.conductor.changed.connect(self._on_changed)
        self.conductor.finished.connect(self._on_finished)
        self.conductor.broken.connect(self.complain)
        self._on_changed()
        self.ui.show_test()

    def _on_changed(self) -> None:
        if self.conductor is not None:
            session = self.conductor.sitting.session
            self.ui.show_progress(
                session.answered,
                len(session.trials),
                self.conductor.progress,
                resting=self.conductor.resting,
            )

    def _on_finished(self) -> None:
        if self.conductor is not None:
            sitting, late = self.conductor.sitting, self.conductor.late
            self._leave()
            self._finish(sitting, late)

    def _finish(self, sitting: Sitting, late: int = 0) -> None:
        path = sitting.session.path
        assert path is not None  # the panel stores every session
        note = f"Pairs that stood too long because the machine was busy: {late}." if late else ""
        self.count([path], "Thank you!", note)

    def _leave(self) -> None:
        if self.conductor is not None:
            self.conductor.leave()
            self.conductor = None
