"""The record that travels with predicted colour: what made it, and how to make it again."""

import datetime
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize._version import __version__
from napari_colorize.methods import WITHOUT_EFFECT
from napari_colorize.parameters import ColorizeParameters
from napari_colorize.pipeline.clipped import DARKEST, LIGHTEST
from napari_colorize.pipeline.image import Plane
from napari_colorize.records.legend import legend

__all__ = ["NOTICE", "SCHEMA", "as_python", "describe_source", "legend", "make_record"]

SCHEMA = "napari-colorize/record/1"

NOTICE = (
    "Predicted colour is not a measurement: it is what a model trained on photographs holds "
    "plausible for the lightness it was shown. Do not quantify it."
)


def make_record(
    *,
    plane: Plane,
    parameters: ColorizeParameters,
    checkpoint: Any,
    network_shape: tuple[int, int],
    uncertainty: NDArray[np.float32],
    clipped: NDArray[np.bool_],
    moved_share: float,
    output_shape: tuple[int, ...],
    source: Any = None,
) -> dict[str, Any]:
    """Build the provenance record of one coloured plane; every value is plain JSON.

    Parameters
    ----------
    plane : Plane
        The input, as it was read.
    parameters : ColorizeParameters
        As used: defaults resolved, device named.
    checkpoint : checkpoints.CheckpointRecord
        Of the weights; its ``name`` and ``sha256`` are kept.
    network_shape : (int, int)
        Size at which the network saw the picture.
    uncertainty, clipped : (H, W) arrays
        Results, for their means.
    moved_share : float
        Share of pixels whose colour was moved into sRGB, next to black and white too, 0…1.
    output_shape : tuple of int
        Shape of the RGB(A) result.
    source : str, path or mapping, optional
        A file, the name of a layer, or a mapping as in ``files.Page.source``. Of a mapping,
        ``axes`` is taken for the letters of a stack's axes, in their order, ``part`` for the
        rows and columns of a part, ``[[first, behind], [first, behind]]``, ``level`` for that of
        a pyramid, and ``expression`` for Python that gives the pixels in napari's console.

    Returns
    -------
    dict
        ``legend`` holds the sentence for a figure, ``notice`` what predicted colour is not.
    """
    import torch

    from napari_colorize import ops

    used = parameters.to_dict() | {"window": list(plane.window)}
    record = {
        "schema": SCHEMA,
        "notice": NOTICE,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "software": {
            "name": "napari-colorize",
            "version": __version__,
            "backend": ops.backend(),
            "torch": str(torch.__version__),
        },
        "method": parameters.method,
        "checkpoint": {"name": checkpoint.name, "sha256": checkpoint.sha256},
        "parameters": used,
        "without_effect": list(WITHOUT_EFFECT.get(parameters.method, ())),
        "source": describe_source(source),
        "input": {
            "kind": plane.kind,
            "shape": list(plane.shape),
            "dtype": plane.dtype,
            "window": list(plane.window),
            "window_mode": plane.window_mode,
            "nan_count": plane.nan_count,
            "outside_window": plane.outside_window,
            "one_shade": plane.one_shade,
        },
        "network": {"input_shape": list(network_shape)},
        "output": {
            "shape": list(output_shape),
            "dtype": parameters.dtype,
            "clipped_share": float(np.count_nonzero(clipped) / clipped.size),
            "clipped_between": [DARKEST, LIGHTEST],
            "moved_share": float(moved_share),
            "mean_uncertainty": float(uncertainty.mean(axis=1).mean(dtype=np.float64)),
        },
    }
    return record | {"legend": legend(record)}


def describe_source(source: Any) -> dict[str, Any] | None:
    """Return where a picture came from as a JSON-able dict.

    A path (``os.PathLike``) becomes ``{"path": …}``, a string ``{"name": …}``; mappings, such as
    ``files.Page.source`` with its ``path`` and ``page``, pass.

    Raises
    ------
    TypeError
        Something else was given.
    """
    if source is None:
        return None
    if isinstance(source, Mapping):
        return {str(key): _plain(value) for key, value in source.items()}
    if isinstance(source, os.PathLike):
        return {"path": os.fspath(source)}
    if isinstance(source, str):
        return {"name": source}
    raise TypeError(f"source is {source!r}; give a path, the name of a layer, or a mapping.")


