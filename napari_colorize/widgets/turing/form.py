"""The page that sets a sitting up: what is shown, by which method, to whom, how long."""

from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QLabel, QWidget

from napari_colorize.widgets.shared.form import ChoiceBox, PathBox
from napari_colorize.widgets.shared.weights import WeightsForm, methods_on_offer, weights_on_offer
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


class SetUpForm(WeightsForm):
    """A form over :class:`Wish`. What the chosen file decides by itself is not asked."""

    OTHERS = tuple((f"{name.capitalize()} (control)", name) for name in CONTROLS)

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
                    [*methods_on_offer(()), *self.OTHERS],
                    "Who recolours. The controls know nothing of what is in a picture.",
                ),
                "checkpoint": ChoiceBox(weights_on_offer(()), "The method's weights."),
                "results": PathBox(
                    {"Folder…": _ask_for_results},
                    tooltip="Where pairs, session files and results are kept.",
                ),
            },
        )
        self.kind = QLabel()
        self.kind.setWordWrap(True)
        self.kind.setStyleSheet("font-style: italic;")
        self.rows.insertRow(1, "", self.kind)
        self.results.value = Path.home() / DEFAULT_RESULTS
        self.participant.native.setPlaceholderText("A name or a number")
        self.pictures.changed.connect(self._show_kind)
        self.follow_weights()
        self._show_kind()

    def show_method(self) -> None:
        """Let be changed what the source leaves open."""
        self._enable(kind_of(self.pictures.value))

    def _show_kind(self) -> None:
        kind = kind_of(self.pictures.value)
        self.kind.setText(KINDS[kind])
        self._enable(kind)
        self.changed.emit(self)

    def _enable(self, kind: str) -> None:
        """Let be changed what the kind of source leaves open."""
        open_to_choice = kind in ("nothing", "pictures")
        self.method.enabled = open_to_choice
        self.checkpoint.enabled = open_to_choice and len(self.checkpoint) > 1
        self.complain(self.lacking if open_to_choice else "")
        for field in (self.participant, self.trials, self.practice, self.seconds):
            field.enabled = kind != "session"


def _ask_for_pictures(parent: QWidget, present: str) -> str:
    return QFileDialog.getExistingDirectory(parent, "Pictures or pairs", present)


def _ask_for_results(parent: QWidget, present: str) -> str:
    return QFileDialog.getExistingDirectory(parent, "Results", present)


def _ask_for_file(parent: QWidget, present: str) -> str:
    wanted = "Pictures or session (*.tar *.tar.gz *.tgz *.json);;All files (*)"
    return QFileDialog.getOpenFileName(parent, "A tar or a session", "", wanted)[0]
