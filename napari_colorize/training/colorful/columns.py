"""What a frozen trunk sees of each picture, kept on the disk: one look a picture, however long.

A trunk that does not learn gives the same maps at every pass, and looking takes a hundred times as
long as learning from what was seen. Of the maps of stride 2, 4 and 8 a few random positions are
kept, joined at stride 4; those of stride 16 and 32 are kept whole, since a network may want to look
around in them. All is float16: about 130 kB a picture with 128 positions.

Shards of 256 pictures are written whole or not at all and name what they hold, so a cache that was
left off is filled up later, and one cache serves every training on the same pictures. `Looking`
fills it in a thread of its own while a training learns from what is there already.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import threading
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
from napari_colorize.methods.colorful.hypercolumn import HypercolumnNetwork
from napari_colorize.methods.colorful.loss import NEARLY_GREY
from napari_colorize.pipeline.resample import network_shape, resize
from napari_colorize.training.samples import old_photograph

SHARD = 256
"""Pictures in a file."""
_AT_ONCE = 2
"""Pictures of one size that the trunk sees together: more do not fit a core's cache."""
_STRIDE = 4
_MIRRORED = 0.5


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
    places: dict[str, Place | None] = {}
    for _, shard in _shards(folder, key):
        places |= shard.places()
    missing = [p for p in pictures if name_of(p) not in places]
    training = network.training
    network.eval()
    bar = tqdm(total=len(missing), desc=title, unit="picture", disable=None if title else True)
    done = 0
    for shard in _new_shards(folder, key, network, look, missing):
        places |= shard.places()
        bar.update(len(shard.tried))
        done += len(shard.tried)
        tick(done / len(missing))
    bar.close()
    network.train(training)
    found = {name: places[name] for name in map(name_of, pictures)}
    return {name: place for name, place in found.items() if place is not None}


class Looking(Sequence["Place | None"]):
    """Where pictures lie in a cache that a thread fills meanwhile, in a given order.

    Asked for a picture that was not looked at yet, it waits for it: so a training may begin with
    its first shard. None stands for pictures without colour, or that cannot be decoded.

    Parameters
    ----------
    folder, network, look, pictures
        As for `fill`; the thread has a copy of the network.
    order
        Indices of all pictures, those wanted first in front.
    """

    def __init__(
        self,
        folder: Path,
        network: HypercolumnNetwork,
        look: Look,
        pictures: Sequence[Picture],
        order: Sequence[int],
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        key = look.key(network)
        self._names = [name_of(picture) for picture in pictures]
        self._places: dict[str, Place | None] = {}
        for _, shard in _shards(folder, key):
            self._places |= shard.places()
        missing = [pictures[i] for i in order if self._names[i] not in self._places]
        self.missing = len(missing)
        """Pictures that were not looked at before."""
        self._looked = threading.Condition()
        self._closed = False
        self._failure: BaseException | None = None
        eye = copy.deepcopy(network).eval()
        work = (_new_shards(folder, key, eye, look, missing),)
        # A daemon: what is not written whole is not there, so it may end at any moment.
        self._thread = threading.Thread(target=self._fill, args=work, daemon=True)
        self._thread.start()

    def _fill(self, shards: Iterator[_Shard]) -> None:
        try:
            for shard in shards:
                with self._looked:
                    self._places |= shard.places()
                    self._looked.notify_all()
                if self._closed:
                    return
        except BaseException as error:
            with self._looked:
                self._failure = error
                self._looked.notify_all()

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, index: Any) -> Any:
        """Place of a picture, as soon as it was looked at.

        Raises
        ------
        RuntimeError
            The looking ended in an error, or by `close`, before.
        """
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        name = self._names[index]
        with self._looked:
            self._looked.wait_for(
                lambda: name in self._places or self._failure is not None or self._closed
            )
            if name not in self._places:
                raise RuntimeError(
                    f"{name.partition(chr(9))[0]} was not looked at: "
                    f"{self._failure or 'the training ended'}."
                ) from self._failure
            return self._places[name]

    def close(self) -> None:
        """End the thread after the shard that it is at, and wait for that."""
        with self._looked:
            self._closed = True
            self._looked.notify_all()
        self._thread.join()


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

    def places(self) -> dict[str, Place | None]:
        """Where each picture lies; None for those tried in vain."""
        stored = enumerate(zip(self.names, self.offsets, strict=True))
        found = {name: Place(self.path, row, first) for row, (name, first) in stored}
        return {name: found.get(name) for name in self.tried}


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


def _new_shards(
    folder: Path,
    key: str,
    network: HypercolumnNetwork,
    look: Look,
    pictures: Sequence[Picture],
) -> Iterator[_Shard]:
    """Look at pictures, and yield every shard when it is on the disk."""
    for begin in range(0, len(pictures), SHARD):
        chunk = pictures[begin : begin + SHARD]
        path = folder / f"{_digest(chunk)}.safetensors"
        _write(path, key, chunk, _seen(network, look, chunk))
        yield _read_shard(path)


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
