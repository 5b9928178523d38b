"""Pictures as *Deep Colorization* sees them, to learn from, to watch and to be scored on.

`seen_at` makes lightness and truth at one size. A `LearningPreview` is a picture coloured
by networks that are still learning. `score` says how well a graph colours pictures that were set
aside, beside grey and their mean colour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_colorize import ops
from napari_colorize.methods.deep.descriptor import DeepDescriptor
from napari_colorize.methods.deep.graph import ClusterNetworks, DeepGraph
from napari_colorize.methods.deep.yuv import luma_to_grey, uv_to_ab
from napari_colorize.pipeline.image import read_plane
from napari_colorize.pipeline.resample import network_shape, resize
from napari_colorize.training.callbacks.watching import Watch
from napari_colorize.training.tiles import Reference

SMALLEST_SIZE, LARGEST_SIZE = 64, 320
"""Bounds of the size that is chosen from the pictures themselves, px."""

_LOOKED_AT = 50
_NEARLY_GREY = 6
"""Largest spread of R, G and B, in 8-bit codes, of a picture without colour."""


@dataclass(frozen=True, eq=False)
class SeenPicture:
    """A picture as the networks see it and as they should colour it.

    Parameters
    ----------
    lightness
        (h, w) float32 L*, 0…100; made as `napari_colorize.colorize` makes it.
    rgb
        (h, w, 3) float32, 0…1: the area-averaged truth.
    """

    lightness: NDArray[np.float32]
    rgb: NDArray[np.float32]


def seen_at(picture: NDArray[np.uint8], size: int) -> SeenPicture:
    """Bring (H, W, 3) uint8 RGB to the size at which a network of short side `size` sees it."""
    shape = network_shape(picture.shape[0], picture.shape[1], size)
    lightness = np.asarray(read_plane(picture).lightness(), np.float32)
    rgb = np.asarray(picture, np.float32) / np.float32(255)
    return SeenPicture(resize(lightness, shape), resize(rgb, shape).clip(0, 1))


def has_colour(picture: NDArray[np.uint8]) -> bool:
    """Whether any pixel of an uint8 RGB picture is plainly not grey."""
    return bool(int((picture.max(-1) - picture.min(-1)).max(initial=0)) > _NEARLY_GREY)


def usual_size(references: Sequence[Reference]) -> int:
    """Return the median short side of (up to 50 of) the pictures, 64…320 px.

    Descriptors look at 7 to 29 pixels, so they mean most at the size where the structures that
    carry colour are about as large: that of the pictures themselves, unless they are huge.
    """
    step = max(1, len(references) // _LOOKED_AT)
    sides = []
    for reference in references[::step]:
        try:
            sides.append(min(reference.read().shape[:2]))
        except ValueError:
            continue
    if not sides:
        raise ValueError(
            f"None of {len(references)} pictures can be read; is the disk still there?"
        )
    return int(np.clip(np.median(sides), SMALLEST_SIZE, LARGEST_SIZE))


def thumbnail(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Cut the largest central square of an RGB picture and bring it to (side, side, 3)."""
    height, width = picture.shape[:2]
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    square = picture[top : top + short, left : left + short]
    method = cv2.INTER_AREA if short >= side else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(square, (side, side), interpolation=method), np.uint8)


@dataclass(frozen=True)
class HoldoutScore:
    """Means over pictures, at the size that the network sees.

    Parameters
    ----------
    pictures
        How many.
    psnr
        ``"deep"``, ``"grey"``, ``"mean colour"`` → PSNR in RGB, dB.
    rmse_ab
        The same → root mean squared error of a and b, Lab units.
    """

    pictures: int
    psnr: Mapping[str, float]
    rmse_ab: Mapping[str, float]

    def to_dict(self) -> dict[str, object]:
        """Return what a checkpoint's record tells."""
        told: dict[str, object] = {"pictures": f"{self.pictures} set aside, at the network's size"}
        for name in self.psnr:
            end = "" if name == "deep" else f"_of_{name.replace(' ', '_')}"
            told[f"psnr{end}"] = round(self.psnr[name], 3)
            told[f"rmse_ab{end}"] = round(self.rmse_ab[name], 3)
        return told


