"""How well a graph colours pictures that were set aside, beside grey and their mean colour."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from napari_colorize import ops
from napari_colorize.methods.deep.graph import DeepGraph
from napari_colorize.training.arrays import Reference
from napari_colorize.training.deep.references import seen_at

_LOOKED_AT = 50


@dataclass(frozen=True)
class Score:
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
) -> Score | None:
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
    return Score(
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
