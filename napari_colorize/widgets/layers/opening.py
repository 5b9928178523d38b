"""What napari's *Open* does with saved predicted colour: it comes back with place and record.

napari asks for each file which plugins read files of such a *name*, and lets the person choose
where there are several. A reader of ``*.tif`` would bring that question up for every TIFF there is.
So ours reads the record beside a result, ``cells.tif.json``, and the picture with it; for a picture
that was opened by itself there is the command :func:`restore`.
"""

import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorize import files
from napari_colorize.files.pages import CENTIMETRE
from napari_colorize.guided.files import SUFFIX
from napari_colorize.guided.hints import Hints
from napari_colorize.widgets.layers.choice import (
    RECORD_KEY,
    one_of,
    prefer_our_writers,
    record_of_layer,
)

if TYPE_CHECKING:
    import napari.viewer
    from napari.components import LayerList
    from napari.layers import Layer

LayerData = tuple[Any, dict[str, Any], str]
"""Pixels, napari's keyword arguments of the layer, and its kind."""

_PLACE = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")
_SHOWN = ("colormap", "contrast_limits")


def get_reader(path: str | Sequence[str]) -> Callable[..., list[LayerData]] | None:
    """Return a reader for a record beside a result, or for hints; ``None`` for every other file.

    Parameters
    ----------
    path : str
        ``cells.tif.json``, ``cells.png.json`` or ``cells.hints.json``. Nothing but this small file
        is looked at.
    """
    if not isinstance(path, str) or not path.lower().endswith(".json"):
        return None
    if path.lower().endswith(SUFFIX):
        return read_hints_as_layers
    return read if one_of(files.read_sidecar(path)) is not None else None


def read(path: str) -> list[LayerData]:
    """Return the layer that was saved: its pixels, place, look and record.

    Raises
    ------
    OSError
        The picture beside the record is missing or cannot be read; the sentence says why.
    """
    record = one_of(files.read_sidecar(path))
    assert record is not None  # get_reader has looked
    picture = Path(path).with_suffix("")
    if not picture.is_file():
        raise OSError(
            f"{Path(path).name} is the record of {picture.name}, which is not beside it; put both "
            "into one folder."
        )
    try:
        return [_layer_of(picture, record)]
    except ValueError as error:
        raise OSError(str(error)) from error


def read_hints_as_layers(path: str) -> list[LayerData]:
    """Return a file of hints as layers in their own colours: labels, points and outlines.

    They are there to be looked at; the panel *Guide* opens the file to go on with it.

    Raises
    ------
    OSError
        It is no file of hints, or something in it cannot be used.
    """
    try:
        hints = Hints.of(path)
    except (ValueError, TypeError) as error:
        raise OSError(str(error)) from error
    assert hints is not None  # a path is never none
    name = Path(path).name[: -len(SUFFIX)]
    found: list[LayerData] = []
    if hints.labels is not None:
        shown: dict[int | None, str] = {None: "transparent", 0: "transparent"}
        shown |= {label: _shown(colour) for label, colour in hints.colours.items()}
        meta: dict[str, Any] = {"name": f"{name} (strokes)", "colormap": shown}
        found.append((np.array(hints.labels), meta, "labels"))
    if hints.points:
        places = [(point.row, point.column) for point in hints.points]
        meta = {"name": f"{name} (points)", "size": [2 * p.radius + 1 for p in hints.points]}
        meta["face_color"] = [_shown(point.colour) for point in hints.points]
        found.append((np.array(places), meta, "points"))
    if hints.polygons:
        meta = {"name": f"{name} (outlines)", "shape_type": "polygon"}
        meta["face_color"] = [_shown(outline.colour) for outline in hints.polygons]
        corners = [np.array(outline.corners) for outline in hints.polygons]
        found.append((corners, meta, "shapes"))
    if not found:
        raise OSError(f"{Path(path).name} holds no hints.")
    return found


def _shown(colour: str) -> str:
    """Return a colour as it is painted; words such as *neutral* have none and are grey."""
    return colour if colour.startswith("#") else "#808080"


