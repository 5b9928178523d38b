"""The picture that follows the brush: prediction once, a solve for each stroke. Knows no Qt."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.guided.decisions import Decisions
from napari_colorize.guided.listening import (
    NOTHING,
    Listening,
    listened,
    prior_chroma,
    rgb_of_chroma,
)
from napari_colorize.guided.solve import Solved, solve
from napari_colorize.parameters import ColorizeParameters
from napari_colorize.pipeline import image as pictures
from napari_colorize.widgets.colorize.job import PlaneJob
from napari_colorize.widgets.layers.planes import read_plane
from napari_colorize.widgets.shared.preflight import load_torch

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Predicted:
    """What a method says of one picture, so that a stroke costs no network.

    Parameters
    ----------
    plane : pipeline.image.Plane
    used : ColorizeParameters
        As used: defaults resolved.
    rgb : (H, W, 3) uint8 array
        The prediction.
    prior : (H, W, 2) float32 array
        Its a and b.
    uncertainty : (H, W) float32 array
        0…1.
    logits : (313, h, w) float32 array or None
        Of a method that predicts a distribution, but does not listen.
    seen : (h', w') float32 array
        L* as the network saw it.
    ear : Listening or None
        Has looked at the picture, and predicts it anew for any hints.
    """

    plane: pictures.Plane
    used: ColorizeParameters
    rgb: NDArray[np.uint8]
    prior: NDArray[np.float32]
    uncertainty: NDArray[np.float32]
    logits: NDArray[np.float32] | None
    seen: NDArray[np.float32]
    ear: Listening | None


@dataclass(frozen=True, eq=False)
class Shown:
    """One picture to look at.

    Parameters
    ----------
    rgb : (H, W, 3) uint8 array
    held, moved : int
        Pixels with a colour of their own, and those of them moved into sRGB.
    """

    rgb: NDArray[np.uint8]
    held: int
    moved: int


def predicted(
    picture: NDArray[Any],
    parameters: ColorizeParameters,
    guide: Decisions,
    should_stop: Callable[[], bool],
) -> Predicted:
    """Predict one picture, under a palette if there is one.

    Parameters
    ----------
    picture : (H, W) or (H, W, C) array
    parameters : ColorizeParameters
    guide : Decisions
        Its palette is used.
    should_stop : callable
    """
    from napari_colorize import api
    from napari_colorize.guided.palettes import has_distribution
    from napari_colorize.pipeline.refine import as_tensor, full_size_map, full_size_rgb
    from napari_colorize.pipeline.resample import network_shape

    plane = pictures.read_plane(picture, parameters.window, parameters.gamma)
    device = api.resolve_device(parameters.device)
    model, used = api.load_model(parameters.changed(dtype="uint8"), device)
    assert used.network_size is not None
    height, width = plane.luma.shape
    seen = plane.lightness_at(network_shape(height, width, used.network_size))
    if should_stop():
        raise api.Cancelled("The picture is no longer wanted.")
    graph = guide.listening(model, always=True).graph
    ear = graph if isinstance(graph, Listening) else None
    chroma, uncertainty = api.predict(graph, seen, used)
    rgb, _ = full_size_rgb(plane, seen, chroma, used)
    logits: Tensor | None = None
    if ear is None and has_distribution(model.graph):
        import torch

        with torch.inference_mode():
            luma = as_tensor(seen, used.device)[None, None]
            logits = model.graph.distribution(luma, torch.tensor(float(used.vividness or 0)))
    return Predicted(
        plane,
        used,
        rgb,
        prior_chroma(plane, seen, chroma, used)[0],
        full_size_map(uncertainty, plane.luma.shape),
        None if logits is None else logits[0].float().cpu().numpy(),
        seen,
        ear,
    )


def shown(
    known: Predicted, guide: Decisions, *, preview: bool, should_stop: Callable[[], bool]
) -> tuple[Shown, Solved | None]:
    """Colour by hints, from a prediction that is known.

    Parameters
    ----------
    known : Predicted
    guide : Decisions
    preview : bool
        Be quick rather than exact.
    should_stop : callable
    """
    drawn = guide.drawn_over(known.plane.luma.shape)
    if drawn is None or not drawn.coloured:
        if known.ear is not None:
            known.ear.heard(NOTHING)  # suggestions are those of the picture without hints again
        return Shown(known.rgb, 0, 0), None
    listen = None
    if known.ear is not None:
        listen = partial(listened, known.ear, known.plane, known.seen, known.used, drawn)
    solved = solve(
        known.plane.lightness(),
        known.prior,
        drawn,
        uncertainty=known.uncertainty,
        spread=guide.spread,
        listen=listen,
        preview=preview,
        should_stop=should_stop,
    )
    own, _ = rgb_of_chroma(known.plane, solved.chroma, known.used)
    rgb = np.where(solved.touched[..., None], own, known.rgb)
    return Shown(rgb, solved.held, solved.moved), solved


def suggested(
    known: Predicted, row: int, column: int, solved: Solved | None
) -> list[tuple[str, float]]:
    """Suggest five colours for a pixel, given the hints so far.

    Parameters
    ----------
    known : Predicted
    row, column : int
    solved : Solved or None
        What the hints make of the picture.

    Returns
    -------
    list of (str, float)
        See :func:`napari_colorize.guided.palettes.suggestions`; empty without a distribution.
    """
    from napari_colorize.guided.palettes import suggestions

    height, width = known.plane.luma.shape
    if known.ear is not None:
        probable = known.ear.probable((row + 0.5) / height, (column + 0.5) / width)
        light = float(known.plane.lightness(slice(row, row + 1))[0, column])
        return suggestions(probable, light)
    if known.logits is None:
        return []
    _, down, across = known.logits.shape
    at = known.logits[
        :, min(row * down // height, down - 1), min(column * across // width, across - 1)
    ]
    probable = np.exp(at - at.max())
    light = float(known.plane.lightness(slice(row, row + 1))[0, column])
    near = None
    if solved is not None and solved.touched[row, column]:
        near = solved.chroma[row, column]
    return suggestions(probable, light, near=near)


def followed(
    job: PlaneJob,
    guide: Decisions,
    key: Any,
    known: Predicted | None,
    progress: Any,
    should_stop: Any,
) -> tuple[Any, Predicted, Shown, Any, PlaneJob]:
    """Predict if need be, and solve; runs in the inference thread."""
    load_torch()
    if known is None:
        progress(None, "Predicting…")
        known = predicted(read_plane(job.data, job.plane), job.parameters, guide, should_stop)
    picture, solved = shown(known, guide, preview=False, should_stop=should_stop)
    return key, known, picture, solved, job
