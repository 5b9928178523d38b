"""What is seen of a training: its error as it falls, and a picture as it is coloured now."""

import math
from collections.abc import Callable, Sequence

from qtpy.QtCore import QPoint, QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_colorize.widgets.shared.access import ACCENT, CAUTION
from napari_colorize.widgets.shared.controls import fitted, image_of
from napari_colorize.widgets.train.job import Point, Sample

LEARNT, HELD_BACK = ACCENT, CAUTION
"""Blue and orange stand out in dark and light themes, and for the colour-blind."""
_LEFT, _RIGHT, _TOP, _FOOT = 48, 4, 22, 20

Place = Callable[[float, float], QPointF]


class LossCurve(QWidget):
    """Paints two curves over the steps, in bounds that follow them."""

    def __init__(self) -> None:
        super().__init__()
        self._points: tuple[Point, ...] = ()
        self._error = "error"
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(
            "Where the orange curve rises while the blue one falls, pictures are learnt by heart; "
            "the weights of its lowest point are kept."
        )

    @property
    def points(self) -> tuple[Point, ...]:
        """What is painted."""
        return self._points

    def name_error(self, error: str) -> None:
        """Say what is painted, in a few words."""
        self._error = error
        self.update()

    def show_points(self, points: Sequence[Point]) -> None:
        """Paint other curves."""
        if tuple(points) == self._points:
            return
        self._points = tuple(points)
        if points:
            last = points[-1]
            self.setAccessibleName(f"{self._error} {last.learnt:.3g} after {last.step} steps")
        self.update()

    def sizeHint(self) -> QSize:
        """Wide and low."""
        return QSize(300, 120)

    def minimumSizeHint(self) -> QSize:
        """As high as it is."""
        return QSize(180, 120)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint a frame with its bounds, and the curves in it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = self.palette().windowText().color()
        faint = self.palette().windowText().color()
        faint.setAlphaF(0.35)
        frame = QRectF(_LEFT, _TOP, self.width() - _LEFT - _RIGHT, self.height() - _TOP - _FOOT)
        painter.setPen(QPen(faint, 1))
        painter.drawRect(frame)
        self._paint_title(painter, ink)
        bounds = bounds_of(self._points)
        if bounds is None:
            return
        low, high, steps = bounds
        for value, y in ((high, frame.top()), (low, frame.bottom())):
            place = QRectF(0, y - 9, _LEFT - 6, 18)
            painter.setPen(ink)
            painter.drawText(place, _RIGHT_MIDDLE, f"{value:.2g}")
        foot = QRectF(frame.left(), frame.bottom() + 2, frame.width(), _FOOT - 2)
        painter.drawText(foot, Qt.AlignmentFlag.AlignRight, f"{steps} steps")

        def at(step: float, value: float) -> QPointF:
            down = (high - min(max(value, low), high)) / (high - low)
            return QPointF(
                frame.left() + step / steps * frame.width(), frame.top() + down * frame.height()
            )

        learnt = [at(point.step, point.learnt) for point in self._points]
        held_back = [
            at(point.step, point.held_back) for point in self._points if point.held_back is not None
        ]
        _paint_line(painter, learnt, LEARNT)
        _paint_line(painter, held_back, HELD_BACK)

    def _paint_title(self, painter: QPainter, ink: QColor) -> None:
        painter.setPen(ink)
        painter.drawText(QPointF(_LEFT, 14), self._error[:1].upper() + self._error[1:])
        right = float(self.width() - _RIGHT)
        for text, colour in (("set aside", HELD_BACK), ("learnt from", LEARNT)):
            right -= painter.fontMetrics().horizontalAdvance(text)
            painter.setPen(ink)
            painter.drawText(QPointF(right, 14), text)
            painter.setPen(QPen(colour, 3))
            painter.drawLine(QPointF(right - 16, 10), QPointF(right - 4, 10))
            right -= 26


_RIGHT_MIDDLE = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def bounds_of(points: Sequence[Point]) -> tuple[float, float, int] | None:
    """Return lowest and highest error to show, and the number of steps; ``None`` of no points.

    A first error far above all others would press the rest into a line, so the highest is at the
    most three times the median.
    """
    values = [p.learnt for p in points] + [p.held_back for p in points if p.held_back is not None]
    values = sorted(value for value in values if math.isfinite(value))
    if not values or points[-1].step < 1:
        return None
    low, high = values[0], min(values[-1], 3 * values[len(values) // 2])
    room = max(high - low, 0.1 * abs(high), 1e-9)
    return max(0.0, low - 0.1 * room), high + 0.1 * room, points[-1].step


def _paint_line(painter: QPainter, places: Sequence[QPointF], colour: QColor) -> None:
    painter.setPen(QPen(colour, 2))
    painter.drawPolyline(QPolygonF(places))
    if places:
        painter.setBrush(colour)
        painter.drawEllipse(places[-1], 2.5, 2.5)
        painter.setBrush(Qt.BrushStyle.NoBrush)


TITLES = ("Grey", "Predicted", "Truth")
_GAP, _TITLE, _LARGEST = 6, 18, 192


class SampleStrip(QWidget):
    """Paints three pictures of one size, as large as the width allows."""

    def __init__(self) -> None:
        super().__init__()
        self._sample: Sample | None = None
        self._images: list[QImage] = []
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setToolTip(
            "The middle of a picture that is set aside, or, where none is, of one that is learnt "
            "from."
        )

    @property
    def sample(self) -> Sample | None:
        """What is painted."""
        return self._sample

    def show_sample(self, sample: Sample | None) -> None:
        """Paint another sample, or nothing."""
        if sample is self._sample:
            return
        self._sample = sample
        pictures = () if sample is None else (sample.grey, sample.predicted, sample.truth)
        self._images = [image_of(picture) for picture in pictures]
        self.update()

    def hasHeightForWidth(self) -> bool:
        """Squares, side by side."""
        return True

    def heightForWidth(self, width: int) -> int:
        """As high as one square and its title, in a wide dock no higher than is useful."""
        return min((width - 2 * _GAP) // 3, _LARGEST) + _TITLE

    def sizeHint(self) -> QSize:
        """Of the usual width of a dock."""
        return QSize(300, self.heightForWidth(300))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint titles and pictures."""
        painter = QPainter(self)
        ink = self.palette().windowText().color()
        side = min((self.width() - 2 * _GAP) // 3, self.height() - _TITLE)
        first = (self.width() - 3 * side - 2 * _GAP) // 2
        for number, title in enumerate(TITLES):
            left = first + number * (side + _GAP)
            painter.setPen(ink)
            painter.drawText(QRectF(left, 0, side, _TITLE), Qt.AlignmentFlag.AlignHCenter, title)
            if self._images:
                pixmap = fitted(self._images[number], side, self.devicePixelRatioF())
                size = pixmap.deviceIndependentSize()
                spare = QPoint(round((side - size.width()) / 2), round((side - size.height()) / 2))
                painter.drawPixmap(QPoint(left, _TITLE) + spare, pixmap)
            else:
                ink.setAlphaF(0.35)
                painter.setPen(ink)
                painter.drawRect(QRectF(left + 0.5, _TITLE + 0.5, side - 1, side - 1))
                ink.setAlphaF(1.0)
