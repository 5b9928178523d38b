"""How much work is done, counted and not timed: memory asked for, and passes over what is read.

A process of its own runs under a preloaded counter, see benchmarks/work_counter.c and .py: it notes
every block that any library asks of malloc, and every return to a page after others.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

COUNTER = Path(__file__).parent / "benchmarks" / "work_counter.c"
COMPILER = shutil.which(os.environ.get("CC", "cc"))
PIXELS = 1024 * 1024
BINS, LOGIT_PIXELS, BLOCK = 313, 64 * 64, 256
FLOAT_PLANE = 4 * PIXELS

OUTPUTS = {
    "finish": 3 * PIXELS + PIXELS,
    "rgb_to_lab": 3 * 4 * PIXELS,
    "lab_to_rgb": 3 * PIXELS,
    "gamut_clip": 3 * 4 * PIXELS + PIXELS,
    "annealed_mean": 3 * 4 * LOGIT_PIXELS,
    "soft_encode": 5 * (8 + 4) * 256 * 256,
    "soft_encode_dense": BINS * 4 * 256 * 256,
    "joint_bilateral_upsample": 2 * 4 * PIXELS,
    "joint_bilateral": 2 * 4 * LOGIT_PIXELS,
    # And the one plane that it keeps: the sums of weights. No plane a tap, of which there are 29.
    "joint_bilateral_backward": (2 + 1 + 1) * FLOAT_PLANE,
    "joint_bilateral_upsample_backward": FLOAT_PLANE + (2 + 1) * 4 * LOGIT_PIXELS,
}
"""Bytes that the results of each operator hold."""


@pytest.fixture(scope="module")
def counted(tmp_path_factory) -> dict[str, Any]:
    """Compile the counter, run every operator under it once, return what it saw."""
    if not sys.platform.startswith("linux") or COMPILER is None:
        pytest.skip("counting needs Linux, glibc and a C compiler")
    library = tmp_path_factory.mktemp("counter") / "counter.so"
    built = subprocess.run(
        [COMPILER, "-O1", "-shared", "-fPIC", "-o", str(library), str(COUNTER)],
        capture_output=True,
        text=True,
        check=False,
    )
    if "__libc_" in built.stderr:
        pytest.skip("this C library is not glibc, which the counter needs")
    assert built.returncode == 0, built.stderr
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(COUNTER.with_suffix(".py")), str(library)],
        env={**os.environ, "LD_PRELOAD": str(library), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    if found["backend"] != "native":
        pytest.skip("the operators run in plain torch here, which makes no promise about work")
    return found


def test_the_counter_sees_a_float_plane(counted) -> None:
    assert counted["blocks"]["one float plane"]["large"] == [FLOAT_PLANE]


def test_the_counter_sees_every_page_and_every_further_pass(counted) -> None:
    """Torch's sum reads the logits from end to end; the twin goes over them many times."""
    pages = BINS * LOGIT_PIXELS * 4 // os.sysconf("SC_PAGE_SIZE")
    assert counted["passes"]["sum"] == pages
    assert counted["passes"]["twin"] >= 8 * pages


def test_finish_asks_for_no_full_size_float_plane(counted) -> None:
    assert max(counted["blocks"]["finish"]["large"]) < FLOAT_PLANE


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_operator_asks_for_its_results_and_little_else(counted, name: str) -> None:
    """Beside the results less than half a byte for each pixel of a megapixel."""
    beside = sum(counted["blocks"][name]["large"]) - OUTPUTS[name]
    assert beside < PIXELS / 2


@pytest.mark.parametrize("name", OUTPUTS)
def test_the_number_of_allocations_is_bounded(counted, name: str) -> None:
    """By a number, whatever the size; Python's own are counted, too."""
    assert counted["blocks"][name]["count"] < 150
    assert counted["blocks"][name]["count"] <= counted["quarter"][name]["count"] + 25


def test_the_annealed_mean_passes_over_the_logits_once(counted) -> None:
    """Each block of pixels comes to each bin's plane once; the second look is in the cache."""
    assert counted["passes"]["annealed_mean"] <= BINS * (LOGIT_PIXELS // BLOCK)


def test_finish_passes_over_the_luma_once(counted) -> None:
    assert counted["passes"]["finish"] <= PIXELS // os.sysconf("SC_PAGE_SIZE")


PICTURES = {
    "8 bits": (1, 8, 0.5),
    "8 bits, bilinear": (1, 8, 10),
    "16 bits": (2, 8, 3),
    "float32": (4, 8, 3),
    "RGB": (3, 8, 3),
    "RGBA": (4, 9, 3),
}
"""Bytes a pixel of the picture and of the results, and the most bytes held beside both for a byte
of the picture. The project's goal is 3; bands of rows have a size of their own, which is much
beside a picture of a megapixel and little beside a large one."""


@pytest.mark.parametrize("name", PICTURES)
def test_colorize_holds_little_beside_picture_and_results(counted, name: str) -> None:
    """The network is none here: what it holds depends on its own size, not on the picture's."""
    picture, results, allowed = PICTURES[name]
    beside = counted["colorize"][name]["peak"] - results * PIXELS
    assert -0.1 * PIXELS < beside < allowed * picture * PIXELS


def test_the_counter_sees_what_is_held_at_once(counted) -> None:
    assert FLOAT_PLANE <= counted["blocks"]["one float plane"]["peak"] < 1.01 * FLOAT_PLANE


def test_colorize_of_8_bits_asks_for_no_float_plane_but_the_uncertainty(counted) -> None:
    for name in ("8 bits", "8 bits, bilinear"):
        planes = [size for size in counted["colorize"][name]["large"] if size >= FLOAT_PLANE]
        assert len(planes) == 1, name


@pytest.mark.parametrize("name", PICTURES)
def test_the_allocations_of_colorize_are_bounded(counted, name: str) -> None:
    """By a number for the call and one for each band of rows."""
    found, quarter = (counted[key][name]["count"] for key in ("colorize", "colorize, quarter"))
    assert found < 2000
    assert found <= quarter + 400 * 3
