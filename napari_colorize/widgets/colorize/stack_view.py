"""A layer's array as the library takes stacks: planes last, oriented as on screen."""

from collections.abc import Callable
from typing import Any

import numpy as np

from napari_colorize.api import Cancelled
from napari_colorize.pipeline.image import read_lazily
from napari_colorize.widgets.layers.planes import Plane


class StackView:
    """The planes of an array, indexed by its other axes; reads one plane at a time.

    While ``should_stop`` is set, it is asked before each plane; the library's own lazy stacks ask
    nobody.

    Parameters
    ----------
    data : array-like
        NumPy, dask, zarr, …; a colour axis, if any, is the last.
    shown : (int, int)
        The array axes that run down and across the screen.
    rgb : bool
        Whether the last axis is colour.
    """

    def __init__(self, data: Any, shown: tuple[int, int], rgb: bool) -> None:
        self._data, self._shown = data, shown
        ndim = len(data.shape) - rgb
        self.leading = tuple(axis for axis in range(ndim) if axis not in shown)
        self.order = (*self.leading, *shown)
        """The array's axes, in the order that they have here."""
        self.should_stop: Callable[[], bool] | None = None
        colour = data.shape[-1:] if rgb else ()
        self.shape = (*(int(data.shape[axis]) for axis in self.order), *colour)

    def __getitem__(self, index: tuple[int, ...]) -> np.ndarray:
        if self.should_stop is not None and self.should_stop():
            raise Cancelled("The run was cancelled before this plane.")
        plane = Plane(self._shown, tuple(zip(self.leading, index, strict=True)))
        picture = read_lazily(self._data[plane.slicing])
        return picture if plane.upright else picture.swapaxes(0, 1)

    def back(self, result: Any) -> Any:
        """Return an array with the axes of this view in the order of the layer's own."""
        own = [int(axis) for axis in np.argsort(self.order)]
        more = range(len(own), result.ndim)
        return result if own == sorted(own) else result.transpose([*own, *more])
