"""The one front door: a grey picture in, a coloured one out, with what is known about it."""

from collections.abc import Callable
from typing import Any

from napari_colorize.parameters import ColorizeParameters
from napari_colorize.pipeline import memory
from napari_colorize.pipeline.image import read_plane
from napari_colorize.pipeline.network import (
    Prediction,
    asked_for,
    load_model,
    predict,
    resolve_device,
)
from napari_colorize.pipeline.plane import Guide, PlaneColorizer
from napari_colorize.records.record import make_record
from napari_colorize.records.source import describe_source
from napari_colorize.results import Cancelled, Colorized, Progress, Ticker

__all__ = [
    "Cancelled",
    "Colorized",
    "Guide",
    "Prediction",
    "Progress",
    "Ticker",
    "asked_for",
    "colorize",
    "load_model",
    "predict",
    "resolve_device",
]


def colorize(
    image: Any,
    method: str | None = None,
    *,
    parameters: ColorizeParameters | None = None,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
    source: Any = None,
    guide: Guide | None = None,
    **changes: Any,
) -> Colorized:
    """Colour one grey picture; its lightness is kept.

    The same picture, parameters and machine give the same pixels: no random number is drawn.

    Parameters
    ----------
    image : array-like
        (H, W) grey or (H, W, 3 or 4) RGB(A), any real dtype, from 1 × 1 pixel: NumPy array, torch
        tensor, or anything with ``__array__``. Of RGB, the lightness is used and alpha is kept.
        NaN counts as the low end of the window. See
        :func:`napari_colorize.pipeline.image.read_plane`.
    method : {"colorful", "deep", "unet", "gan", "pix2pix"}, optional
        Default: that of ``parameters``; where these are left out that of ``checkpoint``, else
        ``"colorful"``.
    parameters : ColorizeParameters, optional
        All choices in one object.
    progress : callable, optional
        Called as ``progress(share, stage)`` with a share of 0…1, from the calling thread.
    should_stop : callable, optional
        Asked between stages; once it returns True, :class:`Cancelled` is raised.
    source : str, path or mapping, optional
        Where the picture came from, for the record: a path, a layer's name, ``Page.source``.
    guide : callable, optional
        ``guide(plane, seen, prediction)`` gives another :class:`Prediction` than the network's to
        lay under the lightness; see :data:`napari_colorize.pipeline.plane.Guide`.
    **changes
        Single fields of :class:`ColorizeParameters`, over ``parameters``.

    Returns
    -------
    Colorized

    Raises
    ------
    TypeError, ValueError
        The picture or a parameter cannot be used, or weights are missing or damaged.
    MemoryError
        Memory ran out. Nothing is returned then; in particular not the grey picture.
    RuntimeError
        The network gave something else than finite chroma.
    Cancelled
        ``should_stop`` returned True.

    Examples
    --------
    >>> import napari_colorize, skimage.data
    >>> result = napari_colorize.colorize(skimage.data.camera())
    >>> result.rgb.shape
    (512, 512, 3)
    """
    asked = asked_for(parameters, method, changes, ColorizeParameters)
    describe_source(source)  # a wrong one is refused before the work, not after
    return colorize_plane(image, asked, Ticker(progress, should_stop), source=source, guide=guide)


def colorize_plane(
    image: Any,
    asked: ColorizeParameters,
    tick: Ticker,
    *,
    source: Any = None,
    window_mode: str | None = None,
    guide: Guide | None = None,
) -> Colorized:
    """Colour one picture by checked parameters; :func:`colorize` is the door to it.

    Parameters
    ----------
    image : array-like
        As for :func:`colorize`.
    asked : ColorizeParameters
    tick : Ticker
    source : str, path or mapping, optional
        As for :func:`colorize`.
    window_mode : {"automatic", "explicit"}, optional
        Who chose ``asked.window``: one for all pages of a file is automatic too. By default
        explicit where there is one.
    guide : callable, optional
        As for :func:`colorize`.
    """
    tick(0.0, "reading lightness")
    with memory.explained("reading lightness", image, "cpu"):
        plane = read_plane(image, asked.window, asked.gamma, window_mode)
    tick(0.1, "loading weights")
    device = resolve_device(asked.device)
    with memory.explained("loading the weights", image, device):
        model, used = load_model(asked, device)
    colorizer = PlaneColorizer(model, used, guide=guide)
    tick(0.25, "predicting colour")
    seen = colorizer.shown_to_the_network(plane)
    prediction, said = colorizer.predict(plane, seen)
    tick(0.7, "refining")
    coloured = colorizer.finish(
        plane, seen, prediction, lambda share: tick(0.7 + 0.25 * share, "refining"), said
    )
    tick(0.95, "writing the record")
    record = make_record(coloured, source)
    tick(1.0, "done")
    return Colorized(coloured.rgb, coloured.uncertainty, coloured.clipped, record)
