"""What every panel that runs something shows of it: *Cancel*, a bar, a sentence; and its start."""

import re

from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

_TICKS = 1000
_LONG_WORD = re.compile(r"\S{25,}")
_BREAK = "\u200b"
"""Zero wide; a line may end there."""


def _breakable(word: re.Match[str]) -> str:
    return re.sub(r"([/\\_.:-]+|\S{12}(?=\S))", rf"\1{_BREAK}", word.group())


class Sentence(QLabel):
    """A text that wraps even in the middle of paths and hashes, so that no dock grows with it."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.setWordWrap(True)
        self._said = ""
        self.setText(text)

    def setText(self, text: str | None) -> None:  # Qt's name
        """Show a text."""
        self._said = text or ""
        super().setText(_LONG_WORD.sub(_breakable, self._said))

    def text(self) -> str:
        """Return the text as it was given."""
        return self._said


class TaskControls:
    """The widgets of something that is under way, and their two states.

    Parameters
    ----------
    cancelling : str
        What *Cancel* does; its tool tip.
    """

    def __init__(self, cancelling: str) -> None:
        self.cancel = QPushButton("Cancel")
        self.progress = QProgressBar()
        self.status = Sentence()
        self.cancel.setToolTip(cancelling)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(8)

    def show_busy(self, share: float | None, text: str) -> None:
        """Show that something is under way, and how far: 0…1, or ``None`` where nobody knows."""
        self.cancel.setEnabled(True)
        self.progress.setRange(0, 0 if share is None else _TICKS)  # 0 … 0 moves to and fro
        self.progress.setValue(round((share or 0) * _TICKS))
        self.progress.setVisible(True)
        self.status.setText(text)

    def show_rest(self, text: str) -> None:
        """Show that nothing is under way any more, and a sentence on how it ended."""
        self.cancel.setEnabled(False)
        self.progress.setVisible(False)
        self.status.setText(text)


class RunControls(TaskControls):
    """The same with the one button that starts it.

    Parameters
    ----------
    title : str
        Of that button.
    does, cancelling : str
        What the two buttons do; their tool tips.
    """

    def __init__(self, title: str, does: str, cancelling: str) -> None:
        super().__init__(cancelling)
        self.run = QPushButton(title)
        self.run.setStyleSheet("font-weight: bold;")
        self.run.setToolTip(does)

    def show_busy(self, share: float | None, text: str) -> None:
        """Show that a run is under way, and how far."""
        self.run.setEnabled(False)
        super().show_busy(share, text)

    def add_to(self, column: QVBoxLayout) -> None:
        """Lay the buttons out beside each other, the bar and the sentence below."""
        column.addLayout(row(self.run, self.cancel))
        column.addWidget(self.progress)
        column.addWidget(self.status)


def row(*widgets: QWidget) -> QHBoxLayout:
    """Return a layout of widgets beside each other."""
    beside = QHBoxLayout()
    for widget in widgets:
        beside.addWidget(widget)
    return beside


def caveat(text: str) -> QLabel:
    """Return a sentence that nobody must overlook."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setStyleSheet("font-style: italic;")
    return label
