"""What a frozen trunk sees of each picture, kept on the disk: one look a picture, however long.

A trunk that does not learn gives the same maps at every pass, and looking takes a hundred times as
long as learning from what was seen. Of the maps of stride 2, 4 and 8 a few random positions are
kept, joined at stride 4; those of stride 16 and 32 are kept whole, since a network may want to look
around in them. All is float16: about 130 kB a picture with 128 positions.

Shards of 256 pictures are written whole or not at all and name what they hold, so a cache that was
left off is filled up later, and one cache serves every training on the same pictures.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from napari_colorize.files.pictures import Picture
from napari_colorize.methods.colorful.hypercolumn import HypercolumnNetwork, Hypercolumns
from napari_colorize.methods.colorful.loss import NEARLY_GREY
from napari_colorize.pipeline.resample import network_shape, resize
from napari_colorize.training.samples import old_photograph

SHARD = 256
"""Pictures in a file."""
_AT_ONCE = 2
"""Pictures of one size that the trunk sees together: more do not fit a core's cache."""
_STRIDE = 4
_MIRRORED = 0.5

Sample = tuple[Hypercolumns, Tensor, Tensor]
"""Of one picture or a batch: hypercolumns, their cells (P,) int64, and the chroma there (P, 2)."""


@dataclass(frozen=True)
class Look:
    """How pictures are looked at: all that decides a cache, beside pictures and trunk.

    Parameters
    ----------
    network_size
        Short side at which the trunk sees a picture, px.
    positions
        Cells of the stride-4 grid kept of each picture.
    old_share
        Share of pictures whose grey input is made an old photograph's (`samples.old_photograph`).
    """

    network_size: int
    positions: int
    old_share: float

    def key(self, trunk: HypercolumnNetwork) -> str:
        """Return what names this look with the weights of this trunk."""
        digest = hashlib.sha256(repr(self).encode())
        for name, tensor in sorted(trunk.trunk.state_dict().items()):
            digest.update(name.encode())
            # As checkpoints keep them; adding 0 gives zeros one sign.
            rounded = tensor.detach().cpu().half() + 0.0
            digest.update(rounded.contiguous().numpy().tobytes())
        return digest.hexdigest()


