"""The networks have the published shape."""

import pytest
import torch

from napari_colorize.methods.colorful.network import CompactNetwork, PaperNetwork
from napari_colorize.ops.bins import bin_centres


@pytest.fixture(scope="module")
def paper():
    return PaperNetwork().eval()


def test_the_papers_network_has_the_published_number_of_parameters(paper):
    assert sum(p.numel() for p in paper.parameters()) == 32_236_011


def test_the_papers_network_carries_the_public_files_keys(paper):
    keys = set(paper.state_dict())
    assert {"model1.0.weight", "model1.4.running_mean", "model3.4.bias", "model3.6.weight"} <= keys
    assert {"model8.0.weight", "model8.6.bias", "model_out.weight"} <= keys
    assert {key.split(".")[0] for key in keys} == {*(f"model{i}" for i in range(1, 9)), "model_out"}


def test_the_papers_table_holds_block_by_block(paper):
    """Methods table: channels and size after each block for a 256-pixel input."""
    expected = [(64, 128), (128, 64), (256, 32), (512, 32), (512, 32), (512, 32), (512, 32)]
    x = torch.zeros(1, 1, 256, 256)
    with torch.no_grad():
        for number, (channels, size) in enumerate(expected, start=1):
            x = getattr(paper, f"model{number}")(x)
            assert tuple(x.shape) == (1, channels, size, size)
        assert tuple(paper.model8(x).shape) == (1, 313, 64, 64)


def test_the_last_layer_holds_the_bin_centres(paper):
    held = paper.model_out.weight[:, :, 0, 0].T * 110
    torch.testing.assert_close(held, torch.tensor(bin_centres()), atol=1e-4, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 160)])
def test_the_compact_network_predicts_at_a_quarter_of_the_size(height, width):
    network = CompactNetwork().eval()
    with torch.no_grad():
        assert network(torch.full((2, 1, height, width), 50.0)).shape == (
            2,
            313,
            height // 4,
            width // 4,
        )
