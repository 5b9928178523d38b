"""What is kept of the pictures while networks are fitted: sampled pixels and global descriptors.

Describing takes most of a training, so it is done once: what was sampled is kept on the disk too,
for a training that was stopped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from napari_colorize.storage import staged
from napari_colorize.training.deep.pictures import seen_at
from napari_colorize.training.deep.settings import DeepSettings
from napari_colorize.training.tiles import Reference

LARGEST_UNREADABLE_SHARE = 0.1


@dataclass(frozen=True, eq=False)
class Descriptors:
    """All that the method knows about one grey picture.

    Parameters
    ----------
    descriptors
        (D, h, w) float32, one a pixel.
    gist
        (G,) float32, the global descriptor.
    histogram
        (N,) float32, the share of each semantic class.
    """

    descriptors: Tensor
    gist: Tensor
    histogram: Tensor


Describe = Callable[[Tensor], Descriptors]
"""(1, 1, h, w) float32 L* → what is known about it."""

Chrominance = Callable[[Tensor], Tensor]
"""(3, ...) RGB in 0…1 → (2, ...) U and V."""


@dataclass(frozen=True, eq=False)
class Sampled:
    """Sampled pixels of all pictures, one picture after the other.

    Parameters
    ----------
    descriptors
        (S, D) float16.
    chrominance
        (S, 2) float32: U and V.
    first
        (M + 1,) int64: the pixels of picture i are rows ``first[i]`` … ``first[i + 1]``.
    gist
        (M, G) float32.
    histogram
        (M, N) float32.
    blocks
        Sizes of the descriptor's blocks; they sum to D.
    references
        The M pictures, those that could not be read left out.
    unreadable
        Names of those left out.
    """

    descriptors: Tensor
    chrominance: Tensor
    first: Tensor
    gist: Tensor
    histogram: Tensor
    blocks: tuple[int, ...]
    references: tuple[Reference, ...]
    unreadable: tuple[str, ...]

    def rows(self, pictures: Sequence[int] | np.ndarray) -> Tensor:
        """Rows of the pixels of some pictures."""
        spans = [torch.arange(int(self.first[i]), int(self.first[i + 1])) for i in pictures]
        return torch.cat(spans) if spans else torch.empty(0, dtype=torch.long)

    def picture_of_rows(self) -> Tensor:
        """(S,) int64: the number of the picture that each row comes from."""
        return torch.repeat_interleave(torch.arange(len(self.references)), self.first.diff())


def sample(
    references: Sequence[Reference],
    describe: Describe,
    chrominance: Chrominance,
    settings: DeepSettings,
    *,
    blocks: Sequence[int] = (),
    tick: Callable[[float], None] = lambda share: None,
) -> Sampled:
    """Describe every picture once and keep some of its pixels.

    Parameters
    ----------
    references
        What to learn from.
    describe, chrominance
        The method's descriptors of a grey picture, and its colour space.
    settings
        Seed, size and number of pixels; its ``size`` must be chosen already.
    blocks
        Sizes of the descriptor's blocks; one block if left out.
    tick
        Told the share done, 0…1, before every picture; may raise to stop.

    Raises
    ------
    ValueError
        More than a tenth of the pictures cannot be read.
    """
    wanted = min(settings.most_samples_a_picture, max(16, settings.samples // len(references)))
    # Of the dense descriptors, 17 MB a picture, nothing but the samples may stay.
    descriptors, colours, gists, histograms = [], [], [], []
    readable, unreadable = [], []
    for number, reference in enumerate(references):
        tick(number / len(references))
        try:
            seen = seen_at(reference.read(), settings.size)
        except ValueError:
            unreadable.append(reference.name)
            continue
        described = describe(torch.from_numpy(seen.lightness)[None, None])
        uv = chrominance(torch.from_numpy(seen.rgb).permute(2, 0, 1))
        rows, columns = jittered_grid(seen.lightness.shape, wanted, (settings.seed, number))
        flat = torch.from_numpy(rows * seen.lightness.shape[1] + columns)
        descriptors.append(described.descriptors.flatten(1)[:, flat].T.half().contiguous())
        colours.append(uv.flatten(1)[:, flat].T.float().contiguous())
        gists.append(described.gist.float().clone())
        histograms.append(described.histogram.float().clone())
        readable.append(reference)
    _refuse_damaged(unreadable, len(references))
    counts = torch.tensor([0, *map(len, descriptors)])
    return Sampled(
        descriptors=torch.cat(descriptors),
        chrominance=torch.cat(colours),
        first=counts.cumsum(0),
        gist=torch.stack(gists),
        histogram=torch.stack(histograms),
        blocks=tuple(blocks) or (descriptors[0].shape[1],),
        references=tuple(readable),
        unreadable=tuple(unreadable),
    )


def jittered_grid(
    shape: tuple[int, int], count: int, seed: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Choose about `count` pixels, one at random in each cell of an even grid.

    Even cover with no rhythm: a plain random draw leaves holes, a plain grid meets the texture of
    fabrics and bricks always at the same place.

    Returns
    -------
    rows, columns
        int64; every pixel once where `count` is at least their number.
    """
    height, width = shape
    if count >= height * width:
        rows, columns = np.divmod(np.arange(height * width), width)
        return rows, columns
    random = np.random.default_rng(seed)
    down = min(height, max(1, round((count * height / width) ** 0.5)))
    across = min(width, max(1, round(count / down)))
    cells = np.mgrid[:down, :across].reshape(2, -1)
    places = cells + random.random(cells.shape)
    rows = (places[0] * height / down).astype(np.int64)
    columns = (places[1] * width / across).astype(np.int64)
    return rows.clip(0, height - 1), columns.clip(0, width - 1)


