"""The picture that follows the brush, worked out: predicted once, looked at, solved. Knows no Qt.

A *look* is what a stroke becomes while it is painted: the hints are solved on a small grid, and
only what that changes is drawn again. When the brush is lifted the *exact* solve takes its place.
"""

import math
import time
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.guided.decisions import Decisions
from napari_colorize.guided.hints import Drawn, Hints
from napari_colorize.guided.listening import (
    NOTHING,
    Listening,
    heard_over,
    listened,
    prior_chroma,
    rgb_of_chroma,
)
from napari_colorize.guided.solve import Solved, solve
from napari_colorize.parameters import BY_HAND, ColorizeParameters
from napari_colorize.pipeline import image as pictures
from napari_colorize.results import Cancelled
from napari_colorize.widgets.guide.asks import Ask, Said
from napari_colorize.widgets.layers.planes import read_plane
from napari_colorize.widgets.shared.preflight import load_torch

if TYPE_CHECKING:
    from torch import Tensor

LOOK_SIDE = 128
"""Cells along the long side of the grid that a look is solved on."""

LEAST_CHANGE = 0.7
"""What a look changes by fewer Lab units is not drawn again."""

HALO = 3
"""Cells around what is drawn again that its colours may depend on."""


@dataclass(frozen=True, eq=False)
class Small:
    """A picture on a grid of cells of ``factor`` × ``factor`` pixels; the last ones are filled up.

    Parameters
    ----------
    factor : int
    luma : (h · factor, w · factor) array
        The picture's own lightness or codes.
    light : (h, w) float32 array
        L* of the cells.
    prior : (h, w, 2) float32 array
    uncertainty : (h, w) float32 array or None
    """

    factor: int
    luma: NDArray[Any]
    light: NDArray[np.float32]
    prior: NDArray[np.float32]
    uncertainty: NDArray[np.float32] | None


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
    light : (H, W) float32 array
        L*, 0…100.
    prior : (H, W, 2) float32 array
        Its a and b.
    uncertainty : (H, W) float32 array or None
        0…1; of a method that says how sure it is.
    logits : (313, h, w) float32 array or None
        Of a method that predicts a distribution, but does not listen.
    small : Small
    seen : (h', w') float32 array or None
        L* as the network saw it.
    ear : Listening or None
        Has looked at the picture, and predicts it anew for any hints.
    """

    plane: pictures.Plane
    used: ColorizeParameters
    rgb: NDArray[Any]
    light: NDArray[np.float32]
    prior: NDArray[np.float32]
    uncertainty: NDArray[np.float32] | None
    logits: NDArray[np.float32] | None
    small: Small
    seen: NDArray[np.float32] | None = None
    ear: Listening | None = None

    def hearing(self, drawn: Drawn) -> Any:
        """Return what listens to hints drawn over the picture; None where nothing does."""
        if self.ear is None or self.seen is None:
            return None
        return partial(listened, self.ear, self.plane, self.seen, self.used, drawn)


@dataclass(eq=False, kw_only=True)
class Frame:
    """One picture to look at.

    Parameters
    ----------
    ask : Ask
    rgb : (H, W, 3) uint8 array
    exact : bool
        Whether it is what a result would be; otherwise a look.
    drawn : (slice, slice)
        The part that differs from the picture that a look was begun with.
    hints : Hints or None
    solved : Solved or None
        Of an exact one.
    notes : list of str
        What a person should know.
    seconds : dict of str to float
        What each stage took.
    cells : (h, w, 2) float32 array or None
        What a look would make of the same hints.
    """

    ask: Ask
    rgb: NDArray[Any]
    exact: bool
    drawn: tuple[slice, slice] = (slice(None), slice(None))
    hints: Hints | None = None
    solved: Solved | None = None
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    cells: NDArray[np.float32] | None = None

    @property
    def held(self) -> int:
        """How many pixels have a colour of their own."""
        return 0 if self.solved is None else self.solved.held

    @property
    def moved(self) -> int:
        """How many of them were moved into sRGB."""
        return 0 if self.solved is None else self.solved.moved


def predicted(ask: Ask, should_stop: Callable[[], bool]) -> Predicted:
    """Predict one picture, under a palette or from a reference where there is one."""
    from napari_colorize import api
    from napari_colorize.guided.palettes import has_distribution
    from napari_colorize.pipeline.refine import as_tensor, full_size_map, full_size_rgb
    from napari_colorize.pipeline.resample import network_shape

    job, guide = ask.job, ask.guide
    parameters = job.parameters
    pixels = read_plane(job.data, job.plane)
    plane = pictures.read_plane(pixels, parameters.window, parameters.gamma)
    light = plane.lightness()
    if parameters.method in BY_HAND:
        used = parameters.changed(dtype="uint8", device="cpu")
        prior = _by_hand(light, guide, used.method)
        rgb, _ = rgb_of_chroma(plane, prior, used)
        return Predicted(plane, used, rgb, light, prior, None, None, small(plane, prior, None))
    device = api.resolve_device(parameters.device)
    model, used = api.load_model(parameters.changed(dtype="uint8"), device)
    assert used.network_size is not None
    height, width = plane.luma.shape
    seen = plane.lightness_at(network_shape(height, width, used.network_size))
    if should_stop():
        raise Cancelled("The picture is no longer wanted.")
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
    prior = prior_chroma(plane, seen, chroma, used)[0]
    sure = full_size_map(uncertainty, plane.luma.shape)
    return Predicted(
        plane,
        used,
        rgb,
        light,
        prior,
        sure,
        None if logits is None else logits[0].float().cpu().numpy(),
        small(plane, prior, sure),
        seen,
        ear,
    )


def _by_hand(light: NDArray[np.float32], guide: Decisions, method: str) -> NDArray[np.float32]:
    """Return what a method without weights has behind the hints."""
    if method == "scribbles":
        return np.zeros((*light.shape, 2), np.float32)
    return guide.transferred(light)


def small(
    plane: pictures.Plane,
    prior: NDArray[np.float32],
    uncertainty: NDArray[np.float32] | None,
) -> Small:
    """Average a prediction over the cells that looks are solved on."""
    import cv2

    height, width = plane.luma.shape
    factor = max(1, math.ceil(max(height, width) / LOOK_SIDE))
    below, beside = -height % factor, -width % factor

    def filled(pixels: NDArray[Any]) -> NDArray[Any]:
        around = [(0, below), (0, beside)] + [(0, 0)] * (pixels.ndim - 2)
        return np.pad(pixels, around, mode="edge") if below or beside else pixels

    def averaged(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        whole = np.ascontiguousarray(filled(pixels))
        size = whole.shape[1] // factor, whole.shape[0] // factor
        return np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), np.float32)

    return Small(
        factor,
        np.ascontiguousarray(filled(plane.luma)),
        averaged(plane.lightness()),
        averaged(prior),
        None if uncertainty is None else averaged(uncertainty),
    )


def cells_of(known: Predicted, said: Said, spread: float) -> NDArray[np.float32]:
    """Solve on the cells of a picture, (h, w, 2)."""
    little = known.small
    hints = said.hints(known.light, little.factor)
    drawn = hints.drawn(little.light.shape)
    if not drawn.coloured:
        return little.prior
    # A copy: what was heard last is kept, and an exact solve may be listening meanwhile.
    ear = None if known.ear is None else copy(known.ear)
    return solve(
        little.light,
        little.prior,
        drawn,
        uncertainty=little.uncertainty,
        spread=_spread_of(known, spread),
        listen=None if ear is None else partial(heard_over, ear, little.prior, drawn),
    ).chroma


def looked(
    ask: Ask, known: Predicted, base: Frame, progress: Any, should_stop: Callable[[], bool]
) -> Frame:
    """Look at a stroke that is being painted: draw again what it changes of an exact picture."""
    began = time.perf_counter()
    if base.cells is None:
        base.cells = cells_of(known, base.ask.said, base.ask.guide.spread)
    cells = cells_of(known, ask.said, ask.guide.spread)
    solved_at = time.perf_counter()
    if should_stop():
        raise Cancelled("The look is no longer wanted.")
    changed = np.abs(cells - base.cells).max(-1) > LEAST_CHANGE
    rgb, drawn = base.rgb, (slice(0, 0), slice(0, 0))
    if changed.any():
        rgb, drawn = _redrawn(known, cells, changed, base.rgb)
    seconds = {"solve": solved_at - began, "colour": time.perf_counter() - solved_at}
    return Frame(ask=ask, rgb=rgb, exact=False, drawn=drawn, seconds=seconds)


def _redrawn(
    known: Predicted,
    cells: NDArray[np.float32],
    changed: NDArray[np.bool_],
    before: NDArray[Any],
) -> tuple[NDArray[Any], tuple[slice, slice]]:
    """Return a picture with the changed cells drawn again, and the part in which they lie."""
    import cv2
    import torch

    from napari_colorize import ops

    little, factor = known.small, known.small.factor
    wide = cv2.dilate(changed.astype(np.uint8), np.ones((3, 3), np.uint8))
    box, part = [], []
    for axis in (0, 1):
        found = np.flatnonzero(wide.any(1 - axis))
        first, last = int(found[0]), int(found[-1]) + 1
        box.append(slice(max(0, first - HALO), min(wide.shape[axis], last + HALO)))
        part.append(slice(box[-1].start * factor, min(box[-1].stop * factor, before.shape[axis])))
    rows, columns = box
    luma = little.luma[
        rows.start * factor : rows.stop * factor, columns.start * factor : columns.stop * factor
    ]
    with torch.inference_mode():
        drawn, _ = ops.finish(
            torch.from_numpy(np.ascontiguousarray(luma))[None],
            torch.from_numpy(np.ascontiguousarray(cells[rows, columns].transpose(2, 0, 1)))[None],
            torch.from_numpy(np.ascontiguousarray(little.light[rows, columns]))[None, None],
            radius=2,
            sigma_space=1.0,
            sigma_range=8.0,
        )
    height, width = (one.stop - one.start for one in part)
    mask = np.repeat(np.repeat(wide[rows, columns], factor, 0), factor, 1)[:height, :width]
    rgb = before.copy()
    own = np.ascontiguousarray(rgb[part[0], part[1]])
    own = cv2.copyTo(np.ascontiguousarray(drawn[0].numpy()[:height, :width]), mask, own)
    rgb[part[0], part[1]] = own
    return rgb, (part[0], part[1])


def followed(
    ask: Ask,
    known: Predicted | None,
    before: Frame | None,
    progress: Any,
    should_stop: Callable[[], bool],
) -> tuple[Ask, Predicted, Frame]:
    """Predict if need be, and solve; runs in the inference thread.

    ``before`` is the last exact picture; where nothing that counts has changed it comes back.
    """
    load_torch()
    began = time.perf_counter()
    seconds: dict[str, float] = {}
    if known is None:
        progress(None, "Predicting…")
        known, before = predicted(ask, should_stop), None
        seconds["predict"] = time.perf_counter() - began
    began = time.perf_counter()
    hints = ask.said.hints(known.light)
    seconds["hints"] = time.perf_counter() - began
    spread = ask.guide.spread
    if before is not None and before.ask.guide.spread == spread and _same(before.hints, hints):
        return ask, known, replace(before, ask=ask, notes=ask.said.left_out(), seconds=seconds)
    drawn = hints.drawn(known.plane.luma.shape)
    frame = Frame(ask=ask, rgb=known.rgb, exact=True, hints=hints, notes=ask.said.left_out())
    if drawn.coloured:
        began = time.perf_counter()
        solved = solve(
            known.light,
            known.prior,
            drawn,
            uncertainty=known.uncertainty,
            spread=_spread_of(known, spread),
            listen=known.hearing(drawn),
            should_stop=should_stop,
        )
        seconds["solve"] = time.perf_counter() - began
        began = time.perf_counter()
        own, _ = rgb_of_chroma(known.plane, solved.chroma, known.used)
        if not solved.touched.all():
            own = np.where(solved.touched[..., None], own, known.rgb)
        frame.rgb, frame.solved = own, solved
        seconds["colour"] = time.perf_counter() - began
    elif known.ear is not None:
        known.ear.heard(NOTHING)  # suggestions are those of the picture without hints again
    frame.seconds = seconds
    return ask, known, frame


def _spread_of(known: Predicted, spread: float) -> float:
    """Return how far hints speak: where nothing was predicted, nothing listens."""
    return 0.0 if known.used.method in BY_HAND else spread


def _same(one: Hints | None, other: Hints) -> bool:
    """Whether the same is said of the same pixels, without writing it all out."""
    if one is None or one.points != other.points or dict(one.colours) != dict(other.colours):
        return False
    if one.labels is None or other.labels is None:
        return one.labels is other.labels
    return np.array_equal(one.labels, other.labels)
