"""What is said at a moment, and what is asked for: a plane, all planes, a folder. Knows no Qt."""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.guided.decisions import Decisions, Reference
from napari_colorize.guided.hints import Hints
from napari_colorize.guided.marks import Point, labels_in
from napari_colorize.guided.regions import kept_within, softened
from napari_colorize.parameters import ColorizeParameters
from napari_colorize.pipeline import image as pictures
from napari_colorize.pipeline.region import inside_border
from napari_colorize.widgets.colorize.hold import Hold
from napari_colorize.widgets.colorize.job import Outcome, PlaneJob, StackJob, plan
from napari_colorize.widgets.colorize.run import run
from napari_colorize.widgets.layers.planes import (
    Plane,
    all_planes,
    read_plane,
    shown_axes,
    spatial_shape,
)

if TYPE_CHECKING:
    from napari.layers import Image

FRAME = "frame"
"""In the place of an area: the picture inside the frame that is found."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Said:
    """What was said of one plane at a moment, so that another thread can make hints of it.

    Parameters
    ----------
    labels : (H, W) integer array
        Strokes or regions as on screen.
    table : mapping of int to str
        Label → colour or word.
    points : sequence of (row, column, label, radius)
    beyond : int
        Points on this plane that lie outside of the picture; they are not among ``points``.
    elsewhere : str
        What pixels without a label mean; empty: nothing.
    soft : int
        Pixels beside the borders of regions that follow the picture's own edges.
    within : (H, W) bool array, ``"frame"`` or None
        The area to colour within.
    """

    labels: NDArray[Any]
    table: Mapping[int, str]
    points: tuple[tuple[float, float, int, float], ...] = ()
    beyond: int = 0
    elsewhere: str = ""
    soft: int = 0
    within: NDArray[np.bool_] | str | None = None

    def hints(self, lightness: NDArray[np.float32], factor: int = 1) -> Hints:
        """Return the hints of the plane, or of a smaller picture of it.

        Parameters
        ----------
        lightness : (H, W) float32 array
            Of the plane, L*: a frame is found in it.
        factor : int
            So many rows and columns become one; the last ones may be fewer.
        """
        labels = self.labels if factor == 1 else _shrunk(self.labels, factor)
        shape = int(labels.shape[0]), int(labels.shape[1])
        used = labels_in(labels)
        table = {label: self.table[label] for label in used if label in self.table}
        labels = _only(labels, table)
        if self.elsewhere and (labels == 0).any():
            rest = max([*self.table, *used, 0]) + 1
            labels = np.where(labels == 0, rest, labels)
            table[rest] = self.elsewhere
        if self.soft:
            labels = softened(labels, round(self.soft / factor))
        area = self._area(lightness)
        if area is not None:
            area = area if factor == 1 else _shrunk(area, factor) > 0
            labels, table = kept_within(labels, table, area)
        points = [
            Point(
                (row + 0.5) / factor - 0.5,
                (column + 0.5) / factor - 0.5,
                self.table[label],
                radius / factor,
            )
            for row, column, label, radius in self.points
            if label in self.table
        ]
        if area is not None:
            points = [point for point in points if area[round(point.row), round(point.column)]]
        return Hints(
            labels=labels if table else None, colours=table, points=tuple(points), shape=shape
        )

    def left_out(self) -> list[str]:
        """Say what was painted or set and means nothing."""
        unknown = set(labels_in(self.labels)) | {label for _, _, label, _ in self.points}
        unknown -= set(self.table)
        said = []
        if unknown:
            named = ", ".join(str(label) for label in sorted(unknown)[:5])
            many = "labels" if len(unknown) > 1 else "label"
            said.append(
                f"What is painted with {many} {named}{'…' if len(unknown) > 5 else ''} has no "
                "colour yet; choose it in the layer's controls and press Colour…."
            )
        if self.beyond:
            many = "points lie" if self.beyond > 1 else "point lies"
            said.append(
                f"{self.beyond} {many} outside of the picture and say nothing; move them inside."
            )
        return said

    def _area(self, lightness: NDArray[np.float32]) -> NDArray[np.bool_] | None:
        if not isinstance(self.within, str):
            return self.within
        area = inside_border(lightness)
        return None if area.all() else area


def drawn_area(
    layer: Any, source: "Image", plane: Plane, shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Return what the closed shapes of a Shapes layer cover of a plane."""
    from skimage.draw import polygon as filled

    area = np.zeros(shape, bool)
    for corners, kind in zip(layer.data, layer.shape_type, strict=True):
        if kind in ("line", "path"):
            continue
        ring = np.asarray(corners, float)
        if kind == "ellipse":  # napari keeps the corners of the box around it
            turn = np.linspace(0, 2 * np.pi, 96, endpoint=False)[:, None]
            centre, down, across = ring.mean(0), (ring[3] - ring[0]) / 2, (ring[1] - ring[0]) / 2
            ring = centre + np.sin(turn) * down + np.cos(turn) * across
        own = np.array([source.world_to_data(layer.data_to_world(corner)) for corner in ring])
        flat = own.shape[1] == 2 or layer.ndim == 2
        if flat or all((np.rint(own[:, axis]) == index).all() for axis, index in plane.at):
            rows, columns = own[:, plane.shown[0]], own[:, plane.shown[1]]
            area[filled(rows, columns, shape)] = True
    return area


