"""Hints as a file: one JSON that panel, Python and command line write and read alike.

::

    {
      "schema": "napari-colorize/hints/1",
      "shape": [512, 512],
      "labels": "cells.hints.png",
      "colours": {"1": "#c01818", "2": "neutral", "3": "locked", "4": "wall"},
      "points": [{"at": [40.0, 60.0], "radius": 2.0, "colour": "#1f3f8f"}],
      "polygons": [{"corners": [[0, 0], [0, 9], [9, 9]], "colour": "as predicted"}]
    }

Only ``schema`` must be there. ``shape`` counts the picture's rows and columns. ``labels`` is the
name of a PNG of labels (8 or 16 bit) in the same folder, or holds such a PNG itself
(``data:image/png;base64,…``), as records do.
"""

import base64
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.decoders.limits import TooLarge, refuse_too_large
from napari_colorize.decoders.pillow import opened
from napari_colorize.guided.marks import Point, Polygon
from napari_colorize.storage import write_whole

SCHEMA = "napari-colorize/hints/1"
SUFFIX = ".hints.json"
"""What the name of a file of hints ends with."""

MOST_BYTES = 1 << 26
"""Larger files are refused: nobody has written so many hints by hand."""

SESSION = "napari-colorize/session/1"
SESSION_SUFFIX = ".guide.npz"
"""What the name of a whole session ends with: picture, strokes, points and table in one file."""

MOST_INSIDE = 1 << 34
"""Bytes that a session may unfold to; larger ones are refused before anything is unfolded."""

_ARRAYS = ("picture", "strokes", "points")
_INSIDE = "data:image/png;base64,"
_KEYS = ("schema", "shape", "labels", "colours", "points", "polygons")