@torch.inference_mode()
def score(
    graph: DeepGraph,
    pictures: Sequence[Reference],
    learnt_from: Sequence[Reference],
    size: int,
    *,
    tick: Callable[[float], None] = lambda share: None,
) -> HoldoutScore | None:
    """Colour pictures and compare with the truth.

    Parameters
    ----------
    graph
        What to score.
    pictures
        Which it has not learnt from; those that cannot be read are left out.
    learnt_from
        The pictures whose mean colour (of up to 50 of them) is the one to beat.
    size
        Short side at which the network sees them, px.
    tick
        Told the share done, 0…1; may raise to stop.

    Returns
    -------
    Score or None
        None if no picture can be read.
    """
    step = max(1, len(learnt_from) // _LOOKED_AT)
    means = [lab[:, 1:].mean((2, 3)) for lab in _labs(learnt_from[::step], size)]
    mean_colour = torch.stack(means).mean(0)[:, :, None, None]
    psnr: dict[str, list[float]] = {"deep": [], "grey": [], "mean colour": []}
    squares: dict[str, list[float]] = {name: [] for name in psnr}
    for number, lab in enumerate(_labs(pictures, size)):
        tick(number / len(pictures))
        luma, ab = lab[:, :1], lab[:, 1:]
        predicted, _ = graph(luma.contiguous(), torch.ones(()), torch.ones(()))
        guesses = {
            "deep": predicted,
            "grey": torch.zeros_like(ab),
            "mean colour": mean_colour.expand_as(ab),
        }
        truth = ops.lab_to_rgb(lab, channel_dim=1)
        for name, guess in guesses.items():
            shown, _ = ops.gamut_clip(torch.cat((luma, guess), 1), channel_dim=1)
            rgb = ops.lab_to_rgb(shown, channel_dim=1)
            psnr[name].append(float(-10 * (rgb - truth).square().mean().clamp(min=1e-10).log10()))
            squares[name].append(float((shown[:, 1:] - ab).square().mean()))
    if not psnr["deep"]:
        return None
    return HoldoutScore(
        len(psnr["deep"]),
        {name: float(np.mean(values)) for name, values in psnr.items()},
        {name: float(np.sqrt(np.mean(values))) for name, values in squares.items()},
    )


def _labs(pictures: Sequence[Reference], size: int) -> Iterator[Tensor]:
    """Yield pictures as (1, 3, h, w) L*a*b*, those that cannot be read left out."""
    for picture in pictures:
        try:
            seen = seen_at(picture.read(), size)
        except ValueError:
            continue
        rgb = torch.from_numpy(seen.rgb).permute(2, 0, 1)[None]
        lab = ops.rgb_to_lab(rgb.contiguous(), channel_dim=1)
        lab[:, 0] = torch.from_numpy(seen.lightness)
        yield lab


LARGEST = 192
"""Side of the part that is shown, px: all of its descriptors are kept, 15 MB."""


class LearningPreview:
    """Shows a watch the middle of the first picture that can be read.

    Parameters
    ----------
    descriptor
        Of the training.
    pictures
        To choose from, the best liked first.
    size
        Short side at which networks see them, px.
    watch
        Who is shown it; a plain `Watch` looks at nothing, and nothing is made ready for it.
    """

    def __init__(
        self, descriptor: DeepDescriptor, pictures: Sequence[Reference], size: int, watch: Watch
    ) -> None:
        self._watch = watch
        seen = None if type(watch).sample is Watch.sample else _first(pictures, size)
        self._seen = None if seen is None else _middle(seen)
        if self._seen is not None:
            self._luma = torch.from_numpy(self._seen.lightness)[None, None]
            with torch.no_grad():
                _, _, fine = descriptor(self._luma)
                grey = luma_to_grey(self._luma)
                self._rows = descriptor.rows(grey, fine, 0, grey.shape[2])[0].flatten(1)

    @torch.no_grad()
    def look(
        self, networks: ClusterNetworks, step: int, learnt: float, checked: float | None
    ) -> None:
        """Tell the errors and, while there is one network for all pictures, show its colours."""
        self._watch.loss(step, learnt, checked)
        if self._seen is not None and networks.clusters == 1:
            uv = networks.predict(self._rows, torch.tensor([0]))
            self._show(uv_to_ab(uv.reshape(1, 2, *self._luma.shape[2:]), self._luma))

    @torch.no_grad()
    def look_at_graph(self, graph: DeepGraph) -> None:
        """Show the picture as the finished graph colours it."""
        if self._seen is not None:
            self._show(graph(self._luma, torch.ones(()), torch.ones(()))[0])

    def _show(self, ab: Tensor) -> None:
        assert self._seen is not None
        grey = torch.cat((self._luma, torch.zeros_like(ab)), 1)
        painted, _ = ops.gamut_clip(torch.cat((self._luma, ab), 1), channel_dim=1)
        truth = np.rint(self._seen.rgb * 255).astype(np.uint8)
        self._watch.sample(_rgb(grey), _rgb(painted), truth)


def _rgb(lab: Tensor) -> NDArray[np.uint8]:
    picture = lab[0].permute(1, 2, 0).contiguous()
    return np.asarray(ops.lab_to_rgb(picture, dtype=torch.uint8).numpy())


def _first(pictures: Sequence[Reference], size: int) -> SeenPicture | None:
    for picture in pictures:
        try:
            return seen_at(picture.read(), size)
        except ValueError:
            continue
    return None


def _middle(seen: SeenPicture) -> SeenPicture:
    height, width = seen.lightness.shape
    top, left = max(0, height - LARGEST) // 2, max(0, width - LARGEST) // 2
    part = np.s_[top : top + LARGEST, left : left + LARGEST]
    return SeenPicture(
        np.ascontiguousarray(seen.lightness[part]), np.ascontiguousarray(seen.rgb[part])
    )
