"""How far the planes around one speak for its colour: a weighted mean along the motion.

Each plane is a mean over its neighbours as the network saw them, never over earlier results. So a
plane's colour depends on a few planes around it alone, and can be worked out in any order.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.sequences.motion import Flow, Motion, joined, lands_inside, warped

TOLERANCE = 8.0
"""Difference in L* at which a neighbour's pixel counts exp(−1/2) of one that agrees."""


@dataclass(frozen=True, eq=False)
class PlanePrediction:
    """What was predicted for one plane, and the lightness that it was predicted from.

    Parameters
    ----------
    seen : (h', w') float32 array
        L*, 0…100, at the network's size.
    guide : (h, w) float32 array
        L* on the chroma grid.
    values : (h, w, 3) float32 array
        a, b in Lab units, and uncertainty, 0…1.
    said : tuple of str
        What was done instead where memory ran out.
    facts : mapping
        What a guide adds to the record.
    """

    seen: NDArray[np.float32]
    guide: NDArray[np.float32]
    values: NDArray[np.float32]
    said: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def smoothed(
    number: int,
    prediction: Callable[[int], PlanePrediction],
    motion: Callable[[int], Motion | None],
    weights: Sequence[float],
) -> NDArray[np.float32]:
    """Return a plane's colour, smoothed over the planes around it where structure continues.

    The mean runs over the neighbours in either direction, each fetched along the motion. A
    neighbour at distance d counts ``weights[d]`` times its trust: the Gaussian of the difference
    in L* between the plane and what was fetched, 0 outside the picture and beyond a cut, and never
    more than the trust of a nearer neighbour on the same side. Where nothing is trusted, the
    plane's own colour stands.

    Parameters
    ----------
    number : int
        Which plane.
    prediction : callable
        Gives a plane's :class:`PlanePrediction`; only planes that motion leads to are asked for.
    motion : callable
        Gives the :class:`~napari_colorize.sequences.motion.Motion` between plane i and i + 1;
        ``None`` across a cut and at the ends, for i = −1 too.
    weights : sequence of float
        By distance, from 0; see :func:`napari_colorize.sequences.parameters.weights_of`.

    Returns
    -------
    (h, w, 3) float32 array
        a, b and uncertainty.
    """
    own = prediction(number)
    total = own.values * np.float32(weights[0])
    weight = np.full(own.guide.shape, weights[0], dtype=np.float32)
    for step in (1, -1):
        flows = _flows(number, step, motion, len(weights) - 1)
        trust = np.ones_like(own.guide)
        for distance, (flow, brighter) in enumerate(flows, start=1):
            other = prediction(number + step * distance)
            guide = warped(other.guide, flow) - np.float32(brighter)
            trust = np.minimum(trust, _agreement(own.guide, guide)) * lands_inside(flow)
            share = trust * np.float32(weights[distance])
            total += share[..., None] * warped(other.values, flow)
            weight += share
    return total / weight[..., None]


def _flows(
    number: int, step: int, motion: Callable[[int], Motion | None], reach: int
) -> Iterator[tuple[Flow, float]]:
    """Yield the flow to each neighbour on one side, and by how much it is brighter (L*)."""
    flow: Flow | None = None
    brighter = 0.0
    for distance in range(reach):
        here = number + step * distance
        onward = motion(here if step > 0 else here - 1)
        if onward is None:
            return
        further = onward.forward if step > 0 else onward.backward
        flow = further if flow is None else joined(flow, further)
        brighter += step * onward.brighter
        yield flow, brighter


def _agreement(own: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.exp(np.square((own - other) / np.float32(TOLERANCE)) / -2)
