"""Run by tests/test_work_counts.py in a process of its own: count work, print it as JSON.

The compiled counter (work_counter.c) is preloaded; its path is the first argument.
"""

from __future__ import annotations

import ctypes
import json
import sys
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from napari_colorize import api, checkpoints, ops
from napari_colorize.ops.bins import NUM_BINS, bin_tensor

SIDE, SMALL = 1024, 64
LOGIT_SIDE, PAGES_KEPT = 64, 64
UPSAMPLE = {"radius": 3, "sigma_space": 1.5, "sigma_range": 8.0}

counter = ctypes.CDLL(sys.argv[1])
counter.counting_stop.restype = ctypes.c_long
counter.counted_peak.restype = ctypes.c_long
counter.guarding_stop.restype = ctypes.c_long
counter.guarding_start.argtypes = [ctypes.c_long]
counter.counted_size.restype = ctypes.c_size_t
counter.counted_size.argtypes = [ctypes.c_long]
counter.guarded_new.restype = ctypes.c_void_p
counter.guarded_new.argtypes = [ctypes.c_size_t]


def blocks(call: Callable[[], Any]) -> dict[str, Any]:
    """Return what a warm call asks for.

    The number of blocks, the sizes of those of 64 KiB and more, the most bytes held at once.
    """
    for _ in range(2):
        call()
    counter.counting_start()
    result = call()
    count = counter.counting_stop()
    del result
    sizes = [counter.counted_size(i) for i in range(min(count, 1 << 16))]
    large = sorted((s for s in sizes if s >= 1 << 16), reverse=True)
    return {"count": count, "large": large, "peak": counter.counted_peak()}


def guarded(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Return a tensor over the buffer whose touches are counted."""
    bytes_ = torch.Size(shape).numel() * dtype.itemsize
    memory = (ctypes.c_char * bytes_).from_address(counter.guarded_new(bytes_))
    return torch.frombuffer(memory, dtype=dtype).view(shape)


def touches(call: Callable[[], Any]) -> int:
    """Return how often a call came to a page that was not among the last `PAGES_KEPT`."""
    call()
    counter.guarding_start(PAGES_KEPT)
    call()
    return counter.guarding_stop()


def operators(side: int) -> dict[str, Callable[[], Any]]:
    """Every operator on a picture of `side` squared, or on what goes with one of `SMALL`."""
    torch.manual_seed(0)
    luma = torch.randint(0, 256, (1, side, side), dtype=torch.uint8)
    rgb = torch.randint(0, 256, (side, side, 3), dtype=torch.uint8)
    lab = ops.rgb_to_lab(rgb)
    guide = lab[..., 0].contiguous()[None, None]
    small = torch.rand(1, 1, SMALL, SMALL) * 100
    chroma = torch.randn(1, 2, SMALL, SMALL) * 30
    logits, bins = torch.randn(1, NUM_BINS, SMALL, SMALL), bin_tensor()
    ab = torch.randn(1, 2, 256, 256) * 30
    gradients = torch.ops.napari_colorize
    full = torch.randn(1, 2, side, side)  # a gradient or a result: what it holds is no matter
    return {
        "finish": lambda: ops.finish(luma, chroma, small, **UPSAMPLE),
        "rgb_to_lab": lambda: ops.rgb_to_lab(rgb),
        "lab_to_rgb": lambda: ops.lab_to_rgb(lab, dtype=torch.uint8),
        "gamut_clip": lambda: ops.gamut_clip(lab),
        "annealed_mean": lambda: ops.annealed_mean(logits, bins),
        "soft_encode": lambda: ops.soft_encode(ab),
        "soft_encode_dense": lambda: ops.soft_encode_dense(ab),
        "joint_bilateral_upsample": lambda: ops.joint_bilateral_upsample(
            chroma, small, guide, **UPSAMPLE
        ),
        "joint_bilateral": lambda: ops.joint_bilateral(
            chroma, small, radius=3, sigma_space=1.5, sigma_range=8.0
        ),
        "joint_bilateral_backward": lambda: gradients.joint_bilateral_backward(
            full, full, guide, full, **UPSAMPLE
        ),
        "joint_bilateral_upsample_backward": lambda: gradients.joint_bilateral_upsample_backward(
            full, chroma, small, guide, full, **UPSAMPLE
        ),
    }


def front_door() -> Callable[..., Any]:
    """`colorize` with a network that costs nothing."""

    def graph(luma: Tensor, temperature: Tensor, vividness: Tensor) -> tuple[Tensor, Tensor]:
        small = torch.nn.functional.avg_pool2d(luma, 4)
        return torch.cat([small - 50, 50 - small], 1), small / 100

    record = checkpoints.CheckpointRecord(
        name="counted",
        method="colorful",
        architecture="colorful-compact",
        defaults={"temperature": 0.38, "vividness": 0.5, "network_size": 64},
    )
    model = SimpleNamespace(graph=graph, record=record)
    checkpoints.load = lambda *_: model  # type: ignore[assignment]
    return partial(api.colorize, method="colorful", checkpoint="counted", device="cpu")


def pictures(side: int) -> dict[str, np.ndarray]:
    """A picture of every kind that takes a way of its own through the front door."""
    generator = np.random.default_rng(0)
    rgba = generator.integers(0, 256, (side, side, 4), dtype=np.uint8)
    return {
        "8 bits": np.ascontiguousarray(rgba[..., 0]),
        "16 bits": generator.integers(0, 4096, (side, side)).astype(np.uint16),
        "float32": generator.random((side, side), dtype=np.float32),
        "RGB": np.ascontiguousarray(rgba[..., :3]),
        "RGBA": rgba,
    }


def whole_paths(side: int) -> dict[str, Callable[[], Any]]:
    """`colorize` of every kind of picture, and of 8 bits with the refinement in bands."""
    colorize, shown = front_door(), pictures(side)
    calls: dict[str, Callable[[], Any]] = {
        name: partial(colorize, picture) for name, picture in shown.items()
    }
    calls["8 bits, bilinear"] = partial(colorize, shown["8 bits"], refinement="bilinear")
    return calls


def passes() -> dict[str, int]:
    """Touches of what should be read once, and of a loop that is known to read twice."""
    logits = guarded((1, NUM_BINS, LOGIT_SIDE, LOGIT_SIDE), torch.float32)
    logits.normal_()
    bins = bin_tensor()
    temperature = torch.tensor(0.38)
    from napari_colorize.ops.twins import encoding

    found = {
        "annealed_mean": touches(lambda: ops.annealed_mean(logits, bins)),
        "sum": touches(logits.sum),
        "twin": touches(lambda: encoding.annealed_mean(logits, bins, None, temperature)),
    }
    luma = guarded((1, SIDE, SIDE), torch.uint8)
    luma.random_(0, 256)
    small, chroma = torch.rand(1, 1, SMALL, SMALL) * 100, torch.randn(1, 2, SMALL, SMALL)
    found["finish"] = touches(lambda: ops.finish(luma, chroma, small, **UPSAMPLE))
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    found = {
        "backend": ops.backend(),
        "blocks": {name: blocks(call) for name, call in operators(SIDE).items()},
        "quarter": {name: blocks(call) for name, call in operators(SIDE // 2).items()},
        "passes": passes(),
    }
    found["blocks"]["one float plane"] = blocks(lambda: torch.empty(SIDE, SIDE))
    found["colorize"] = {name: blocks(call) for name, call in whole_paths(SIDE).items()}
    found["colorize, quarter"] = {
        name: blocks(call) for name, call in whole_paths(SIDE // 2).items()
    }
    print(json.dumps(found))
