"""Write pixels that belong to one record: a layer that was saved, be it a picture or a stack."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from napari_colorize.files import containers
from napari_colorize.files.pages import Resolution
from napari_colorize.files.records import as_description, sidecar_of
from napari_colorize.storage import staged


def write_planes(
    path: str | os.PathLike,
    planes: Iterable[NDArray[Any]],
    record: Mapping[str, Any],
    *,
    count: int | None = None,
    overwrite: bool = False,
    resolution: Resolution | None = None,
) -> list[Path]:
    """Write the planes of one result with its record: inside the file, and as JSON beside it.

    Where :func:`napari_colorize.files.write` gives each page a record of its own, this is for
    planes that share one, such as those of a napari layer. In a TIFF the first page holds it.

    Parameters
    ----------
    path : str or path
        ``.png`` (one plane, uint8 or uint16) or ``.tif``/``.tiff`` (any number, any dtype).
    planes : iterable of (H, W) or (H, W, 3 or 4) arrays
        Grey, RGB or RGBA, all alike. A generator is consumed plane by plane, so a long stack need
        not fit into memory.
    record : mapping
        The provenance record, as in ``Colorized.record``.
    count : int, optional
        How many planes there are; without it, a TIFF is a BigTIFF.
    overwrite : bool, optional
        Replace files that exist.
    resolution : Resolution, optional
        Pixel size for the TIFF tags; PNG files do not get one.

    Returns
    -------
    list of Path
        The picture and its record.

    Raises
    ------
    FileExistsError, FileNotFoundError, PermissionError
        A file is in the way, or the folder is missing or closed. Nothing was changed.
    ValueError
        The suffix, or this dtype or number of planes in a file of this kind.
    """
    path, record = Path(path), dict(record)
    containers.refuse_suffix(path)
    stream = iter(planes)
    targets = [path, sidecar_of(path)]
    with staged(targets, overwrite) as (picture, sidecar):
        first = next(stream, None)
        if first is None:
            raise ValueError("There is no plane to write.")
        if containers.is_png(path):
            if next(stream, None) is not None:
                raise ValueError(containers.MANY_IN_PNG)
            containers.write_png(picture, first, record)
        else:
            with containers.open_tiff(picture, count, first.nbytes) as file:
                containers.write_page(file, first, as_description(record), resolution)
                for plane in stream:
                    containers.write_page(file, plane, None, resolution)
        sidecar.write_text(json.dumps(record, indent=2, allow_nan=False) + "\n", "utf-8")
    return targets
