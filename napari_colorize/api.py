"""The one front door: a grey picture in, a coloured one out, with what is known about it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari_colorize.parameters import BY_HAND, ColorizeParameters
from napari_colorize.pipeline import memory
from napari_colorize.pipeline.image import ALL_MISSING, read_plane
from napari_colorize.pipeline.network import (
    Prediction,
    asked_for,
    load_model,
    predict,
    resolve_device,
)
from napari_colorize.pipeline.plane import Guide, PlaneColorizer
from napari_colorize.pipeline.region import checked_region, within
from napari_colorize.records.record import make_record
from napari_colorize.records.source import describe_source
from napari_colorize.results import Cancelled, Colorized, Progress, Ticker

if TYPE_CHECKING:
    from napari_colorize.guided.decisions import Decisions

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
    hints: Any = None,
    reference: Any = None,
    swatches: Any = None,
    palette: Any = None,
    palette_strength: float = 1.0,
    spread: float = 1.0,
    region: Any = None,
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
    method : str, optional
        A key of :data:`napari_colorize.methods.METHODS`. Default: that of ``parameters``; where
        these are left out that of ``checkpoint``, else ``"colorful"``.
        ``"scribbles"`` takes colour from ``hints`` alone (Levin 2004), ``"transfer"`` from
        ``reference`` alone (Welsh 2002).
    hints : Hints, str or path, optional
        What a person has decided; see :class:`napari_colorize.guided.hints.Hints`. Hinted pixels
        have their colour exactly, moved into sRGB at the picture's lightness where need be. Parts
        of the picture without a hint keep the prediction, bit for bit.
    reference : (H, W, 3) array, str or path, optional
        A picture that lends its colours.
    swatches : pair of (H, W) and (h, w) integer array, optional
        Numbered areas of the picture and of the reference, for the method ``"transfer"``; equal
        numbers from 1 on belong together. See :func:`napari_colorize.guided.welsh.transfer`.
    palette : sequence of colours, str or path, optional
        Colours that the prediction keeps to; see
        :func:`napari_colorize.guided.palettes.palette_of`.
    palette_strength : float
        0 (no palette) … 1.
    spread : float
        How far a hint speaks for places that look alike, 0 (its surroundings alone) … 1.
    region : (H, W) array of bool or whole numbers, or "inside border", optional
        Where to colour; the rest stays grey, at its own lightness. ``"inside border"`` finds the
        border of a print or slide and leaves it grey; see
        :func:`napari_colorize.pipeline.region.inside_border`. Inside, pixels are those of the
        picture coloured as a whole, bit for bit.
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
    decisions = None
    if any(one is not None for one in (hints, reference, swatches, palette)):
        from napari_colorize.guided.decisions import decisions_of

        decisions = decisions_of(hints, reference, palette, palette_strength, spread, swatches)
    return colorize_plane(
        image,
        asked,
        Ticker(progress, should_stop),
        source=source,
        guide=guide,
        decisions=decisions,
        region=region,
    )


def colorize_plane(
    image: Any,
    asked: ColorizeParameters,
    tick: Ticker,
    *,
    source: Any = None,
    window_mode: str | None = None,
    guide: Guide | None = None,
    decisions: "Decisions | None" = None,
    region: Any = None,
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
    decisions : Decisions, optional
        What a person has decided; see :func:`napari_colorize.guided.decisions.decisions_of`.
    region : array or str, optional
        As for :func:`colorize`.
    """
    tick(0.0, "reading lightness")
    with memory.explained("reading lightness", image, "cpu"):
        plane = read_plane(image, asked.window, asked.gamma, window_mode)
    if asked.window is None and plane.nan_count == plane.luma.size:
        raise ValueError(ALL_MISSING)
    where = checked_region(region, plane.luma.shape)
    drawn = None
    if decisions is not None:
        drawn = decisions.drawn_over(plane.luma.shape)  # before the network, not after
    if asked.method in BY_HAND:
        return _by_hand(plane, drawn, asked, tick, source, decisions, where)
    tick(0.1, "loading weights")
    device = resolve_device(asked.device)
    with memory.explained("loading the weights", image, device):
        model, used = load_model(asked, device)
    if decisions is not None:
        model = decisions.listening(model)
    colorizer = PlaneColorizer(model, used, guide=guide)
    tick(0.25, "predicting colour")
    seen = colorizer.shown_to_the_network(plane)
    prediction, said = colorizer.predict(plane, seen)
    tick(0.7, "refining")
    coloured = colorizer.finish(
        plane, seen, prediction, lambda share: tick(0.7 + 0.25 * share, "refining"), said
    )
    if decisions is not None:
        with memory.explained("following the hints", image, "cpu"):
            coloured = decisions.decided(coloured, seen, prediction.chroma, drawn, tick.should_stop)
    return _recorded(coloured, where, tick, source)


def _recorded(coloured: Any, where: Any, tick: Ticker, source: Any) -> Colorized:
    """Leave what is outside of a region grey, and write the record."""
    coloured = within(coloured, where)
    tick(0.95, "writing the record")
    record = make_record(coloured, source)
    tick(1.0, "done")
    return Colorized(coloured.rgb, coloured.uncertainty, coloured.clipped, record)


def _by_hand(
    plane: Any,
    drawn: Any,
    asked: ColorizeParameters,
    tick: Ticker,
    source: Any,
    decisions: Any,
    where: Any,
) -> Colorized:
    """Colour without weights."""
    from napari_colorize.guided.decisions import Decisions

    tick(0.25, "spreading colour")
    with memory.explained("spreading colour", plane, "cpu"):
        coloured = (decisions or Decisions()).alone(plane, drawn, asked, tick.should_stop)
    return _recorded(coloured, where, tick, source)
