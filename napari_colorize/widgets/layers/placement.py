"""Where a result lies in the world: exactly over the pixels that it was computed from."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari.layers import Layer


def placement_of(
    layer: "Layer", offset: Sequence[float] = (), factors: Sequence[float] = ()
) -> dict[str, Any]:
    """Return the keyword arguments that place a new layer over (a part of) ``layer``.

    Scale, rotate, shear, affine, units and axis labels are the source's own. A part keeps all the
    source's axes, with length 1 where it was sliced, so that it lies in the plane that it was cut
    from, even if that plane is tilted or the viewer shows another pair of axes.

    Parameters
    ----------
    layer : napari.layers.Layer
        The source; not kept.
    offset : sequence of float, optional
        The source pixel under the part's first pixel, one number an axis. Default: 0.
    factors : sequence of float, optional
        Source pixels that one pixel of the result spans, for a coarser pyramid level; ``offset``
        then names a pixel of the level. Outer edges stay where they are. Default: 1.

    Returns
    -------
    dict
        For :class:`napari.layers.Image` or :class:`napari.layers.Labels`.
    """
    from napari.utils.transforms import Affine

    spans = np.asarray(factors, dtype=float) if len(factors) else np.ones(layer.ndim)
    start = np.asarray(offset, dtype=float) if len(offset) else np.zeros(layer.ndim)
    centre = (start + 0.5) * spans - 0.5  # of the first result pixel, in source pixels
    own = Affine(
        scale=layer.scale,
        translate=layer.translate,
        rotate=layer.rotate,
        shear=layer.shear,
        ndim=layer.ndim,
    )
    return {
        "scale": np.asarray(layer.scale) * spans,
        "translate": np.asarray(layer.translate) + own.linear_matrix @ centre,
        "rotate": np.array(layer.rotate),
        "shear": np.array(layer.shear),
        "affine": np.array(layer.affine.affine_matrix),
        "units": tuple(layer.units),
        "axis_labels": tuple(layer.axis_labels),
    }
