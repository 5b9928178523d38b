"""From a job to finished arrays, of a plane or of a whole stack, in another thread. Knows no Qt."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from napari_colorize import files
from napari_colorize.pipeline.image import read_lazily
from napari_colorize.results import Cancelled
from napari_colorize.sequences.channels import colorize_channels
from napari_colorize.sequences.lazy import colorize_lazy, colorize_multiscale
from napari_colorize.sequences.stack import ColorizedStack, colorize_stack
from napari_colorize.widgets.colorize.job import (
    Job,
    Outcome,
    PlaneJob,
    StackJob,
)
from napari_colorize.widgets.layers.choice import RECORD_KEY
from napari_colorize.widgets.layers.planes import Plane, into_plane, read_plane
from napari_colorize.widgets.shared.preferences import preferences
from napari_colorize.widgets.shared.preflight import load_torch


def run(
    job: Job,
    progress: Callable[[float | None, str], None],
    should_stop: Callable[[], bool],
    told: Mapping[str, Any] | None = None,
) -> Outcome:
    """Read and colour what a job says; runs in the inference thread.

    Parameters
    ----------
    job : Job
    progress : callable
        Told the share done, 0…1, and what comes next.
    should_stop : callable
        Asked several times a plane.
    told : mapping, optional
        What a person has decided, as :func:`napari_colorize.colorize` takes it, or for all planes
        :func:`napari_colorize.colorize_stack`.

    Raises
    ------
    napari_colorize.Cancelled
        ``should_stop`` said so.
    """
    from napari_colorize import api

    def note(share: float, stage: str) -> None:
        progress(share, stage[:1].upper() + stage[1:] + "…")

    note(0.0, "loading PyTorch")
    load_torch()
    note(0.0, "reading the layer")
    if isinstance(job, StackJob):
        return colour_stack(job, note, should_stop, told)
    assert isinstance(job, PlaneJob)  # there is no third kind
    result = api.colorize(
        read_plane(job.data, job.plane),
        parameters=job.parameters,
        progress=note,
        should_stop=should_stop,
        source=source_of(job),
        region=job.region,
        **(told or {}),
    )
    return _in_the_plane(job, result)


SMALL = 96
"""Pixels of the longer side of the small picture of a result."""


def small_picture(rgb: np.ndarray) -> np.ndarray:
    """Return a picture (H, W, 3 or 4) of any type at the size of a thumbnail, uint8 RGB."""
    every = max(1, -(-max(rgb.shape[:2]) // SMALL))
    small = np.asarray(rgb[every // 2 :: every, every // 2 :: every, :3])
    if small.dtype.kind == "f":
        small = np.clip(small, 0, 1) * 255
    return (small >> 8 if small.dtype == np.uint16 else small).astype(np.uint8)


def source_of(job: PlaneJob) -> dict[str, Any]:
    """Say where a plane came from, for the record; a path only where it alone says everything."""
    plane = job.plane
    source: dict[str, Any] = {
        "name": f"{job.name}{_index_of(plane)}",
        "expression": _expression_of(job),
        "layer": job.name,
        "file": job.path,
        "plane": {str(axis): index for axis, index in plane.at},
        "part": [list(ends) for ends in plane.part] if plane.part else None,
        "projection": projection_of(plane),
        "shown_axes": list(plane.shown),
        "level": job.level,
        "contrast_limits": list(job.window) if job.window else None,
        "gamma": job.gamma,
        **predicted_before(job),
    }
    whole = not plane.at and plane.part is None
    if job.path and whole and plane.upright and job.level == 0 and _is_first_page(job):
        source["path"] = job.path
    return source


def predicted_before(job: Job) -> dict[str, bool]:
    """Say that the colour of a source was predicted itself; nothing where it was not."""
    layer = job.layer()
    return {"predicted": True} if layer is not None and RECORD_KEY in layer.metadata else {}


def projection_of(plane: Plane) -> dict[str, Any] | None:
    """Return what a record says of a thick slice: how, and the first and last index an axis."""
    if not plane.projection:
        return None
    planes = {str(axis): [first, behind - 1] for axis, (first, behind) in plane.slab}
    return {"mode": plane.projection, "planes": planes}


def _is_first_page(job: PlaneJob) -> bool:
    """Whether a layer still holds what its file does; its data may have been changed since."""
    try:
        page = next(files.iter_pages(str(job.path)))
    except (OSError, ValueError):
        return False
    return is_same(page.pixels, read_plane(job.data, job.plane))


def _expression_of(job: PlaneJob) -> str:
    """Return what gives the pixels that were coloured in napari's console."""
    level = f"[{job.level}]" if _is_pyramid(job) else ""
    turned = "" if job.plane.upright else ".swapaxes(0, 1)"
    return f"viewer.layers[{job.name!r}].data{level}{_index_of(job.plane)}{turned}"


