"""The bilateral CUDA kernels compute what the twins do: their own text, run on the CPU.

``cuda_on_cpu/cuda_runtime.h`` stands in for CUDA: the threads of a block take turns and pass the
turn on where the kernel synchronises. This shows indices, borders, tiles in shared memory, sums
over a block and ragged ends to be right. What a GPU alone can show (races, its rounding, time) it
cannot.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from napari_colorize.ops.twins import bilateral as twins
from napari_colorize.ops.twins import bilateral_gradients as gradients
from napari_colorize.ops.twins import finishing

HERE = Path(__file__).resolve().parent / "cuda_on_cpu"
CSRC = Path(__file__).resolve().parents[2] / "csrc"
KERNELS = (
    *("joint_bilateral_kernels.cu", "joint_bilateral_backward_kernels.cu"),
    *("upsample_kernels.cu", "upsample_backward_kernels.cu"),
)
COMPILER = shutil.which(os.environ.get("CXX", "c++"))
SIGMAS = (1.6, 14.0)


def in_plain_cpp(source: str) -> str:
    """Turn launches and shared memory of a size set at launch into C++."""
    launch = re.compile(r"([\w:]+(?:<[\w, ]*>)?)<<<(.*?)>>>\((.*?)\);", re.DOTALL)
    source = launch.sub(
        lambda m: f"on_cpu::launch({m[2].rsplit(',', 1)[0]}, [=] {{ {m[1]}({m[3].strip()}); }});",
        source,
    )
    return re.sub(
        r"extern __shared__ .*?memory\[\];",
        "unsigned char* memory = on_cpu::shared_memory();",
        source,
    )


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> ctypes.CDLL:
    """The four files with bilateral kernels, compiled for the CPU."""
    if not sys.platform.startswith("linux") or COMPILER is None:
        pytest.skip("skipped: running kernels on the CPU needs Linux and a C++ compiler")
    folder = tmp_path_factory.mktemp("cuda_on_cpu")
    sources = [HERE / "calls.cpp"]
    for name in KERNELS:
        sources.append(folder / f"{name}.cpp")
        sources[-1].write_text(in_plain_cpp((CSRC / "cuda" / name).read_text()))
    options = ["-std=c++20", "-O1", "-g0", "-shared", "-fPIC", "-Wno-psabi"]
    target = folder / "kernels.so"
    built = subprocess.run(
        [COMPILER, *options, f"-I{HERE}", f"-I{CSRC}", *map(str, sources), "-o", str(target)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr[-3000:]
    return ctypes.CDLL(str(target))


def call(library: ctypes.CDLL, name: str, tensors, sizes, radius: int, sigmas=SIGMAS) -> None:
    """Run a launcher over tensors, of which those that are None are not asked for."""
    assert all(t is None or t.is_contiguous() for t in tensors)
    pointers = [ctypes.c_void_p(0 if t is None else t.data_ptr()) for t in tensors]
    numbers = (ctypes.c_int64 * len(sizes))(*sizes)
    status = getattr(library, name)(*pointers, numbers, radius, *map(ctypes.c_double, sigmas))
    assert status == 0


def planes(*shape: int, seed: int, dtype: torch.dtype, scale: float = 100.0) -> Tensor:
    """Return uniform values in 0…scale, the same for every dtype."""
    values = torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (values * scale).to(dtype)


def suffix(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def close(found: Tensor, wanted: Tensor) -> None:
    """Equal to float64's digits, or to those of the float32 weights."""
    exact = found.dtype == torch.float64
    allowed = 1e-11 if exact else 1e-5
    torch.testing.assert_close(
        found.double(), wanted, rtol=0, atol=allowed * max(1.0, float(wanted.abs().max()))
    )


DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=suffix)
FILTERS = pytest.mark.parametrize(
    ("shape", "radius"),
    [((1, 2, 9, 35), 2), ((2, 3, 5, 6), 3), ((1, 1, 17, 3), 0), ((1, 2, 7, 40), 100)],
    ids=["tiles", "batch", "no-radius", "no-shared-memory"],
)
ASKED = [(True, True), (True, False), (False, True)]


class TestFilter:
    """``joint_bilateral`` and its gradient."""

    @DTYPES
    @FILTERS
    def test_forward(self, library, shape, radius: int, dtype: torch.dtype) -> None:
        chroma = planes(*shape, seed=0, dtype=dtype) - 50
        guide = planes(shape[0], 1, *shape[2:], seed=1, dtype=dtype)
        found = torch.full_like(chroma, torch.nan)
        call(library, f"joint_bilateral_{suffix(dtype)}", [chroma, guide, found], shape, radius)
        close(found, twins.joint_bilateral(chroma.double(), guide.double(), radius, *SIGMAS))

    @DTYPES
    @FILTERS
    @pytest.mark.parametrize("asked", ASKED, ids=["both", "chroma", "guide"])
    def test_backward(self, library, shape, radius: int, dtype: torch.dtype, asked) -> None:
        gradient = planes(*shape, seed=2, dtype=dtype, scale=2) - 1
        chroma = planes(*shape, seed=0, dtype=dtype) - 50
        guide = planes(shape[0], 1, *shape[2:], seed=1, dtype=dtype)
        exact = [t.double() for t in (gradient, chroma, guide)]
        out = twins.joint_bilateral(*exact[1:], radius, *SIGMAS)
        wanted = gradients.joint_bilateral_backward(*exact, out, radius, *SIGMAS)
        found = [
            torch.full_like(t, torch.nan) if ask else None
            for t, ask in zip((chroma, guide), asked, strict=True)
        ]
        tensors = [gradient, chroma, guide, out.to(dtype), torch.empty_like(guide), *found]
        call(library, f"joint_bilateral_backward_{suffix(dtype)}", tensors, shape, radius)
        for mine, right in zip(found, wanted, strict=True):
            if mine is not None:
                close(mine, right)


UPSAMPLES = pytest.mark.parametrize(
    ("shape", "size", "radius"),
    [
        ((1, 2, 3, 4), (13, 37), 2),
        ((2, 3, 3, 2), (5, 4), 3),
        ((1, 1, 9, 8), (4, 3), 1),
        ((1, 2, 1, 2), (150, 2), 1),
    ],
    ids=["enlarged", "batch", "shrunk", "many-rows"],
)


