"""Adaptive clustering on made-up pictures of which all is known."""

from dataclasses import replace

import numpy as np
import pytest
import torch

pytest.importorskip("sklearn")

from napari_colorize.training.deep.sampled import Sampled
from napari_colorize.training.deep.settings import DeepSettings
from napari_colorize.training.deep.tree import grow, picture_psnr, split
from napari_colorize.training.tiles import ArrayReference

SETTINGS = DeepSettings(
    layers=3,
    pictures_a_cluster=10,
    threshold=-30.0,
    steps=400,
    batch=128,
    learning_rate=5e-3,
    weight_decay=1e-4,
    trust=1.0,
)
PIXELS, WIDTH = 60, 8


def kinds(colour_of, count):
    """Pictures of several kinds: equal descriptors, a GIST and a rule of colour for each kind."""
    generator = torch.Generator().manual_seed(0)
    kind = torch.arange(count) % len(colour_of)
    x = torch.rand(count * PIXELS, WIDTH, generator=generator)
    slope = torch.tensor(colour_of)[kind].repeat_interleave(PIXELS)
    uv = torch.stack([slope * x[:, 0], slope * (1 - x[:, 1])], 1)
    gist = torch.nn.functional.one_hot(kind, 6).float()
    gist = gist + 0.01 * torch.rand(count, 6, generator=generator)
    return Sampled(
        descriptors=x.half(),
        chrominance=uv,
        first=torch.arange(count + 1) * PIXELS,
        gist=gist,
        histogram=gist[:, :3],
        blocks=(WIDTH,),
        references=tuple(
            ArrayReference(np.full((8, 8, 3), i, np.uint8), f"{i}") for i in range(count)
        ),
        unreadable=(),
    )


@pytest.fixture(scope="module")
def grown():
    """Four kinds with opposite colours: one network for all must fail, one for each need not."""
    sampled = kinds([0.2, -0.2, 0.1, -0.3], 40)
    return sampled, grow(sampled, SETTINGS)


def test_the_first_layer_holds_every_picture(grown):
    _, tree = grown
    (whole,) = tree.layers[0]
    assert whole.pictures.tolist() == list(range(40))


def test_clusters_find_the_kinds_and_learn_them(grown):
    _, tree = grown
    found = {frozenset((cluster.pictures % 4).tolist()) for cluster in tree.layers[1]}
    assert found == {frozenset([kind]) for kind in range(4)}
    before = tree.layers[0][0].psnr.mean()
    after = np.concatenate([cluster.psnr for cluster in tree.layers[1]]).mean()
    assert after > before + 10


def test_what_is_learnt_leaves(grown):
    """Below the threshold of negative PSNR a picture is in no later layer."""
    _, tree = grown
    for earlier, later in zip(tree.layers, tree.layers[1:], strict=False):
        rest = {int(p) for c in earlier for p in c.pictures[-c.psnr >= SETTINGS.threshold]}
        assert {int(p) for cluster in later for p in cluster.pictures} == rest


def test_it_ends_when_little_is_left(grown):
    sampled, _ = grown
    lenient = replace(SETTINGS, threshold=-22.0)
    assert len(grow(sampled, lenient).layers) == 2  # all four kinds are learnt in the second


def test_no_threshold_that_can_be_met_keeps_every_picture():
    sampled = kinds([0.2, -0.2], 24)
    settings = replace(SETTINGS, threshold=-100.0, steps=5, layers=3)
    tree = grow(sampled, settings)
    assert [sum(len(c.pictures) for c in layer) for layer in tree.layers] == [24, 24, 24]


def test_centres_and_histograms_are_means_of_their_pictures(grown):
    sampled, tree = grown
    for cluster in tree.clusters:
        members = torch.from_numpy(cluster.pictures)
        assert torch.allclose(cluster.centre, sampled.gist[members].mean(0))
        assert torch.allclose(cluster.histogram, sampled.histogram[members].mean(0))


def test_psnr_is_that_of_the_reconstructed_colours(grown):
    """Against RGB written out from the published YUV matrix."""
    sampled, tree = grown
    cluster = tree.layers[1][0]
    number = 1
    picture = cluster.pictures[0]
    rows = slice(picture * PIXELS, (picture + 1) * PIXELS)
    x = sampled.descriptors[rows].float().T
    with torch.no_grad():
        u, v = tree.networks.predict(x, torch.tensor([number]))[0].double().numpy()
    true_u, true_v = sampled.chrominance[rows].T.double().numpy()

    def rgb(u, v):
        return np.stack([0.5 + 1.14 * v, 0.5 - 0.39 * u - 0.58 * v, 0.5 + 2.03 * u])

    wanted = -10 * np.log10(np.square(rgb(u, v) - rgb(true_u, true_v)).mean())
    assert cluster.psnr[0] == pytest.approx(wanted, abs=1e-3)
    own = picture_psnr(sampled, [picture], tree.networks, number)
    assert own[0] == pytest.approx(wanted, abs=1e-3)


def test_pictures_are_checked_whole_where_there_are_four():
    sampled = kinds([0.2], 30)
    many, few = np.arange(20), np.arange(20, 25)
    pixels = split(sampled, [many, few], DeepSettings(), depth=1)
    of_picture = sampled.picture_of_rows()
    assert len(set(of_picture[pixels.checked[0]].tolist())) == 2
    assert len(set(of_picture[pixels.checked[1]].tolist())) == 1
    for fitted, checked, group in zip(pixels.fitted, pixels.checked, [many, few], strict=True):
        assert not set(of_picture[fitted].tolist()) & set(of_picture[checked].tolist())
        assert len(fitted) + len(checked) == len(group) * PIXELS


def test_of_one_picture_the_lowest_rows_are_checked():
    sampled = kinds([0.2], 2)
    pixels = split(sampled, [np.array([1])], DeepSettings(), depth=0)
    assert pixels.checked[0].tolist() == list(range(2 * PIXELS - 6, 2 * PIXELS))
    assert pixels.fitted[0].tolist() == list(range(PIXELS, 2 * PIXELS - 6))


def test_nothing_is_checked_if_so_wished():
    sampled = kinds([0.2], 30)
    pixels = split(sampled, [np.arange(20)], replace(DeepSettings(), check_share=0.0), depth=0)
    assert len(pixels.checked[0]) == 0
    assert len(pixels.fitted[0]) == 20 * PIXELS


def test_it_tells_how_far_it_is(grown):
    sampled, _ = grown
    told = []
    quick = replace(SETTINGS, steps=3)
    grow(sampled, quick, tick=lambda share, stage: told.append((share, stage)))
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert told[0] == (0.0, "fitting layer 1, 1 cluster")
    assert told[-1][1] == "fitting layer 3, 4 clusters"


def test_the_same_seed_grows_the_same_tree(grown):
    sampled, tree = grown
    again = grow(sampled, SETTINGS)
    one, other = tree.networks.state_dict(), again.networks.state_dict()
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_trust_says_how_far_a_cluster_goes_its_own_way(grown):
    """All the way, not at all, and in the middle of both."""
    sampled, _ = grown
    quick = replace(SETTINGS, layers=2, steps=60, threshold=-100.0)
    whole, none, half = (grow(sampled, replace(quick, trust=t)).networks for t in (1.0, 0.0, 0.5))
    for far, near, middle in zip(
        whole.parameters(), none.parameters(), half.parameters(), strict=True
    ):
        assert torch.equal(near[1:], near[:1].expand_as(near[1:]))
        assert torch.allclose(middle, (far + near) / 2, atol=1e-6)
    assert not torch.equal(whole.first.weight[1], none.first.weight[1])