def _layer_of(picture: Path, record: dict[str, Any]) -> LayerData:
    pages = [page.pixels for page in files.read(picture)]
    kept = kept_of(record)
    pixels = np.stack(pages) if len(pages) > 1 else pages[0]
    if np.prod(kept.get("shape", ())) == pixels.size:
        pixels = pixels.reshape(kept["shape"])
    kind = kept.get("kind", "image")
    meta = {"name": kept.get("name") or picture.stem, "metadata": {RECORD_KEY: record}}
    if kind == "image":
        meta["rgb"] = rgb = pages[0].ndim == 3
        meta |= {key: kept[key] for key in _SHOWN if key in kept and not rgb}
    if len(kept.get("scale", ())) == pixels.ndim - bool(meta.get("rgb")):
        meta |= place_of(kept)
    prefer_our_writers()
    return pixels, meta, kind


def kept_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a record says of its layer, without what is not of the kind that it should be.

    Records are files, and may have been written by anybody.
    """
    layer = record.get("layer")
    said = layer if isinstance(layer, dict) else {}
    kept: dict[str, Any] = {}
    for key, value in said.items():
        if key in ("name", "kind", "colormap"):
            right = isinstance(value, str)
        elif key in ("units", "axis_labels"):
            right = isinstance(value, list) and all(isinstance(one, str) for one in value)
        elif key in (*_PLACE, "shape", "contrast_limits"):
            right = isinstance(value, list) and _are_numbers(value)
        else:
            right = True
        if right:
            kept[key] = value
    return kept


def _are_numbers(value: list[Any]) -> bool:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return False
    return array.ndim <= 2 and bool(np.isfinite(array).all())


def place_of(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a record's ``layer`` says of the place, as napari's layers take it."""
    numbers = {key: np.asarray(kept[key]) for key in _PLACE[:5] if key in kept}
    words = {key: tuple(kept[key]) for key in _PLACE[5:] if key in kept}
    return numbers | words


def restore(viewer: "napari.viewer.Viewer") -> None:
    """Give the active layer back the place and the record that its file was saved with.

    napari's own reader knows neither axes nor colours of a result: where it has made another kind
    of layer of the file, such as one without the axis of a single plane, that layer is replaced.
    """
    from napari.utils.notifications import show_info

    # napari hands commands a proxy; looking up a layer in the list needs the real one.
    layers = getattr(viewer, "__wrapped__", viewer).layers
    layer = layers.selection.active
    record = None if layer is None else record_of_layer(layer)
    if layer is None or record is None:
        show_info("Select a layer that was opened from a file that Colorize has saved.")
        return
    kept, path = kept_of(record), layer.source.path
    if _fits(kept, layer):
        for name, value in place_of(kept).items():
            setattr(layer, name, value)
    elif path is not None and Path(path).is_file():
        layer = _replaced(layers, layer, _layer_of(Path(path), record))
    show_info(f"'{layer.name}' lies where it was saved, and has its record again.")


def _replaced(layers: "LayerList", layer: "Layer", data: LayerData) -> "Layer":
    """Put another layer in the place of one in the list, and select it."""
    from napari.layers import Layer

    pixels, meta, kind = data
    new = Layer.create(pixels, meta, kind)
    index = layers.index(layer)
    name = layer.name
    layers.remove(layer)
    layers.insert(index, new)
    new.name = name
    layers.selection.active = new
    return new


def _fits(kept: Mapping[str, Any], layer: "Layer") -> bool:
    """Whether a layer is of the kind and has the axes of the one that was saved."""
    pixels = layer.data[0] if getattr(layer, "multiscale", False) else layer.data
    same = list(kept.get("shape", pixels.shape)) == list(pixels.shape)
    kind = type(layer).__name__.lower()
    return same and len(kept.get("scale", ())) == layer.ndim and kept.get("kind", kind) == kind


