"""From the network's small chroma to full-size RGB, under the lightness of the picture itself.

uint8 results of the joint bilateral refinement leave through :func:`napari_colorize.ops.finish`
in one pass. All others take the long way in bands of rows: full-size chroma, gamut mapping, RGB.
Where memory runs out, chroma itself is made in bands, or all is done on the CPU; see `bands.py`.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_colorize.parameters import ColorizeParameters
from napari_colorize.pipeline import memory
from napari_colorize.pipeline.bands import Rows, banded, bilinear_rows
from napari_colorize.pipeline.image import Plane
from napari_colorize.pipeline.resample import no_finer_than, resize, row_bands
from napari_colorize.refinements import NUMBERS, REFINEMENTS

if TYPE_CHECKING:
    from torch import Tensor


def full_size_rgb(
    plane: Plane,
    seen: NDArray[np.float32],
    chroma: "Tensor",
    parameters: ColorizeParameters,
    tick: Callable[[float], None] = lambda share: None,
    tell: Callable[[str], None] = memory.tell,
    within: tuple[int, int, int, int] | None = None,
    guide_small: NDArray[np.float32] | None = None,
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Colour a plane with the chroma that a network predicted for it.

    Where memory runs out it is tried again in bands of rows, then on the CPU: the same pixels, up
    to rounding, later.

    Parameters
    ----------
    plane : Plane
        The picture.
    seen : (h', w') float32 array
        Its L*, 0…100, at the size at which the network saw it: ``plane.lightness_at(…)``.
    chroma : (1, 2, h, w) float32 tensor
        a and b in Lab units, pixel centres aligned; any device, which does the work.
    parameters : ColorizeParameters
        ``refinement``, ``radius``, ``sigma_space``, ``sigma_range`` and ``dtype`` are used.
    tick : callable, optional
        Told the share done, 0…1; may raise to stop.
    tell : callable, optional
        Told in a sentence what is done instead where memory runs out; by default a warning.
    within : (top, left, height, width), optional
        The plane is a piece of a picture of that height and width, of which `seen` and `chroma`
        show the whole. Only refinements that need no more than the piece do it: joint bilateral.
    guide_small : (h, w) float32 array, optional
        L* of the whole picture on the chroma's grid, where `seen` does not tell it.

    Returns
    -------
    rgb : (H, W, 3) array of ``parameters.dtype``
        Its L* is that of the plane up to rounding; alpha is not added here.
    clipped : (H, W) bool array
        Where the predicted colour was outside sRGB and was moved towards grey.

    Raises
    ------
    MemoryError, RuntimeError
        Memory ran out on the CPU too; see ``memory.ran_out``.
    """
    work = _Refinement(plane, seen, chroma, parameters, tick, within, guide_small)
    ways: list[tuple[Callable[[], _Found | None], str]] = [
        (work.at_once, ""),
        (work.by_bands, "in bands of rows"),
    ]
    if chroma.device.type != "cpu":
        ways.append((work.on_the_cpu, "on the CPU"))
    scarce: Exception = MemoryError()
    for way, how in ways:
        try:
            found = way()
        except Exception as error:
            if not memory.ran_out(error):
                raise
            scarce = error.with_traceback(None)  # its frames hold what takes the memory
            memory.release()
            continue
        if found is not None:
            if how:
                tell(f"Memory ran out on {chroma.device}; the picture was refined {how} instead.")
            return found
    raise scarce


_Found = tuple[NDArray[Any], NDArray[np.bool_]]
"""RGB, and where it was moved into the gamut."""


AT_ONCE = 1 << 24
"""Pixels that are finished at once: between two pieces of a larger picture a run can be stopped."""


