"""Lightness in, chroma and uncertainty out: any size, alone or in a batch, scripted or exported."""

import pytest
import torch

from napari_colorize.methods import ARCHITECTURES
from napari_colorize.methods.export import export, script
from napari_colorize.methods.gan.graph import HALF_UNCERTAIN, draw_samples
from napari_colorize.methods.gan.layers import NoiseDropout

NARROW = {
    "unet-cifar": {"width": 0.125, "samples": 2},
    "unet-places": {"width": 0.125},
    "unet-pix2pix": {"width": 0.125, "samples": 2},
    "unet-compact": {"widths": (16, 16, 16, 16)},
}
SETTINGS = torch.tensor(0.38), torch.tensor(0.5)
EXPORTED_EACH_TIME = "unet-cifar"
"""The smallest; tracing the others takes up to half a minute each."""


@pytest.fixture(scope="module", params=sorted(NARROW))
def graph(request):
    return trained(request.param)


def trained(architecture):
    """Return a graph whose norms have statistics of their own, as a trained one's have."""
    torch.manual_seed(1)
    graph = ARCHITECTURES[architecture](**NARROW[architecture])
    random = torch.Generator().manual_seed(4)
    for module in graph.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(generator=random).mul_(0.1)
            module.running_var.uniform_(0.5, 2.0, generator=random)
    return graph.eval()


def lightness(count, height, width):
    return torch.rand(count, 1, height, width, generator=torch.Generator().manual_seed(2)) * 100


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 7), (33, 64), (96, 130)])
def test_any_size_gives_its_share_of_pixels_rounded_up(graph, height, width):
    with torch.no_grad():
        ab, uncertainty = graph(lightness(1, height, width), *SETTINGS)
    expected = -(-height // graph.stride), -(-width // graph.stride)
    assert ab.shape == (1, 2, *expected)
    assert uncertainty.shape == (1, 1, *expected)
    assert ab.abs().max() <= 110
    assert uncertainty.min() >= 0
    assert uncertainty.max() <= 1


def test_a_picture_s_colours_do_not_depend_on_the_rest_of_the_batch(graph):
    """The authors' released code normalised by the batch at inference too."""
    pictures = lightness(3, 40, 48)
    pictures[1:] *= 0.2
    with torch.no_grad():
        together = graph(pictures, *SETTINGS)
        alone = graph(pictures[:1], *SETTINGS)
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one[:1], other, atol=1e-4, rtol=1e-4)


def test_extending_a_picture_as_the_padding_does_changes_nothing(graph):
    """Sides that are no multiples: last row and column are repeated below and to the right."""
    luma, m = lightness(1, 40, 50), graph.multiple
    below, right = -40 % m, -50 % m
    larger = torch.cat((luma, luma[:, :, -1:].expand(-1, -1, below, -1)), 2)
    larger = torch.cat((larger, larger[..., -1:].expand(-1, -1, -1, right)), 3)
    with torch.no_grad():
        small, large = graph(luma, *SETTINGS)[0], graph(larger, *SETTINGS)[0]
    height, width = small.shape[2:]
    torch.testing.assert_close(small, large[:, :, :height, :width], atol=1e-4, rtol=1e-4)


def test_settings_of_a_distribution_are_without_effect(graph):
    luma = lightness(1, 32, 32)
    with torch.no_grad():
        one = graph(luma, torch.tensor(0.1), torch.tensor(0.0))
        other = graph(luma, torch.tensor(1.0), torch.tensor(1.0))
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_script_agrees_with_the_module(graph, tmp_path):
    torch.jit.save(script(graph), tmp_path / "graph.pt")
    agrees_with(graph, torch.jit.load(tmp_path / "graph.pt"))


@pytest.mark.parametrize(
    "graph",
    [
        pytest.param(name, marks=() if name == EXPORTED_EACH_TIME else pytest.mark.slow)
        for name in sorted(NARROW)
    ],
    indirect=True,
)
def test_an_exported_program_agrees_with_the_module(graph, tmp_path):
    torch.export.save(export(graph), tmp_path / "graph.pt2")
    agrees_with(graph, torch.export.load(tmp_path / "graph.pt2").module())


def agrees_with(graph, other):
    for height, width in [(48, 64), (70, 51), (33, 300)]:
        inputs = lightness(1, height, width), *SETTINGS
        with torch.no_grad():
            expected = graph(*inputs)
            torch.testing.assert_close(tuple(other(*inputs)), expected, atol=1e-5, rtol=1e-5)


def test_pix2pix_colours_differ_by_seed_and_repeat_with_it():
    graph = trained("unet-pix2pix")
    luma = lightness(1, 64, 64)
    for one in (graph, script(graph)):
        first, second, again = draw_samples(one, luma, [0, 1, 0])
        assert torch.equal(first, again)
        assert (first - second).abs().max() > 0.01
    with torch.no_grad():
        torch.testing.assert_close(graph(luma, *SETTINGS)[0], first)


def test_samples_of_a_network_without_chance_are_refused():
    with pytest.raises(ValueError, match="draws nothing by chance"):
        draw_samples(trained("unet-places"), lightness(1, 32, 32), [0, 1])


def test_uncertainty_is_the_spread_of_dropout_samples():
    graph = trained("unet-cifar")
    luma = lightness(1, 32, 32)
    samples = torch.stack([graph.sample(luma, seed) for seed in range(2)])
    # These colours are without noise; the samples behind the uncertainty are not.
    assert torch.equal(samples[0], samples[1])
    maps = graph.network.encode(luma)
    drawn = torch.stack([graph.network.decode(maps, seed)[:, 1:] * 110 for seed in range(2)])
    spread = drawn.var(0, correction=0).sum(1, keepdim=True).sqrt()
    with torch.no_grad():
        _, uncertainty = graph(luma, *SETTINGS)
    expected = spread / (spread + HALF_UNCERTAIN)
    torch.testing.assert_close(uncertainty, expected, atol=1e-4, rtol=1e-3)


def test_where_nothing_is_known_uncertainty_is_one():
    with torch.no_grad():
        _, uncertainty = trained("unet-places")(lightness(1, 32, 32), *SETTINGS)
    assert (uncertainty == 1).all()


def test_judging_the_colours_does_not_change_them():
    network = trained("unet-compact").network
    features = network.features(lightness(1, 32, 32))
    network.expected_error(features).sum().backward()
    assert network.fuse4.mix[0].weight.grad is None
    assert network.error[0].weight.grad.abs().max() > 0


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_noise_drops_its_share_and_keeps_the_mean(rate):
    layer = NoiseDropout(rate, salt=3).eval()
    ones = torch.ones(1, 64, 32, 32)
    one, other = layer(ones, 0), layer(ones, 1)
    assert float((one == 0).float().mean()) == pytest.approx(rate, abs=0.01)
    assert float(one.mean()) == pytest.approx(1, abs=0.02)
    # Independent of each other: both drop a value as often as chance has it.
    both = float(((one == 0) & (other == 0)).float().mean())
    assert both == pytest.approx(rate**2, abs=0.01)
    assert torch.equal(layer(ones, -1), ones)


def test_dropout_is_active_in_training():
    """The authors' released code never switched it on."""
    layer = NoiseDropout(0.5, salt=0).train()
    assert (layer(torch.ones(1, 8, 16, 16), -1) == 0).any()


def test_wrong_options_are_told():
    with pytest.raises(ValueError, match="width must be above 0"):
        ARCHITECTURES["unet-cifar"](width=0)
    with pytest.raises(ValueError, match="samples and seed"):
        ARCHITECTURES["unet-cifar"](width=0.125, samples=-1)
