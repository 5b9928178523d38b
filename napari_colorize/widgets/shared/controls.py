"""What panels are put together from: the controls of a run, sentences, rows, pictures."""

import re

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtGui import QImage, QPixmap, QResizeEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget
from superqt import QCollapsible

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
        self._keep_height()

    def text(self) -> str:
        """Return the text as it was given."""
        return self._said

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # Qt's name
        """Ask for the height that the text has at this width: forms would cut lines off."""
        super().resizeEvent(event)
        self._keep_height()

    def _keep_height(self) -> None:
        self.setMinimumHeight(max(0, self.heightForWidth(self.width())) if self._said else 0)


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


class Section(QCollapsible):
    """Rows under a title, folded at first; what is folded away cannot be reached by keys either."""

    def __init__(self, title: str) -> None:
        super().__init__(title, expandedIcon="▾", collapsedIcon="▸")
        self.toggleButton().setStyleSheet(_TITLE)
        self.content().setVisible(False)
        self.toggled.connect(self.content().setVisible)

    def expand(self, animate: bool = True) -> None:
        """Unfold it."""
        self.content().setVisible(True)  # its height is asked for before the signal comes
        super().expand(animate)


_TITLE = """
QPushButton { text-align: left; border: none; }
QPushButton:focus { text-decoration: underline; }
"""


def caveat(text: str) -> QLabel:
    """Return a sentence that nobody must overlook."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setStyleSheet("font-style: italic;")
    return label


def image_of(rgb: np.ndarray) -> QImage:
    """Return a picture ``(H, W, 3)`` uint8 as an image that owns its pixels."""
    height, width, _ = rgb.shape
    image = QImage(rgb.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
    return image.convertToFormat(QImage.Format.Format_RGB32)  # which copies the pixels


def fitted(image: QImage, side: int, ratio: float) -> QPixmap:
    """Fit a picture into a square, in the screen's own pixels, so that painting is a copy.

    Parameters
    ----------
    image : QImage
    side : int
        Of the square, in Qt's pixels.
    ratio : float
        The screen's pixels in one of Qt's.
    """
    pixels = round(side * ratio)
    keep, smooth = (
        Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
    pixmap = QPixmap.fromImage(image.scaled(pixels, pixels, keep, smooth))
    pixmap.setDevicePixelRatio(ratio)
    return pixmap