class _Refinement:
    """The refinement of one plane, and the ways to do it in less memory."""

    def __init__(
        self,
        plane: Plane,
        seen: NDArray[np.float32],
        chroma: "Tensor",
        parameters: ColorizeParameters,
        tick: Callable[[float], None],
        within: tuple[int, int, int, int] | None,
        guide_small: NDArray[np.float32] | None,
    ) -> None:
        self.plane, self.seen, self.chroma = plane, seen, chroma
        self.shape: tuple[int, int] = within[2:] if within else plane.luma.shape
        self.within, self.given_guide = within or (0, 0, 0, 0), guide_small
        self.dtype, self.tick = parameters.dtype, tick
        self.kind = REFINEMENTS[parameters.refinement]
        self.numbers: dict[str, Any] = {name: getattr(parameters, name) for name in NUMBERS}

    def at_once(self) -> _Found:
        """Refine the whole plane."""
        chroma = self._carried(self.chroma)
        if self.kind.upsample is None and self.kind.smooth is None and not any(self.within):
            return self._in_bands(bilinear_rows(chroma, self.plane.luma.shape))
        guide_small = self._guide_small(chroma)
        if self.kind.in_pieces and self.dtype == "uint8":
            return self._finished(chroma, guide_small)
        whole = self._whole_chroma(chroma, guide_small)
        return self._in_bands(lambda rows: whole[:, rows])

    def by_bands(self) -> _Found | None:
        """Refine in bands of rows; None where the refinement or the sizes forbid it."""
        if any(self.within):
            return None  # a piece is small already
        if self.kind.upsample is None:
            return None  # smoothing walks through the whole picture; plain enlargement is in bands
        chroma = self._carried(self.chroma)
        reach = self.numbers["radius"] * self.kind.windows
        upsample = partial(self.kind.upsample, **self.numbers)
        rows = banded(self.plane, chroma, self._guide_small(chroma), reach, upsample)
        return None if rows is None else self._in_bands(rows)

    def on_the_cpu(self) -> _Found:
        """Refine the whole plane on the CPU."""
        self.chroma = self.chroma.cpu()
        return self.at_once()

    def _carried(self, chroma: "Tensor") -> "Tensor":
        """Bring chroma to a grid that the picture can carry."""
        height, width = chroma.shape[-2:]
        return resized_tensor(chroma, no_finer_than((height, width), self.shape))

    def _guide_small(self, chroma: "Tensor") -> "Tensor":
        """Return the area-averaged lightness on the chroma's grid, (1, 1, h, w).

        Averages of averages are averages: where the network saw whole blocks of pixels, and the
        grid is made of whole blocks of what it saw, the picture need not be read again.
        """
        if self.given_guide is not None:
            return as_tensor(self.given_guide, chroma.device)[None, None]
        grid = (int(chroma.shape[-2]), int(chroma.shape[-1]))
        axes = list(zip(self.shape, self.seen.shape, grid, strict=True))
        nested = all(full >= middle and middle % small == 0 for full, middle, small in axes)
        lightness = resize(self.seen, grid) if nested else self.plane.lightness_at(grid)
        return as_tensor(lightness, chroma.device)[None, None]

    def _finished(self, chroma: "Tensor", guide_small: "Tensor") -> _Found:
        from napari_colorize import ops

        height, width = self.plane.luma.shape
        if height * width <= AT_ONCE:
            luma = as_tensor(self.plane.luma, chroma.device)[None]
            rgb, clipped = ops.finish(luma, chroma, guide_small, within=self.within, **self.numbers)
            return rgb[0].cpu().numpy(), clipped[0].cpu().numpy()
        found = np.empty((height, width, 3), np.uint8)
        marked = np.empty((height, width), bool)
        top, left, *whole = self.within if any(self.within) else (0, 0, height, width)
        step = max(1, AT_ONCE // width)
        for first in range(0, height, step):
            self.tick(first / height)
            rows = slice(first, first + step)
            luma = as_tensor(self.plane.luma[rows], chroma.device)[None]
            within = (top + first, left, *whole)
            codes, moved = ops.finish(luma, chroma, guide_small, within=within, **self.numbers)
            found[rows], marked[rows] = codes[0].cpu().numpy(), moved[0].cpu().numpy()
        return found, marked

    def _whole_chroma(self, chroma: "Tensor", guide_small: "Tensor") -> "Tensor":
        """Return (2, H, W) chroma by the refinement that was asked for."""
        guide = as_tensor(self.plane.lightness(), chroma.device)[None, None]
        if any(self.within) and not self.kind.in_pieces:
            raise ValueError(f"{self.kind.name} refines whole planes; a piece was given.")
        where = {"within": self.within} if any(self.within) else {}
        if self.kind.upsample is not None:
            return self.kind.upsample(chroma, guide_small, guide, **self.numbers, **where)[0]
        assert self.kind.smooth is not None
        height, width = self.plane.luma.shape
        # Smoothing walks from pixel to pixel of the picture, not of the chroma's grid.
        scale = math.sqrt(guide[0, 0].numel() / chroma[0, 0].numel())
        enlarged = bilinear_rows(chroma, (height, width))(slice(0, height))[None]
        return self.kind.smooth(enlarged, guide, scale, **self.numbers)[0]

    def _in_bands(self, chroma_of: Rows) -> _Found:
        """Map lightness and chroma into the gamut and to RGB, a band of rows at a time."""
        import torch

        from napari_colorize import ops

        height, width = self.plane.luma.shape
        rgb = np.empty((height, width, 3), dtype=self.dtype)
        clipped = np.empty((height, width), dtype=bool)
        # Integer codes wider than 8 bits are rounded here; the operator itself knows 8 bits.
        coded = torch.uint8 if self.dtype == "uint8" else torch.float32
        for rows in row_bands(height, width):
            self.tick(rows.start / height)
            chroma = chroma_of(rows)
            light = as_tensor(self.plane.lightness(rows), chroma.device)[None]
            lab, outside = ops.gamut_clip(torch.cat([light, chroma]), channel_dim=0)
            band = ops.lab_to_rgb(lab, channel_dim=0, dtype=coded)
            if self.dtype == "uint16":
                band = (band.clamp(0, 1) * 65535).round()
            elif self.dtype == "float32":
                band = band.clamp(0, 1)
            rgb[rows] = band.permute(1, 2, 0).cpu().numpy()
            clipped[rows] = outside.cpu().numpy()
        return rgb, clipped


def full_size_map(small: "Tensor", shape: tuple[int, int]) -> NDArray[np.float32]:
    """Bring a small map of 0…1 to full size: bilinear, or area average where it is finer.

    Parameters
    ----------
    small : (1, 1, h, w) float32 tensor
        Values 0…1, for example the uncertainty.
    shape : (H, W)
        Size of the picture.

    Returns
    -------
    (H, W) float32 array
    """
    plane = np.array(small[0, 0].float().cpu().numpy(), order="C")
    resized = resize(plane, shape)
    return np.clip(resized, 0.0, 1.0, out=resized)


def with_alpha(rgb: NDArray[Any], alpha: NDArray[np.float32] | None) -> NDArray[Any]:
    """Append opacity (0…1) as a fourth channel, in the range of the RGB's dtype."""
    if alpha is None:
        return rgb
    height, width, _ = rgb.shape
    whole = np.empty((height, width, 4), dtype=rgb.dtype)
    whole[..., :3] = rgb
    for rows in row_bands(height, width):
        if rgb.dtype.kind == "u":
            whole[rows, :, 3] = np.rint(alpha[rows] * np.iinfo(rgb.dtype).max)
        else:
            whole[rows, :, 3] = alpha[rows]
    return whole


def resized_tensor(planes: "Tensor", grid: tuple[int, int]) -> "Tensor":
    """Bring (1, C, h, w) planes to another grid without aliasing; a no-op where they fit."""
    if tuple(planes.shape[-2:]) == grid:
        return planes
    import torch

    pixels = planes[0].permute(1, 2, 0).float().cpu().numpy()
    resized = resize(np.ascontiguousarray(pixels), grid)
    return torch.from_numpy(resized).permute(2, 0, 1)[None].contiguous().to(planes.device)


def as_tensor(array: NDArray[Any], device: Any) -> "Tensor":
    """Return an array as a tensor; read-only and strided arrays are copied."""
    import torch

    return torch.from_numpy(np.require(array, requirements=["C", "W"])).to(device)