def fill(
    folder: Path,
    network: HypercolumnNetwork,
    look: Look,
    pictures: Sequence[Picture],
    title: str = "",
    tick: Callable[[float], None] = lambda share: None,
) -> dict[str, Place]:
    """Look at all pictures that the cache does not hold yet, and return where each lies.

    Parameters
    ----------
    folder
        Of the cache, made if it is missing.
    network
        Whose trunk looks; its weights are part of the cache's key.
    look
        How.
    pictures
        What is wanted. Pictures without colour, or that cannot be decoded, are passed over.
    title
        Of the progress bar; none is shown if empty, or where stderr is no terminal.
    tick
        Told the share done, 0…1, after every shard; may raise to stop.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key = look.key(network)
    held = dict(_shards(folder, key))
    tried = {name for shard in held.values() for name in shard.tried}
    missing = [p for p in pictures if name_of(p) not in tried]
    training = network.training
    network.eval()
    bar = tqdm(total=len(missing), desc=title, unit="picture", disable=None if title else True)
    for begin in range(0, len(missing), SHARD):
        chunk = missing[begin : begin + SHARD]
        path = folder / f"{_digest(chunk)}.safetensors"
        _write(path, key, chunk, _seen(network, look, chunk))
        held[path.name] = _read_shard(path)
        bar.update(len(chunk))
        tick((begin + len(chunk)) / len(missing))
    bar.close()
    network.train(training)
    wanted = {name_of(picture) for picture in pictures}
    return {
        name: Place(shard.path, row, shard.offsets[row])
        for shard in held.values()
        for row, name in enumerate(shard.names)
        if name in wanted
    }


@dataclass(frozen=True)
class Place:
    """Where a picture lies: its file, its row there, and its first cell of stride 32."""

    path: Path
    row: int
    first: int


@dataclass(frozen=True)
class _Shard:
    path: Path
    names: tuple[str, ...]
    tried: tuple[str, ...]
    offsets: tuple[int, ...]


class Reader:
    """Reads single pictures from shards, which stay open; each process has its own."""

    def __init__(self) -> None:
        self._open: dict[Path, Any] = {}

    def __call__(self, place: Place, positions: int, random: np.random.Generator) -> Sample:
        """Hypercolumns of a picture at `positions` of its cells, drawn by chance; all if 0."""
        file = self._file(place.path)
        one = slice(place.row, place.row + 1)
        fine, ab, luma, cell, shape = (
            file.get_slice(name)[one][0] for name in ("fine", "ab", "luma", "cell", "shape")
        )
        height, width = shape.tolist()
        count = height * width
        coarse = slice(place.first, place.first + count)
        sixteen = file.get_slice("sixteen")[4 * coarse.start : 4 * coarse.stop]
        thirtytwo = file.get_slice("thirtytwo")[coarse]
        if 0 < positions < len(cell):
            chosen = torch.from_numpy(random.permutation(len(cell))[:positions])
            fine, ab, luma, cell = (each[chosen] for each in (fine, ab, luma, cell))
        cell = cell.long()
        place_of = _beside(luma.float(), cell, 8 * height, 8 * width)
        columns = Hypercolumns(
            torch.cat((fine.float(), place_of), 1),
            sixteen.float().view(2 * height, 2 * width, -1),
            thirtytwo.float().view(height, width, -1),
        )
        return columns, cell, ab.float()

    def __getstate__(self) -> dict[str, Any]:
        """Open files do not travel to other processes."""
        return {"_open": {}}

    def _file(self, path: Path) -> Any:
        from safetensors import safe_open

        if path not in self._open:
            self._open[path] = safe_open(path, framework="pt")
        return self._open[path]


def _beside(luma: Tensor, cell: Tensor, height: int, width: int) -> Tensor:
    """Return what `hypercolumn.PLACE` counts: lightness, row, distance from the middle."""
    row = (2 * (cell // width) + 1) / height - 1
    column = ((2 * (cell % width) + 1) / width - 1).abs()
    return torch.stack((luma / 50 - 1, row, column), 1)


def _seen(
    network: HypercolumnNetwork, look: Look, pictures: Sequence[Picture]
) -> Iterator[tuple[int, dict[str, Tensor]]]:
    """Yield number in `pictures` and what is stored, a few pictures of one size at a time."""
    waiting: dict[tuple[int, ...], list[tuple[int, tuple[Tensor, Tensor, Tensor]]]] = {}
    for number, picture in enumerate(pictures):
        try:
            ready = _prepared(picture, look)
        except ValueError:
            continue
        if ready is None:
            continue
        queue = waiting.setdefault(tuple(ready[0].shape), [])
        queue.append((number, ready))
        if len(queue) == _AT_ONCE:
            yield from _through_trunk(network, queue)
            queue.clear()
    for queue in waiting.values():
        if queue:
            yield from _through_trunk(network, queue)


def _prepared(picture: Picture, look: Look) -> tuple[Tensor, Tensor, Tensor] | None:
    """Grey input (1, 1, H, W), chroma of its cells (2, h, w) and cells; None if all is grey.

    What chance decides follows from the picture's name alone.
    """
    digest = hashlib.sha256(picture.name.encode()).digest()
    random = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    rgb = picture.read().astype(np.float32) / 255
    lab = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB), np.float32)
    if np.abs(lab[..., 1:]).max() <= NEARLY_GREY:
        return None
    if random.random() < _MIRRORED:
        lab = np.ascontiguousarray(lab[:, ::-1])
    height, width = network_shape(lab.shape[0], lab.shape[1], look.network_size)
    luma = resize(np.ascontiguousarray(lab[..., 0]), (height, width))
    grid = (height // _STRIDE, width // _STRIDE)
    ab = resize(resize(np.ascontiguousarray(lab[..., 1:]), (height, width)), grid)
    if random.random() < look.old_share:
        luma = old_photograph(luma, random)
    cells = np.sort(random.permutation(grid[0] * grid[1])[: look.positions])
    if len(cells) < look.positions:  # shards are rectangular
        cells = np.resize(cells, look.positions)
    chroma = torch.from_numpy(np.ascontiguousarray(ab.transpose(2, 0, 1)))
    return torch.from_numpy(luma)[None, None], chroma, torch.from_numpy(cells)


@torch.inference_mode()
def _through_trunk(
    network: HypercolumnNetwork,
    queue: Sequence[tuple[int, tuple[Tensor, Tensor, Tensor]]],
) -> Iterator[tuple[int, dict[str, Tensor]]]:
    luma = torch.cat([ready[0] for _, ready in queue])
    columns = network.look(luma)
    beside = columns.fine.shape[3] - 3
    for k, (number, (_, ab, cells)) in enumerate(queue):
        fine = columns.fine[k].flatten(0, 1)[cells]
        height, width = columns.thirtytwo.shape[1:3]
        yield (
            number,
            {
                "fine": fine[:, :beside].half(),
                "luma": ((fine[:, beside] + 1) * 50).half(),
                "ab": ab.flatten(1)[:, cells].T.half().contiguous(),
                "cell": cells.short(),
                "shape": torch.tensor([height, width], dtype=torch.int16),
                "sixteen": columns.sixteen[k].flatten(0, 1).half(),
                "thirtytwo": columns.thirtytwo[k].flatten(0, 1).half(),
            },
        )


def _write(
    path: Path,
    key: str,
    pictures: Sequence[Picture],
    seen: Iterator[tuple[int, dict[str, Tensor]]],
) -> None:
    from safetensors.torch import save_file

    rows = list(seen)
    tensors = {"index": torch.tensor([number for number, _ in rows], dtype=torch.int64)}
    for name in rows[0][1] if rows else ():
        join = torch.cat if name in ("sixteen", "thirtytwo") else torch.stack
        tensors[name] = join([row[name] for _, row in rows])
    told = {"key": key, "tried": json.dumps([name_of(picture) for picture in pictures])}
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    save_file(tensors, part, metadata=told)
    os.replace(part, path)


def _shards(folder: Path, key: str) -> Iterator[tuple[str, _Shard]]:
    from safetensors import SafetensorError, safe_open

    for path in sorted(folder.glob("[!.]*.safetensors")):
        try:
            with safe_open(path, framework="pt") as file:
                if (file.metadata() or {}).get("key") != key:
                    continue
            yield path.name, _read_shard(path)
        except (SafetensorError, OSError, KeyError, ValueError):
            continue  # damaged: looked at again


def _read_shard(path: Path) -> _Shard:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        tried = json.loads(file.metadata()["tried"])
        index = file.get_tensor("index").tolist()
        sizes = file.get_tensor("shape").long().prod(1) if index else torch.zeros(0)
    first = np.concatenate(([0], np.cumsum(sizes.numpy())))[: len(index)].astype(int)
    return _Shard(path, tuple(tried[i] for i in index), tuple(tried), tuple(first.tolist()))


def name_of(picture: Picture) -> str:
    """Return by what a cache knows a picture."""
    return f"{picture.name}\t{picture.size}"


def _digest(pictures: Sequence[Picture]) -> str:
    names = "\n".join(name_of(picture) for picture in pictures)
    return hashlib.sha256(names.encode()).hexdigest()[:24]
