"""Every comparison is fair: contenders compute what the reference computes, and paths are whole."""

from __future__ import annotations

import gc
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from bench import (
    allocator,
    cuda,
    end_to_end,
    formulas,
    memory,
    operators,
    paths,
    plan,
    stages,
)
from bench.bilateral_cases import disk_size
from bench.cases import OURS, bound
from bench.clock import Effort, Missing
from bench.limits import Limit
from bench.plan import Foresight
from bench.stages import Clock, Ledger

from napari_colorize.ops.twins import colour

SIDE = {"soft encode, sparse": 4, "soft encode, dense": 4, "annealed mean": 8}
"""Tiny sizes; the others take 48."""

ALLOWED = {
    **{"ΔE": 2.5e-4, "sRGB 0…1": 1e-5, "codes": 1, "weight": 1e-5, "Lab units": 1e-3},
    "Lab units rms": 1.5,  # of what is approximate by its name
    "of the largest": 2e-5,  # gradients
    "Lab units of 0.25": 0.25,  # what is solved to a tolerance
    "Lab units, median": 3,  # a first look
}
"""Largest error of ours, by its unit."""

COARSE = {
    "OpenCV": {
        **{"ΔE": 1.5, "sRGB 0…1": 1e-3, "codes": 2, "Lab units": 1e-2},
        "Lab units rms": 0.5,  # it mirrors the border, which is everywhere near in small pictures
    },
    "torch eager": {"Lab units rms": 1.5},
    "OpenCV uint8": {"Lab units": 1.5},
    "kornia": {"Lab units": 40},
    "pyamg + BiCGSTAB": {"Lab units of 0.25": 60},  # it stops by the residual, which tells little
    "cdist + topk": {"weight": 1e-3},
}
"""Peers that are coarser by their design, or filter over another window; others get 1e-2."""

UNLIKE = {"OpenCV (bilinear, no gamut mapping)", "OpenCV (fast global smoother)"}
"""Peers that do less than ours, as docs/performance.md says."""


@pytest.mark.parametrize("operator", operators.OPERATORS, ids=lambda o: o.name)
def test_contenders_compute_the_reference(operator) -> None:
    case = operator.case(SIDE.get(operator.name, 48))
    inputs = case.inputs("cpu", 0)
    wanted = case.reference(inputs)
    compared = []
    for contender in case.contenders:
        if "cpu" not in contender.devices or contender.column == "torch.compile":
            continue
        try:
            found = contender.read(bound(contender, inputs)())
        except Missing:
            continue
        assert found.shape == wanted.shape, contender.name
        if contender.name not in UNLIKE:
            allowed = COARSE.get(contender.column, {}).get(case.error_name)
            if allowed is None:
                allowed = ALLOWED[case.error_name] * (1 if contender.column == OURS else 40)
            assert case.error(found, wanted) <= allowed, contender.name
        compared.append(contender.column)
    assert OURS in compared
    assert "torch eager" in compared or operator.name == "levin, preview"


@pytest.mark.parametrize("seed", [0, 1])
def test_the_array_module_formulas_are_those_of_the_twins(seed) -> None:
    rgb = torch.rand(3, 9, 7, generator=torch.Generator().manual_seed(seed))
    lab = formulas.lab_of_rgb(np, rgb.numpy())
    np.testing.assert_allclose(lab, colour.rgb_to_lab(rgb.double(), 0), atol=0.02)
    np.testing.assert_allclose(formulas.rgb_of_lab(np, lab), rgb, atol=1e-3)


def test_rows_hold_both_outputs_the_limit_and_the_reason_for_a_gap() -> None:
    [operator] = [o for o in operators.OPERATORS if o.name == "Lab → sRGB f32"]
    case = operator.case(16)
    case = SimpleNamespace(**{name: getattr(case, name) for name in case.__dataclass_fields__})
    failing = SimpleNamespace(
        **{"name": "broken", "column": "kornia", "devices": ("cpu",), "warmups": 1},
        bind=lambda inputs: lambda: 1 / 0,
    )
    case.contenders = [c for c in case.contenders if c.column == OURS] + [failing]
    kinds = allocator.OUTPUTS if allocator.can_choose() else ("default",)
    settings = [plan.Setting(1, output, False) for output in kinds]
    effort = Effort(budget=0.01, least=2, most=2)
    rows = list(operators.cpu_rows(case, effort, settings, Foresight(effort)))
    assert [r["output"] for r in rows] == list(kinds)
    for row in rows:
        assert row["missing"]["broken"]["why"] == "ZeroDivisionError: division by zero"
        assert {c["column"] for c in row["cells"].values()} == {OURS}
        assert all(c["repeats"] == 2 and c["seconds"] > 0 for c in row["cells"].values())
        assert row["limit"]["kind"] == "copy"
        assert row["limit"]["seconds"] > 0


def test_ours_failing_is_an_error_and_no_dash() -> None:
    case = operators.OPERATORS[0].case(8)
    ours = SimpleNamespace(
        **{"name": "ours", "column": OURS, "devices": ("cpu",), "warmups": 1},
        bind=lambda inputs: lambda: 1 / 0,
    )
    case = SimpleNamespace(**{**case.__dict__, "contenders": [ours]})
    with pytest.raises(Missing, match="ZeroDivisionError"):
        list(
            operators.cpu_rows(
                case, Effort(), [plan.Setting(1, "reused", False)], Foresight(Effort())
            )
        )


