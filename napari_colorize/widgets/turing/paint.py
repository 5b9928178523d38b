"""What the participant sees, painted: two pictures, empty frames, a cross, a few words.

Everything stands on one mid-grey, and both pictures are treated alike.
"""

from qtpy.QtCore import QRect, QRectF, Qt
from qtpy.QtGui import QColor, QFont, QImage, QPainter, QPen, QPixmap

SURROUND = QColor(119, 119, 119)
"""The sRGB grey of L* = 50, which favours no colour."""
_FRAME, _INK, _FAINT = QColor(92, 92, 92), QColor(250, 250, 250), QColor(215, 215, 215)
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
        _write(painter, frame, arrow, _FAINT, 30)
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
