"""What a person chooses or keeps by dialogs: colours, palettes, references, sessions."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from napari_colorize.guided.decisions import Reference, picture_of
from napari_colorize.guided.files import SUFFIX, read_session, write_session
from napari_colorize.guided.hints import Hints
from napari_colorize.guided.marks import MEANINGS, checked_colour, chroma_of
from napari_colorize.guided.palettes import Palette, hex_at, palette_of
from napari_colorize.widgets.colorize.hold import is_lazy
from napari_colorize.widgets.guide.session import Session
from napari_colorize.widgets.layers.placement import placement_of
from napari_colorize.widgets.layers.planes import spatial_shape
from napari_colorize.widgets.shared.controls import Sentence

if TYPE_CHECKING:
    from napari.components import ViewerModel

PLACE = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")

SIDE, REACH = 240, 110.0
"""Pixels of the plane of a and b, and how far its axes go, in Lab units."""

MOVED = 4.0
"""A colour that had to be moved by more Lab units is said to be."""


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
        self._wish: tuple[float, float] = (0.0, 0.0)
        self.plane = GamutPlane()
        self.lightness = QSlider(Qt.Orientation.Horizontal)
        self.lightness.setRange(1, 99)
        self.lightness.setToolTip("Lightness L* of the place; it stays what it is in the picture.")
        self.sample = QLabel()
        self.sample.setFixedHeight(28)
        self.said = Sentence()
        self.text = QLineEdit()
        self.text.setToolTip("The same as text: #rrggbb or a name such as crimson.")
        known = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(known.Ok | known.Cancel)
        column = QVBoxLayout(self)
        for widget, name in (
            (self.plane, "Colours of this lightness"),
            (self.lightness, "Lightness"),
            (self.text, "Colour as text"),
        ):
            widget.setAccessibleName(name)
        for shown in (
            *(self.plane, self.lightness, self.sample, self.text, self.said, self.buttons),
        ):
            column.addWidget(shown)
        self.plane.picked.connect(self._take)
        self.lightness.valueChanged.connect(self._show)
        self.text.editingFinished.connect(self._read)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.lightness.setValue(round(min(99.0, max(1.0, lightness))))
        if colour not in MEANINGS:
            a, b = chroma_of([colour])[0]
            self._wish = float(a), float(b)
        self._show()

    @property
    def colour(self) -> str:
        """The chosen colour, ``"#rrggbb"``, as it is at the lightness shown."""
        return hex_at(self.lightness.value(), self._wish)

    def _take(self, a: float, b: float) -> None:
        self._wish = a, b
        self._show()

    def _read(self) -> None:
        try:
            colour = checked_colour(self.text.text())
        except (TypeError, ValueError) as error:
            self.said.setText(str(error))
            return
        a, b = chroma_of([colour])[0]
        if self.text.text() != self.colour:
            self._wish = float(a), float(b)
            self._show()

    def _show(self) -> None:
        lightness = float(self.lightness.value())
        fitted = chroma_of([self.colour])[0]
        self.plane.show_lightness(lightness)
        self.plane.mark(float(fitted[0]), float(fitted[1]))
        self.sample.setStyleSheet(f"background: {self.colour}; border: 1px solid grey;")
        self.text.setText(self.colour)
        apart = float(np.hypot(*(fitted - self._wish)))
        self.said.setText(
            f"At lightness {lightness:.0f} no colour is as strong as that; the nearest of this "
            "hue is taken."
            if apart > MOVED
            else ""
        )


def chosen_palette(parent: QWidget, chosen: str) -> Palette | None:
    """Return a palette by name, or of a file that is asked for; ``None`` for none."""
    if chosen == "file":
        chosen, _ = QFileDialog.getOpenFileName(parent, "Palette", "", "*.gpl *.ase")
    return palette_of(chosen or None)


def chosen_reference(parent: QWidget, chosen: Any) -> Reference | None:
    """Return a reference of a layer, of a path, or of a file that is asked for.

    Raises
    ------
    ValueError, TypeError, OSError
        It has no colour, or cannot be read.
    """
    if isinstance(chosen, str) and chosen == "file":
        chosen, _ = QFileDialog.getOpenFileName(parent, "Reference picture")
    if chosen is None or chosen == "":
        return None
    return Reference(*picture_of(chosen if isinstance(chosen, str) else chosen.data))


def writing_hints(hints: Hints, path: Path) -> Callable[..., str]:
    """Return the work that writes hints; a file of that name is replaced, as the dialog asked."""
    return lambda progress, should_stop: f"Saved {hints.save(path, overwrite=True).name}."


def writing(session: Session, path: Path, settings: Mapping[str, Any]) -> Callable[..., str]:
    """Return the work that writes picture, strokes, points and table as they are now.

    Raises
    ------
    ValueError
        The picture is gone, or is read from a disk when looked at.
    """
    source = session.source
    if source is None:
        raise ValueError("The picture is gone; there is no session to save.")
    if is_lazy(source):
        raise ValueError(
            f"Layer '{source.name}' is read from disk when it is looked at, and too large for "
            f"a session; save the hints of its planes (*{SUFFIX})."
        )
    numbers = session.points.features["label"].to_numpy(float)
    sizes = np.asarray(session.points.size, float).reshape(len(numbers), -1).mean(1)
    arrays = {
        "picture": source.data,
        "strokes": np.array(session.labels.data),
        "points": np.column_stack([session.points.data, numbers, sizes]),
    }
    place = {
        name: np.asarray(value).tolist() if isinstance(value, np.ndarray) else value
        for name, value in placement_of(source).items()
    }
    about = {
        "name": source.name,
        "rgb": bool(source.rgb),
        "place": place | {"units": [str(unit) for unit in place["units"]]},
        "contrast_limits": [float(limit) for limit in source.contrast_limits],
        "gamma": float(source.gamma),
        "table": {str(label): colour for label, colour in session.table.items()},
        "settings": dict(settings),
    }

    def write(progress: Any, should_stop: Any) -> str:
        return f"Saved {write_session(path, arrays, about).name}."

    return write


def opened(viewer: "ViewerModel", path: Path) -> tuple[Session, dict[str, Any]]:
    """Add a session's picture, strokes and points to a viewer.

    Returns
    -------
    session, settings

    Raises
    ------
    ValueError, FileNotFoundError
        It is no session; nothing is added then.
    """
    from napari.layers import Image, Labels

    arrays, about = read_session(path)
    try:
        place = {name: about["place"][name] for name in PLACE}
        picture = Image(arrays["picture"], rgb=about["rgb"], name=str(about["name"]), **place)
        if not picture.rgb:
            picture.contrast_limits = about["contrast_limits"]
            picture.gamma = about["gamma"]
        strokes = Labels(arrays["strokes"], name=f"{picture.name} (strokes)", **place)
        if strokes.data.shape != spatial_shape(picture):
            raise ValueError("its strokes are for a picture of another size")
        points = arrays["points"]
        if points.shape[1] != picture.ndim + 2:
            raise ValueError("its points have other axes than its picture")
        table = {label: checked_colour(colour) for label, colour in about["table"].items()}
        settings = dict(about["settings"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path.name} cannot be opened: {error}.") from None
    viewer.add_layer(picture)
    viewer.add_layer(strokes)
    session = Session(viewer, picture, strokes)
    session.put_points(points[:, :-2], points[:, -2], points[:, -1])
    session.take_over(table)
    if table:
        session.choose(min(table))
    return session, settings
