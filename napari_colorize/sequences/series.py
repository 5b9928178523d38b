"""One run of planes along z or t: predicted once each, joined by motion, coloured in any order."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.pipeline.network import Prediction
from napari_colorize.pipeline.plane import ColouredPlane, PlaneColorizer
from napari_colorize.pipeline.refine import as_tensor
from napari_colorize.pipeline.resample import resize
from napari_colorize.sequences.motion import Motion, find_motion
from napari_colorize.sequences.planes import Recent
from napari_colorize.sequences.smoothing import PlanePrediction, smoothed

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
