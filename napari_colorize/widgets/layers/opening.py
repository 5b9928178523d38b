"""What napari's *Open* does with saved predicted colour: it comes back with place and record.

napari asks for each file which plugins read files of such a *name*, and lets the person choose
where there are several. A reader of ``*.tif`` would bring that question up for every TIFF there is.
So ours reads the record beside a result, ``cells.tif.json``, and the picture with it; for a picture
that was opened by itself there is the command :func:`restore`.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorize import files
from napari_colorize.widgets.layers.choice import RECORD_KEY, prefer_our_writers

if TYPE_CHECKING:
    import napari.viewer
    from napari.components import LayerList
    from napari.layers import Layer

LayerData = tuple[Any, dict[str, Any], str]
"""Pixels, napari's keyword arguments of the layer, and its kind."""

_PLACE = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")
_SHOWN = ("colormap", "contrast_limits")


def get_reader(path: str | Sequence[str]) -> Callable[..., list[LayerData]] | None:
    """Return a reader for the record beside a result; ``None`` for every other file.

    Parameters
    ----------
    path : str
        ``cells.tif.json`` or ``cells.png.json``. Nothing but this small file is looked at.
    """
    if not isinstance(path, str) or not path.lower().endswith(".json"):
        return None
    picture = Path(path).with_suffix("")
    ours = picture.is_file() and _one_of(files.read_sidecar(path)) is not None
    return read if ours else None


def read(path: str) -> list[LayerData]:
    """Return the layer that was saved: its pixels, place, look and record.

    Raises
    ------
    OSError
        The picture beside the record cannot be read; the sentence says why.
    """
    record = _one_of(files.read_sidecar(path))
    assert record is not None  # get_reader has looked
    try:
        return [_layer_of(Path(path).with_suffix(""), record)]
    except ValueError as error:
        raise OSError(str(error)) from error


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


def record_of_layer(layer: "Layer") -> dict[str, Any] | None:
    """Return the record of a layer, or that inside the file that it was opened from.

    The layer keeps what was found in its file.
    """
    record = layer.metadata.get(RECORD_KEY)
    path = layer.source.path
    if record is None and path is not None:
        record = _record_inside(Path(path))
        if record is not None:
            layer.metadata[RECORD_KEY] = record
            prefer_our_writers()
    return record


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


def _record_inside(path: Path) -> dict[str, Any] | None:
    if path.suffix.lower() not in files.WRITABLE:
        return None
    try:
        return _one_of(files.read_records(path))
    except (OSError, ValueError):
        return None


def _one_of(records: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the record that speaks for a whole file; ``None`` where its pages differ."""
    legends = {repr(record.get("legend")) for record in records}
    return records[0] if len(legends) == 1 else None
