"""Memory that runs out is noticed and released, and the work is done in smaller pieces."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from napari_colorize import (
    api,
    colorize,
    colorize_lazy,
    colorize_planes,
    colorize_stack,
    ops,
)
from napari_colorize.parameters import ColorizeParameters
from napari_colorize.pipeline import bands, memory, resample
from napari_colorize.pipeline import plane as plane_module
from napari_colorize.pipeline.image import read_plane
from napari_colorize.pipeline.refine import full_size_rgb
from napari_colorize.sequences import stack as stack_module

RNG = np.random.default_rng(3)
CPU_ALLOCATOR = RuntimeError(
    "[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate memory: you "
    "tried to allocate 805306368 bytes. Error code 12 (Cannot allocate memory)"
)
ERRORS = [
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    CPU_ALLOCATOR,
]


class Scarce:
    """An operator whose machine has memory for so many rows of the picture, and no more."""

    def __init__(self, operator, rows, guide, error=CPU_ALLOCATOR):
        self.operator, self.rows, self.guide, self.error = operator, rows, guide, error
        self.refused, self.seen = 0, []

    def __call__(self, *planes, **options):
        rows = planes[self.guide].shape[-2]
        if rows > self.rows:
            self.refused += 1
            raise self.error
        self.seen.append(rows)
        return self.operator(*planes, **options)


@pytest.fixture
def scarce(monkeypatch):
    """Return a function that makes memory scarce for the operators of the refinement."""

    def limit(rows, error=CPU_ALLOCATOR):
        monkeypatch.setattr(resample, "BAND_PIXELS", 64 * 96)  # as if the picture were a large one
        limited = {
            name: Scarce(getattr(ops, name), rows, guide, error)
            for name, guide in (
                ("finish", 0),
                ("joint_bilateral_upsample", 2),
                ("guided_upsample", 2),
            )
        }
        for name, operator in limited.items():
            monkeypatch.setattr(ops, name, operator)
        return limited

    return limit


def picture(height=384, width=96, grid=(48, 12)):
    image = RNG.integers(0, 256, (height, width), dtype=np.uint8)
    chroma = torch.from_numpy(RNG.normal(0, 25, (1, 2, *grid)).astype(np.float32))
    return read_plane(image), chroma


def refined(plane, chroma, said=None, **choices):
    parameters = ColorizeParameters(**choices)
    tell = {} if said is None else {"tell": said.append}
    return full_size_rgb(plane, plane.lightness_at((48, 12)), chroma, parameters, **tell)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_every_way_of_running_out_is_known(error):
    assert memory.ran_out(error)
    assert not memory.ran_out(RuntimeError("shape mismatch"))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("refinement", ["joint_bilateral", "guided"])
def test_bands_give_the_same_pixels(scarce, refinement, dtype):
    plane, chroma = picture()
    rgb, clipped = refined(plane, chroma, refinement=refinement, dtype=dtype)
    limited = scarce(384 - 1)
    said: list[str] = []
    again, marked = refined(plane, chroma, said, refinement=refinement, dtype=dtype)

    assert sum(operator.refused for operator in limited.values()) == 1
    assert said == ["Memory ran out on cpu; the picture was refined in bands of rows instead."]
    unit = {"uint8": 1, "uint16": 2, "float32": 1e-5}[dtype]
    assert np.abs(again.astype(float) - rgb).max() <= unit
    assert (marked == clipped).mean() > 0.999


@pytest.mark.parametrize(("height", "rows"), [(300, 25), (384, 12), (500, 40), (693, 42)])
def test_a_band_is_what_the_whole_is_there(height, rows):
    plane, chroma = picture(height, 40, (rows, 5))
    guide_small = torch.from_numpy(plane.lightness_at((rows, 5)))[None, None]
    options = {"radius": 1, "sigma_space": 1.5, "sigma_range": 8.0}
    guide = torch.from_numpy(plane.lightness())[None, None]
    whole = ops.joint_bilateral_upsample(chroma, guide_small, guide, **options)[0]
    seen = []

    def upsample(chroma, guide_small, guide):
        seen.append(guide.shape[-2])
        return ops.joint_bilateral_upsample(chroma, guide_small, guide, **options)

    of = bands.banded(plane, chroma, guide_small, 1, upsample)
    for band in (slice(0, 7), slice(31, 52), slice(height - 3, height), slice(height // 2, None)):
        band = slice(band.start, band.stop or height // 2 + 1)
        torch.testing.assert_close(of(band), whole[:, band], atol=1e-4, rtol=0)
    assert max(seen) < height


def test_sizes_whose_rows_never_meet_have_no_bands():
    plane, chroma = picture(389, 40, (24, 5))  # 389 is a prime number
    guide_small = torch.zeros(1, 1, 24, 5)
    assert bands.banded(plane, chroma, guide_small, 3, lambda *_: None) is None


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_where_bands_do_not_fit_either_it_is_an_error(scarce, error):
    plane, chroma = picture()
    scarce(10, error)
    with pytest.raises(type(error)) as caught:
        refined(plane, chroma, [])
    assert memory.ran_out(caught.value)


def test_other_errors_are_not_tried_again(monkeypatch):
    plane, chroma = picture()
    calls = []
    monkeypatch.setattr(ops, "finish", lambda *_, **__: calls.append(1) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        refined(plane, chroma, [])
    assert len(calls) == 1


def test_the_front_door_warns_and_writes_it_into_the_record(fake_model, scarce):
    image = RNG.integers(0, 4096, (512, 128), dtype=np.uint16)
    expected = colorize(image)
    scarce(511)
    with pytest.warns(RuntimeWarning, match="in bands of rows"):
        result = colorize(image)

    assert np.abs(result.rgb.astype(int) - expected.rgb).max() <= 1
    assert result.record["memory"] == [
        "Memory ran out on cpu; the picture was refined in bands of rows instead."
    ]
    assert "memory" not in expected.record


@pytest.fixture
def full_device(monkeypatch):
    """A CUDA device without memory for a network; lists where the network was run."""
    real, devices = plane_module.predict, []

    def predict(graph, seen, used):
        devices.append(used.device)
        if used.device == "cuda":
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return real(graph, seen, used)

    for door in (api, stack_module):
        monkeypatch.setattr(
            door, "resolve_device", lambda device: "cuda" if device == "auto" else device
        )
    monkeypatch.setattr(plane_module, "predict", predict)
    return devices


SAID = "Memory ran out on cuda; the network ran on the CPU instead."


def test_a_full_device_leaves_the_network_to_the_cpu(fake_model, full_device):
    with pytest.warns(RuntimeWarning, match="the network ran on the CPU instead"):
        result = colorize(np.eye(40))

    assert full_device == ["cuda", "cpu"]
    assert [device for _, device in fake_model.loaded] == ["cuda", "cpu"]
    assert result.record["parameters"]["device"] == "cpu"
    assert result.record["memory"] == [SAID]


FILM = RNG.integers(0, 256, (4, 40, 40), dtype=np.uint8)


def test_a_stack_goes_on_on_the_cpu_too_and_says_so_once(fake_model, full_device):
    expected = colorize_stack(FILM, device="cpu")
    full_device.clear()
    with pytest.warns(RuntimeWarning, match="the network ran on the CPU instead") as warned:
        result = colorize_stack(FILM)

    assert (result.rgb == expected.rgb).all()
    assert full_device == ["cuda", "cpu", "cpu", "cpu", "cpu"]
    assert result.record["memory"] == [SAID]
    assert len(warned) == 1
    assert "memory" not in expected.record


def test_planes_out_of_a_full_device_carry_it_in_their_records(fake_model, full_device):
    with pytest.warns(RuntimeWarning, match="the network ran on the CPU instead"):
        records = [result.record for result in colorize_planes(iter(FILM), consistency=0)]

    assert records[0]["memory"] == [SAID]
    assert {record["parameters"]["device"] for record in records} == {"cpu"}


def test_the_refinement_of_a_stack_in_bands_is_in_its_record(fake_model, scarce):
    film = RNG.integers(0, 256, (2, 512, 128), dtype=np.uint8)
    scarce(511)
    with pytest.warns(RuntimeWarning, match="in bands of rows"):
        result = colorize_stack(film)
    assert result.record["memory"] == [
        "Memory ran out on cpu; the picture was refined in bands of rows instead."
    ]


def test_a_lazy_plane_does_too(fake_model, full_device):
    with pytest.warns(RuntimeWarning, match="the network ran on the CPU instead"):
        lazy = colorize_lazy(FILM)
    assert lazy.record["memory"] == [SAID]
    assert (lazy.rgb.compute() == colorize_stack(FILM, device="cpu").rgb).all()


def fake_torch(*, initialized):
    emptied = []
    cuda = SimpleNamespace(
        is_available=lambda: True,
        is_initialized=lambda: initialized,
        empty_cache=lambda: emptied.append(1),
    )
    return SimpleNamespace(cuda=cuda), emptied


@pytest.mark.parametrize("initialized", [True, False])
def test_a_device_that_was_used_is_released(monkeypatch, initialized):
    torch_, emptied = fake_torch(initialized=initialized)
    monkeypatch.setitem(sys.modules, "torch", torch_)
    memory.release()
    assert len(emptied) == initialized


def test_releasing_imports_no_torch(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch")
    memory.release()
    assert "torch" not in sys.modules
