"""What a file keeps of a layer: its planes, one after the other, and where they lie."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.files import Resolution
from napari_colorize.files.pages import CENTIMETRE

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
