"""A picture as a training colours it now: grey, predicted and true side by side."""

from typing import TYPE_CHECKING

from qtpy.QtCore import QPoint, QRectF, QSize, Qt
from qtpy.QtGui import QImage, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_colorize.widgets.train.watch import Sample
from napari_colorize.widgets.turing.paint import fitted

if TYPE_CHECKING:
    import numpy as np

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


def image_of(picture: "np.ndarray") -> QImage:
    """Return an (h, w, 3) uint8 array as an image that owns its pixels."""
    height, width = picture.shape[:2]
    content = picture.tobytes()
    return QImage(content, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
