"""Where the structure of one plane lies in the next: a shift, a small dense flow, or a cut.

All is done on the lightness that the network saw, which is small.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_colorize.pipeline.resample import resize

Flow = NDArray[np.float32]
"""(h, w, 2): for each pixel, the way (x, y) to its structure in the other plane, in pixels."""

WORK_SIDE = 192
"""Short side of the lightness on which motion is looked for; what is smaller stays as it is."""

SMALLEST_SIDE = 16
"""Below this no dense flow is looked for: its patches would not fit."""

SMOOTHING = 1.0
"""Standard deviation, in pixels, of the blur that keeps noise from being taken for motion."""

BLOCK = 9
"""Side of the window over which two candidates for the motion are compared."""

GAIN = 1.0
"""L* by which a more complicated motion must fit better than a simple one to be believed."""

SHARE = 0.9
"""Share of the misfit at rest that a shift may leave to be believed: noise fits by chance too."""

ASTRAY = 1.0
"""Pixels between the start and the end of a way there and back from which it is not believed."""

DETAIL = (2.0, 12.0)
"""Standard deviations, in pixels, between which lightness is structure that tells scenes apart:
below is noise, and above any two pictures can be alike."""

CUT_CORRELATION = 0.5
"""Planes whose detail, after motion, correlates less than this are a cut apart …"""

CUT_DIFFERENCE = 1.5
"""… unless they differ by less L* on average than two scenes do: blank planes with noise."""


@dataclass(frozen=True, eq=False)
class Motion:
    """How the structure of a plane moves to the next one, and back.

    Parameters
    ----------
    forward : (h, w, 2) float32 array
        For each chroma-grid pixel of the first plane, the way to its structure in the second.
    backward : (h, w, 2) float32 array
        The same from the second to the first.
    brighter : float
        L* by which the second plane is brighter as a whole: lamps and cameras flicker.
    """

    forward: Flow
    backward: Flow
    brighter: float


def find_motion(
    first: NDArray[np.float32], second: NDArray[np.float32], grid: tuple[int, int]
) -> Motion | None:
    """Find how the structure of a plane continues in the next one.

    Parameters
    ----------
    first, second : (h', w') float32 arrays
        L* of the two planes, 0…100, at the same small size.
    grid : (h, w)
        Size of the chroma grid on which the ways are given.

    Returns
    -------
    Motion or None
        ``None`` across a cut: the second plane shows something else.
    """
    if first.shape != second.shape:
        return None
    shape = _work_shape(first.shape)
    one, two = (_smoothed(resize(plane, shape)) for plane in (first, second))
    whole = _whole_motion(one, two)
    brighter = float(np.median((warped(two, whole) - one)[lands_inside(whole)]))
    two = two - np.float32(brighter)
    forward, backward = _with_detail(one, two, whole)
    if _is_cut(one, two, forward):
        return None
    return Motion(_on_grid(forward, grid), _on_grid(backward, grid), brighter)


def global_shift(one: NDArray[np.float32], two: NDArray[np.float32]) -> tuple[float, float]:
    """Return the way (x, y), in pixels, from a plane's structure to the same in another.

    Phase correlation (Kuglin and Hines 1975) under a Hann window, by OpenCV.
    """
    import cv2

    if min(one.shape) < 2 or np.ptp(one) == 0 or np.ptp(two) == 0:
        return 0.0, 0.0
    hann = cv2.createHanningWindow(one.shape[::-1], cv2.CV_32F)
    # Copies: OpenCV may lay the window over the planes that it is given.
    (x, y), _ = cv2.phaseCorrelate(one.copy(), two.copy(), hann)
    # A shift by half the picture and more leaves nothing to compare.
    inside = abs(x) < one.shape[1] / 2 and abs(y) < one.shape[0] / 2
    return (float(x), float(y)) if inside else (0.0, 0.0)


def warped(plane: NDArray[np.float32], flow: Flow) -> NDArray[np.float32]:
    """Fetch for each pixel what lies at the end of its way: (h, w) or (h, w, C), bilinear."""
    import cv2

    x, y = _ends(flow)
    fetched = cv2.remap(plane, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(fetched, dtype=np.float32).reshape(plane.shape)


def lands_inside(flow: Flow) -> NDArray[np.bool_]:
    """Return where the ways end on a pixel of the other plane, (h, w)."""
    x, y = _ends(flow)
    height, width = x.shape
    return (x > -0.5) & (x < width - 0.5) & (y > -0.5) & (y < height - 0.5)


def joined(flow: Flow, onward: Flow) -> Flow:
    """Return the way along ``flow`` and from its end along ``onward``."""
    return flow + warped(onward, flow)


def _whole_motion(one: NDArray[np.float32], two: NDArray[np.float32]) -> Flow:
    """Return the motion of the plane as a whole, as a flow: its shift, if that fits better."""
    still = np.zeros((*one.shape, 2), dtype=np.float32)
    moved = still + np.array(global_shift(one, two), dtype=np.float32)
    misfit = _mean_misfit(one, two, still)
    return moved if _mean_misfit(one, two, moved) < SHARE * misfit else still


def _with_detail(
    one: NDArray[np.float32], two: NDArray[np.float32], whole: Flow
) -> tuple[Flow, Flow]:
    """Return the ways there and back: a dense flow where it is believed, else the whole's motion.

    Where nothing but noise differs, a dense flow finds motion that is not there: it has to fit
    better by more than noise would make it. Between two scenes it finds something for every pixel:
    so the way there and the way back have to agree.
    """
    if min(one.shape) < SMALLEST_SIDE:
        return whole, -whole
    there, back = _dense_flow(one, two, whole), _dense_flow(two, one, -whole)
    return _believed(one, two, there, back, whole), _believed(two, one, back, there, -whole)


def _believed(
    one: NDArray[np.float32], two: NDArray[np.float32], dense: Flow, back: Flow, whole: Flow
) -> Flow:
    better = _misfit(one, two, dense) + GAIN < _misfit(one, two, whole)
    astray = np.square(joined(dense, back)).sum(axis=-1) > ASTRAY**2
    return np.where((better & ~astray)[..., None], dense, whole)


def _dense_flow(one: NDArray[np.float32], two: NDArray[np.float32], start: Flow) -> Flow:
    """Return the flow of dense inverse search (Kroeger et al. 2016), by OpenCV."""
    import cv2

    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    first, second = (np.clip(plane * 2.55, 0, 255).astype(np.uint8) for plane in (one, two))
    return np.asarray(search.calc(first, second, start.copy()), dtype=np.float32)


def _misfit(one: NDArray[np.float32], two: NDArray[np.float32], flow: Flow) -> NDArray[np.float32]:
    import cv2

    difference = np.abs(one - warped(two, flow))
    return np.asarray(cv2.blur(difference, (BLOCK, BLOCK)), dtype=np.float32)


def _mean_misfit(one: NDArray[np.float32], two: NDArray[np.float32], flow: Flow) -> float:
    """Return the mean |ΔL*| where the ways end inside, brightness evened out; infinite if none."""
    inside = lands_inside(flow)
    difference = (one - warped(two, flow))[inside]
    if not difference.size:
        return float("inf")
    return float(np.abs(difference - np.median(difference)).mean())


def _is_cut(one: NDArray[np.float32], two: NDArray[np.float32], flow: Flow) -> bool:
    """Tell whether what lies at the ends of the ways is another scene."""
    if _mean_misfit(one, two, flow) < CUT_DIFFERENCE:
        return False
    inside = lands_inside(flow)
    first, second = (_detail(plane)[inside] for plane in (one, warped(two, flow)))
    norm = float(np.sqrt(np.mean(first**2) * np.mean(second**2)))
    return norm == 0 or float(np.mean(first * second)) / norm < CUT_CORRELATION


def _detail(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    import cv2

    fine, coarse = (cv2.GaussianBlur(plane, (0, 0), sigma) for sigma in DETAIL)
    return np.asarray(fine - coarse, dtype=np.float32)


def _work_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    scale = min(1.0, WORK_SIDE / min(shape))
    return round(shape[0] * scale), round(shape[1] * scale)


def _smoothed(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    import cv2

    return np.asarray(cv2.GaussianBlur(plane, (0, 0), SMOOTHING), dtype=np.float32)


def _on_grid(flow: Flow, grid: tuple[int, int]) -> Flow:
    height, width = flow.shape[:2]
    scale = np.array([grid[1] / width, grid[0] / height], dtype=np.float32)
    return resize(flow, grid) * scale


def _ends(flow: Flow) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    height, width = flow.shape[:2]
    x = np.arange(width, dtype=np.float32)[None] + flow[..., 0]
    y = np.arange(height, dtype=np.float32)[:, None] + flow[..., 1]
    return x, y