def read_hints(path: Any) -> dict[str, Any]:
    """Return what ``Hints(**…)`` takes, from a file.

    Parameters
    ----------
    path : str or path
        A JSON file as above.

    Raises
    ------
    FileNotFoundError
        There is no such file, or its label image is missing.
    ValueError
        It is no file of hints, or something in it cannot be used.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"There is no file of hints {file}.")
    if file.stat().st_size > MOST_BYTES:
        raise ValueError(f"{file.name} has more than 64 MiB, which is no file of hints.")
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{file.name} is no JSON file of hints: {error}.") from None
    try:
        return from_json(values, file.parent) | {"file": str(file)}
    except (TypeError, ValueError) as error:
        raise ValueError(f"{file.name}: {error}") from None


def write_hints(hints: Any, path: Any, *, overwrite: bool = False) -> Path:
    """Write hints as a file, with their labels as a PNG beside it.

    Parameters
    ----------
    hints : Hints
    path : str or path
        Ends in ``.json``; ``.hints.json`` is usual. The PNG takes its name.
    overwrite : bool
        Replace files that exist.

    Returns
    -------
    Path
        Of the JSON file.

    Raises
    ------
    FileExistsError
        A file is there already; nothing is written.
    ValueError
        The name does not end in ``.json``.
    """
    file = Path(path)
    if file.suffix.lower() != ".json":
        raise ValueError(f"{file.name}: a file of hints is a .json; call it {file.stem}{SUFFIX}.")
    picture = file.with_suffix(".png")
    wanted = [file] if hints.labels is None else [picture, file]
    taken = [one.name for one in wanted if one.exists()]
    if taken and not overwrite:
        raise FileExistsError(f"{taken[0]} exists; choose another name, or allow replacing it.")
    values = to_json(hints, inside=False)
    if hints.labels is not None:
        values["labels"] = picture.name
        write_whole(picture, _png(hints.labels))
    # The JSON last: it is what makes the pair whole.
    write_whole(file, json.dumps(values, indent=1) + "\n")
    return file


def write_session(path: Any, arrays: Mapping[str, Any], about: Mapping[str, Any]) -> Path:
    """Write a whole session of the panel *Guide* as one compressed NumPy archive.

    Parameters
    ----------
    path : str or path
        Ends in ``.npz``; ``.guide.npz`` is usual. An existing file is replaced.
    arrays : mapping
        ``picture`` (any shape), ``strokes`` (integers), ``points`` (N, axes + 2): place, label and
        diameter of each.
    about : mapping
        What JSON can hold: table, place, settings.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        The name does not end in ``.npz``.
    """
    file = Path(path)
    if file.suffix.lower() != ".npz":
        raise ValueError(f"{file.name}: a session is a .npz; call it {file.stem}{SESSION_SUFFIX}.")
    said = json.dumps({"schema": SESSION, **about}).encode()
    kept = io.BytesIO()
    whole = {name: np.asarray(arrays[name]) for name in _ARRAYS}
    np.savez_compressed(kept, about=np.frombuffer(said, np.uint8), **whole)  # type: ignore[arg-type]
    write_whole(file, kept.getvalue())
    return file


def read_session(path: Any) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read what :func:`write_session` wrote; nothing in the file is run.

    Returns
    -------
    arrays, about

    Raises
    ------
    FileNotFoundError, ValueError
        There is no such file, or it is no session.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"There is no session {file}.")
    try:
        with zipfile.ZipFile(file) as archive:
            inside = {one.filename: one.file_size for one in archive.infolist()}
        if set(inside) != {f"{name}.npy" for name in (*_ARRAYS, "about")}:
            raise ValueError("it holds other things than a session")
        if sum(inside.values()) > MOST_INSIDE or inside["about.npy"] > MOST_BYTES:
            raise ValueError("it would unfold to more than 16 GiB")
        with np.load(file, allow_pickle=False) as found:
            about = json.loads(bytes(found["about"].astype(np.uint8)))
            arrays = {name: found[name] for name in _ARRAYS}
        if not isinstance(about, dict) or about.get("schema") != SESSION:
            raise ValueError(f'"schema" must be "{SESSION}"')
        about["table"] = _table(about.get("table"))
        points = arrays["points"]
        flat = points.ndim == 2 and np.isfinite(points.astype(float)).all()
        if arrays["strokes"].dtype.kind not in "iu" or not flat:
            raise ValueError("its strokes or points are none")
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError, RecursionError, OSError) as error:
        raise ValueError(f"{file.name} is no session of the panel Guide: {error}.") from None
    return arrays, about


def to_json(hints: Any, *, inside: bool = True) -> dict[str, Any]:
    """Return hints as what JSON can hold; with ``inside``, the label image too."""
    values: dict[str, Any] = {"schema": SCHEMA}
    if hints.shape is not None:
        values["shape"] = list(hints.shape)
    if hints.labels is not None and inside:
        values["labels"] = _INSIDE + base64.b64encode(_png(hints.labels)).decode()
    if hints.colours:
        values["colours"] = {str(label): colour for label, colour in hints.colours.items()}
    if hints.points:
        values["points"] = [
            {"at": [point.row, point.column], "radius": point.radius, "colour": point.colour}
            for point in hints.points
        ]
    if hints.polygons:
        values["polygons"] = [
            {"corners": [list(corner) for corner in polygon.corners], "colour": polygon.colour}
            for polygon in hints.polygons
        ]
    return values


def from_json(values: Any, folder: Path | None) -> dict[str, Any]:
    """Return what ``Hints(**…)`` takes, from JSON's values.

    Parameters
    ----------
    values : mapping
        As above.
    folder : Path or None
        Where a label image may lie; ``None``: nowhere, it must be inside.
    """
    if not isinstance(values, Mapping) or values.get("schema") != SCHEMA:
        raise ValueError(f'it is no file of hints; "schema" must be "{SCHEMA}".')
    unknown = [key for key in values if key not in _KEYS]
    if unknown:
        raise ValueError(f'"{unknown[0]}" is unknown; known are {", ".join(_KEYS)}.')
    found: dict[str, Any] = {"colours": _table(values.get("colours", {}))}
    if values.get("shape") is not None:
        found["shape"] = values["shape"]
    if values.get("labels") is not None:
        found["labels"] = _labels(values["labels"], folder)
    found["points"] = [
        Point(*_pair(one, "at"), one.get("colour", ""), one.get("radius", 1.0))
        for one in _objects(values, "points")
    ]
    found["polygons"] = [
        Polygon(one.get("corners") or (), one.get("colour", ""))
        for one in _objects(values, "polygons")
    ]
    return found


def _table(colours: Any) -> dict[int, Any]:
    if not isinstance(colours, Mapping):
        raise ValueError('"colours" must map labels to colours, {"1": "#c01818"}.')
    try:
        return {int(label): colour for label, colour in colours.items()}
    except ValueError:
        raise ValueError('"colours" must map whole numbers to colours.') from None


def _objects(values: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = values.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise ValueError(f'"{key}" must be a list of objects.')
    return found


def _pair(one: Mapping[str, Any], key: str) -> tuple[Any, Any]:
    pair = one.get(key)
    if not isinstance(pair, list) or len(pair) != 2:
        raise ValueError(f'a point needs "{key}": [row, column].')
    return pair[0], pair[1]


def _labels(said: Any, folder: Path | None) -> NDArray[np.int32]:
    if not isinstance(said, str):
        raise ValueError('"labels" must be the name of a PNG, or hold one.')
    if said.startswith(_INSIDE):
        try:
            return _decoded(base64.b64decode(said[len(_INSIDE) :], validate=True), "the labels")
        except ValueError as error:
            raise ValueError(f"the labels inside it cannot be read: {error}") from None
    # A file from a stranger names nothing but its neighbour.
    if folder is None or Path(said).name != said or said in ("", ".", ".."):
        raise ValueError(f'"labels" is {said!r}; it must name a PNG in the same folder.')
    picture = folder / said
    if not picture.is_file():
        raise FileNotFoundError(f"The label image {said} is missing; it belongs beside the JSON.")
    return _decoded(picture.read_bytes(), said)


def _decoded(data: bytes, name: str) -> NDArray[np.int32]:
    try:
        with opened(data, name, ("PNG",)) as picture:
            refuse_too_large(name, *picture.size)
            array = np.asarray(picture)
    except TooLarge:
        raise
    except Exception as error:  # Pillow raises many kinds on damaged files
        raise ValueError(f"{name} is no PNG: {error}.") from None
    if array.ndim != 2 or array.dtype.kind not in "biu":
        raise ValueError(f"{name} is no label image: it must be a grey PNG of 8 or 16 bit.")
    return array.astype(np.int32)


def _png(labels: NDArray[np.int32]) -> bytes:
    from PIL import Image

    if labels.max() > np.iinfo(np.uint16).max:
        raise ValueError("A label is above 65535, more than a PNG can hold; renumber the labels.")
    few = labels.max() <= np.iinfo(np.uint8).max
    kept = io.BytesIO()
    Image.fromarray(labels.astype(np.uint8 if few else np.uint16)).save(kept, "PNG", optimize=True)
    return kept.getvalue()
