"""The layers of one guided colouring, and the colours of their labels. Knows no Qt."""

import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorize.guided.hints import Hints
from napari_colorize.guided.marks import (
    LOCKED,
    NEUTRAL,
    PREDICTED,
    WALL,
    Point,
    checked_colour,
)
from napari_colorize.widgets.layers.placement import placement_of
from napari_colorize.widgets.layers.planes import Plane, plane_on_screen, read_plane, spatial_shape

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Points

SHOWN = {NEUTRAL: "#808080", PREDICTED: "#f5f5dc", LOCKED: "#303030", WALL: "#ffffff"}
"""How strokes look that mean no colour."""

BRUSH = 9
MOST_LABELS = 255

ELSEWHERE = {"": "follows the hints", PREDICTED: PREDICTED, NEUTRAL: NEUTRAL}
"""What the pixels without a label are to do, and how that is said."""


class Session:
    """A source, a Labels layer of strokes or regions, a Points layer, and a colour for each label.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
    source : napari.layers.Image
        The picture, plain (no pyramid); only a weak reference is kept.
    labels : napari.layers.Labels, optional
        Regions that are there already; left out, an empty layer of strokes is added.
    """

    def __init__(
        self, viewer: "ViewerModel", source: "Image", labels: "Labels | None" = None
    ) -> None:
        if source.multiscale:
            raise ValueError(
                f"Layer '{source.name}' is a pyramid; strokes need one resolution. Add a level of "
                "it as a layer of its own."
            )
        self._viewer = viewer
        self._source = weakref.ref(source)
        self.table: dict[int, str] = {}
        self.elsewhere = ""
        shape = spatial_shape(source)
        if labels is not None and tuple(labels.data.shape) != shape:
            raise ValueError(
                f"Layer '{labels.name}' has shape {tuple(labels.data.shape)}, the picture {shape}; "
                "regions must be labels of the same picture."
            )
        place = placement_of(source)
        self.labels: Labels = (
            labels if labels is not None else self._add_labels(source, shape, place)
        )
        self.points: Points = self._add_points(source, place)
        if labels is not None:
            self._name_all(labels)
        viewer.layers.selection.active = self.labels

    @property
    def source(self) -> "Image | None":
        """The picture, while the viewer has it."""
        layer = self._source()
        return layer if self._has(layer) else None

    @property
    def alive(self) -> bool:
        """Whether all that is needed is still in the viewer."""
        return self.source is not None and self._has(self.labels)

    # -- the table ------------------------------------------------------------------------------

    def add(self, meaning: Any) -> int:
        """Give the next free label a meaning, and choose it for painting; returns the label."""
        label = next(n for n in range(1, MOST_LABELS + 2) if n not in self.table)
        if label > MOST_LABELS:
            raise ValueError(f"There are {MOST_LABELS} labels already; change the colour of one.")
        self.change(label, meaning)
        self.choose(label)
        return label

    def change(self, label: int, meaning: Any) -> None:
        """Give a label another meaning; what is painted with it follows."""
        self.table[label] = checked_colour(meaning)
        self._show_colours()

    def take_over(self, table: Mapping[int, Any]) -> None:
        """Take a whole table in the place of this one, for labels that are painted already."""
        self.table = {int(label): checked_colour(colour) for label, colour in table.items()}
        self._show_colours()

    def choose(self, label: int) -> None:
        """Paint with a label from now on."""
        self.labels.selected_label = label
        self.points.feature_defaults["label"] = label
        self.points.current_face_color = self._shown(label)
        if self.labels.mode == "pan_zoom":
            self.labels.mode = "paint"

    # -- hints ----------------------------------------------------------------------------------

    def plane(self) -> Plane:
        """Return the plane on screen."""
        source = self.source
        if source is None:
            raise ValueError("The picture is gone; start again with another.")
        return plane_on_screen(source, self._viewer.dims)

    def hints(self, plane: Plane | None = None) -> Hints:
        """Return what is said of a plane, oriented as on screen; by default of that on screen."""
        plane = plane or self.plane()
        labels = np.array(read_plane(self.labels.data, plane))
        table = dict(self.table)
        if self.elsewhere and (labels == 0).any():
            rest = max([*table, int(labels.max()), 0]) + 1
            labels = np.where(labels == 0, rest, labels)
            table[rest] = self.elsewhere
        used = {int(n) for n in np.unique(labels)} - {0}
        kept = {label: table[label] for label in sorted(used & table.keys())}
        labels[~np.isin(labels, list(kept))] = 0  # a label without a colour says nothing yet
        return Hints(
            labels=labels if kept else None,
            colours=kept,
            points=self._points_in(plane, labels.shape),
            shape=labels.shape,
        )

    def open(self, hints: Hints) -> None:
        """Put hints into the layers, on the plane on screen, in the place of what is there.

        Raises
        ------
        ValueError
            They are for another size, or hold outlines, which no layer here can show.
        """
        plane = self.plane()
        shape = read_plane(self.labels.data, plane).shape
        hints.drawn(shape)  # refuses what does not fit
        if hints.polygons:
            raise ValueError("The file holds outlines, which the panel cannot show as strokes.")
        table = dict(hints.colours)
        labels = np.zeros(shape, self.labels.data.dtype)
        if hints.labels is not None:
            labels[...] = hints.labels
        rows = []
        for point in hints.points:
            known = [label for label, colour in table.items() if colour == point.colour]
            label = known[0] if known else max(table, default=0) + 1
            table[label] = point.colour
            rows.append((self._position(plane, point), label, 2 * point.radius))
        self.labels.data[plane.slicing] = labels if plane.upright else labels.T
        self.labels.refresh()
        self.points.data = np.array([row[0] for row in rows]).reshape(-1, self.points.ndim)
        self.points.features = {"label": [row[1] for row in rows]}
        if rows:
            self.points.size = [max(row[2], 1) for row in rows]
        self.take_over(table)

    def save(self, path: Path) -> Path:
        """Write what is said of the plane on screen as a file of hints."""
        return self.hints().save(path, overwrite=True)

    def colour_under(self, layer: "Image", position: Any) -> str | None:
        """Return the colour of an RGB layer at a world position, or None where there is none."""
        value = layer.get_value(position, world=True)
        if value is None or np.ndim(value) != 1 or len(value) < 3:
            return None
        channels = np.asarray(value[:3], dtype=float)
        scale = (
            1
            if layer.data.dtype == np.uint8
            else 255 / (65535 if layer.data.dtype.kind == "u" else 1)
        )
        return checked_colour([round(float(c)) for c in np.clip(channels * scale, 0, 255)])

    # -- layers ---------------------------------------------------------------------------------

    def _add_labels(
        self, source: "Image", shape: tuple[int, ...], place: dict[str, Any]
    ) -> "Labels":
        from napari.layers import Labels

        layer = Labels(np.zeros(shape, np.uint8), name=f"{source.name} (strokes)", **place)
        layer.brush_size = BRUSH
        self._viewer.add_layer(layer)
        return layer

    def _add_points(self, source: "Image", place: dict[str, Any]) -> "Points":
        from napari.layers import Points

        layer = Points(
            ndim=source.ndim,
            name=f"{source.name} (hints)",
            size=5,
            border_color="white",
            features={"label": np.zeros(0, int)},
            **place,
        )
        self._viewer.add_layer(layer)
        return layer

    def _name_all(self, labels: "Labels") -> None:
        """Give the regions that are there colours that anybody can tell apart, to begin with."""
        from napari_colorize.guided.palettes import NAMED

        numbers = [int(n) for n in np.unique(labels.data) if n]
        colours = [colour for colour in NAMED["okabe-ito"] if colour != "#000000"]
        self.take_over({n: colours[i % len(colours)] for i, n in enumerate(numbers)})

    def _points_in(self, plane: Plane, shape: tuple[int, int]) -> tuple[Point, ...]:
        down, across = plane.shown
        found = []
        numbers = self.points.features["label"].to_numpy()
        for place, number, size in zip(self.points.data, numbers, self.points.size, strict=True):
            here = all(round(float(place[axis])) == index for axis, index in plane.at)
            row, column = float(place[down]), float(place[across])
            inside = -0.5 <= row < shape[0] - 0.5 and -0.5 <= column < shape[1] - 0.5
            if here and inside and int(number) in self.table:
                radius = float(np.mean(size)) / 2
                found.append(Point(row, column, self.table[int(number)], radius))
        return tuple(found)

    def _position(self, plane: Plane, point: Point) -> list[float]:
        position = [0.0] * self.points.ndim
        position[plane.shown[0]], position[plane.shown[1]] = point.row, point.column
        for axis, index in plane.at:
            position[axis] = float(index)
        return position

    def _shown(self, label: int) -> str:
        meaning = self.table.get(label, NEUTRAL)
        return SHOWN.get(meaning, meaning)

    def _show_colours(self) -> None:
        from napari.utils.colormaps import DirectLabelColormap

        colours: dict[int | None, str] = {None: "transparent", 0: "transparent"}
        colours |= {label: self._shown(label) for label in self.table}
        self.labels.colormap = DirectLabelColormap(color_dict=colours)
        numbers = self.points.features["label"].to_numpy()
        if len(numbers):
            self.points.face_color = [self._shown(int(number)) for number in numbers]

    def _has(self, layer: Any) -> bool:
        return layer is not None and any(one is layer for one in self._viewer.layers)