def _refuse_damaged(unreadable: Sequence[str], total: int) -> None:
    if len(unreadable) > LARGEST_UNREADABLE_SHARE * total:
        raise ValueError(
            f"{len(unreadable)} of {total} pictures cannot be read "
            f"({', '.join(unreadable[:3])}{', …' if len(unreadable) > 3 else ''}). Copy them "
            "again or take them out."
        )


CACHE = "described.safetensors"

_DECIDES = (
    "seed",
    "size",
    "blocks",
    "semantic_classes",
    "samples",
    "most_samples_a_picture",
    "most_pictures",
    "include",
    "holdout",
)
"""Settings that decide which pixels are sampled, and what describes them."""

_TENSORS = ("descriptors", "chrominance", "first", "gist", "histogram")


def sample_key(settings: DeepSettings, fingerprint: str) -> str:
    """Return what a cache must have been made with to serve: settings as used, and pictures."""
    told = settings.to_dict()
    return json.dumps({"pictures": fingerprint, **{name: told[name] for name in _DECIDES}})


def write_samples(sampled: Sampled, path: Path, key: str) -> None:
    """Write what was sampled, whole or not at all."""
    import safetensors.torch

    told = {
        "key": key,
        "blocks": json.dumps(sampled.blocks),
        "names": json.dumps([reference.name for reference in sampled.references]),
        "unreadable": json.dumps(sampled.unreadable),
    }
    tensors = {name: getattr(sampled, name).contiguous() for name in _TENSORS}
    with staged([path], overwrite=True) as [part]:
        safetensors.torch.save_file(tensors, part, metadata=told)


def read_samples(path: Path, key: str, references: Sequence[Reference]) -> Sampled | None:
    """Read what was sampled; None where there is nothing, or it is of another training.

    Parameters
    ----------
    path
        Of the cache.
    key
        `key_of` of the training that asks.
    references
        Its pictures.
    """
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            told: Mapping[str, Any] = file.metadata() or {}
            tensors: dict[str, torch.Tensor] = {
                name: file.get_tensor(name) for name in _TENSORS if told.get("key") == key
            }
    except (SafetensorError, OSError):
        return None  # damaged: described again
    if not tensors:
        return None
    by_name = {reference.name: reference for reference in references}
    names = json.loads(told["names"])
    if not set(names) <= set(by_name):
        return None
    return Sampled(
        **tensors,
        blocks=tuple(json.loads(told["blocks"])),
        references=tuple(by_name[name] for name in names),
        unreadable=tuple(json.loads(told["unreadable"])),
    )
