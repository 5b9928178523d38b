"""What colouring gives back, and how it reports and is stopped on the way."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Progress = Callable[[float, str], None]
"""``progress(share, stage)``: the share done, 0…1, and in a few words what comes next."""


class Cancelled(Exception):
    """Colouring was stopped because ``should_stop`` said so; there is no result."""


class Ticker:
    """Reports progress, and stops the work when somebody wants it stopped.

    Parameters
    ----------
    progress : callable, optional
        Called as ``progress(share, stage)`` with a share of 0…1.
    should_stop : callable, optional
        Asked before each report; once it returns True, :class:`Cancelled` is raised.
    """

    def __init__(self, progress: Progress | None, should_stop: Callable[[], bool] | None) -> None:
        self._progress = progress
        self.should_stop = should_stop

    def __call__(self, share: float, stage: str) -> None:
        """Report that ``share`` (0…1) is done and ``stage`` comes next, or raise."""
        if self.should_stop is not None and self.should_stop():
            raise Cancelled(f"Colouring was stopped before {stage}; there is no result.")
        if self._progress is not None:
            self._progress(share, stage)


class Recorded:
    """What a record says of a result, for those that have one in ``record``."""

    record: dict[str, Any]

    @property
    def legend(self) -> str:
        """A sentence ready for a figure legend."""
        return str(self.record["legend"])

    @property
    def short_legend(self) -> str:
        """A few words for a figure with little room."""
        from napari_colorize.records.legend import short_legend

        return short_legend(self.record)

    @property
    def methods(self) -> str:
        """A paragraph for the methods section of a paper."""
        from napari_colorize.records.legend import methods_paragraph

        return methods_paragraph(self.record)

    def __repr__(self) -> str:
        """Return what it is in a line, not its pixels."""
        rgb: Any = getattr(self, "rgb", None)
        several = isinstance(rgb, list)
        first = rgb[0] if several else rgb
        said = [f"rgb={' × '.join(map(str, getattr(first, 'shape', ())))} {first.dtype}"]
        said += [f"{len(rgb)} levels"] if several else []
        record = self.record
        said.append(f"method={record['method']!r}")
        if record.get("checkpoint"):
            said.append(f"weights={record['checkpoint']['name']!r}")
        found = record.get("output", {})
        for title, name in (("uncertainty", "mean_uncertainty"), ("clipped", "clipped_share")):
            if found.get(name) is not None:
                said.append(f"{title}={found[name]:.3g}")
        return f"{type(self).__name__}({', '.join(said)})"

    def as_python(self) -> str:
        """Return the Python code that makes this result again."""
        from napari_colorize.records.as_python import as_python

        return as_python(self.record)


@dataclass(frozen=True, eq=False, repr=False)
class Colorized(Recorded):
    """A coloured picture and what is known about it.

    Parameters
    ----------
    rgb : (H, W, 3) or (H, W, 4) array
        sRGB of the asked dtype; the fourth channel is the input's alpha. Its L* is the input's,
        up to rounding.
    uncertainty : (H, W) float32 array
        0 (the network sees one colour) … 1 (any colour): normalised entropy of its prediction.
    clipped : (H, W) bool array
        Where the predicted colour was outside sRGB and was moved towards grey, the picture's L*
        being 5…95: nearer to black or white there is hardly a colour in sRGB, and nearly every
        prediction is moved. See :mod:`napari_colorize.pipeline.clipped`.
    record : dict
        Provenance, JSON-able; see :func:`napari_colorize.records.record.make_record`.
    """

    rgb: NDArray[Any]
    uncertainty: NDArray[np.float32]
    clipped: NDArray[np.bool_]
    record: dict[str, Any]


@dataclass(frozen=True, eq=False, repr=False)
class ColorizedStack(Recorded):
    """A coloured stack and what is known about it.

    Parameters
    ----------
    rgb : (…, Y, X, 3) or (…, Y, X, 4) array
        sRGB of the asked dtype, alpha where the input had it. Each plane's L* is its input's
        under the window of all planes. Of lazy results a dask array, one chunk a plane; of
        pyramids a list of them.
    uncertainty : (…, Y, X) float32 array or None
        0…1, held along the axis like the colour; None where maps were not asked for.
    clipped : (…, Y, X) bool array or None
        Where the colour was outside sRGB and was moved towards grey, L* being 5…95; see
        :mod:`napari_colorize.pipeline.clipped`.
    record : dict
        Provenance, JSON-able: that of a picture, with joint numbers, and ``stack``.
    """

    rgb: Any
    uncertainty: Any
    clipped: Any
    record: dict[str, Any]
