"""What napari's *Open* does with an OME-Zarr of ours: one RGB layer a channel, with its record.

Readers of OME-Zarr make a grey layer of each of R, G and B. Ours offers itself for stores that
``colorize_zarr`` wrote, and for no other.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from napari_colorize.volumes.ngff import RECORD, Image, open_source
from napari_colorize.widgets.layers.choice import RECORD_KEY, prefer_our_writers

LayerData = tuple[Any, dict[str, Any], str]


def get_zarr_reader(path: str | Sequence[str]) -> Callable[..., list[LayerData]] | None:
    """Return a reader for a folder that holds a coloured image or plate of ours, else ``None``.

    Parameters
    ----------
    path : str
        Of a folder. Nothing but its ``zarr.json`` is looked at.
    """
    if not isinstance(path, str):
        return None
    try:
        attributes = json.loads((Path(path) / "zarr.json").read_text())["attributes"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return read_zarr if isinstance(attributes, dict) and RECORD in attributes else None


def read_zarr(path: str) -> list[LayerData]:
    """Return the layers of a coloured OME-Zarr; pixels are read when they are looked at.

    Raises
    ------
    OSError
        The store cannot be read; the sentence says why.
    """
    try:
        images = open_source(path).images
    except (TypeError, ValueError) as error:
        raise OSError(str(error)) from error
    prefer_our_writers()
    return [layer for image in images for layer in _layers_of(image)]


def _layers_of(image: Image) -> list[LayerData]:
    import dask.array as da
    import zarr

    kept: Any = zarr.open_group(image.path, path=image.group, mode="r").attrs[RECORD]
    record = kept["record"]
    at = image.axes.index("c")
    levels = [da.from_zarr(image.array(number)) for number in range(len(image.levels))]
    spatial = [n for n, axis in enumerate(image.axes) if axis != "c"]
    first = image.levels[0]
    units = tuple(image.units[n] or "pixel" for n in spatial)
    layers = []
    for number in range(image.side("c") // 3):
        part = [slice(None)] * len(image.axes)
        part[at] = slice(3 * number, 3 * number + 3)
        pixels = [da.moveaxis(level[tuple(part)], at, -1) for level in levels]
        label = image.channels[3 * number].removesuffix("R").strip() if image.channels else ""
        meta = {
            "name": f"{image.name} {label}".strip(),
            "rgb": True,
            "multiscale": len(pixels) > 1,
            "scale": [first.scale[n] for n in spatial],
            "translate": [first.translation[n] for n in spatial],
            "units": units,
            "axis_labels": tuple(image.axes[n] for n in spatial),
            "metadata": {RECORD_KEY: record},
        }
        layers.append((pixels if len(pixels) > 1 else pixels[0], meta, "image"))
    return layers
