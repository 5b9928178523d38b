"""From a finished run to new napari layers."""

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_colorize.widgets.colorize.job import Job
from napari_colorize.widgets.colorize.run import Outcome
from napari_colorize.widgets.layers.precedence import prefer_our_writers
from napari_colorize.widgets.shared.preferences import preferences

if TYPE_CHECKING:
    from napari.layers import Layer

RECORD_KEY = "napari_colorize"
PREVIEW_KEY = "napari_colorize_preview"
"""In the metadata of a preview, which has no record and is no image to work with."""


def build_layers(job: Job, outcome: Outcome) -> list["Layer"]:
    """Return the layers of a run, lowest first: uncertainty, colour, clipped colours.

    Lazy ones are not visible yet: napari would colour the first plane of a visible layer as soon as
    it is made, wherever the sliders stand. Show them once they are in a viewer.

    Built here, and not left to napari's converters, because those overwrite a layer of the same
    name, guess what is RGB, and lose scale, units or axis labels.
    """
    from napari.layers import Image, Labels

    prefer_our_writers()
    method = job.parameters.method
    common = {
        "metadata": {RECORD_KEY: outcome.record},
        "multiscale": isinstance(outcome.rgb, list),
        "visible": not job.lazy,
        **job.placement,
    }
    layers: list[Layer] = []
    if outcome.uncertainty is not None:
        layers.append(
            Image(
                outcome.uncertainty,
                rgb=False,
                name=f"{job.name} (uncertainty, {method})",
                colormap="magma",
                contrast_limits=(0, 1),
                **common,
            )
        )
    layers.append(
        Image(
            outcome.rgb,
            rgb=True,
            name=preferences().name_of(job.name, method),
            **common,
        )
    )
    if outcome.clipped is not None:
        layers.append(
            Labels(
                _as_labels(outcome.clipped),
                name=f"{job.name} (clipped colours, {method})",
                **common,
            )
        )
    return layers


def _as_labels(clipped: Any) -> Any:
    if isinstance(clipped, list):
        return [level.astype(np.uint8) for level in clipped]
    return clipped.astype(np.uint8)
