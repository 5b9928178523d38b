"""The record that travels with predicted colour: what made it, and how to make it again."""

import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize._version import __version__
from napari_colorize.methods import WITHOUT_EFFECT
from napari_colorize.parameters import ColorizeParameters
from napari_colorize.pipeline.clipped import DARKEST, LIGHTEST
from napari_colorize.pipeline.image import Plane
from napari_colorize.records.as_python import as_python
from napari_colorize.records.legend import legend
from napari_colorize.records.source import describe_source

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
