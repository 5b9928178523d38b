"""Scribbled colours spread to the edges of lightness: Levin, Lischinski and Weiss (SIGGRAPH 2004).

``propagate`` solves the paper's system for any planes under a lightness of 0…100; it never alters
the lightness. ``colorize_yiq`` is the paper's own pipeline in YIQ, for those who compare.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from napari_colorize import ops
from napari_colorize.results import Cancelled

Array = TypeVar("Array", np.ndarray, Tensor)

LARGEST_LUMA = 100.0
PREVIEW_PIXELS = 65_536
"""A preview solves a smaller picture of about so many pixels."""
PREVIEW_TOLERANCE = 2.0
MOST_CYCLES = 200
BETWEEN_QUESTIONS = 0.05
"""Seconds between two times of asking whether to stop."""
YIQ_TO_RGB = ((1.0, 0.956, 0.621), (1.0, -0.272, -0.647), (1.0, -1.106, 1.703))
"""The NTSC matrix of the authors' release: red, green and blue of Y, I and Q."""


def propagate(
    luma: Array,
    chroma: Array,
    mask: Array,
    *,
    walls: Array | None = None,
    prior: Array | None = None,
    certainty: Array | None = None,
    start: Array | None = None,
    tolerance: float = 0.25,
    preview: bool = False,
    progress: Callable[[float, str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Array:
    """Spread marked colours over a picture, up to the edges of its lightness.

    Levin, Lischinski and Weiss (SIGGRAPH 2004), section 2: neighbouring pixels of similar lightness
    get similar colours. The constants of the paper belong to luma of 0…1; `luma` is divided by 100
    inside. Each plane of `chroma` is solved by itself.

    Parameters
    ----------
    luma : numpy.ndarray or torch.Tensor
        ``(H, W)`` float: lightness L*, 0…100.
    chroma : numpy.ndarray or torch.Tensor
        ``(H, W, C)`` float: the colours of marked pixels, a and b in Lab units or any other planes;
        what it holds elsewhere is ignored.
    mask : numpy.ndarray or torch.Tensor
        ``(H, W)`` bool: the marked pixels. They keep their colours exactly.
    walls : numpy.ndarray or torch.Tensor, optional
        ``(H, W)`` bool: pixels that colour does not pass. A wall takes its own colour from around
        it, unless it is marked.
    prior : numpy.ndarray or torch.Tensor, optional
        ``(H, W, C)`` float: the colours of what no mark reaches, and with `certainty` what all
        colours are drawn to.
    certainty : numpy.ndarray or torch.Tensor, optional
        ``(H, W)`` float, 0 or more: how strongly a pixel is drawn to its prior, beside its eight
        neighbours with weight 1 together. 0, or none given, is the paper's system.
    start : numpy.ndarray or torch.Tensor, optional
        ``(H, W, C)`` float: the result before the last stroke, to start from. It saves time and
        changes nothing beyond the tolerance.
    tolerance : float
        Largest change of a colour that may be left undone, in the units of `chroma`.
    preview : bool
        Solve a smaller picture and enlarge it along the edges: a first look, not the solution.
    progress : callable, optional
        ``progress(share, stage)`` with a share of 0…1.
    should_stop : callable, optional
        Asked by the calling thread some twenty times a second, also while colours spread. When it
        returns true, :class:`napari_colorize.results.Cancelled` is raised.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        ``(H, W, C)`` float32, of the kind that `luma` has. Every value lies within the range of the
        marked ones (and of the prior). A part that walls cut off from all marks has its prior, or
        0 (grey) where there is none; :func:`unmarked_parts` says where. Without any mark the prior
        comes back bit for bit.

    Raises
    ------
    ValueError
        For sizes that do not go together, values that are not finite, a certainty without a prior,
        and no mark without a prior.

    Examples
    --------
    >>> import numpy as np
    >>> luma = np.full((4, 6), 30.0)
    >>> luma[:, 3:] = 80.0
    >>> chroma, mask = np.zeros((4, 6, 2)), np.zeros((4, 6), bool)
    >>> mask[:, 0] = mask[:, 5] = True
    >>> chroma[:, 0], chroma[:, 5] = (40, 20), (-20, 0)
    >>> propagate(luma, chroma, mask, tolerance=0.01)[1].round().astype(int).tolist()
    [[40, 20], [40, 20], [40, 20], [-20, 0], [-20, 0], [-20, 0]]
    """
    report = progress or (lambda share, stage: None)
    shade = _plane("luma", luma)
    marks = _plane("mask", mask, like=shade).bool()
    colours = _planes("chroma", chroma, shade)
    blocked = None if walls is None else _plane("walls", walls, like=shade).bool()
    if blocked is not None and not bool(blocked.any()):
        blocked = None
    towards = None if prior is None else _planes("prior", prior, shade, like=colours)
    weight = None if certainty is None else _plane("certainty", certainty, like=shade)
    begin = None if start is None else _planes("start", start, shade, like=colours)
    if weight is not None and towards is None:
        raise ValueError("certainty says how much a prior counts, and no prior was given.")
    if not bool(marks.any()):
        if towards is None:
            raise ValueError(
                "There is no marked pixel in the mask, so there is no colour to spread. Mark at "
                "least one pixel, or give a prior."
            )
        return _like(luma, _image(towards).clone())
    _check_finite(luma=shade, prior=towards, certainty=weight, start=begin)
    if not bool(colours.masked_select(marks).isfinite().all()):
        raise ValueError("The colours of marked pixels must be finite; some are NaN or infinite.")
    _stop_if(should_stop)
    report(0.0, "Spreading colours")
    otherwise = torch.zeros_like(colours) if towards is None else towards
    colours = torch.where(marks, colours, otherwise if begin is None else begin)
    held = marks
    lost = _unmarked(marks, blocked, weight)
    if lost is not None:
        held, colours = marks | lost, torch.where(lost, otherwise, colours)
    if preview and shade.numel() > PREVIEW_PIXELS:
        found = _preview(shade, colours, held, blocked, towards, weight, should_stop)
    else:
        limit = PREVIEW_TOLERANCE if preview else tolerance
        found = _solved(shade, colours, held, blocked, towards, weight, limit, should_stop)
    if blocked is not None:
        # What bounds the colours of others takes its own from them, and gives none back.
        settled = ~blocked | marks
        if bool(settled.any()) and not bool(settled.all()):
            found = _solved(shade, found, settled, None, None, None, tolerance, should_stop)
    found = torch.where(marks, colours, found)
    report(1.0, "Spreading colours")
    return _like(luma, _image(found))


def unmarked_parts(mask: Array, walls: Array | None) -> Array:
    """Say which pixels walls cut off from every marked one.

    Parameters
    ----------
    mask, walls : numpy.ndarray or torch.Tensor
        ``(H, W)`` bool, as for :func:`propagate`; parts are connected over sides and corners.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        ``(H, W)`` bool, walls excluded.

    Examples
    --------
    >>> import numpy as np
    >>> mask, walls = np.zeros((1, 5), bool), np.zeros((1, 5), bool)
    >>> mask[0, 0] = walls[0, 2] = True
    >>> unmarked_parts(mask, walls).tolist()
    [[False, False, False, True, True]]
    """
    marks = _plane("mask", mask).bool()
    blocked = None if walls is None else _plane("walls", walls, like=marks).bool()
    lost = _unmarked(marks, blocked, None)
    found = torch.full_like(marks, not bool(marks.any())) if lost is None else lost
    return _like(mask, found[0, 0])


def colorize_yiq(grey: Array, marked: Array, mask: Array, *, tolerance: float = 1e-3) -> Array:
    """Colour a grey picture as the paper does: luma Y stays, I and Q spread.

    Parameters
    ----------
    grey : numpy.ndarray or torch.Tensor
        ``(H, W)`` float in [0, 1]: the picture's luma Y, as coded.
    marked : numpy.ndarray or torch.Tensor
        ``(H, W, 3)`` float in [0, 1]: red, green and blue of the scribbles.
    mask : numpy.ndarray or torch.Tensor
        ``(H, W)`` bool: where the scribbles are. It is never guessed from colours.
    tolerance : float
        Largest change of I or Q that may be left undone; a code of 255 is 4e-3.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        ``(H, W, 3)`` float32 in [0, 1]: red, green and blue, clipped.

    Examples
    --------
    >>> import numpy as np
    >>> grey, marked = np.full((3, 3), 0.5), np.zeros((3, 3, 3))
    >>> mask = np.zeros((3, 3), bool)
    >>> mask[1, 1], marked[1, 1] = True, (0.7, 0.45, 0.4)
    >>> colorize_yiq(grey, marked, mask).dtype, colorize_yiq(grey, marked, mask)[0, 0].round(2)
    (dtype('float32'), array([0.68, 0.43, 0.38], dtype=float32))
    """
    to_rgb = torch.tensor(YIQ_TO_RGB, dtype=torch.float64)
    scribbles = torch.as_tensor(marked).double()
    if scribbles.dim() != 3 or scribbles.shape[2] != 3:
        raise ValueError(
            "marked must be red, green and blue of shape (H, W, 3); "
            f"{tuple(scribbles.shape)} was given."
        )
    y = torch.as_tensor(grey).double()
    chroma = (scribbles @ torch.linalg.inv(to_rgb).T)[..., 1:]
    found = propagate(y * LARGEST_LUMA, chroma, torch.as_tensor(mask), tolerance=tolerance).double()
    rgb = torch.cat([y[..., None], found], -1) @ to_rgb.T
    return _like(grey, rgb.clamp(0, 1).float())


def _plane(name: str, given: Any, like: Tensor | None = None) -> Tensor:
    """Return (1, 1, H, W) of an (H, W) argument; floats of either size, or bool, as given."""
    plane = torch.as_tensor(given)
    if plane.dim() != 2:
        raise ValueError(f"{name} must have the shape (H, W); {tuple(plane.shape)} was given.")
    if like is not None and plane.shape != like.shape[2:]:
        raise ValueError(
            f"{name} must be as large as the picture, {tuple(like.shape[2:])}; "
            f"{tuple(plane.shape)} was given."
        )
    return (plane if plane.dtype == torch.bool else plane.float())[None, None]


def _planes(name: str, given: Any, shade: Tensor, like: Tensor | None = None) -> Tensor:
    """Return (1, C, H, W) float32 of an (H, W, C) argument."""
    planes = torch.as_tensor(given)
    size = tuple(shade.shape[2:])
    if planes.dim() != 3 or tuple(planes.shape[:2]) != size:
        raise ValueError(
            f"{name} must have the shape ({size[0]}, {size[1]}, C), as large as the picture; "
            f"{tuple(planes.shape)} was given."
        )
    if like is not None and planes.shape[2] != like.shape[1]:
        raise ValueError(
            f"{name} must have as many planes as chroma, {like.shape[1]}; {planes.shape[2]} were "
            "given."
        )
    return planes.float().permute(2, 0, 1).contiguous()[None]


def _image(planes: Tensor) -> Tensor:
    return planes[0].permute(1, 2, 0).contiguous()


def _like(given: Any, result: Tensor) -> Any:
    return result if isinstance(given, Tensor) else result.numpy()


def _check_finite(**planes: Tensor | None) -> None:
    for name, plane in planes.items():
        if plane is not None and not bool(plane.isfinite().all()):
            raise ValueError(
                f"{name} must be finite: NaN and infinite values would spread over the whole "
                "picture. Replace them first."
            )


def _stop_if(should_stop: Callable[[], bool] | None) -> None:
    if should_stop is not None and should_stop():
        raise Cancelled


def _unmarked(marks: Tensor, walls: Tensor | None, certainty: Tensor | None) -> Tensor | None:
    """Return (1, 1, H, W) bool: parts with neither mark nor certainty; None if there is none."""
    if walls is None:
        return None
    import cv2

    passable = (~walls[0, 0]).cpu().numpy().astype(np.uint8)
    _, labels = cv2.connectedComponents(passable, connectivity=8)
    known = marks if certainty is None else marks | (certainty > 0)
    reached = np.zeros(labels.max() + 1, bool)
    reached[labels[(known & ~walls)[0, 0].cpu().numpy()]] = True
    lost = torch.from_numpy(~reached[labels] & (passable > 0)).to(marks.device)[None, None]
    return lost if bool(lost.any()) else None


def _solved(
    shade: Tensor,
    colours: Tensor,
    held: Tensor,
    walls: Tensor | None,
    prior: Tensor | None,
    certainty: Tensor | None,
    tolerance: float,
    should_stop: Callable[[], bool] | None,
) -> Tensor:
    stop = torch.zeros(1, dtype=torch.bool)

    def solve() -> Tensor:
        with torch.no_grad():
            found, _ = ops.levin_propagate(
                shade / LARGEST_LUMA,
                colours,
                held,
                walls=walls,
                prior=None if certainty is None else prior,
                certainty=certainty,
                tolerance=tolerance,
                cycles=MOST_CYCLES,
                stop=stop,
            )
        return found

    found = solve() if should_stop is None else _watched(solve, stop, should_stop)
    if not bool(torch.isfinite(found).all()):
        raise RuntimeError(
            "Spreading the colours did not come to a finite result; nothing was coloured. Move or "
            "remove the last hint, and report the picture and its hints: this is a fault of ours."
        )
    return found


def _watched(solve: Callable[[], Tensor], stop: Tensor, should_stop: Callable[[], bool]) -> Tensor:
    """Solve in another thread, and ask in this one whether it is still wanted."""
    _stop_if(should_stop)
    with ThreadPoolExecutor(1) as pool:
        solving = pool.submit(solve)
        try:
            while True:
                try:
                    return solving.result(BETWEEN_QUESTIONS)
                except TimeoutError:
                    _stop_if(should_stop)
        finally:
            stop.fill_(True)


def _preview(
    shade: Tensor,
    colours: Tensor,
    held: Tensor,
    walls: Tensor | None,
    prior: Tensor | None,
    certainty: Tensor | None,
    should_stop: Callable[[], bool] | None,
) -> Tensor:
    """Solve a smaller picture, in which a pixel is marked if one of its own is, and enlarge it."""
    factor = math.ceil(math.sqrt(shade.numel() / PREVIEW_PIXELS))

    def smaller(planes: Tensor) -> Tensor:
        return F.avg_pool2d(planes, factor, ceil_mode=True, count_include_pad=False)

    marked = held.to(shade)
    share = smaller(marked)
    marks = share > 0
    mean = smaller(colours * marked) / share.clamp(min=1e-12)
    small = torch.where(marks, mean, smaller(colours))
    guide = smaller(shade)
    blocked = None if walls is None else (smaller(walls.to(shade)) > 0) & ~marks
    found = _solved(
        guide,
        small,
        marks,
        blocked,
        None if prior is None else smaller(prior),
        None if certainty is None else smaller(certainty),
        PREVIEW_TOLERANCE,
        should_stop,
    )
    return ops.joint_bilateral_upsample(
        found, guide, shade, radius=2, sigma_space=1.0, sigma_range=8.0
    )
