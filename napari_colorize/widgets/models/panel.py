"""The panel *Models*: which weights there are, what is known of them, and how to get more."""

from functools import partial
from pathlib import Path

from qtpy.QtWidgets import QFileDialog

from napari_colorize.checkpoints import registry
from napari_colorize.widgets.models.layout import ModelsLayout
from napari_colorize.widgets.models.work import Done, fetch, import_file, sentence_of, verify
from napari_colorize.widgets.shared.background import Step
from napari_colorize.widgets.shared.panel import RunningPanel
from napari_colorize.widgets.shared.panel_words import WHERE_NETWORK
from napari_colorize.widgets.shared.task import Task, Work
from napari_colorize.widgets.shared.weights_news import weights_news

PANEL = "Models"
_FILES = "Weights (*.safetensors *.pth *.pt *.bin);;All files (*)"


class ModelsPanel(RunningPanel):
    """Lists weights with their cards; verifies, downloads and imports them.

    Every action is one call of :mod:`napari_colorize.checkpoints`. Nothing is done to the viewer.
    """

    def __init__(self) -> None:
        super().__init__()
        self._why_stopped = ""
        self.ui = ModelsLayout(self)
        self.task = Task(sentence_of, self)
        self._connect()
        self.refresh()
        self.ui.show_idle(" ".join(f"Left out: {text}" for text in registry.problems()))

    # -- what a person does -----------------------------------------------------------------------

    def refresh(self) -> None:
        """Read again which weights there are."""
        self.ui.models.refresh()

    def verify(self) -> None:
        """Check the chosen weights from the disk. Problems are shown, not raised."""
        entry = self.ui.models.entry
        if entry is not None and entry.installed:
            self._start(partial(verify, entry.record.name), "Cancelled; nothing was verified.")

    def fetch(self) -> None:
        """Download the chosen weights."""
        entry = self.ui.models.entry
        if entry is not None and not entry.installed:
            self._start(
                partial(fetch, entry.record.name, entry.record.size_bytes),
                "Cancelled. What is downloaded already is kept, and Fetch goes on there.",
            )

    def ask_for_file(self) -> None:
        """Ask which file to import."""
        path, _ = QFileDialog.getOpenFileName(self, "Weights to import", "", _FILES)
        if path:
            self.import_file(Path(path))

    def import_file(self, path: Path) -> None:
        """Import a weights file as the panel says."""
        name = self.ui.name.text().strip() or None
        architecture = self.ui.architecture.currentData()
        # An import is short, and what it has written by then is whole: the registry tells.
        self._start(partial(import_file, path, name, architecture), "Cancelled.")

    def cancel(self) -> None:
        """Stop what is under way."""
        if self.task.busy:
            self.ui.status.setText("Cancelling…")
            self.task.cancel()

    # -- what happens ---------------------------------------------------------------------------

    def _connect(self) -> None:
        self.ui.models.entry_changed.connect(self.ui.show_entry)
        self.ui.verify.clicked.connect(self.verify)
        self.ui.fetch.clicked.connect(self.fetch)
        self.ui.import_file.clicked.connect(self.ask_for_file)
        self.ui.cancel.clicked.connect(self.cancel)
        self.task.progressed.connect(self._on_progress)
        self.task.returned.connect(self._on_returned)
        self.task.failed.connect(self._on_failed)
        self.task.stopped.connect(self._on_stopped)
        weights_news().changed.connect(self.refresh)

    def _start(self, work: Work, why_stopped: str) -> None:
        from napari.utils.notifications import show_info

        if self.task.busy:
            show_info("Something is under way in Models; wait for it or cancel it first.")
            return
        self._why_stopped = why_stopped
        self.ui.show_busy(Step(None, "Starting…"))
        self.task.start(work)

    def _on_progress(self, step: Step) -> None:
        if self.task.busy:
            self.ui.show_busy(step)

    def _on_returned(self, done: Done) -> None:
        self.ui.show_idle(done.sentence)
        if done.changed:
            self.ui.name.clear()
            weights_news().changed.emit()
            self.ui.models.choose(done.record.name)

    def _on_failed(self, sentence: str) -> None:
        from napari.utils.notifications import show_error

        self.ui.show_idle(sentence)
        if WHERE_NETWORK in sentence:
            self.ui.importing.expand(animate=False)
        show_error(sentence)

    def _on_stopped(self) -> None:
        self.ui.show_idle(self._why_stopped)
        self.refresh()
