"""One run of planes along z or t: predicted once each, joined by motion, coloured in any order."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.api import explained_memory, predict
from napari_colorize.pipeline.clipped import clipped_colours
from napari_colorize.pipeline.image import Plane, read_plane
from napari_colorize.pipeline.refine import as_tensor, full_size_map, full_size_rgb, with_alpha
from napari_colorize.pipeline.resample import network_shape, resize
from napari_colorize.sequences.motion import Link, find_link
from napari_colorize.sequences.parameters import StackParameters, weights_of
from napari_colorize.sequences.planes import Recent
from napari_colorize.sequences.smoothing import Sight, held

Read = Callable[[int], "NDArray[Any] | None"]
"""Gives the pixels of a plane for its number, ``None`` behind the last."""

Tick = Callable[[float, str], None]
"""Told the share of a plane that is done, 0…1, and what comes next; raises to stop."""


@dataclass(frozen=True, eq=False)
class Coloured:
    """One plane of a series, coloured.

    Parameters
    ----------
    plane : Plane
        As it was read.
    network_shape : (int, int)
        Size at which the network saw it.
    rgb : (H, W, 3 or 4) array
    uncertainty : (H, W) float32 array
    clipped : (H, W) bool array
    moved_share : float
        Share of colours that were moved into sRGB, next to black and white too, 0…1.
    """

    plane: Plane
    network_shape: tuple[int, int]
    rgb: NDArray[Any]
    uncertainty: NDArray[np.float32]
    clipped: NDArray[np.bool_]
    moved_share: float


class Series:
    """Colours the planes of one run. Only what is small is kept: some 300 kB a plane.

    Several threads may ask at once; the network runs for one of them at a time.

    Parameters
    ----------
    read : callable
        Gives the pixels of a plane for its number, ``None`` behind the last.
    graph : callable
        The network.
    used : StackParameters
        Resolved, with the window of all planes and the device named.
    keep : int, optional
        Planes whose prediction is kept; at the least those that one result needs.
    """

    def __init__(self, read: Read, graph: Any, used: StackParameters, keep: int = 0) -> None:
        self._read, self._graph, self._used = read, graph, used
        self._weights = weights_of(used.consistency)
        keep = max(keep, 2 * len(self._weights))
        self._sights: Recent[Sight | None] = Recent(self._predicted, keep)
        self._links: Recent[Link | None] = Recent(self._linked, keep)
        self._lock = threading.RLock()
        self._tick: Tick = _silent
        self.cuts: set[int] = set()
        """Planes so far found to show something else than the plane before them."""

    def coloured(self, number: int, tick: Tick | None = None) -> Coloured | None:
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
                if self._sights(number) is None:
                    return None
                return held(number, self._known_sight, self._links, self._weights)
            finally:
                self._tick = _silent

    def finished(
        self,
        number: int,
        pixels: NDArray[Any],
        values: NDArray[np.float32],
        tick: Tick | None = None,
    ) -> Coloured:
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
        used, tick = self._used, tick or _silent
        with self._lock:
            sight = self._known_sight(number)
        with explained_memory("reading lightness", pixels, "cpu"):
            plane = read_plane(pixels, used.window, used.gamma)
        with explained_memory("refining", pixels, used.device):
            small = as_tensor(values, used.device).permute(2, 0, 1)[None]
            chroma = small[:, :2].contiguous()
            rgb, moved = full_size_rgb(
                plane, sight.seen, chroma, used, lambda share: tick(0.8 + 0.2 * share, "refining")
            )
            uncertainty = full_size_map(small[:, 2:], plane.luma.shape)
            moved_share = np.count_nonzero(moved) / moved.size
            return Coloured(
                plane=plane,
                network_shape=sight.seen.shape,
                rgb=with_alpha(rgb, plane.alpha),
                uncertainty=uncertainty,
                clipped=clipped_colours(moved, plane),
                moved_share=moved_share,
            )

    def _known_sight(self, number: int) -> Sight:
        sight = self._sights(number)
        assert sight is not None, "only planes that links lead to are asked for"
        return sight

    def _predicted(self, number: int) -> Sight | None:
        self._tick(0.0, "reading lightness")
        pixels = self._read(number)
        if pixels is None:
            return None
        used = self._used
        assert used.network_size is not None, "parameters are resolved"
        with explained_memory("reading lightness", pixels, "cpu"):
            plane = read_plane(pixels, used.window, used.gamma)
            height, width = plane.luma.shape
            seen = plane.lightness_at(network_shape(height, width, used.network_size))
        self._tick(0.2, "predicting colour")
        with explained_memory("predicting colour", pixels, used.device):
            chroma, uncertainty = predict(self._graph, seen, used)
        planes = [*chroma[0].cpu().numpy(), uncertainty[0, 0].cpu().numpy()]
        values = np.ascontiguousarray(np.stack(planes, axis=-1))
        return Sight(seen, resize(seen, values.shape[:2]), values)

    def _linked(self, number: int) -> Link | None:
        """Return the link between a plane and the next one."""
        if number < 0:
            return None
        first, second = self._sights(number), self._sights(number + 1)
        if first is None or second is None:
            return None
        self._tick(0.6, "following structure")
        link = find_link(first.seen, second.seen, first.guide.shape)
        if link is None:
            self.cuts.add(number + 1)
        return link


def _silent(share: float, stage: str) -> None:
    pass
