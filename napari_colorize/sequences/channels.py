"""Stacks of several channels: each channel is a stack of its own, with a window of its own."""

import operator
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from napari_colorize.parameters import checked_window
from napari_colorize.results import ColorizedStack, Progress
from napari_colorize.sequences.record import channels_record
from napari_colorize.sequences.stack import colorize_stack

Window = tuple[float, float]


def colorize_channels(
    stack: Any,
    method: str | None = None,
    *,
    channel_axis: int,
    windows: Sequence[Window | None] | None = None,
    axis: int | None = None,
    rgb: bool = False,
    how: Callable[..., ColorizedStack] = colorize_stack,
    progress: Progress | None = None,
    **options: Any,
) -> ColorizedStack:
    """Colour each channel of a stack on its own: it has a window of its own.

    Parameters
    ----------
    stack : array-like, or sequence of them
        (…, Y, X) or, with ``rgb``, (…, Y, X, 3 or 4), as ``how`` takes it; for
        ``how=colorize_multiscale`` the levels of a pyramid.
    method, rgb, **options
        As ``how`` takes them.
    channel_axis : int
        The axis of the channels, not one of a plane's own; negative ones count from the end of
        (…, Y, X).
    windows : sequence of (low, high) or None, optional
        One a channel: raw values that become black and white. Default: each channel's automatic
        one.
    axis : int or None
        The axis of z or t, counted with that of the channels.
    how : callable
        :func:`~napari_colorize.colorize_stack`, :func:`~napari_colorize.colorize_lazy` or
        :func:`~napari_colorize.colorize_multiscale`.
    progress : callable, optional
        Called as ``progress(share, stage)`` with a share of 0…1.

    Returns
    -------
    ColorizedStack
        With the axes of the input. ``record["stack"]`` holds ``channel_axis`` and ``windows``.

    Raises
    ------
    TypeError, ValueError
        There is no such axis, the windows are not one a channel, or ``how`` refuses.
    MemoryError, Cancelled
        As ``how`` raises them.

    Examples
    --------
    >>> import skimage.data
    >>> film = skimage.data.camera()[::4, ::4].astype("uint16").reshape(2, 64, 128)
    >>> both = np.stack([film, film * 16], axis=1)  # z, channel, y, x
    >>> result = colorize_channels(both, channel_axis=1, axis=0)
    >>> result.rgb.shape
    (2, 2, 64, 128, 3)
    >>> len(result.record["stack"]["windows"])
    2
    """
    levels = list(stack) if not hasattr(stack, "shape") else [stack]
    channel, count = _checked_channel_axis(channel_axis, levels, rgb)
    held = _without(axis, channel, len(levels[0].shape) - rgb)
    chosen = [None] * count if windows is None else [checked_window(given) for given in windows]
    if len(chosen) != count:
        raise ValueError(f"There are {count} channels and {len(chosen)} windows; give one each.")
    many = levels if not hasattr(stack, "shape") else None
    parts = []
    for number, window in enumerate(chosen):
        views = [Channel(level, channel, number) for level in levels]
        more = options if window is None else {**options, "window": window}
        if progress is not None and how is colorize_stack:
            more = {**more, "progress": partial(_reported, progress, number, count)}
        parts.append(how(views if many else views[0], method, axis=held, rgb=rgb, **more))
    shapes = [tuple(int(side) for side in level.shape) for level in levels]
    record = channels_record(
        [part.record for part in parts],
        channel_axis=channel,
        axis=None if held is None else held + (held >= channel),
        input_shape=shapes[0],
    )
    join = partial(_joined, channel=channel)
    return ColorizedStack(
        join([part.rgb for part in parts]),
        join([part.uncertainty for part in parts]),
        join([part.clipped for part in parts]),
        record,
    )


class Channel:
    """One channel of a stack, indexed by the other leading axes; reads nothing by itself."""

    def __init__(self, data: Any, axis: int, number: int) -> None:
        self._data, self._axis, self._number = data, axis, number
        self.shape = (*data.shape[:axis], *data.shape[axis + 1 :])

    def __getitem__(self, index: tuple[int, ...]) -> Any:
        whole = (*index[: self._axis], self._number, *index[self._axis :])
        return self._data[whole]


def _checked_channel_axis(channel_axis: Any, levels: list[Any], rgb: bool) -> tuple[int, int]:
    """Return the axis of the channels, counted from the front, and how many there are."""
    if not levels:
        raise ValueError("There is no stack: the list of levels is empty.")
    shape = tuple(int(side) for side in levels[0].shape)
    ndim = len(shape) - rgb
    try:
        number = operator.index(channel_axis)
    except TypeError:
        raise TypeError(
            f"channel_axis is {channel_axis!r}; give the number of the axis of the channels."
        ) from None
    found = number + ndim if number < 0 else number
    if not 0 <= found < ndim - 2:
        raise ValueError(
            f"channel_axis is {channel_axis}, and the stack has shape {shape}: it must be an axis "
            "before a plane's own two."
        )
    if len({level.shape[found] for level in levels}) > 1:
        raise ValueError("The levels of the pyramid have different numbers of channels.")
    return found, shape[found]


def _without(axis: int | None, channel: int, ndim: int) -> int | None:
    """Return the axis of z or t as it is counted in a single channel."""
    if axis is None:
        return None
    found = axis + ndim if axis < 0 else axis
    if found == channel:
        raise ValueError(
            f"axis and channel_axis are both {axis}; colour is not held from channel to channel."
        )
    return found - (found > channel)


def _reported(progress: Progress, number: int, count: int, share: float, stage: str) -> None:
    progress((number + share) / count, f"channel {number + 1} of {count}: {stage}")


def _joined(parts: list[Any], channel: int) -> Any:
    """Put the channels' arrays together again; of pyramids level by level."""
    if parts[0] is None:
        return None
    if isinstance(parts[0], list):
        return [_joined(list(level), channel) for level in zip(*parts, strict=True)]
    if isinstance(parts[0], np.ndarray):
        return np.stack(parts, axis=channel)
    import dask.array as da

    return da.stack(parts, axis=channel)
