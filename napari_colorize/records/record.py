"""The record that travels with predicted colour: what made it, and how to make it again."""

import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize._version import __version__
from napari_colorize.methods import WITHOUT_EFFECT
from napari_colorize.pipeline.clipped import DARKEST, LIGHTEST
from napari_colorize.pipeline.plane import ColouredPlane
from napari_colorize.records.as_python import as_python
from napari_colorize.records.legend import legend
from napari_colorize.records.source import describe_source

__all__ = ["NOTICE", "SCHEMA", "as_python", "describe_source", "legend", "make_record", "mean_of"]

SCHEMA = "napari-colorize/record/1"

NOTICE = (
    "Predicted colour is not a measurement: it is what a model trained on photographs holds "
    "plausible for the lightness it was shown. Do not quantify it."
)


def make_record(coloured: ColouredPlane, source: Any = None) -> dict[str, Any]:
    """Build the provenance record of one coloured plane; every value is plain JSON.

    Parameters
    ----------
    coloured : ColouredPlane
        The result, and all that it came from.
    source : str, path or mapping, optional
        A file, the name of a layer, or a mapping as in ``files.Page.source``. Of a mapping,
        ``axes`` is taken for the letters of a stack's axes, in their order, ``part`` for the
        rows and columns of a part, ``[[first, behind], [first, behind]]``, ``level`` for that of
        a pyramid, and ``expression`` for Python that gives the pixels in napari's console.

    Returns
    -------
    dict
        ``legend`` holds the sentence for a figure, ``notice`` what predicted colour is not,
        ``memory``, where it is there, what was done instead when memory ran out.
    """
    import torch

    from napari_colorize import ops

    plane, parameters = coloured.plane, coloured.parameters
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
        "checkpoint": coloured.checkpoint
        and {"name": coloured.checkpoint.name, "sha256": coloured.checkpoint.sha256},
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
        "network": coloured.network_shape and {"input_shape": list(coloured.network_shape)},
        "output": {
            "shape": list(coloured.rgb.shape),
            "dtype": parameters.dtype,
            "clipped_share": clipped_share(coloured),
            "clipped_between": [DARKEST, LIGHTEST],
            "moved_share": float(coloured.moved_share),
            "mean_uncertainty": mean_uncertainty(coloured),
        },
        **coloured.facts,
    }
    record["legend"] = legend(record)
    if coloured.memory:
        record["memory"] = list(coloured.memory)
    return record


def clipped_share(coloured: ColouredPlane) -> float:
    """Return the share of clipped pixels among those that were to have colour."""
    return np.count_nonzero(coloured.clipped) / coloured.clipped.size / _share_of(coloured)


def mean_uncertainty(coloured: ColouredPlane) -> float:
    """Return the mean uncertainty of the pixels that were to have colour."""
    return mean_of(coloured.uncertainty) / _share_of(coloured)


def _share_of(coloured: ColouredPlane) -> float:
    """Return the share of a plane that is inside its region; 1 where nothing is, or all of it."""
    return (coloured.facts.get("region") or {}).get("share") or 1.0


def mean_of(uncertainty: NDArray[np.float32]) -> float:
    """Return the mean of an (H, W) map, summed in float64 over the means of its rows."""
    return float(uncertainty.mean(axis=1).mean(dtype=np.float64))
