"""The page that sets a sitting up: what is shown, by which method, to whom, how long."""

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)

from napari_colorize import checkpoints
from napari_colorize.parameters import METHODS
from napari_colorize.widgets.colorize.form import warning
from napari_colorize.widgets.shared.methods import mark_methods, no_weights_for, title_of
from napari_colorize.widgets.shared.weights_news import weights_news
from napari_colorize.widgets.turing.pairs import kind_of
from napari_colorize.widgets.turing.prepare import CONTROLS, Wish

KINDS = {
    "nothing": "Photographs in colour, pairs prepared before, or a session to go on with.",
    "pictures": "Photographs: they are recoloured before the first pair is shown.",
    "pairs": "Pairs prepared before: their methods are shown in turns.",
    "session": "A session: it goes on with the first pair that has no answer.",
}
DEFAULT_RESULTS = "colorize-turing"
"""Folder in the home folder where pairs and sessions go unless another is chosen."""


class SetUpForm(QWidget):
    """A form over :class:`Wish`. What the chosen file decides by itself is not asked.

    Signals
    -------
    kind_changed(str)
        Another kind of source was chosen; see :func:`kind_of`.
    changed()
        :attr:`problem` may be another one now.
    """

    kind_changed = Signal(str)
    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.pictures = QLineEdit()
        self.folder, self.file = QPushButton("Folder…"), QPushButton("File…")
        self.kind = QLabel()
        self.method, self.checkpoint = QComboBox(), QComboBox()
        self.hint = warning()
        self._lacking = False
        self.participant = QLineEdit()
        self.trials, self.practice, self.seconds = QSpinBox(), QSpinBox(), QDoubleSpinBox()
        self.results = QLineEdit(str(Path.home() / DEFAULT_RESULTS))
        self.results_folder = QPushButton("Folder…")
        self._set_up()
        self._lay_out()
        self._connect()
        self.refresh_checkpoints()
        self._show_kind()

    @property
    def problem(self) -> str:
        """Why nothing can be recoloured as the form says; empty where it can."""
        return self.hint.text()

    def wish(self) -> Wish:
        """Return what the form says."""
        return Wish(
            pictures=_path_of(self.pictures),
            results=_path_of(self.results),
            participant=self.participant.text(),
            method=self.method.currentData(),
            checkpoint=self.checkpoint.currentData(),
            trials=self.trials.value(),
            practice=self.practice.value(),
            seconds=self.seconds.value(),
        )

    def refresh_checkpoints(self) -> None:
        """Offer the weights that are on this machine now, for the chosen method."""
        method = self.method.currentData()
        here = checkpoints.available()
        names = [record.name for record in here if record.method == method]
        mark_methods(self.method, {record.method for record in here})
        self._lacking = method not in CONTROLS and not names
        self.checkpoint.clear()
        if method in CONTROLS:
            self.checkpoint.addItem("None needed", None)
        else:
            self.checkpoint.addItem(f"Default ({names[0]})" if names else "None installed", None)
        for name in names:
            self.checkpoint.addItem(name, name)
        self._enable(kind_of(_path_of(self.pictures)))

    def _set_up(self) -> None:
        self.pictures.setPlaceholderText("Folder, tar or session file")
        self.pictures.setToolTip("Photographs in colour. Nearly colourless ones are left out.")
        self.file.setToolTip("A tar of photographs, or a session to go on with (.json)")
        self.kind.setWordWrap(True)
        self.kind.setStyleSheet("font-style: italic;")
        for name in METHODS:
            self.method.addItem(title_of(name), name)
        for name in CONTROLS:
            self.method.addItem(f"{name.capitalize()} (control)", name)
        self.method.setToolTip("Who recolours. The controls know nothing of what is in a picture.")
        self.checkpoint.setToolTip("The method's weights.")
        self.participant.setPlaceholderText("A name or a number")
        self.participant.setToolTip(
            "Answers are gathered by it; the participant's file has it too."
        )
        self.trials.setRange(1, 10_000)
        self.trials.setValue(40)
        self.trials.setToolTip("Pairs that count. Each picture is seen once.")
        self.practice.setRange(0, 100)
        self.practice.setValue(5)
        self.practice.setToolTip("Pairs before, which do not count.")
        self.seconds.setRange(0.1, 60)
        self.seconds.setSingleStep(0.25)
        self.seconds.setValue(1.0)
        self.seconds.setSuffix(" s")
        self.seconds.setToolTip("How long a pair is shown; 1 s in the paper.")
        self.results.setToolTip("Where pairs, session files and results are kept.")

    def _lay_out(self) -> None:
        rows = QFormLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows.addRow("Pictures", _row(self.pictures, self.folder, self.file))
        rows.addRow("", self.kind)
        rows.addRow("Method", self.method)
        rows.addRow(self.hint)
        rows.addRow("Weights", self.checkpoint)
        rows.addRow("Participant", self.participant)
        rows.addRow("Pairs", self.trials)
        rows.addRow("Practice pairs", self.practice)
        rows.addRow("Display time", self.seconds)
        rows.addRow("Results", _row(self.results, self.results_folder))

    def _connect(self) -> None:
        self.pictures.textChanged.connect(self._show_kind)
        self.method.currentIndexChanged.connect(self.refresh_checkpoints)
        weights_news().changed.connect(self.refresh_checkpoints)
        self.folder.clicked.connect(lambda: self._ask_folder(self.pictures, "Pictures or pairs"))
        self.file.clicked.connect(self._ask_file)
        self.results_folder.clicked.connect(lambda: self._ask_folder(self.results, "Results"))

    def _show_kind(self) -> None:
        kind = kind_of(_path_of(self.pictures))
        self.kind.setText(KINDS[kind])
        self._enable(kind)
        self.kind_changed.emit(kind)

    def _enable(self, kind: str) -> None:
        self.method.setEnabled(kind in ("nothing", "pictures"))
        self.checkpoint.setEnabled(self.method.isEnabled() and self.checkpoint.count() > 1)
        lacking = self._lacking and self.method.isEnabled()
        self.hint.setText(no_weights_for(self.method.currentData()) if lacking else "")
        self.hint.setVisible(lacking)
        self.changed.emit()
        for field in (self.participant, self.trials, self.practice, self.seconds):
            field.setEnabled(kind != "session")

    def _ask_folder(self, line: QLineEdit, title: str) -> None:
        path = QFileDialog.getExistingDirectory(self, title, line.text())
        if path:
            line.setText(path)

    def _ask_file(self) -> None:
        wanted = "Pictures or session (*.tar *.tar.gz *.tgz *.json);;All files (*)"
        path, _ = QFileDialog.getOpenFileName(self, "A tar or a session", "", wanted)
        if path:
            self.pictures.setText(path)


def _path_of(line: QLineEdit) -> Path:
    return Path(line.text().strip()).expanduser()


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    for number, widget in enumerate(widgets):
        row.addWidget(widget, 1 if number == 0 else 0)
    return row
