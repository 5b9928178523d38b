"""What napari's *Save* does with predicted colour: its record goes with it.

Of two writers that fit, napari takes the one that was registered first, and writers are not asked
whether they want a layer. So ours takes every image or labels layer that it is given, and passes
on those without a record to the writer that would have had them without us.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize import files
from napari_colorize.files import Resolution
from napari_colorize.files.pages import CENTIMETRE
from napari_colorize.records.record import SCHEMA
from napari_colorize.widgets.layers.choice import RECORD_KEY
from napari_colorize.widgets.shared.preferences import PLUGIN

_NUMBERS = ("scale", "translate", "rotate", "shear", "affine")
_WORDS = ("units", "axis_labels")
_SHOWN = ("colormap", "contrast_limits")


def planes_of(data: Any, meta: Mapping[str, Any]) -> tuple[int, Iterator[NDArray[Any]]]:
    """Return how many planes a layer has, and the planes, in C order of its other axes.

    Parameters
    ----------
    data : array of any kind, or list of them
        (…, H, W), or (…, H, W, 3 or 4) where ``meta["rgb"]`` is true. Of a pyramid, level 0.
    meta : mapping
        The layer's keyword arguments.

    Returns
    -------
    int, iterator of (H, W) or (H, W, 3 or 4) numpy arrays
        A plane of a lazy array is computed when the iterator comes to it, and then let go.
    """
    pixels = data[0] if meta.get("multiscale") else data
    leading = pixels.shape[: -3 if meta.get("rgb") else -2]
    planes = (_computed(pixels[index]) for index in _watched(leading, meta.get("name", "")))
    return int(np.prod(leading)), planes


def with_layer(
    record: Mapping[str, Any], data: Any, meta: Mapping[str, Any], kind: str
) -> dict[str, Any]:
    """Return a record that says, as ``layer``, what the saved layer was and where it lay.

    A TIFF's tags hold the size of a pixel across and down; all else is only here: the distance of
    planes, rotation, the names and lengths of axes, and how values were shown.
    """
    pixels = data[0] if meta.get("multiscale") else data
    layer: dict[str, Any] = {"name": str(meta.get("name", "")), "kind": kind}
    layer["shape"] = [int(side) for side in pixels.shape]
    if kind == "image" and not meta.get("rgb"):
        layer |= {key: _plain(meta[key]) for key in _SHOWN if meta.get(key) is not None}
    layer |= {key: np.asarray(meta[key]).tolist() for key in _NUMBERS if key in meta}
    layer |= {key: [str(word) for word in meta[key]] for key in _WORDS if meta.get(key)}
    return {**record, "layer": layer}


def _plain(value: Any) -> str | list[float]:
    """Return a colour map's name, or contrast limits, as JSON can hold them."""
    if isinstance(value, Mapping):  # as napari writes a colour map out
        value = value.get("name", "gray")
    return value if isinstance(value, str) else [float(number) for number in value]


def resolution_of(meta: Mapping[str, Any]) -> Resolution | None:
    """Return the size of a layer's pixels; None where the units of its rows are no lengths."""
    units, scale = meta.get("units"), meta.get("scale")
    if not units or scale is None or len(scale) < 2 or len(units) < 2:
        return None
    down, across = (
        abs(float(step)) * _centimetres(unit)
        for step, unit in zip(scale[-2:], units[-2:], strict=True)
    )
    return Resolution(1 / across, 1 / down, CENTIMETRE) if across > 0 and down > 0 else None


def _centimetres(unit: Any) -> float:
    """Return the length of a unit, a pint unit or its name; 0 where it is no length."""
    import pint

    try:
        return float(pint.get_application_registry().Quantity(1, str(unit)).to("cm").magnitude)
    except pint.PintError:
        return 0.0


def _watched(leading: tuple[int, ...], name: str) -> Iterator[tuple[int, ...]]:
    """Count through the leading axes; long ones show in napari's activity dock."""
    from napari.utils import progress

    indices = list(np.ndindex(*leading))
    if len(indices) < 2:
        return iter(indices)
    return iter(progress(indices, desc=f"Saving {name}"))


def _computed(plane: Any) -> NDArray[Any]:
    """Return a plane as numpy array; bool, which viewers show as they like, as zeros and ones."""
    values = np.asarray(plane)
    return values.astype(np.uint8) if values.dtype == bool else values