def as_python(record: Mapping[str, Any]) -> str:
    """Return the Python code that makes the same result without a graphical interface.

    Where the source is a file that :mod:`napari_colorize.files` reads, the code reads it; otherwise
    it expects the picture in a variable ``image`` and, where a layer of napari was coloured, says
    in a comment what that is in napari's console. The intensity window is written out, so that the
    code does not depend on how it was chosen; the device is left to the machine that runs it.
    """
    from napari_colorize.files import READABLE

    used = {k: v for k, v in record["parameters"].items() if k != "device"}
    used["window"] = tuple(used["window"])
    stack = record.get("stack")
    source = record.get("source") or {}
    lines = ["import napari_colorize"]
    if str(source.get("path", "")).lower().endswith(READABLE):
        lines += _reading(record, source)
    else:
        name = source.get("name") or source.get("path")
        named = f" {name!r}" if name else ""
        levels = (stack or {}).get("levels")
        what = f"pyramid of {levels} levels," if levels else "stack" if stack else "picture"
        lines += ["", f"# image: the {_shape_of(record)} pixels of the {what}{named}"]
        if source.get("expression"):  # no more than a hint: elsewhere there is no viewer
            lines += [f"# image = {source['expression']}"]
    call, options = _call_of(stack, used)
    lines += [f"result = napari_colorize.{call}(", "    image,"]
    lines += [f"    {name}={value}," for name, value in options.items()]
    found = ("rgb", "uncertainty", "clipped")
    one = f"[{stack['plane']}]" if stack and "plane" in stack else ""
    lines += [")", f"{', '.join(found)} = {', '.join(f'result.{name}{one}' for name in found)}"]
    return "\n".join(lines) + "\n"


def _reading(record: Mapping[str, Any], source: Mapping[str, Any]) -> list[str]:
    """Return the lines that read the picture, or the stack in its axes, from its file."""
    stack, shape = record.get("stack"), record["input"]["shape"]
    pages = f"files.read({source['path']!r})"
    if not stack:
        read = f"{pages}[{source.get('page') or 0}].pixels"
        return ["from napari_colorize import files", "", f"image = {read}"]
    read = f"[page.pixels for page in {pages}]"
    if "plane" in stack or len(shape) - bool(stack["rgb"]) <= 3:
        return ["from napari_colorize import files", "", f"image = {read}"]
    whole = f"np.stack({read}).reshape({tuple(shape)})"
    lines = ["import numpy as np", "from napari_colorize import files", "", f"image = {whole}"]
    return lines


def _call_of(stack: Mapping[str, Any] | None, used: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Return the function that repeats a colouring, and its options as they are written."""
    if not stack:
        used.pop("consistency", None)  # of no use to a single picture
        return "colorize", {name: repr(value) for name, value in used.items()}
    call = "colorize_multiscale" if stack.get("levels") else "colorize_stack"
    asked = {"axis": stack["axis"], "rgb": stack["rgb"], **used}
    options = {name: repr(value) for name, value in asked.items()}
    if "channel_axis" not in stack:
        return call, options
    del options["window"]
    windows = [tuple(window) for window in stack["windows"]]
    own = {"channel_axis": repr(stack["channel_axis"]), "windows": repr(windows)}
    return "colorize_channels", {**own, "how": f"napari_colorize.{call}", **options}


def _shape_of(record: Mapping[str, Any]) -> str:
    given = record["input"]
    return f"{given['dtype']} " + " × ".join(str(side) for side in given["shape"])


def _plain(value: Any) -> Any:
    """Return paths and NumPy scalars as what JSON can hold."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return value.item() if isinstance(value, np.generic) else value
