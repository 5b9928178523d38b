"""A dialog that shows which colours sRGB has at one lightness, and lets one be chosen."""

import numpy as np
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QLineEdit,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from napari_colorize.guided.marks import MEANINGS, checked_colour, chroma_of
from napari_colorize.guided.palettes import hex_at

SIDE, REACH = 240, 110.0
"""Pixels of the plane of a and b, and how far its axes go, in Lab units."""


def plane_of_colours(lightness: float, side: int = SIDE) -> np.ndarray:
    """Return the colours of one lightness as an RGBA picture, transparent where there is none.

    Parameters
    ----------
    lightness : float
        L*, 0…100.
    side : int
        Of the picture; b points up, a to the right, each -110…110.

    Returns
    -------
    (side, side, 4) uint8 array
    """
    import torch

    from napari_colorize import ops

    along = torch.linspace(-REACH, REACH, side)
    b, a = torch.meshgrid(-along, along, indexing="ij")
    lab = torch.stack([torch.full_like(a, lightness), a, b], -1)
    _, outside = ops.gamut_clip(lab, channel_dim=-1)
    rgb = ops.lab_to_rgb(lab, channel_dim=-1, dtype=torch.uint8).numpy()
    alpha = np.where(outside.numpy(), 0, 255).astype(np.uint8)
    return np.concatenate([rgb, alpha[..., None]], -1)


class GamutPlane(QWidget):
    """The a and b of one lightness, to click into."""

    picked = Signal(float, float)

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(SIDE, SIDE)
        self.setToolTip("The colours that exist at this lightness; click to take one.")
        self._at = 0.0, 0.0
        self.show_lightness(50.0)

    def show_lightness(self, lightness: float) -> None:
        """Show the colours of another lightness."""
        self._pixels = np.ascontiguousarray(plane_of_colours(lightness))
        self.update()

    def mark(self, a: float, b: float) -> None:
        """Mark a place."""
        self._at = a, b
        self.update()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # Qt's name
        """Take the colour under the mouse."""
        if event is not None:
            where = event.position()
            scale = 2 * REACH / (SIDE - 1)
            self.picked.emit(where.x() * scale - REACH, REACH - where.y() * scale)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # Qt's name
        """Take the colour under the mouse while it is dragged."""
        self.mousePressEvent(event)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # Qt's name
        """Draw the plane and the mark."""
        painter = QPainter(self)
        image = QImage(self._pixels.tobytes(), SIDE, SIDE, 4 * SIDE, QImage.Format.Format_RGBA8888)
        painter.drawImage(0, 0, image)
        scale = (SIDE - 1) / (2 * REACH)
        x, y = (self._at[0] + REACH) * scale, (REACH - self._at[1]) * scale
        for colour, width in ((Qt.GlobalColor.black, 3), (Qt.GlobalColor.white, 1)):
            painter.setPen(QPen(colour, width))
            painter.drawEllipse(round(x) - 5, round(y) - 5, 10, 10)
        painter.end()


class GamutDialog(QDialog):
    """Chooses a colour that exists at a lightness.

    Parameters
    ----------
    lightness : float
        Of the place that is to be coloured, L* 0…100; it can be changed.
    colour : str
        What is shown first, ``"#rrggbb"``; a word means grey.
    """

    def __init__(self, lightness: float, colour: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Colour at this lightness")
        self._chroma: tuple[float, float] = (0.0, 0.0)
        self.plane = GamutPlane()
        self.lightness = QSlider(Qt.Orientation.Horizontal)
        self.lightness.setRange(1, 99)
        self.lightness.setToolTip("Lightness L* of the place; it stays what it is in the picture.")
        self.sample = QLabel()
        self.sample.setFixedHeight(28)
        self.text = QLineEdit()
        self.text.setToolTip("The same as text: #rrggbb or a name such as crimson.")
        known = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(known.Ok | known.Cancel)
        column = QVBoxLayout(self)
        for widget in (self.plane, self.lightness, self.sample, self.text, self.buttons):
            column.addWidget(widget)
        self.plane.picked.connect(self._take)
        self.lightness.valueChanged.connect(self._show)
        self.text.editingFinished.connect(self._read)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.lightness.setValue(round(min(99.0, max(1.0, lightness))))
        if colour not in MEANINGS:
            a, b = chroma_of([colour])[0]
            self._chroma = float(a), float(b)
        self._show()

    @property
    def colour(self) -> str:
        """The chosen colour, ``"#rrggbb"``, as it is at the lightness shown."""
        return hex_at(self.lightness.value(), self._chroma)

    def _take(self, a: float, b: float) -> None:
        colour = hex_at(self.lightness.value(), (a, b))  # moved to where colours exist
        fitted = chroma_of([colour])[0]
        self._chroma = float(fitted[0]), float(fitted[1])
        self._show()

    def _read(self) -> None:
        try:
            colour = checked_colour(self.text.text())
        except (TypeError, ValueError):
            self._show()
            return
        if colour not in MEANINGS:
            a, b = chroma_of([colour])[0]
            self._chroma = float(a), float(b)
        self._show()

    def _show(self) -> None:
        self.plane.show_lightness(float(self.lightness.value()))
        self.plane.mark(*self._chroma)
        self.sample.setStyleSheet(f"background: {self.colour}; border: 1px solid grey;")
        self.text.setText(self.colour)
