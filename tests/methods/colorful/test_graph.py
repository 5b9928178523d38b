"""Grey in, chroma and uncertainty out: in Python, TorchScript and an exported program alike."""

import subprocess
import sys

import pytest
import torch

from napari_colorize.methods import ARCHITECTURES
from napari_colorize.methods.export import example_inputs, export, script
from napari_colorize.ops.bins import bin_tensor

SIZES = [(1, 1), (5, 7), (33, 64), (96, 130)]


@pytest.fixture(
    scope="module", params=["colorful-compact", "colorful-hypercolumn", "colorful-paper"]
)
def graph(request):
    torch.manual_seed(0)
    graph = ARCHITECTURES[request.param]().eval()
    graph.log_weights.copy_(torch.randn(313))
    return graph


def lightness(height, width):
    return torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(2)) * 100


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_any_size_gives_a_quarter_of_it_rounded_up(graph, height, width):
    with torch.no_grad():
        ab, uncertainty = graph(lightness(height, width), torch.tensor(0.38), torch.tensor(0.5))
    assert ab.shape == (1, 2, -(-height // 4), -(-width // 4))
    assert uncertainty.shape == (1, 1, *ab.shape[2:])
    assert uncertainty.min() >= 0
    assert uncertainty.max() <= 1


def test_a_script_agrees_with_the_module(graph, tmp_path):
    torch.jit.save(script(graph), tmp_path / "graph.pt")
    agrees_with(graph, torch.jit.load(tmp_path / "graph.pt"))


@pytest.mark.parametrize(
    "graph",
    [pytest.param("colorful-compact", marks=pytest.mark.slow), "colorful-paper"],
    indirect=True,
)
def test_an_exported_program_agrees_with_the_module(graph, tmp_path):
    torch.export.save(export(graph), tmp_path / "graph.pt2")
    agrees_with(graph, torch.export.load(tmp_path / "graph.pt2").module())


def agrees_with(graph, other):
    for height, width in [(48, 64), (70, 51), (33, 200)]:
        for temperature, vividness in [(0.38, 0.5), (0.9, 0.0)]:
            inputs = lightness(height, width), torch.tensor(temperature), torch.tensor(vividness)
            with torch.no_grad():
                torch.testing.assert_close(other(*inputs), graph(*inputs), atol=1e-5, rtol=1e-5)


def test_a_saved_script_runs_in_a_new_process(tmp_path):
    graph = ARCHITECTURES["colorful-compact"]().eval()
    torch.jit.save(script(graph), tmp_path / "graph.pt")
    with torch.no_grad():
        torch.save(graph(*example_inputs()), tmp_path / "expected.pt")
    code = (
        "import torch; from napari_colorize import ops; ops.load();"
        f"graph = torch.jit.load(r'{tmp_path / 'graph.pt'}');"
        "luma = torch.full((1, 1, 96, 128), 50.0);"
        "result = graph(luma, torch.tensor(0.38), torch.tensor(0.5));"
        f"expected = torch.load(r'{tmp_path / 'expected.pt'}');"
        "torch.testing.assert_close(tuple(result), tuple(expected), atol=1e-5, rtol=1e-5)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_vividness_shifts_the_logits_by_the_class_weights(graph):
    """At vividness v the distribution is softmax(logits + (v − ρ)·log w); T = 1 gives its mean."""
    luma, one, v = lightness(64, 64), torch.tensor(1.0), torch.tensor(0.8)
    with torch.no_grad():
        ab, _ = graph(luma, one, v)
        logits = graph.network(luma).double()
        shift = (0.8 - graph.trained_rebalancing) * graph.log_weights.double()
        probability = (logits + shift[:, None, None]).softmax(1)
        expected = torch.einsum("nqhw,qc->nchw", probability, bin_tensor(dtype=torch.float64))
    torch.testing.assert_close(ab.double(), expected, atol=1e-3, rtol=1e-4)
