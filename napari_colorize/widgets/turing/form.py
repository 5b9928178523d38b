"""The page that sets a sitting up: what is shown, by which method, to whom, how long."""

from collections.abc import Collection
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QLabel, QWidget

from napari_colorize import checkpoints
from napari_colorize.widgets.shared.form import ChoiceBox, DataclassForm, PathBox, warning
from napari_colorize.widgets.shared.weights import (
    follow_weights,
    methods_on_offer,
    no_weights_for,
    weights_on_offer,
)
from napari_colorize.widgets.turing.pairs import CONTROLS, Wish, kind_of

KINDS = {
    "nothing": "Photographs in colour, pairs prepared before, or a session to go on with.",
    "pictures": "Photographs: they are recoloured before the first pair is shown.",
    "pairs": "Pairs prepared before: their methods are shown in turns.",
    "session": "A session: it goes on with the first pair that has no answer.",
}
DEFAULT_RESULTS = "colorize-turing"
"""Folder in the home folder where pairs and sessions go unless another is chosen."""

_TITLES = {
    "pictures": "Pictures",
    "method": "Method",
    "checkpoint": "Weights",
    "participant": "Participant",
    "trials": "Pairs",
    "practice": "Practice pairs",
    "seconds": "Display time",
    "results": "Results",
}


class SetUpForm(DataclassForm):
    """A form over :class:`Wish`. What the chosen file decides by itself is not asked."""

    def __init__(self) -> None:
        super().__init__(
            Wish,
            _TITLES,
            {
                "pictures": PathBox(
                    {"Folder…": _ask_for_pictures, "File…": _ask_for_file},
                    placeholder="Folder, tar or session file",
                    tooltip="Photographs in colour. Nearly colourless ones are left out.",
                ),
                "method": ChoiceBox(
                    self._methods(()),
                    "Who recolours. The controls know nothing of what is in a picture.",
                ),
                "checkpoint": ChoiceBox(weights_on_offer(()), "The method's weights."),
                "results": PathBox(
                    {"Folder…": _ask_for_results},
                    tooltip="Where pairs, session files and results are kept.",
                ),
            },
        )
        self.kind, self.hint = QLabel(), warning()
        self.kind.setWordWrap(True)
        self.kind.setStyleSheet("font-style: italic;")
        self.rows.insertRow(1, "", self.kind)
        self.rows.insertRow(3, self.hint)
        self._lacking = False
        self.results.value = Path.home() / DEFAULT_RESULTS
        self.participant.native.setPlaceholderText("A name or a number")
        self.pictures.changed.connect(self._show_kind)
        self.method.changed.connect(self.refresh_checkpoints)
        follow_weights(self.native, self.refresh_checkpoints)
        self.refresh_checkpoints()
        self._show_kind()

    @property
    def problem(self) -> str:
        """Why nothing can be recoloured as the form says; empty where it can."""
        return self.hint.text()

    def refresh_checkpoints(self) -> None:
        """Offer the weights that are on this machine now, for the chosen method."""
        method = self.method.value
        here = checkpoints.available()
        names = [record.name for record in here if record.method == method]
        self.method.offer(self._methods({record.method for record in here}))
        self._lacking = method not in CONTROLS and not names
        nothing = [("None needed", None)]
        self.checkpoint.offer(nothing if method in CONTROLS else weights_on_offer(names))
        self._enable(kind_of(self.pictures.value))

    @staticmethod
    def _methods(usable: Collection[str]) -> list[tuple[str, str]]:
        controls = [(f"{name.capitalize()} (control)", name) for name in CONTROLS]
        return [*methods_on_offer(usable), *controls]

    def _show_kind(self) -> None:
        kind = kind_of(self.pictures.value)
        self.kind.setText(KINDS[kind])
        self._enable(kind)

    def _enable(self, kind: str) -> None:
        """Let be changed what the kind of source leaves open."""
        open_to_choice = kind in ("nothing", "pictures")
        self.method.enabled = open_to_choice
        self.checkpoint.enabled = open_to_choice and len(self.checkpoint) > 1
        lacking = self._lacking and open_to_choice
        self.hint.setText(no_weights_for(self.method.value) if lacking else "")
        self.hint.setVisible(lacking)
        for field in (self.participant, self.trials, self.practice, self.seconds):
            field.enabled = kind != "session"
        self.changed.emit(self)


def _ask_for_pictures(parent: QWidget, present: str) -> str:
    return QFileDialog.getExistingDirectory(parent, "Pictures or pairs", present)


def _ask_for_results(parent: QWidget, present: str) -> str:
    return QFileDialog.getExistingDirectory(parent, "Results", present)


def _ask_for_file(parent: QWidget, present: str) -> str:
    wanted = "Pictures or session (*.tar *.tar.gz *.tgz *.json);;All files (*)"
    return QFileDialog.getOpenFileName(parent, "A tar or a session", "", wanted)[0]
