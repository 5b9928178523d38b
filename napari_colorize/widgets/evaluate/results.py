"""From a finished comparison to its napari layer."""

from typing import TYPE_CHECKING

from napari_colorize._version import __version__
from napari_colorize.widgets.evaluate.job import Evaluated

if TYPE_CHECKING:
    from napari.layers import Image

ERROR_KEY = "napari_colorize_error"
"""Where the layer's metadata says what it shows."""

SHOWN = 50.0
"""Lab units at the bright end of every map, so that maps of several methods can be compared."""


def build_error_layer(evaluated: Evaluated) -> "Image":
    """Return the map of the error, over the coloured layer's own pixels, with its colour bar."""
    from napari.layers import Image

    job = evaluated.job
    coloured, truth = job.names
    layer = Image(
        evaluated.error,
        rgb=False,
        name=f"{coloured} (colour error against {truth})",
        colormap="inferno",
        contrast_limits=(0.0, SHOWN),
        metadata={
            ERROR_KEY: {
                "quantity": "distance on the ab plane of CIE L*a*b* (D65)",
                "unit": "Lab",
                "coloured": coloured,
                "truth": truth,
                "planes": len(job.planes),
                "scores": evaluated.comparison.scores,
                "version": __version__,
            }
        },
        **job.placement,
    )
    if hasattr(layer, "colorbar"):  # since napari 0.7
        layer.colorbar.visible = True
    return layer
