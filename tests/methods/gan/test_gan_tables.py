"""The networks have the published layers: numbers of parameters, sizes, what a patch sees."""

import itertools

import pytest
import torch

from napari_colorize.methods import ARCHITECTURES
from napari_colorize.methods.gan.discriminator import PatchDiscriminator
from napari_colorize.methods.gan.tables import DISCRIMINATORS, GENERATORS


def parameters_of(module):
    return sum(parameter.numel() for parameter in module.parameters())


# The first three are the published numbers (in millions: 16.65, 42.02, 2.77), by hand from the
# paper's tables; that of pix2pix follows from Isola's table for one plane in and two out.
@pytest.mark.parametrize(
    ("architecture", "count", "millions"),
    [("unet-cifar", 16_654_851, 16.65), ("unet-places", 42_023_811, 42.02)],
)
def test_generators_have_the_published_number_of_parameters(architecture, count, millions):
    found = parameters_of(ARCHITECTURES[architecture]())
    assert found == count
    assert round(found / 1e6, 2) == millions


def test_the_discriminator_has_the_published_number_of_parameters():
    assert parameters_of(PatchDiscriminator(DISCRIMINATORS["patch70"])) == 2_767_553


def test_pix2pix_has_the_parameters_of_its_table():
    """Eight 4 × 4 convolutions in, eight out; a norm of two numbers for each of its channels."""
    down = [1, 64, 128, 256, 512, 512, 512, 512, 512]
    up_in, up_out = [512, *[1024] * 4, 512, 256, 128], [*[512] * 4, 256, 128, 64, 2]
    expected = sum(16 * a * b + b for a, b in itertools.pairwise(down))
    expected += sum(16 * a * b + b for a, b in zip(up_in, up_out, strict=True))
    expected += 2 * (128 + 256 + 4 * 512) + 2 * sum(up_out[:-1])
    assert parameters_of(ARCHITECTURES["unet-pix2pix"]()) == expected


def test_the_compact_generator_fits_twelve_megabytes_in_half_precision():
    state = ARCHITECTURES["unet-compact"]().state_dict()
    assert sum(tensor.numel() for tensor in state.values()) * 2 < 12e6


def test_a_patch_of_the_discriminator_is_seventy_pixels_wide():
    """Measured by where a logit's gradient comes from, not by the table's own arithmetic."""
    network = PatchDiscriminator(DISCRIMINATORS["patch70"], norm=False).eval()
    luma = torch.full((1, 1, 192, 192), 50.0, requires_grad=True)
    logits = network(luma, torch.zeros(1, 3, 192, 192))
    logits[0, 0, 12, 12].backward()
    seen = luma.grad[0, 0].abs().sum(0).nonzero()
    assert int(seen.max() - seen.min()) + 1 == 70 == DISCRIMINATORS["patch70"].receptive_field


@pytest.mark.parametrize(("table", "side"), [("cifar", 32), ("places", 256), ("pix2pix", 256)])
def test_generators_return_planes_of_the_picture_s_size_within_tanh(table, side):
    network = ARCHITECTURES[f"unet-{table}"](width=0.125).network.eval()
    with torch.no_grad():
        planes = network(torch.rand(2, 1, side, side) * 100)
    assert planes.shape == (2, GENERATORS[table].outputs, side, side)
    assert planes.abs().max() <= 1


def test_a_narrower_network_has_that_share_of_filters():
    full, half = ARCHITECTURES["unet-cifar"](), ARCHITECTURES["unet-cifar"](width=0.5)
    for one, other in zip(full.network.encoder, half.network.encoder, strict=True):
        assert other.convolution.out_channels * 2 == one.convolution.out_channels


@pytest.mark.parametrize(
    ("option", "kind"),
    [({"norm": False}, torch.nn.BatchNorm2d), ({"leak": 0.0}, torch.nn.LeakyReLU)],
)
def test_each_strategy_can_be_switched_off_in_both_networks(option, kind):
    for build in (
        lambda **options: ARCHITECTURES["unet-cifar"](width=0.125, **options),
        lambda **options: PatchDiscriminator(DISCRIMINATORS["patch70"], **options),
    ):
        assert any(isinstance(module, kind) for module in build().modules())
        assert not any(isinstance(module, kind) for module in build(**option).modules())


def test_grey_may_be_finer_than_the_colours_the_discriminator_sees():
    network = PatchDiscriminator(DISCRIMINATORS["patch34"], planes=2, stride=4).eval()
    luma = torch.zeros(1, 1, 128, 128, requires_grad=True)
    network(luma, torch.zeros(1, 2, 32, 32))[0, 0, 4, 4].backward()
    # Each of a block's sixteen grey pixels has a say.
    assert (luma.grad[0, 0, 60:68, 60:68] != 0).all()
