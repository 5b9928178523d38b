"""The share fooled and its interval on a line from 0 to 100 %, where 50 % cannot be told apart."""

from collections.abc import Sequence

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_colorize.widgets.turing.tally import Fooled

ACCENT = QColor(74, 144, 226)
"""A blue that stands out in napari's dark and light themes."""
_ROW, _EDGE, _FOOT = 54, 16, 22


class FooledGauge(QWidget):
    """Paints one line for each method, readable in any theme."""

    def __init__(self) -> None:
        super().__init__()
        self._methods: tuple[Fooled, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_methods(self, methods: Sequence[Fooled]) -> None:
        """Show other shares."""
        self._methods = tuple(methods)
        self.setAccessibleName("; ".join(f"{one.method}: {one.sentence}" for one in methods))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """A row a method and the scale."""
        return QSize(320, _ROW * len(self._methods) + _FOOT)

    def minimumSizeHint(self) -> QSize:
        """As high as the rows."""
        return QSize(200, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint the rows above their scale."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = self.palette().windowText().color()
        faint = self.palette().windowText().color()
        faint.setAlphaF(0.35)
        bottom = _ROW * len(self._methods)
        painter.setPen(QPen(faint, 1, Qt.PenStyle.DashLine))
        painter.drawLine(int(self._at(0.5)), 0, int(self._at(0.5)), bottom)
        for row, one in enumerate(self._methods):
            self._paint_row(painter, row * _ROW, one, ink, faint)
        painter.setPen(faint)
        for share, text in ((0.0, "0 %"), (0.5, "50 %: cannot be told apart"), (1.0, "100 %")):
            self._paint_label(painter, self._at(share), bottom, text)

    def _at(self, share: float) -> float:
        return _EDGE + share * (self.width() - 2 * _EDGE)

    def _paint_row(
        self, painter: QPainter, top: int, one: Fooled, ink: QColor, faint: QColor
    ) -> None:
        painter.setPen(ink)
        text = QRectF(_EDGE, top, self.width() - 2 * _EDGE, 22)
        painter.drawText(
            text, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, one.method
        )
        middle = top + 36
        painter.setPen(QPen(faint, 2))
        painter.drawLine(int(self._at(0)), middle, int(self._at(1)), middle)
        pen = QPen(ACCENT, 7)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawLine(int(self._at(one.low)), middle, int(self._at(one.high)), middle)
        painter.setPen(QPen(ACCENT, 2))
        painter.setBrush(ink)
        painter.drawEllipse(QRectF(self._at(one.share) - 6, middle - 6, 12, 12))

    def _paint_label(self, painter: QPainter, x: float, top: int, text: str) -> None:
        width = painter.fontMetrics().horizontalAdvance(text) + 4
        left = min(max(x - width / 2, 0), self.width() - width)
        painter.drawText(QRectF(left, top, width, _FOOT), Qt.AlignmentFlag.AlignCenter, text)