class TestUpsampling:
    """``joint_bilateral_upsample`` and its gradient."""

    @DTYPES
    @UPSAMPLES
    def test_forward(self, library, shape, size, radius: int, dtype: torch.dtype) -> None:
        chroma = planes(*shape, seed=0, dtype=dtype) - 50
        small = planes(shape[0], 1, *shape[2:], seed=1, dtype=dtype)
        guide = planes(shape[0], 1, *size, seed=2, dtype=dtype)
        found = chroma.new_full((*shape[:2], *size), torch.nan)
        tensors = [chroma, small, guide, found]
        name = f"joint_bilateral_upsample_{suffix(dtype)}"
        call(library, name, tensors, (*shape, *size, 0, 0, *size), radius)
        exact = [t.double() for t in (chroma, small, guide)]
        close(found, twins.joint_bilateral_upsample(*exact, radius, *SIGMAS))

    def test_a_piece_comes_out_as_in_the_whole(self, library) -> None:
        chroma = planes(1, 2, 5, 7, seed=0, dtype=torch.float32) - 50
        small = planes(1, 1, 5, 7, seed=1, dtype=torch.float32)
        guide = planes(1, 1, 23, 31, seed=2, dtype=torch.float32)
        whole = torch.empty(1, 2, 23, 31)
        name, shape = "joint_bilateral_upsample_float32", (1, 2, 5, 7)
        call(library, name, [chroma, small, guide, whole], (*shape, 23, 31, 0, 0, 23, 31), 2)
        some = guide[..., 6:17, 9:30].contiguous()
        piece = torch.empty(1, 2, 11, 21)
        call(library, name, [chroma, small, some, piece], (*shape, 11, 21, 6, 9, 23, 31), 2)
        assert torch.equal(piece, whole[..., 6:17, 9:30])

    @DTYPES
    @UPSAMPLES
    @pytest.mark.parametrize(
        "asked",
        [(True, True, True), (True, False, False), (False, True, False), (False, False, True)],
        ids=["all", "chroma", "guide_small", "guide"],
    )
    def test_backward(self, library, shape, size, radius: int, dtype: torch.dtype, asked) -> None:
        gradient = planes(*shape[:2], *size, seed=3, dtype=dtype, scale=2) - 1
        chroma = planes(*shape, seed=0, dtype=dtype) - 50
        small = planes(shape[0], 1, *shape[2:], seed=1, dtype=dtype)
        guide = planes(shape[0], 1, *size, seed=2, dtype=dtype)
        exact = [t.double() for t in (gradient, chroma, small, guide)]
        out = twins.joint_bilateral_upsample(*exact[1:], radius, *SIGMAS)
        wanted = gradients.joint_bilateral_upsample_backward(*exact, out, radius, *SIGMAS)
        found = [
            torch.full_like(t, torch.nan) if ask else None
            for t, ask in zip((chroma, small, guide), asked, strict=True)
        ]
        tensors = [gradient, chroma, small, guide, out.to(dtype), torch.empty_like(guide), *found]
        name = f"joint_bilateral_upsample_backward_{suffix(dtype)}"
        call(library, name, tensors, (*shape, *size, 0, 0, *size), radius)
        for mine, right in zip(found, wanted, strict=True):
            if mine is not None:
                close(mine, right)


class TestFinish:
    """Sixteen bytes at a time where addresses and counts allow it, single bytes elsewhere."""

    @pytest.mark.parametrize("size", [(16, 32), (13, 41), (3, 5)], ids=["even", "ragged", "few"])
    @pytest.mark.parametrize("offset", [0, 1], ids=["aligned", "unaligned"])
    @pytest.mark.parametrize("dtype", [torch.uint8, torch.float32], ids=suffix)
    def test_bytes(self, library, size, offset: int, dtype: torch.dtype) -> None:
        shape, pixels = (2, *size), 2 * size[0] * size[1]
        luma = planes(pixels + offset, seed=0, dtype=torch.float32, scale=255)
        luma = luma.round().to(dtype) if dtype == torch.uint8 else luma / 2.55
        luma = luma[offset:].view(shape)
        chroma = planes(2, 2, 4, 5, seed=1, dtype=torch.float32, scale=160) - 80
        small = planes(2, 1, 4, 5, seed=2, dtype=torch.float32)
        rgb = torch.full((3 * pixels + 2 + offset,), 77, dtype=torch.uint8)
        clipped = torch.zeros(pixels + 2 + offset, dtype=torch.bool)
        tensors = [luma, chroma, small, rgb[offset:], clipped[offset:]]
        sizes = (2, 2, 4, 5, *size, 0, 0, *size)
        call(library, f"finish_{suffix(dtype)}", tensors, sizes, 2)
        wanted = finishing.finish(luma, chroma, small, 2, *SIGMAS)
        found = rgb[offset : offset + 3 * pixels].view(*shape, 3)
        assert (found.int() - wanted[0].int()).abs().max() <= 1
        assert (found != wanted[0]).float().mean() < 0.01
        mask = clipped[offset : offset + pixels].view(shape)
        assert (mask != wanted[1]).float().mean() < 0.01
        assert wanted[1].any()
        assert rgb[:offset].eq(77).all()
        assert rgb[offset + 3 * pixels :].eq(77).all()
        assert not clipped[offset + pixels :].any()