def _is_pyramid(job: PlaneJob) -> bool:
    layer = job.layer()
    return job.level > 0 or bool(layer is not None and layer.multiscale)


def _index_of(plane: Plane) -> str:
    """Return a plane as one writes it behind a name in Python: ``[3, :, :]``."""
    if not plane.at and plane.part is None:
        return ""
    parts = plane.slicing_slab if plane.projection else plane.slicing
    index = ", ".join(str(i) if isinstance(i, int) else _range(i) for i in parts)
    if not plane.projection:
        return f"[{index}]"
    axes = tuple(axis for axis, _ in plane.slab)
    return f"[{index}].{plane.projection}(axis={axes[0] if len(axes) == 1 else axes})"


def _range(part: slice) -> str:
    return ":" if part.start is None else f"{part.start}:{part.stop}"


def _in_the_plane(job: PlaneJob, result: Any) -> Outcome:
    """Put a coloured plane into arrays with all axes of the layer, of length 1 where sliced."""
    channels, dtype = result.rgb.shape[-1], result.rgb.dtype
    refuse_what_does_not_fit(job, channels, dtype)
    first = Plane(job.plane.shown, tuple((axis, 0) for axis, _ in job.plane.at))

    def placed(picture: np.ndarray) -> np.ndarray:
        whole = np.zeros((*job.shape, *picture.shape[2:]), picture.dtype)
        into_plane(whole, first, picture)
        return whole

    return Outcome(
        job=job,
        rgb=placed(result.rgb),
        uncertainty=placed(result.uncertainty) if job.uncertainty else None,
        clipped=placed(result.clipped) if job.clipped else None,
        record=result.record,
        thumbnail=small_picture(result.rgb),
    )


def refuse_what_does_not_fit(job: Job, channels: int, dtype: np.dtype) -> None:
    """Refuse a result beyond the free memory before anything is coloured."""
    pixel = channels * dtype.itemsize + 4 * job.uncertainty + job.clipped
    needed = math.prod(job.shape) * pixel
    free = preferences().memory_for_results()
    if needed > free:
        raise MemoryError(
            f"The coloured stack of shape {job.shape} needs {needed / 2**30:.1f} GiB, and "
            f"{free / 2**30:.1f} GiB of memory are free or allowed in the preferences. Colour "
            "single planes, or crop the stack."
        )


def is_same(page: np.ndarray, plane: np.ndarray) -> bool:
    """Whether two planes hold the same numbers of the same type."""
    return page.dtype == plane.dtype and np.array_equal(page, plane, page.dtype.kind == "f")


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


Note = Callable[[float, str], None]


def colour_stack(
    job: StackJob,
    note: Note,
    should_stop: Callable[[], bool],
    told: Mapping[str, Any] | None = None,
) -> Outcome:
    """Colour all planes of a job; runs in the inference thread.

    Parameters
    ----------
    job : StackJob
    note : callable
        Told the share done, 0…1, and what comes next.
    should_stop : callable
        Asked several times a plane.
    told : mapping, optional
        What a person has decided, as :func:`napari_colorize.colorize_stack` takes it; of a job
        that is not lazy.

    Returns
    -------
    Outcome
        In the layer's own axes. Of a lazy job the plane on screen is worked out already, so that
        showing it does not hold up the window.
    """
    views = [StackView(level, job.plane.shown, job.rgb) for level in job.levels]
    for view in views:
        view.should_stop = should_stop
    options = _common(job, views[0])
    if job.lazy:
        note(0.0, "colouring the plane on screen")
        options["first"] = _first(job, views[0])
        how: Callable[..., ColorizedStack] = colorize_lazy
    else:
        channels = 4 if job.rgb and job.levels[0].shape[-1] == 4 else 3
        refuse_what_does_not_fit(job, channels, np.dtype(job.parameters.dtype))
        maps = job.uncertainty or job.clipped
        options |= {"progress": note, "should_stop": should_stop, "maps": maps}
        options |= {"region": job.region} if job.region is not None else {}
        options |= dict(told or {})
        how = colorize_stack
    result = _coloured(job, views, colorize_multiscale if job.pyramid else how, options)
    for view in views:
        view.should_stop = None  # the planes that are looked at later belong to no run
    return Outcome(
        job=job,
        thumbnail=small_picture(_on_screen(job, views, result.rgb)),
        rgb=_back(views, result.rgb),
        uncertainty=_back(views, result.uncertainty) if job.uncertainty else None,
        clipped=_back(views, result.clipped) if job.clipped else None,
        record=result.record,
    )


