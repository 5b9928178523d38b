"""The layers of one guided colouring, and the colours of their labels. Knows no Qt."""

import weakref
from collections.abc import Iterable, Mapping
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
    labels_in,
)
from napari_colorize.guided.palettes import NAMED, palette_of
from napari_colorize.guided.regions import table_by
from napari_colorize.storage import slug
from napari_colorize.widgets.guide.asks import Said, drawn_area
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
        self.elsewhere, self.soft = "", 0
        self.within: Any = None
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

    @property
    def name(self) -> str:
        """What the picture is called, as the name of a file."""
        source = self.source
        return slug("" if source is None else source.name, "session")

    # -- the table ------------------------------------------------------------------------------

    def add(self, meaning: Any) -> int:
        """Give the label that is painted with a meaning, or the next free one if it has one."""
        label = int(self.labels.selected_label)
        if label < 1 or label in self.table:
            label = next(n for n in range(1, MOST_LABELS + 2) if n not in self.table)
            if label > MOST_LABELS:
                raise ValueError(
                    f"There are {MOST_LABELS} labels already; change the colour of one."
                )
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
        """Paint with a label from now on; points that are selected take it."""
        self.labels.selected_label = label
        self.points.feature_defaults["label"] = label
        if self._viewer.layers.selection.active is self.points and self.points.selected_data:
            changed = self.points.features["label"].to_numpy().copy()
            changed[sorted(self.points.selected_data)] = label
            self.points.features = {"label": changed}
        self.points.current_face_color = self._shown(label)
        if self.labels.mode == "pan_zoom":
            self.labels.mode = "paint"

    @property
    def columns(self) -> list[str]:
        """The columns of measurements that the labels come with."""
        return [str(name) for name in self.labels.features.columns if name != "index"]

    def colour_by(self, column: str, kind: str, name: str) -> None:
        """Give all labels colours by their number, or by a column of the layer's features.

        Parameters
        ----------
        column : str
            Empty: the labels' own numbers.
        kind : {"palette", "map"}
            Colours in turn, or along a colour map of napari.
        name : str
            Of the palette or the map.
        """
        from napari.utils.colormaps import ensure_colormap

        palette = palette_of(name) if kind == "palette" else None
        colours: Any = ensure_colormap(name).map if palette is None else palette.colours
        numbers = sorted({*labels_in(np.asarray(self.labels.data)), *self.table})
        values: dict[int, Any] = {n: n for n in numbers}
        if column:
            features = self.labels.features
            if "index" not in features or column not in features:
                raise ValueError(
                    f"Layer '{self.labels.name}' has no column '{column}' with an 'index' of "
                    "labels beside it; add both to its features."
                )
            found = dict(zip(features["index"].astype(int), features[column], strict=True))
            values = {n: found.get(n) for n in numbers}
        self.take_over(table_by(values, colours))

    # -- hints ----------------------------------------------------------------------------------

    def plane(self) -> Plane:
        """Return the plane on screen."""
        source = self.source
        if source is None:
            raise ValueError("The picture is gone; start again with another.")
        return plane_on_screen(source, self._viewer.dims)

    def said(self, plane: Plane | None = None) -> Said:
        """Return what the layers say of a plane now; by default of that on screen."""
        plane = plane or self.plane()
        labels = np.array(read_plane(self.labels.data, plane))
        points, beyond = self._points_in(plane, labels.shape)
        return Said(
            labels=labels,
            table=dict(self.table),
            points=points,
            beyond=beyond,
            elsewhere=self.elsewhere,
            soft=self.soft,
            within=self._area_in(plane, labels.shape),
        )

    def hints(self, plane: Plane | None = None) -> Hints:
        """Return the hints of a plane, oriented as on screen; by default of that on screen."""
        from napari_colorize.pipeline import image as pictures

        plane, source = plane or self.plane(), self.source
        if source is None:
            raise ValueError("The picture is gone; start again with another.")
        said = self.said(plane)
        if said.within is None or not isinstance(said.within, str):
            return said.hints(np.empty((0, 0), np.float32))
        low, high = source.contrast_limits
        window = None if source.rgb else (float(low), float(high))
        seen = pictures.read_plane(read_plane(source.data, plane), window, float(source.gamma))
        return said.hints(seen.lightness())

    def planes_said(self, planes: Iterable[Plane]) -> dict[int, Said]:
        """Return what is said of those planes of a series on which there are strokes or points."""
        found = {}
        for number, plane in enumerate(planes):
            points, _ = self._points_in(plane, read_plane(self.labels.data, plane).shape)
            if points or read_plane(self.labels.data, plane).any():
                found[number] = self.said(plane)
        return found

    def open(self, hints: Hints) -> None:
        """Put hints into the layers, on the plane on screen, in the place of what is there.

        Outlines become strokes.

        Raises
        ------
        ValueError
            They are for a picture of another size.
        """
        from skimage.draw import polygon as filled

        plane = self.plane()
        shape = read_plane(self.labels.data, plane).shape
        hints.drawn(shape)  # refuses what does not fit
        table = dict(hints.colours)

        def label_of(colour: str) -> int:
            known = [label for label, meaning in table.items() if meaning == colour]
            label = known[0] if known else max(table, default=0) + 1
            table[label] = colour
            return label

        labels = np.zeros(shape, np.int64)
        if hints.labels is not None:
            labels[...] = hints.labels
        for outline in hints.polygons:
            rows, columns = zip(*outline.corners, strict=True)
            labels[filled(rows, columns, shape)] = label_of(outline.colour)
        dots = [
            (self._position(plane, point), label_of(point.colour), 2 * point.radius)
            for point in hints.points
        ]
        own = self.labels.data.dtype
        if labels.max() > np.iinfo(own).max:
            self.labels.data = self.labels.data.astype(np.min_scalar_type(int(labels.max())))
        self.labels.data[plane.slicing] = labels if plane.upright else labels.T
        self.labels.refresh()
        self.put_points([dot[0] for dot in dots], [dot[1] for dot in dots], [d[2] for d in dots])
        self.take_over(table)

    def put_points(self, places: Any, labels: Any, sizes: Any) -> None:
        """Put points in the place of those that are there."""
        self.points.data = np.asarray(places, float).reshape(-1, self.points.ndim)
        self.points.features = {"label": np.asarray(labels, int)}
        if len(labels):
            self.points.size = [max(float(size), 1) for size in sizes]

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
        numbers = labels_in(np.asarray(labels.data))
        colours = [colour for colour in NAMED["okabe-ito"] if colour != "#000000"]
        self.take_over({n: colours[i % len(colours)] for i, n in enumerate(numbers)})

    def _points_in(
        self, plane: Plane, shape: tuple[int, ...]
    ) -> tuple[tuple[tuple[float, float, int, float], ...], int]:
        """Return the points of a plane, and how many lie outside of it."""
        down, across = plane.shown
        found, beyond = [], 0
        numbers = self.points.features["label"].to_numpy()
        for place, number, size in zip(self.points.data, numbers, self.points.size, strict=True):
            if any(round(float(place[axis])) != index for axis, index in plane.at):
                continue
            row, column = float(place[down]), float(place[across])
            if -0.5 <= row < shape[0] - 0.5 and -0.5 <= column < shape[1] - 0.5:
                found.append((row, column, int(number), float(np.mean(size)) / 2))
            else:
                beyond += 1
        return tuple(found), beyond

    def _area_in(self, plane: Plane, shape: tuple[int, ...]) -> Any:
        """Return the area of a plane to colour within; see :class:`Said`."""
        layer, source = self.within, self.source
        if layer is None or isinstance(layer, str) or not self._has(layer) or source is None:
            return layer if isinstance(layer, str) else None
        if hasattr(layer, "shape_type"):
            return drawn_area(layer, source, plane, shape)
        if tuple(layer.data.shape) != spatial_shape(source):
            raise ValueError(
                f"Layer '{layer.name}' has shape {tuple(layer.data.shape)}, the picture "
                f"{spatial_shape(source)}; an area must be labels of the same picture, or shapes."
            )
        return np.asarray(read_plane(layer.data, plane)) != 0

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
