"""The panel *Models*: which weights there are, what is known of them, and how to get more."""

from functools import partial
from pathlib import Path

from qtpy.QtWidgets import QFileDialog

from napari_colorize.checkpoints import CheckpointError, Remedy, registry
from napari_colorize.widgets.models.layout import ModelsLayout
from napari_colorize.widgets.models.work import Done, fetch, import_file, verify
from napari_colorize.widgets.shared.docking import MODELS
from napari_colorize.widgets.shared.executor import WEIGHTS
from napari_colorize.widgets.shared.panel import RunningPanel
from napari_colorize.widgets.shared.task import Work
from napari_colorize.widgets.shared.weights_news import weights_news
from napari_colorize.widgets.shared.words import sentence_of

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

    # -- what happens ---------------------------------------------------------------------------

    def _connect(self) -> None:
        self.ui.models.entry_changed.connect(self.ui.show_entry)
        self.ui.models.entry_changed.connect(self.offer)
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