def _on_screen(job: StackJob, views: list[StackView], rgb: Any) -> np.ndarray:
    """Return the coloured plane on screen; of a pyramid, that of its coarsest level."""
    coarse, at = rgb[-1] if job.pyramid else rgb, dict(job.plane.at)
    index = tuple(
        at[axis] * own // full
        for axis, own, full in zip(views[0].leading, coarse.shape, views[0].shape, strict=False)
    )
    picture = coarse[index]
    if hasattr(picture, "compute"):  # in this thread, where all colouring is done
        picture = picture.compute(scheduler="synchronous")
    return np.asarray(picture)


def _common(job: StackJob, view: StackView) -> dict[str, Any]:
    along = job.hold.along
    return {
        "axis": None if along is None else view.leading.index(along),
        "rgb": job.rgb,
        "source": _source(job, view),
    }


def _first(job: StackJob, view: StackView) -> tuple[int, ...]:
    """Return the plane on screen as the library counts it, channels left out."""
    at = dict(job.plane.at)
    return tuple(at[axis] for axis in view.leading if axis != job.hold.channel)


def _coloured(
    job: StackJob,
    views: list[StackView],
    how: Callable[..., ColorizedStack],
    options: dict[str, Any],
) -> ColorizedStack:
    """Colour the stack, or its channels one by one, each with the window of its own values."""
    stack = views if job.pyramid else views[0]
    if job.hold.channel is None:
        return how(stack, parameters=job.parameters, **options)
    return colorize_channels(
        stack,
        channel_axis=views[0].leading.index(job.hold.channel),
        how=how,
        parameters=job.parameters.changed(window=None),
        **options,
    )


def _source(job: StackJob, view: StackView) -> dict[str, Any]:
    """Say where a stack came from; a path only where its pages are the planes as they are."""
    plain = view.order == tuple(range(len(view.order)))
    colour = (len(view.order),) if job.rgb else ()
    moved = "" if plain else f".transpose{(*view.order, *colour)}"
    data = f"viewer.layers[{job.name!r}].data"
    source: dict[str, Any] = {
        "name": f"{job.name}{moved}",
        "expression": f"[level{moved} for level in {data}]" if job.pyramid else f"{data}{moved}",
        "layer": job.name,
        "file": job.path,
        "plane": "all",
        "planes": int(np.prod(view.shape[: len(view.leading)])),
        "shown_axes": list(job.plane.shown),
        "level": 0,
        "contrast_limits": list(job.window) if job.window else None,
        "gamma": job.gamma,
        **predicted_before(job),
    }
    if job.hold.axes:
        source["axes"] = "".join(job.hold.axes[axis] for axis in view.order)
    if job.path and view.leading and plain and not job.pyramid and _has_pages(str(job.path), view):
        source["path"] = job.path
    return source


def _has_pages(path: str, view: StackView) -> bool:
    """Whether the pages that the library reads from a file are a stack's planes, in their order.

    The first and the last are compared: a layer's data may have been changed since it was opened.
    """
    if not path.lower().endswith(files.READABLE):
        return False
    lengths = view.shape[: len(view.leading)]
    try:
        with files.open_stack(path) as pages:
            if len(pages) != math.prod(lengths):
                return False
            named = [length for _, length in pages.axes if length > 1]
            if len(named) > 1 and named != [length for length in lengths if length > 1]:
                return False
            ends = ((0, (0,) * len(lengths)), (len(pages) - 1, tuple(n - 1 for n in lengths)))
            return all(is_same(pages[page], view[index]) for page, index in ends)
    except (OSError, ValueError):
        return False


def _back(views: list[StackView], result: Any) -> Any:
    if isinstance(result, list):
        return [view.back(level) for view, level in zip(views, result, strict=True)]
    return views[0].back(result)
