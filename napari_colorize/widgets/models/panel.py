"""The panel *Models*: which weights there are, what is known of them, and how to get more."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QInputDialog, QMessageBox

from napari_colorize import checkpoints
from napari_colorize.checkpoints import CheckpointError, CheckpointRecord, Remedy, registry
from napari_colorize.checkpoints.registry import remove, rename
from napari_colorize.widgets.models.layout import ModelsLayout, megabytes
from napari_colorize.widgets.shared.panel import COLORIZE, MODELS, RunningPanel, open_panel
from napari_colorize.widgets.shared.preflight import load_torch
from napari_colorize.widgets.shared.task import WEIGHTS, Work
from napari_colorize.widgets.shared.weights import weights_news
from napari_colorize.widgets.shared.words import sentence_of

Progress = Callable[[float | None, str], None]
ShouldStop = Callable[[], bool]


@dataclass(frozen=True)
class Done:
    """What was done with weights: a sentence, the record, and whether there are new ones."""

    sentence: str
    record: CheckpointRecord
    changed: bool


def verify(name: str, progress: Progress, should_stop: ShouldStop) -> Done:
    """Check hash, content and layout of weights from the disk."""
    progress(None, f"Verifying '{name}'…")
    load_torch()
    record = checkpoints.verify(name)
    # Whole, the hash is a word that no panel can wrap; the card has all of it.
    sentence = f"'{name}' is intact: SHA-256 {record.sha256[:12]}…, as in its card."
    return Done(sentence, record, changed=False)


def fetch(name: str, size_bytes: int, progress: Progress, should_stop: ShouldStop) -> Done:
    """Download weights; ``size_bytes`` helps where the server does not say how much there is."""

    def note(done: int, total: int | None) -> None:
        whole = total or size_bytes
        of = f" of {megabytes(whole)}" if whole else ""
        share = min(done / whole, 1.0) if whole else None
        # What follows the last byte (hash, layout) has no share of its own.
        progress(
            share, "Checking…" if share == 1.0 else f"Fetching '{name}': {megabytes(done)}{of}"
        )

    progress(None, f"Connecting for '{name}'…")
    load_torch()
    record = checkpoints.fetch(name, progress=note, should_stop=should_stop)
    return Done(f"'{name}' is on this machine, and its hash is right.", record, changed=True)


def import_file(
    path: Path,
    name: str | None,
    architecture: str | None,
    progress: Progress,
    should_stop: ShouldStop,
) -> Done:
    """Copy a weights file into the user's data folder; no code in it is run."""
    progress(None, f"Importing {path.name}…")
    load_torch()
    record = checkpoints.import_file(path, name=name, architecture=architecture)
    return Done(f"Imported {path.name} as '{record.name}'.", record, changed=True)


PANEL = MODELS
_FILES = "Weights (*.safetensors *.pth *.pt *.bin);;All files (*)"


class ModelsPanel(RunningPanel):
    """Lists weights with their cards; verifies, downloads and imports them.

    Every action is one call of :mod:`napari_colorize.checkpoints`. Nothing is done to the viewer.
    """

    UNDER_WAY = "Something is under way in Models; wait for it or cancel it first."
    FAILED = "Working with the weights failed"

    def __init__(self) -> None:
        # In a thread of their own: two downloads never write to the same file, and a slow
        # connection keeps nobody from colouring.
        super().__init__(thread=WEIGHTS)
        self.ui: ModelsLayout = ModelsLayout(self)
        self.take_controls(self.ui)
        self._connect()
        self.refresh()
        self.rest(" ".join(f"Left out: {text}" for text in registry.problems()))

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

    def use(self) -> None:
        """Choose the weights in the panel *Colorize* of the viewer that is open."""
        import napari

        entry, viewer = self.ui.models.entry, napari.current_viewer()
        if entry is None or not entry.installed or viewer is None:
            return
        form = open_panel(viewer, COLORIZE).ui.form
        form.method.value = entry.record.method
        form.refresh_checkpoints()
        form.checkpoint.value = entry.record.name
        self.ui.status.setText(f"'{entry.record.name}' is chosen in the panel Colorize.")

    def ask_for_name(self) -> None:
        """Ask what the chosen weights are to be called."""
        entry = self.ui.models.entry
        if entry is not None:
            old = entry.record.name
            new, agreed = QInputDialog.getText(self, "Rename weights", "New name", text=old)
            if agreed and new != old:
                self._change(partial(rename, old, new), f"'{old}' is called '{new}' now.", new)

    def ask_to_delete(self) -> None:
        """Delete the chosen weights, once somebody has agreed."""
        entry = self.ui.models.entry
        if entry is None:
            return
        name, buttons = entry.record.name, QMessageBox.StandardButton
        question = f"Delete the weights '{name}' from this machine? They cannot be brought back."
        answer = QMessageBox.question(
            self, "Delete weights", question, buttons.Yes | buttons.No, buttons.No
        )
        if answer == buttons.Yes:
            self._change(partial(remove, name), f"'{name}' is deleted.")

    def _change(self, change: Callable[[], object], said: str, name: str = "") -> None:
        """Change the user's weights, which takes no time, and tell all panels."""
        try:
            change()
        except (CheckpointError, OSError) as error:
            self.complain(self.sentence_of(error))
            return
        weights_news().changed.emit()
        self.ui.models.choose(name)
        self.rest(said)

    # -- what happens ---------------------------------------------------------------------------

    def _connect(self) -> None:
        self.ui.models.entry_changed.connect(self.ui.show_entry)
        self.ui.models.entry_changed.connect(self.offer)
        self.ui.use.clicked.connect(self.use)
        self.ui.rename.clicked.connect(self.ask_for_name)
        self.ui.delete.clicked.connect(self.ask_to_delete)
        self.ui.verify.clicked.connect(self.verify)
        self.ui.fetch.clicked.connect(self.fetch)
        self.ui.import_file.clicked.connect(self.ask_for_file)
        weights_news().changed.connect(self.refresh)

    def _start(self, work: Work, cancelled: str) -> None:
        from napari.utils.notifications import show_info

        if self.task.busy:
            show_info(self.UNDER_WAY)
        else:
            self.begin(work, cancelled)

    def show_result(self, result: Done) -> str:
        """Tell all panels of new weights, and choose them here."""
        if result.changed:
            self.ui.name.clear()
            weights_news().changed.emit()
            self.ui.models.choose(result.record.name)
        return result.sentence

    def began(self) -> None:
        """Let nothing else be started."""
        self.offer()

    def ended(self) -> None:
        """Read what there is now; an import that was cancelled may have written all the same."""
        self.refresh()

    def offer(self) -> None:
        """Offer what can be done now."""
        self.ui.offer(idle=not self.task.busy)

    def sentence_of(self, error: Exception) -> str:
        """Return what to show of an error; open the fields that help with it."""
        if isinstance(error, CheckpointError) and error.remedy is Remedy.NAME_ARCHITECTURE:
            self.ui.importing.expand(animate=False)
        return sentence_of(error, self.FAILED, in_models=True)