def lasting(name: str, column: str, now: list[float], seconds: float) -> SimpleNamespace:
    def call() -> None:
        now[0] += seconds

    described = {"name": name, "column": column, "devices": ("cpu",), "warmups": 1}
    return SimpleNamespace(**described, bind=lambda inputs: call)


def test_a_long_call_is_measured_once_for_all_rows(monkeypatch) -> None:
    now = [0.0]
    monkeypatch.setattr("bench.clock.time.perf_counter", lambda: now[0])
    case = SimpleNamespace(**operators.OPERATORS[0].case(8).__dict__)
    case.contenders = [lasting("ours", OURS, now, 0.01), lasting("slow", "kornia", now, 5.0)]
    settings = [plan.Setting(1, output, False) for output in ("default", "default")]
    effort = Effort(least=2, most=4)
    rows = list(operators.cpu_rows(case, effort, settings, Foresight(effort)))
    assert [row["cells"]["slow"]["repeats"] for row in rows] == [1, 1]
    assert [row["cells"]["slow"]["seconds"] for row in rows] == [5.0, 5.0]
    assert [row["cells"]["ours"]["repeats"] for row in rows] == [4, 4]


def test_a_stack_stops_within_its_time_and_counts_its_planes(monkeypatch) -> None:
    now = [0.0]
    monkeypatch.setattr("bench.end_to_end.time.perf_counter", lambda: now[0])

    def path(grey, ledger):
        ledger.used["network"] = ledger.used.get("network", 0.0) + 2.0
        now[0] += 3.0

    whole = end_to_end.once(path, np.zeros((1, 1), np.uint8), planes=4)
    assert whole == end_to_end.Taken({"network": 8.0, "rest": 4.0}, 4)
    assert end_to_end.once(path, np.zeros((1, 1), np.uint8), planes=100, most=7.0).planes == 3


@pytest.mark.parametrize("kind", ["copy", "fill", "read", "FMA"])
@pytest.mark.parametrize("output", allocator.OUTPUTS)
def test_limits_can_be_probed(kind, output) -> None:
    call, factor = Limit(kind, 1 << 20).probe("cpu", output)
    call()
    assert factor == (1.0 if kind != "FMA" else (1 << 20) / (2 * 1024**3))


def test_the_rate_of_exponentials_is_a_gpus() -> None:
    with pytest.raises(Missing, match="CUDA"):
        Limit("EX2", 1.0).probe("cpu", "reused")


@pytest.mark.parametrize(("radius", "taps"), [(0, 1), (1, 5), (2, 13), (5, 81)])
def test_pixels_of_a_disk(radius, taps) -> None:
    assert disk_size(radius) == taps


def test_copies_of_inputs_outgrow_the_cache() -> None:
    for bytes_each in (1 << 10, 1 << 20, 10 << 20, 1 << 30):
        count = cuda.copies_needed(bytes_each, 50 << 20)
        assert 2 <= count <= cuda.MOST_COPIES
        assert (count - 1) * bytes_each >= 2 * (50 << 20) or count == cuda.MOST_COPIES


def test_the_stages_of_the_front_door_are_all_booked(fake_model) -> None:
    """A stage whose function was renamed or passed by would be missing here."""
    ledger = Ledger(Clock())
    result = paths._ours(fake_model)(paths.picture(40, 70), ledger)
    assert result.rgb.shape == (40, 70, 3)
    assert set(ledger.used) == set(stages.STAGES) - {"decode"}
    assert all(seconds > 0 for seconds in ledger.used.values())


def test_the_release_path_keeps_lightness(monkeypatch) -> None:
    """With a network of one layer: grey chroma of equal logits, hence almost the picture itself."""
    from napari_colorize.methods.colorful import network

    class Flat(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model_out = torch.nn.Conv2d(313, 2, 1, bias=False)
            torch.nn.init.zeros_(self.model_out.weight)

        def forward(self, luma):
            return torch.zeros(1, 313, luma.shape[2] // 4, luma.shape[3] // 4)

    monkeypatch.setattr(network, "PaperNetwork", Flat)
    grey = paths.picture(30, 50)
    ledger = Ledger(Clock())
    rgb = paths.make(paths.RELEASE)(grey, ledger)
    assert set(ledger.used) == set(stages.STAGES)
    assert np.abs(rgb.astype(int) - grey[..., None]).max() <= 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's high-water mark")
def test_peak_memory_sees_what_is_gone_again() -> None:
    gc.collect()
    meter = memory.Peak()
    mark = meter.start()
    np.ones(64 << 20, dtype=np.uint8)
    assert 60 << 20 <= meter.stop(mark) <= 80 << 20
    assert memory.Peak.combine(3, 5) == 5


def test_bytes_of_results() -> None:
    array = np.zeros((3, 4), dtype=np.float32)
    assert memory.bytes_of(array) == 48
    assert memory.bytes_of(SimpleNamespace(a=array, b=array.astype(bool), record={})) == 60