FullLayerData = tuple[Any, Mapping[str, Any], str]
"""Pixels, napari's keyword arguments of the layer, and its kind."""


def write_image(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Save an image layer: a predicted one as PNG or TIFF with its record inside and beside.

    Parameters
    ----------
    path : str
        Where to; without a suffix, ``.tif`` is added. What is there is replaced: napari's dialog
        has asked.
    data : array, or list of arrays
        The layer's pixels. Of a pyramid, the finest level is written; lazy planes are worked out
        one after the other.
    meta : mapping
        The layer's keyword arguments, as ``Layer.as_layer_data_tuple`` gives them.

    Returns
    -------
    list of str
        The files written.

    Raises
    ------
    OSError
        A stack or floats as PNG, or another kind of file, for a layer with a record; the folder is
        missing or closed.
    ValueError
        A layer without a record, and nobody to pass it on to.
    """
    return _write(path, (data, meta, "image"))


def write_labels(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Save a labels layer: the mask of clipped colours as TIFF of zeros and ones, with its record.

    Parameters, return value and errors are those of :func:`write_image`.
    """
    return _write(path, (data, meta, "labels"))


def write_folder(path: str, layers: Sequence[FullLayerData]) -> list[str]:
    """Save several layers into a folder: predicted ones as TIFF with their records, all others
    as the writer does that napari would have chosen without us.

    Parameters
    ----------
    path : str
        The folder; made where it is missing.
    layers : sequence of (data, meta, kind)

    Returns
    -------
    list of str
        The files written. Errors are those of :func:`write_image`.
    """
    predicted = [layer for layer in layers if record_of(layer[1]) is not None]
    others = [layer for layer in layers if record_of(layer[1]) is None]
    written = _pass_on(path, others, folder=True) if others else []
    folder = Path(path)
    if predicted and not folder.is_dir():
        _make(folder)
    for layer in predicted:
        name = re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", str(layer[1].get("name", "layer")))
        written += _write(str(folder / f"{name}.tif"), layer)
    return written


def record_of(meta: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the record in a layer's metadata, if it is one of ours."""
    record = (meta.get("metadata") or {}).get(RECORD_KEY)
    ours = isinstance(record, Mapping) and record.get("schema") == SCHEMA
    return record if ours else None


def _write(path: str, layer: FullLayerData) -> list[str]:
    data, meta, kind = layer
    path = path if re.search(r"\.\w{1,8}$", path) else path + ".tif"
    record = record_of(meta)
    if record is None:
        return _pass_on(path, [layer])
    count, planes = planes_of(data, meta)
    try:
        written = files.write_planes(
            path,
            planes,
            with_layer(record, data, meta, kind),
            count=count,
            overwrite=True,
            resolution=resolution_of(meta),
        )
    except ValueError as error:
        # napari takes a ValueError to mean that there is no writer, and drops what it says.
        raise OSError(str(error)) from error
    return [str(file) for file in written]


def _make(folder: Path) -> None:
    try:
        folder.mkdir()
    except OSError as error:
        raise type(error)(
            f"The folder {folder} cannot be made; choose another place, or change the permissions "
            f"of {folder.parent}."
        ) from error


def _pass_on(path: str, layers: Sequence[FullLayerData], *, folder: bool = False) -> list[str]:
    """Let the writer save layers that napari would have chosen if we were not there."""
    from npe2 import PluginManager

    kinds = [kind for _, _, kind in layers]
    compatible = PluginManager.instance().iter_compatible_writers(kinds)
    others = [writer for writer in compatible if writer.plugin_name != PLUGIN]
    name = Path(path).name.lower()

    def fit(writer: Any) -> int:
        """As npe2 does: the longest ending that fits, and of those the first; none for folders."""
        endings = writer.filename_extensions
        if folder:
            return int(not endings)
        return max((len(ending) for ending in endings if name.endswith(ending.lower())), default=0)

    best = max(others, key=fit, default=None)
    if best is None or not fit(best):
        raise ValueError(
            f"No plugin of this napari saves {' and '.join(sorted(set(kinds)))} layers as "
            f"{Path(path).name}; choose another ending, or save them one by one."
        )
    single = sum(kind.max() for kind in best.layer_type_constraints()) <= 1
    arguments = (path, *layers[0][:2]) if single else (path, list(layers))
    written = best.exec(args=arguments)
    return [written] if isinstance(written, str) else list(written or [])
