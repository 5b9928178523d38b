"""What parts of Deep Colorization are worth: the same pixels, learnt in other ways."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from skimage import data

pytest.importorskip("sklearn")

from deep_evidence import ablation

from napari_colorize.files.pictures import find_pictures
from napari_colorize.methods.deep.graph import ClusterNetworks
from napari_colorize.training.deep.fitting import joined
from napari_colorize.training.deep.sampled import Sampled
from napari_colorize.training.deep.settings import DeepSettings
from napari_colorize.training.deep.tree import Cluster, Tree, picture_psnr

SETTINGS = DeepSettings(
    size=64, steps=400, batch=64, hidden_layers=1, learning_rate=0.02, weight_decay=0.0
)
SIZES = (49, 32, 47)


@pytest.fixture
def folder(tmp_path):
    from PIL import Image

    path = tmp_path / "pictures"
    path.mkdir()
    for number in range(5):
        crop = data.coffee()[20 * number : 20 * number + 64, 100:180]
        Image.fromarray(np.ascontiguousarray(crop)).save(path / f"{number}.png")
    return path


@pytest.fixture
def untrained_semantic():
    """Return a function in the place of `semantic.trained_semantic`: the same network, of noise."""
    from napari_colorize.methods.deep.semantic import SemanticNetwork

    def build(groups):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return SemanticNetwork(groups).eval().requires_grad_(False)

    return build


@pytest.fixture
def random_networks():
    torch.manual_seed(0)
    return joined([ClusterNetworks(1, 128), ClusterNetworks(3, 128)])


def sampled(pictures=4, pixels=30):
    generator = torch.Generator().manual_seed(1)
    count = pictures * pixels
    return Sampled(
        descriptors=torch.rand(count, sum(SIZES), generator=generator).half(),
        chrominance=0.4 * torch.rand(count, 2, generator=generator) - 0.2,
        first=torch.arange(pictures + 1) * pixels,
        gist=torch.rand(pictures, 16, generator=generator),
        histogram=torch.rand(pictures, 5, generator=generator),
        blocks=SIZES,
        references=tuple(range(pictures)),
        unreadable=(),
    )


def test_pictures_are_described_once(folder, tmp_path, untrained_semantic, monkeypatch):
    monkeypatch.setattr(ablation, "trained_semantic", untrained_semantic)
    pictures = find_pictures([folder])
    first = ablation.described(pictures, SETTINGS, 40, tmp_path / "kept", at_once=2)
    assert first.blocks == SIZES
    assert first.descriptors.shape == (len(first.chrominance), sum(SIZES))
    assert [r.name for r in first.references] == [p.name for p in pictures]
    assert int(first.first[-1]) == len(first.descriptors)
    assert all(30 <= count <= 50 for count in first.first.diff().tolist())

    def refuse(*_):
        raise AssertionError("described again")

    monkeypatch.setattr(ablation, "describe", refuse)
    again = ablation.described(pictures, SETTINGS, 40, tmp_path / "kept", at_once=2)
    for name in ("descriptors", "chrominance", "first", "gist", "histogram"):
        assert torch.equal(getattr(again, name), getattr(first, name))
    with pytest.raises(AssertionError, match="described again"):  # other pixels are wanted
        ablation.described(pictures, SETTINGS, 80, tmp_path / "kept", at_once=2)


def test_groups_of_pictures_lie_one_after_the_other():
    whole = sampled(4)
    halves = [
        replace(
            whole,
            descriptors=whole.descriptors[rows],
            chrominance=whole.chrominance[rows],
            first=torch.arange(3) * 30,
            gist=whole.gist[some],
            histogram=whole.histogram[some],
            references=whole.references[some],
        )
        for rows, some in (
            (slice(0, 60), slice(0, 2)),
            (slice(60, 120), slice(2, 4)),
        )
    ]
    both = ablation.merged(halves)
    assert torch.equal(both.first, whole.first)
    assert torch.equal(both.descriptors, whole.descriptors)
    assert both.references == whole.references


@pytest.mark.parametrize(
    ("blocks", "columns"),
    [
        (("low",), [*range(49)]),
        (("mid",), [*range(49, 81)]),
        (("low", "high"), [*range(49), *range(81, 128)]),
        (("low", "mid", "high"), [*range(128)]),
    ],
)
def test_blocks_are_left_out_by_their_columns(blocks, columns):
    whole = sampled()
    some = ablation.only_blocks(whole, blocks)
    assert torch.equal(some.descriptors, whole.descriptors[:, columns])
    assert sum(some.blocks) == len(columns)


def test_one_network_is_the_first(random_networks):
    alone = ablation.one_network(random_networks)
    x = torch.rand(128, 20)
    assert alone.clusters == 1
    assert torch.equal(
        alone.predict(x, torch.tensor([0])), random_networks.predict(x, torch.tensor([0]))
    )


def test_trust_goes_from_the_first_network_to_each_own_fit(random_networks):
    one = ablation.one_network(random_networks)
    none, half, whole = (ablation.trusted(random_networks, share) for share in (0.0, 0.5, 1.0))
    for begun, own, a, b, c in zip(
        *(net.parameters() for net in (one, random_networks, none, half, whole)), strict=True
    ):
        assert torch.equal(a, begun.expand_as(own))
        assert torch.allclose(b, (begun + own) / 2, atol=1e-6)
        assert torch.allclose(c, own, atol=1e-6)


def test_clusters_from_noise_keep_the_first_network_and_learn_their_own():
    learnt = replace(sampled(8), chrominance=torch.zeros(240, 2))
    learnt.chrominance[120:] = 0.2  # the second cluster is of another colour throughout
    groups = [np.arange(8), np.arange(4), np.arange(4, 8)]
    nothing = torch.zeros(1)
    layers = [[Cluster(g, np.zeros(len(g)), nothing, nothing) for g in groups[:1]]]
    layers += [[Cluster(g, np.zeros(len(g)), nothing, nothing) for g in groups[1:]]]
    torch.manual_seed(0)
    tree = Tree(tuple(map(tuple, layers)), ClusterNetworks(1, 128, SETTINGS.hidden_layers))
    networks = ablation.from_noise(learnt, tree, SETTINGS)
    assert networks.clusters == 3
    for own, before in zip(networks.parameters(), tree.networks.parameters(), strict=True):
        assert torch.equal(own[:1], before)
    for own, other in ((1, 2), (2, 1)):
        right = picture_psnr(learnt, groups[own], networks, own)
        assert right.min() > picture_psnr(learnt, groups[own], networks, other).max() + 3


def test_the_chosen_cluster_stands_first_among_the_nearest(random_networks):
    pictures = sampled(5)
    centres, histograms = torch.rand(4, 16), torch.rand(4, 5)
    found = ablation.candidate_psnr(pictures, random_networks, centres, histograms)
    assert found.shape == (5, 3)
    for number in range(5):
        distance = np.linalg.norm(centres.numpy() - pictures.gist[number].numpy(), axis=1)
        near = np.argsort(distance)[:3]
        mine = pictures.histogram[number].numpy()
        cosine = [
            mine @ theirs / np.linalg.norm(mine) / np.linalg.norm(theirs)
            for theirs in histograms.numpy()[near]
        ]
        best = int(near[np.argmax(cosine)])
        expected = picture_psnr(pictures, np.array([number]), random_networks, best)[0]
        assert found[number, 0] == pytest.approx(expected)


def test_a_constant_colour_has_the_error_of_its_difference():
    pictures = replace(sampled(2), chrominance=torch.zeros(60, 2))
    assert ablation.constant_psnr(pictures, torch.zeros(2)).min() == pytest.approx(100)
    # U of 0.1 moves G by 0.039 and B by 0.203 (the paper's released code).
    expected = -10 * np.log10((0.039**2 + 0.203**2) / 3)
    found = ablation.constant_psnr(pictures, torch.tensor([0.1, 0.0]))
    assert found == pytest.approx(expected, abs=1e-3)
