"""Where the participant looks: two pictures for a set time, then two empty frames and a question.

The time starts when the pictures have been painted and ends when the empty frames have been. No
name is shown, and nothing says whether an answer was right. Everything stands on one mid-grey, and
both pictures are treated alike.
"""

import time
from collections.abc import Callable
from enum import Enum

from qtpy.QtCore import QEvent, QRect, QRectF, QSize, Qt, QTimer, Signal
from qtpy.QtGui import (
    QColor,
    QFont,
    QHideEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_colorize.widgets.shared.controls import fitted

SURROUND = QColor(119, 119, 119)
"""The sRGB grey of L* = 50, which favours no colour."""
_FRAME, _INK = QColor(92, 92, 92), QColor(0, 0, 0)
"""Black is read better on that grey (4.7 : 1) than white (4.5 : 1)."""
_GAP, _EDGE, _BELOW = 16, 20, 34


def frames(area: QRect) -> tuple[QRect, QRect]:
    """Return where the two pictures go: equal squares left and right of the middle."""
    across = (area.width() - _GAP) // 2 - _EDGE
    side = max(min(across, area.height() - 2 * _EDGE - _BELOW), 1)
    top = area.top() + (area.height() - side - _BELOW) // 2
    middle = area.center().x()
    return (
        QRect(middle - _GAP // 2 - side, top, side, side),
        QRect(middle + _GAP // 2, top, side, side),
    )


def paint_pair(painter: QPainter, area: QRect, pixmaps: tuple[QPixmap, QPixmap]) -> None:
    """Paint both pictures in the middle of their frames."""
    for frame, pixmap in zip(frames(area), pixmaps, strict=True):
        place = QRect(frame.topLeft(), pixmap.deviceIndependentSize().toSize())
        place.moveCenter(frame.center())
        painter.drawPixmap(place.topLeft(), pixmap)


def paint_question(painter: QPainter, area: QRect, question: str) -> None:
    """Paint two empty frames with the keys that stand for them, and a question below."""
    left, right = frames(area)
    for frame, arrow in ((left, "←"), (right, "→")):
        painter.setPen(QPen(_FRAME, 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(frame), 8, 8)
        _write(painter, frame, arrow, _INK, 30)
    below = QRect(area.left(), left.bottom() + 6, area.width(), _BELOW)
    _write(painter, below, question, _INK, 13)


def paint_cross(painter: QPainter, area: QRect) -> None:
    """Paint a cross where the middle of the pair will be."""
    painter.setPen(QPen(_INK, 2))
    x, y = area.center().x(), frames(area)[0].center().y()
    painter.drawLine(x - 8, y, x + 8, y)
    painter.drawLine(x, y - 8, x, y + 8)


def paint_message(painter: QPainter, area: QRect, title: str, text: str) -> None:
    """Paint a title and a few words."""
    inner = area.adjusted(32, 0, -32, 0)
    third = inner.height() // 4
    above = QRect(inner.left(), inner.top(), inner.width(), third)
    below = QRect(inner.left(), above.bottom() + 10, inner.width(), inner.height() - third - 10)
    _write(painter, above, title, _INK, 18, Qt.AlignmentFlag.AlignBottom)
    _write(painter, below, text, _INK, 12, Qt.AlignmentFlag.AlignTop)


def _write(
    painter: QPainter,
    place: QRect,
    text: str,
    ink: QColor,
    points: int,
    upright: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignVCenter,
) -> None:
    font = QFont(painter.font())
    font.setPointSize(points)
    painter.setFont(font)
    painter.setPen(ink)
    across = Qt.AlignmentFlag.AlignHCenter
    painter.drawText(place, across | upright | Qt.TextFlag.TextWordWrap, text)


GAP_MS = 600
"""How long the fixation cross stands before a pair."""

QUESTION = "Which one was recoloured?"
_SIDES = {Qt.Key.Key_Left: "left", Qt.Key.Key_Right: "right"}
_GO_KEYS = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)
_OWN_KEYS = (*_SIDES, *_GO_KEYS, Qt.Key.Key_Escape)


class Phase(Enum):
    """What is on the screen."""

    MESSAGE = "message"
    GAP = "gap"
    SHOWN = "shown"
    ASKING = "asking"


class PairView(QWidget):
    """Shows messages and pairs, and takes the answers.

    Signals
    -------
    blanked(float)
        A pair was taken away; how long it stood, in seconds.
    chosen(str, object)
        ``"left"`` or ``"right"``, and the seconds since the pair appeared, or ``None`` if there
        was a pause in between.
    go()
        Space or Enter, or a click, on a message.
    pause_asked()
        Escape, or the view was hidden.
    """

    blanked = Signal(float)
    chosen = Signal(str, object)
    go = Signal()
    pause_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.phase = Phase.MESSAGE
        self._title, self._text = "", ""
        self._pair: tuple[QImage, QImage] | None = None
        self._pixmaps: tuple[QPixmap, QPixmap] | None = None
        self._seconds = 1.0
        self._shown_at: float | None = None
        self._paint_began: float | None = None
        self._gap = _single_shot(self, self._reveal)
        self._display = _single_shot(self, self._on_time)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(260, 240)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName("The two pictures")

    def sizeHint(self) -> QSize:
        """Two pictures of 256 pixels, the paper's size, side by side."""
        return QSize(580, 360)

    # -- what the conductor does ----------------------------------------------------------------

    def show_message(self, title: str, text: str) -> None:
        """Take everything away and show a few words."""
        self._gap.stop()
        self._take_away()
        self._title, self._text = title, text
        self.phase = Phase.MESSAGE
        self.update()

    def show_pair(self, left: QImage, right: QImage, seconds: float) -> None:
        """Show a fixation cross, then two pictures for some seconds, then the question."""
        self._pair, self._pixmaps, self._seconds = (left, right), None, seconds
        self._shown_at = self._paint_began = None
        self.phase = Phase.GAP
        self.update()
        self._gap.start(GAP_MS)

    def ask_again(self) -> None:
        """Ask after a pause for the pair that was already seen; it is not shown again."""
        self._shown_at = None
        self.phase = Phase.ASKING
        self.update()

    # -- what happens -----------------------------------------------------------------------------

    def _reveal(self) -> None:
        self._scale_pair()
        self.phase = Phase.SHOWN
        self.update()

    def _on_painted(self) -> None:
        """Start the time: Qt hands a painting to the screen before it comes back to its events.

        Taking the pair away takes as long as this painting did, so it begins that much earlier.
        """
        began = self._paint_began
        if self.phase is Phase.SHOWN and self._shown_at is None and began is not None:
            self._shown_at = time.perf_counter()
            painting = min(self._shown_at - began, self._seconds / 2)
            self._display.start(round(1000 * (self._seconds - painting)))

    def _on_time(self) -> None:
        self.phase = Phase.ASKING
        self.repaint()
        self._take_away()

    def _take_away(self) -> None:
        """Forget the pair; say how long it stood if it stood until now."""
        self._display.stop()
        if self._pair is not None and self._shown_at is not None:
            self.blanked.emit(time.perf_counter() - self._shown_at)
        self._pair = self._pixmaps = None

    def _choose(self, side: str) -> None:
        seen = self.phase is Phase.SHOWN and self._shown_at is not None
        if not seen and self.phase is not Phase.ASKING:
            return
        seconds = None if self._shown_at is None else time.perf_counter() - self._shown_at
        self.phase = Phase.GAP
        self.repaint()
        self._take_away()
        self.chosen.emit(side, seconds)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Take a click on either half as the answer."""
        if event is None or event.button() != Qt.MouseButton.LeftButton:
            return
        if self.phase is Phase.MESSAGE:
            self.go.emit()
        else:
            self._choose("left" if event.position().x() < self.width() / 2 else "right")

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Take ← and → as the answer, Escape as a pause."""
        if event is None or event.isAutoRepeat():
            return
        key = Qt.Key(event.key())
        if key in _SIDES:
            self._choose(_SIDES[key])
        elif key in _GO_KEYS and self.phase is Phase.MESSAGE:
            self.go.emit()
        elif key == Qt.Key.Key_Escape and self.phase is not Phase.MESSAGE:
            self.pause_asked.emit()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent | None) -> bool:
        """Keep the answer keys from napari's shortcuts."""
        overrides = event is not None and event.type() == QEvent.Type.ShortcutOverride
        if overrides and isinstance(event, QKeyEvent) and event.key() in _OWN_KEYS:
            event.accept()
            return True
        return super().event(event)

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Pause when the panel is closed or another one covers it."""
        if self.phase is not Phase.MESSAGE:
            self.pause_asked.emit()
        super().hideEvent(event)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Fit the pictures anew."""
        self._pixmaps = None
        super().resizeEvent(event)

    # -- how it looks ---------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint the phase; the first painting of a pair starts its time."""
        began = time.perf_counter()
        painter = QPainter(self)
        painter.fillRect(self.rect(), SURROUND)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.phase is Phase.MESSAGE:
            paint_message(painter, self.rect(), self._title, self._text)
        elif self.phase is Phase.GAP:
            paint_cross(painter, self.rect())
        elif self.phase is Phase.ASKING:
            paint_question(painter, self.rect(), QUESTION)
        else:
            self._paint_pair(painter)
        painter.end()
        if self.phase is Phase.SHOWN and self._paint_began is None:
            self._paint_began = began
            QTimer.singleShot(0, self._on_painted)

    def _paint_pair(self, painter: QPainter) -> None:
        if self._pixmaps is None:
            self._scale_pair()
        if self._pixmaps is not None:
            paint_pair(painter, self.rect(), self._pixmaps)

    def _scale_pair(self) -> None:
        if self._pair is not None:
            side = frames(self.rect())[0].width()
            left, right = (fitted(image, side, self.devicePixelRatioF()) for image in self._pair)
            self._pixmaps = (left, right)


def _single_shot(parent: QWidget, call: Callable[[], None]) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(call)
    return timer