def _only(labels: NDArray[Any], table: Mapping[int, str]) -> NDArray[Any]:
    """Return labels without those that are in no table: they say nothing yet."""
    largest = int(labels.max(initial=0))
    if largest > 1 << 20:
        return np.where(np.isin(labels, list(table)), labels, 0)
    kept = np.zeros(largest + 1, np.int32)
    for label in table:
        kept[label] = label
    return kept[labels]


def _shrunk(labels: NDArray[Any], factor: int) -> NDArray[Any]:
    """Return labels on a smaller grid; a thin stroke is not lost."""
    height, width = labels.shape
    rows, columns = np.nonzero(labels)
    if len(rows) > labels.size // 4:  # regions: nothing is thin
        down, across = (
            np.minimum(np.arange(0, side, factor) + factor // 2, side - 1)
            for side in (height, width)
        )
        return labels[down[:, None], across]
    small = np.zeros((-(-height // factor), -(-width // factor)), labels.dtype)
    small[rows // factor, columns // factor] = labels[rows, columns]
    return small


@dataclass(frozen=True, eq=False, kw_only=True)
class Ask:
    """One wish of the panel: this plane, coloured like that.

    Parameters
    ----------
    job : PlaneJob
    guide : Decisions
        Palette, reference and spread; the hints are in ``said``.
    said : Said
    key : object
        Equal for wishes that one prediction serves.
    serial : int
        Later wishes have larger numbers.
    """

    job: PlaneJob
    guide: Decisions
    said: Said
    key: Any
    serial: int


def guide_of(
    session: Any,
    reference: Reference | None,
    swatches: tuple[Any, Any],
    **more: Any,
) -> Decisions:
    """Return what is decided beside the hints.

    Parameters
    ----------
    session : session.Session
    reference : Reference or None
    swatches : pair of napari.layers.Labels or None
        Over the picture, and over the reference.
    **more
        Of :class:`~napari_colorize.guided.decisions.Decisions`.
    """
    here, there = swatches
    if reference is None or here is None or there is None:
        return Decisions(reference=reference, **more)
    own = np.asarray(read_plane(here.data, session.plane()))
    other = np.asarray(there.data)
    if other.shape != reference.pixels.shape[:2]:
        raise ValueError(
            f"Layer '{there.name}' has shape {other.shape}, the reference "
            f"{reference.pixels.shape[:2]}; its swatches must be labels of the reference."
        )
    return Decisions(reference=reference, swatches=(own, other), **more)


def key_of(job: PlaneJob, guide: Decisions) -> Any:
    """Return what is equal for wishes that one prediction serves."""
    swatches = tuple(
        zlib.crc32(np.ascontiguousarray(one).tobytes()) for one in guide.swatches or ()
    )
    palette, reference = guide.palette, id(guide.reference)
    return id(job.data), job.plane, job.parameters, palette, reference, swatches


def told_of(guide: Decisions) -> dict[str, Any]:
    """Return what is decided beside the hints, as :func:`napari_colorize.colorize` takes it."""
    told: dict[str, Any] = {"palette": guide.palette, "spread": guide.spread}
    if guide.reference is not None:
        told["reference"] = guide.reference.path or guide.reference.pixels
        told["swatches"] = guide.swatches
    return told


def kept(
    ask: Ask, progress: Callable[[float | None, str], None], should_stop: Callable[[], bool]
) -> Outcome:
    """Colour a plane as a result, with its record; runs in the inference thread."""
    hints = _hints_of(ask.said, ask.job, ask.job.data, ask.job.plane)
    return run(ask.job, progress, should_stop, told={"hints": hints, **told_of(ask.guide)})


def plan_stack(
    session: Any, dims: Any, parameters: ColorizeParameters, guide: Decisions
) -> Callable[..., Outcome]:
    """Return the run that colours all planes, each plane's hints carried to its neighbours.

    Raises
    ------
    ValueError
        Nothing is painted, or there is more than one axis to carry along.
    """
    source = session.source
    assert source is not None
    shape, shown = spatial_shape(source), shown_axes(source, dims)
    behind = [axis for axis, side in enumerate(shape) if axis not in shown and side > 1]
    if len(behind) != 1:
        names = ", ".join(source.axis_labels[axis] for axis in behind)
        raise ValueError(
            f"Hints are carried along one axis, and there are {len(behind)} behind the screen "
            f"({names}); make a layer of one series of planes first."
        )
    if guide.palette is not None or guide.reference is not None:
        raise ValueError(
            "All planes are coloured by hints over the prediction; choose no palette and no "
            "reference for them, or colour the planes one by one."
        )
    job = plan(source, dims, parameters, hold=Hold(along=behind[0]))
    assert isinstance(job, StackJob)
    planes = list(all_planes(shape, job.plane))
    said = session.planes_said(planes)
    if not said:
        raise ValueError("There are no strokes or points on any plane; paint on one first.")
    own = {number: (planes[number], one) for number, one in said.items()}
    return partial(_all_planes, replace(job, lazy=False), own, guide.spread)


def _all_planes(
    job: StackJob,
    said: Mapping[int, tuple[Plane, Said]],
    spread: float,
    progress: Callable[[float | None, str], None],
    should_stop: Callable[[], bool],
) -> Outcome:
    hints = {
        number: _hints_of(one, job, job.levels[0], plane) for number, (plane, one) in said.items()
    }
    return run(job, progress, should_stop, told={"hints": hints, "spread": spread})


def _hints_of(said: Said, job: PlaneJob | StackJob, data: Any, plane: Plane) -> Hints:
    """Return hints; the picture is read only where a frame is to be found in it."""
    if not isinstance(said.within, str):
        return said.hints(np.empty((0, 0), np.float32))
    seen = pictures.read_plane(read_plane(data, plane), job.window, job.gamma)
    return said.hints(seen.lightness())


def said_of_moved(moved: int) -> str:
    """Say how many pixels were given a colour that sRGB does not have at their lightness."""
    if not moved:
        return ""
    return f"{moved} of these colours do not exist at their lightness and were moved towards grey."


LABELS = (".labels.png", ".labels.tif", ".labels.tiff")
"""What the label image of a picture NAME.png is called in a folder: NAME and one of these."""


def colour_folder(
    folder: Path,
    said: Said,
    told: Mapping[str, Any],
    parameters: Any,
    progress: Callable[[float | None, str], None],
    should_stop: Callable[[], bool],
) -> str:
    """Colour the pictures of a folder that have labels beside them, all by one table.

    Results go into ``folder/colorized``, their hints into ``folder/colorized/hints``, so that the
    command line can do it again. What is there already stays.

    Parameters
    ----------
    folder : Path
    said : Said
        Its table and settings count, not its labels and points.
    told : mapping
        Options of :func:`napari_colorize.colorize` but the hints.
    parameters : ColorizeParameters
    progress, should_stop : callable

    Returns
    -------
    str
        What was done.

    Raises
    ------
    ValueError
        No picture has labels.
    """
    from napari_colorize import api, files

    pairs = []
    for picture in sorted(folder.iterdir()):
        beside = [picture.with_name(picture.stem + suffix) for suffix in LABELS]
        own = picture.name.lower().endswith(files.READABLE) and ".labels." not in picture.name
        pairs += [(picture, labels) for labels in beside if own and labels.is_file()][:1]
    if not pairs:
        raise ValueError(
            f"No picture in {folder.name} has labels beside it: NAME.png wants NAME.labels.png."
        )
    target = folder / "colorized"
    (target / "hints").mkdir(parents=True, exist_ok=True)
    left_out: list[str] = []
    for number, (picture, labels) in enumerate(pairs):
        progress(number / len(pairs), f"Colouring {picture.name}…")
        if should_stop():
            raise api.Cancelled("The folder is no longer wanted.")
        try:
            pixels = files.read(picture)[0].pixels
            numbers = np.asarray(files.read(labels)[0].pixels)
            own_said = replace(said, labels=numbers, points=(), beyond=0)
            hints = own_said.hints(pictures.read_plane(pixels).lightness())
            result = api.colorize(
                pixels, parameters=parameters, hints=hints, source=picture, **told,
                should_stop=should_stop,
            )  # fmt: skip
            files.write(target / f"{picture.stem}_colorized.png", result)
            hints.save(target / "hints" / f"{picture.stem}.hints.json", overwrite=True)
        except (ValueError, TypeError, OSError) as error:
            left_out.append(f"{picture.name}: {error}")
    done = len(pairs) - len(left_out)
    many = "picture is" if done == 1 else "pictures are"
    first = f" {len(left_out)} left out, the first: {left_out[0]}" if left_out else ""
    return f"{done} {many} in {target.name}.{first}"
