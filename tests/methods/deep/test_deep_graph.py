"""From grey to chroma: the choice of the cluster, its network, and where networks disagree."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from napari_colorize.methods import ARCHITECTURES
from napari_colorize.methods.deep.graph import deep_graph
from napari_colorize.methods.deep.yuv import luma_to_grey, uv_to_ab
from napari_colorize.methods.export import example_inputs, export, script

SETTINGS = torch.tensor(0.38), torch.tensor(0.5)


def untrained(clusters=6, **options):
    torch.manual_seed(0)
    graph = deep_graph(clusters=clusters, **options).eval().requires_grad_(False)
    graph.networks.last.weight.normal_(std=0.02)
    graph.centres.uniform_(0, 0.3)
    graph.histograms.uniform_()
    return graph


@pytest.fixture(scope="module")
def graph():
    return untrained()


def lightness(height, width, seed=2):
    return torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(seed)) * 100


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 7), (33, 64), (1, 90)])
def test_every_pixel_has_chroma_and_uncertainty(graph, height, width):
    ab, uncertainty = graph(lightness(height, width), *SETTINGS)
    assert ab.shape == (1, 2, height, width)
    assert uncertainty.shape == (1, 1, height, width)
    assert torch.isfinite(ab).all()
    assert uncertainty.min() >= 0
    assert uncertainty.max() <= 1


def test_script_and_exported_program_agree_with_the_module(graph, tmp_path):
    torch.jit.save(script(graph), tmp_path / "graph.pt")
    torch.export.save(export(graph), tmp_path / "graph.pt2")
    scripted = torch.jit.load(tmp_path / "graph.pt")
    exported = torch.export.load(tmp_path / "graph.pt2").module()
    for height, width in [(48, 64), (70, 51), (33, 200), (256, 160)]:
        inputs = lightness(height, width), *SETTINGS
        expected = graph(*inputs)
        for other in (scripted(*inputs), exported(*inputs)):
            torch.testing.assert_close(other, expected, atol=1e-5, rtol=1e-5)
    luma = lightness(40, 50)
    assert torch.equal(scripted.choose(luma), graph.choose(luma))
    torch.testing.assert_close(
        scripted.with_cluster(luma, torch.tensor(1)), graph.with_cluster(luma, torch.tensor(1))
    )


def test_a_saved_script_runs_in_a_new_process(graph, tmp_path):
    torch.jit.save(script(graph), tmp_path / "graph.pt")
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


def test_colour_is_that_of_the_chosen_cluster_pixel_by_pixel(graph):
    luma = lightness(30, 44)
    first = graph.choose(luma)[:, 0]
    descriptors = graph.descriptor.dense(luma)[0].flatten(1)
    uv = graph.networks(descriptors.expand(6, -1, -1))[first].reshape(1, 2, 30, 44)
    torch.testing.assert_close(graph(luma, *SETTINGS)[0], uv_to_ab(uv, luma), atol=1e-3, rtol=1e-4)


def test_bands_leave_no_seams(graph):
    luma = lightness(61, 40)
    whole = graph(luma, *SETTINGS)
    kept = graph.band_pixels, graph.band_rows
    graph.band_pixels, graph.band_rows = 7 * 40, 2
    try:
        pieces = graph(luma, *SETTINGS)
    finally:
        graph.band_pixels, graph.band_rows = kept
    torch.testing.assert_close(pieces, whole, atol=1e-4, rtol=1e-4)


def test_pictures_of_a_batch_do_not_mix(graph):
    one, two = lightness(20, 30, seed=5), lightness(20, 30, seed=6)
    both = graph(torch.cat((one, two)), *SETTINGS)
    for i, alone in enumerate((graph(one, *SETTINGS), graph(two, *SETTINGS))):
        torch.testing.assert_close(both[0][i : i + 1], alone[0], atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(both[1][i : i + 1], alone[1], atol=1e-5, rtol=1e-4)


class Prescribed(torch.nn.Module):
    """A graph that always uses one cluster, with the signature of every method's graph."""

    def __init__(self, graph, cluster: int) -> None:
        super().__init__()
        self.deep = graph
        self.cluster = cluster

    def forward(
        self, luma: torch.Tensor, temperature: torch.Tensor, vividness: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        cluster = torch.full((1,), self.cluster, dtype=torch.int64, device=luma.device)
        return self.deep.with_cluster(luma, cluster)


class TestChoice:
    """The three nearest by GIST, of these the best semantic cosine (Cheng 2015, the release)."""

    def test_it_is_the_releases_rule(self, graph):
        luma = lightness(40, 40)
        gist, histogram, _ = graph.descriptor(luma)
        nearest = torch.cdist(gist, graph.centres)[0].argsort()[:3]
        cosine = [
            float(histogram[0] @ graph.histograms[i])
            / float(histogram[0].norm() * graph.histograms[i].norm())
            for i in nearest
        ]
        ranked = [int(nearest[i]) for i in sorted(range(3), key=lambda i: -cosine[i])]
        assert graph.choose(luma)[0].tolist() == ranked

    def test_a_far_cluster_is_not_taken_however_alike_its_histogram(self):
        graph = untrained(clusters=4)
        luma = lightness(40, 40)
        gist, histogram, _ = graph.descriptor(luma)
        graph.centres.copy_(gist + torch.tensor([[0.1], [0.2], [0.3], [0.4]]))
        graph.histograms.copy_(torch.rand(4, 47))
        graph.histograms[3] = histogram[0]
        assert 3 not in graph.choose(luma)[0].tolist()
        graph.histograms[2] = histogram[0] * 5  # only the direction counts
        assert graph.choose(luma)[0, 0] == 2

    def test_a_cluster_can_be_prescribed(self, graph):
        luma = lightness(24, 24)
        ranked = graph.choose(luma)[0].tolist()
        own = graph(luma, *SETTINGS)
        torch.testing.assert_close(graph.with_cluster(luma, torch.tensor(ranked[0])), own)
        other = next(i for i in range(6) if i not in ranked)
        for cluster in (ranked[2], other):
            ab, uncertainty = graph.with_cluster(luma, torch.tensor(cluster))
            descriptors = graph.descriptor.dense(luma)[0].flatten(1)
            uv = graph.networks.predict(descriptors, torch.tensor([cluster]))
            expected = uv_to_ab(uv.reshape(1, 2, 24, 24), luma)
            torch.testing.assert_close(ab, expected, atol=1e-3, rtol=1e-4)
            assert uncertainty.mean() > 0

    def test_a_prescribed_cluster_can_be_scripted_and_exported(self, graph):
        luma = lightness(24, 30)
        chosen = Prescribed(graph, 4)
        expected = graph.with_cluster(luma, torch.tensor(4))
        torch.testing.assert_close(script(chosen)(luma, *SETTINGS), expected)
        exported = export(chosen).module()
        torch.testing.assert_close(exported(luma, *SETTINGS), expected, atol=1e-5, rtol=1e-5)


class TestUncertainty:
    def test_it_is_the_disagreement_of_the_candidates(self, graph):
        luma = lightness(17, 22)
        ranked = graph.choose(luma)[0]
        descriptors = graph.descriptor.dense(luma)[0].flatten(1)
        uv = graph.networks.predict(descriptors, ranked).double()
        distance = ((uv - uv.mean(0)) ** 2).sum(1).mean(0).sqrt().reshape(17, 22)
        expected = distance / (distance + float(graph.spread))
        found = graph(luma, *SETTINGS)[1][0, 0].double()
        torch.testing.assert_close(found[::2, ::2], expected[::2, ::2], atol=1e-4, rtol=1e-3)
        assert torch.equal(found[1::2, 1::2], found[:-1:2, ::2])

    def test_networks_that_agree_are_certain(self, graph):
        alike = untrained()
        for layer in (alike.networks.first, *alike.networks.hidden, alike.networks.last):
            layer.weight.copy_(layer.weight[:1].expand_as(layer.weight))
            layer.bias.copy_(layer.bias[:1].expand_as(layer.bias))
        assert alike(lightness(12, 12), *SETTINGS)[1].max() < 1e-4

    def test_a_single_network_knows_nothing_of_its_certainty(self):
        assert (untrained(clusters=1)(lightness(12, 12), *SETTINGS)[1] == 1).all()


def test_temperature_and_vividness_have_no_effect(graph):
    luma = lightness(12, 12)
    one = graph(luma, torch.tensor(0.1), torch.tensor(0.0))
    other = graph(luma, torch.tensor(1.0), torch.tensor(1.0))
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    ("blocks", "dimensions"),
    [(("low",), 49), (("mid",), 32), (("high",), 47), (("low", "high"), 96), (("mid", "low"), 81)],
)
def test_blocks_can_be_left_out(blocks, dimensions):
    graph = untrained(clusters=2, blocks=blocks)
    assert graph.descriptor.dimensions == dimensions
    assert graph.networks.first.weight.shape == (2, dimensions // 2, dimensions)
    luma = lightness(18, 20)
    expected = graph(luma, *SETTINGS)
    torch.testing.assert_close(script(graph)(luma, *SETTINGS), expected, atol=1e-5, rtol=1e-5)
    full = untrained(clusters=2).descriptor.dense(luma)
    parts = {"low": full[:, :49], "mid": full[:, 49:81], "high": full[:, 81:]}
    order = [block for block in ("low", "mid", "high") if block in blocks]
    assert torch.equal(graph.descriptor.dense(luma), torch.cat([parts[b] for b in order], 1))


@pytest.mark.parametrize("blocks", [(), ("low", "low"), ("deep",)])
def test_unknown_blocks_are_refused(blocks):
    with pytest.raises(ValueError, match="one or more of low, mid, high, each once"):
        deep_graph(blocks=blocks)


class Segmentation(nn.Module):
    """Somebody's own network: dark, middling or light."""

    def __init__(self) -> None:
        super().__init__()
        self.channels = 3

    def forward(self, luma: torch.Tensor) -> torch.Tensor:
        small = nn.functional.avg_pool2d(luma, 8) / 100.0
        return torch.cat((-small, -(small - 0.5).abs(), small - 1.0), 1).mul(20.0).softmax(1)


def test_a_segmentation_network_of_ones_own_takes_the_classifiers_place():
    graph = untrained(clusters=3, semantic=Segmentation())
    assert graph.descriptor.dimensions == 49 + 32 + 3
    assert not any("trunk" in key for key in graph.state_dict())
    luma = lightness(40, 30)
    expected = graph(luma, *SETTINGS)
    torch.testing.assert_close(script(graph)(luma, *SETTINGS), expected, atol=1e-5, rtol=1e-5)
    scores = graph.descriptor.dense(torch.full((1, 1, 20, 20), 5.0))[0, 81:, 10, 10]
    assert scores.argmax() == 0


def test_the_registered_architecture_is_built_from_plain_options():
    graph = ARCHITECTURES["deep"](clusters=5, groups=9, blocks=["low", "high"], hidden_layers=2)
    assert graph.centres.shape == (5, 512)
    assert graph.histograms.shape == (5, 9)
    again = ARCHITECTURES["deep"](clusters=5, groups=9, blocks=["low", "high"], hidden_layers=2)
    again.load_state_dict(graph.state_dict())


def test_fifty_clusters_fit_into_the_files_limit():
    """Stored as float16 where a tensor has two axes or more, as checkpoints are."""
    state = deep_graph(clusters=50).state_dict()
    size = sum(
        t.numel() * (2 if t.ndim >= 2 and t.is_floating_point() else t.element_size())
        for t in state.values()
    )
    assert size < 12e6


def test_dense_descriptors_of_a_large_picture_are_never_held_at_once(graph):
    """1.5 MP would be 0.77 GB of descriptors; a band of them is 17 MB."""
    largest = 0

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            nonlocal largest
            result = function(*args, **(kwargs or {}))
            if isinstance(result, torch.Tensor):
                largest = max(largest, result.numel() * result.element_size())
            return result

    with Watch():
        graph(lightness(1000, 1500), *SETTINGS)
    assert largest < 64e6


@pytest.mark.slow
def test_twelve_megapixels_take_less_than_two_gigabytes():
    """At full resolution, from a fresh process, torch itself included."""
    code = (
        "import resource, torch\n"
        "from napari_colorize.methods.deep.graph import deep_graph\n"
        "from napari_colorize.methods.export import script\n"
        "graph = script(deep_graph(clusters=5).eval().requires_grad_(False))\n"
        "luma = torch.rand(1, 1, 3000, 4000) * 100\n"
        "with torch.inference_mode():\n"
        "    graph(luma, torch.tensor(0.38), torch.tensor(0.5))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) * 1024 < 2e9


def test_luma_to_grey_reaches_the_patch(graph):
    luma = lightness(9, 9)
    assert torch.equal(graph.descriptor.dense(luma)[:, 24], luma_to_grey(luma)[:, 0])