@dataclass(frozen=True)
class SaidByFile:
    """What a file says of the axes of the layer that was opened from it.

    Parameters
    ----------
    axes : str
        One letter for each axis of the layer; empty where the file names none.
    scale : tuple of float
        Size of a pixel along each axis, 1 where the file does not say.
    units : tuple of str
        Of the scale; ``"pixel"`` where there is none.
    """

    axes: str
    scale: tuple[float, ...]
    units: tuple[str, ...]

    def __str__(self) -> str:
        """Return what is said: *czyx, 2 × 0.5 × 0.5 µm*."""
        known = [unit for unit in self.units if unit != "pixel"]
        one = known[0] if len(set(known)) == 1 else ""
        steps = " × ".join(
            f"{step:.4g}" + ("" if one else f" {unit}")
            for step, unit in zip(self.scale, self.units, strict=True)
            if unit != "pixel"
        )
        size = f"{steps} {one}".replace("um", "µm").strip() if steps else ""
        return ", ".join(part for part in (self.axes, size) if part)

    def give(self, layer: "Layer") -> None:
        """Give a layer these axes, steps and units; its pixels stay as they are."""
        if self.axes:
            layer.axis_labels = tuple(self.axes)
        layer.scale = self.scale
        layer.units = self.units


def said_by_file(layer: "Layer") -> SaidByFile | None:
    """Return what the file of a layer says that the layer does not: axes, steps, units.

    ``None`` where the layer was made of no TIFF file, or holds other axes than the file, or has
    been given all of it, or where somebody has set a scale: a person's word counts more.
    """
    path, ndim = layer.source.path, layer.ndim
    if path is None or Path(path).suffix.lower() not in (".tif", ".tiff"):
        return None
    if layer not in _SAID:
        _SAID[layer] = _read_tags(path)
    found = _SAID[layer]
    if found is None:
        return None
    leading, place, resolution = found
    data: Any = layer.data
    shape = (data[0] if getattr(layer, "multiscale", False) else data).shape[:ndim]
    several = [(letter, length) for letter, length in leading if length > 1]
    if [length for _, length in several] != list(shape[:-2]):
        return None
    letters = "".join(letter for letter, _ in several) + "yx"
    named = all(letter in "tzc" for letter, _ in several) and len(set(letters)) == ndim
    steps = {"y": _micrometres(resolution, "y"), "x": _micrometres(resolution, "x")}
    if place is not None:
        steps |= {"z": place.micrometres, "t": place.interval}
        if place.pixel is not None:
            steps |= dict(zip("yx", place.pixel, strict=True))
    own = [steps.get(letter) if named or letter in "yx" else None for letter in letters]
    said = SaidByFile(
        letters if named else "",
        tuple(step or 1.0 for step in own),
        tuple(
            "pixel" if step is None else ("s" if letter == "t" else "um")
            for letter, step in zip(letters, own, strict=True)
        ),
    )
    news = named and tuple(layer.axis_labels) != tuple(letters) and ndim > 2
    sized = any(step is not None for step in own) and bool(np.all(np.asarray(layer.scale) == 1))
    return said if news or sized else None


_SAID: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
"""What was read of the files of layers, each once."""


def _read_tags(path: str) -> tuple[Any, Any, Any] | None:
    """Return axes, place and resolution of a TIFF file; ``None`` where it cannot be read."""
    try:
        with files.open_stack(path) as stack:
            return stack.axes, stack.place, stack.resolution
    except (OSError, ValueError):
        return None


def _micrometres(resolution: Any, side: str) -> float | None:
    """Return the size of a pixel down (y) or across (x); ``None`` where it is not known.

    Many programs write 72 or 96 pixels an inch into every file; that is the screen's, not the
    picture's.
    """
    if resolution is None or resolution.unit not in (2, CENTIMETRE):
        return None
    per = float(getattr(resolution, side))
    if per <= 0 or (resolution.unit == 2 and round(per) in _OF_SCREENS):
        return None
    return (25400.0 if resolution.unit == 2 else 1e4) / per


_OF_SCREENS = (72, 96, 150, 300, 600)
"""Pixels an inch that say how large to print or to show something, not how large it was."""
