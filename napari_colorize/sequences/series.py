"""One run of planes along z or t: predicted once each, joined by motion, coloured in any order.

How far the planes around one speak for its colour: each plane is a weighted mean, along the motion,
over its neighbours as the network saw them, never over earlier results. So a plane's colour depends
on a few planes around it alone, and can be worked out in any order.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.pipeline.network import Prediction
from napari_colorize.pipeline.plane import ColouredPlane, PlaneColorizer
from napari_colorize.pipeline.refine import as_tensor
from napari_colorize.pipeline.resample import resize
from napari_colorize.sequences.motion import Flow, Motion, find_motion, joined, lands_inside, warped
from napari_colorize.sequences.planes import Recent

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


Read = Callable[[int], "NDArray[Any] | None"]
"""Gives the pixels of a plane for its number, ``None`` behind the last."""

Tick = Callable[[float, str], None]
"""Told the share of a plane that is done, 0…1, and what comes next; raises to stop."""


class Series:
    """Colours the planes of one run. Only what is small is kept: some 300 kB a plane.

    Several threads may ask at once; the network runs for one of them at a time.

    Parameters
    ----------
    read : callable
        Gives the pixels of a plane for its number, ``None`` behind the last.
    colorizer : PlaneColorizer
        With the window of all planes.
    weights : sequence of float
        How much neighbours count, by distance from 0; see
        :func:`napari_colorize.sequences.parameters.weights_of`.
    keep : int, optional
        Planes whose prediction is kept; at the least those that one result needs.
    """

    def __init__(
        self, read: Read, colorizer: PlaneColorizer, weights: list[float], keep: int = 0
    ) -> None:
        self._read, self._colorizer, self._weights = read, colorizer, weights
        keep = max(keep, 2 * len(self._weights))
        self._predictions: Recent[PlanePrediction | None] = Recent(keep)
        self._motions: Recent[Motion | None] = Recent(keep)
        self._lock = threading.RLock()
        self._tick: Tick = _silent
        self.cuts: set[int] = set()
        """Planes so far found to show something else than the plane before them."""

    @property
    def kept(self) -> int:
        """Predictions that are in memory."""
        return len(self._predictions)

    def coloured(self, number: int, tick: Tick | None = None) -> ColouredPlane | None:
        """Return a coloured plane, or ``None`` behind the last."""
        tick = tick or _silent
        values = self.values(number, tick)
        if values is None:
            return None
        tick(0.8, "refining")
        pixels = self._read(number)
        assert pixels is not None, "a plane that was predicted can be read"
        return self.finished(number, pixels, values, tick)

    def values(self, number: int, tick: Tick | None = None) -> NDArray[np.float32] | None:
        """Return a, b and uncertainty of a plane, (h, w, 3), or ``None`` behind the last."""
        with self._lock:
            self._tick = tick or _silent
            try:
                if self._prediction(number) is None:
                    return None
                return smoothed(number, self._known, self._motion, self._weights)
            finally:
                self._tick = _silent

    def finished(
        self,
        number: int,
        pixels: NDArray[Any],
        values: NDArray[np.float32],
        tick: Tick | None = None,
    ) -> ColouredPlane:
        """Colour pixels with the values of a plane.

        Parameters
        ----------
        number : int
            Of the plane in this series.
        pixels : array
            The plane itself, or the same field at another resolution: a level of a pyramid.
        values : (h, w, 3) float32 array
            From :meth:`values`.
        tick : callable, optional
            As for :meth:`coloured`.
        """
        tick = tick or _silent
        with self._lock:
            known = self._known(number)
        small = as_tensor(values, self._colorizer.used.device).permute(2, 0, 1)[None]
        return self._colorizer.finish(
            self._colorizer.see(pixels),
            known.seen,
            Prediction(small[:, :2].contiguous(), small[:, 2:], known.facts),
            lambda share: tick(0.8 + 0.2 * share, "refining"),
            known.said,
        )

    def _prediction(self, number: int) -> PlanePrediction | None:
        return self._predictions.get(number, self._predicted)

    def _motion(self, number: int) -> Motion | None:
        """Return the motion between a plane and the next one."""
        return self._motions.get(number, self._moved)

    def _known(self, number: int) -> PlanePrediction:
        prediction = self._prediction(number)
        assert prediction is not None, "only planes that motion leads to are asked for"
        return prediction

    def _predicted(self, number: int) -> PlanePrediction | None:
        self._tick(0.0, "reading lightness")
        pixels = self._read(number)
        if pixels is None:
            return None
        plane = self._colorizer.see(pixels)
        seen = self._colorizer.shown_to_the_network(plane)
        self._tick(0.2, "predicting colour")
        found, said = self._colorizer.predict(plane, seen)
        planes = [*found.chroma[0].cpu().numpy(), found.uncertainty[0, 0].cpu().numpy()]
        values = np.ascontiguousarray(np.stack(planes, axis=-1))
        return PlanePrediction(seen, resize(seen, values.shape[:2]), values, said, found.facts)

    def _moved(self, number: int) -> Motion | None:
        if number < 0:
            return None
        first, second = self._prediction(number), self._prediction(number + 1)
        if first is None or second is None:
            return None
        self._tick(0.6, "following structure")
        motion = find_motion(first.seen, second.seen, first.guide.shape)
        if motion is None:
            self.cuts.add(number + 1)
        return motion


def _silent(share: float, stage: str) -> None:
    pass
