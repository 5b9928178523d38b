"""Least squares for all clusters at once: right, independent of each other, and repeatable."""

import numpy as np
import pytest
import torch

from napari_colorize.training.deep.fitting import Pixels, fit, joined, new_networks, repeated
from napari_colorize.training.deep.settings import DeepSettings

SETTINGS = DeepSettings(steps=1000, batch=256, learning_rate=5e-3, weight_decay=1e-4)
NONE = torch.empty(0, dtype=torch.long)


def made(count=4000, width=24, seed=0, slopes=(1.0,)):
    """Pixels whose chrominance is known, and the same number of them for each cluster."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(count * len(slopes), width, generator=generator) * 3 + 5
    mixture = torch.linspace(-1, 1, width)
    wave = torch.stack([(x @ mixture / 3).sin(), (x[:, 0] - 6.5).clamp(min=0)], 1) / 10
    owner = torch.arange(len(slopes)).repeat_interleave(count)
    y = wave * torch.tensor(slopes)[owner][:, None]
    rows = [torch.arange(k * count, (k + 1) * count) for k in range(len(slopes))]
    fitted = [r[: count * 9 // 10] for r in rows]
    checked = [r[count * 9 // 10 :] for r in rows]
    return Pixels(x, y, fitted, checked)


def learnt(pixels, settings=SETTINGS):
    networks = new_networks(
        len(pixels.fitted), pixels.descriptors, [pixels.descriptors.shape[1]], 3, settings.seed
    )
    fit(networks, pixels, settings)
    return networks


def error(pixels, networks, cluster=0, rows=None):
    """Mean squared error on what was not fitted, over the variance there."""
    rows = pixels.checked[cluster] if rows is None else rows
    with torch.no_grad():
        x = pixels.descriptors[rows].T
        predicted = networks.predict(x, torch.tensor([cluster]))[0].T
    truth = pixels.chrominance[rows]
    return float((predicted - truth).square().mean() / truth.var(0).mean())


def test_a_function_of_the_descriptor_is_learnt():
    pixels = made()
    assert error(pixels, learnt(pixels)) < 0.1


def test_the_best_linear_map_is_found_where_the_truth_is_linear():
    """Against NumPy's least squares."""
    pixels = made()
    x = pixels.descriptors
    noise = torch.randn(len(x), 2, generator=torch.Generator().manual_seed(5)) * 0.02
    y = x @ torch.linspace(-0.02, 0.02, 48).reshape(24, 2) + noise
    pixels = Pixels(x, y, pixels.fitted, pixels.checked)
    known = np.c_[x.numpy(), np.ones(len(x))].astype(np.float64)
    rows, held = pixels.fitted[0].numpy(), pixels.checked[0].numpy()
    best, *_ = np.linalg.lstsq(known[rows], y.numpy()[rows], rcond=None)
    floor = np.square(known[held] @ best - y.numpy()[held]).mean()
    assert error(pixels, learnt(pixels)) * float(y[held].var(0).mean()) < 1.25 * floor


def test_clusters_learn_what_is_theirs():
    pixels = made(slopes=(1.0, -2.0))
    networks = learnt(pixels)
    assert error(pixels, networks, 0) < 0.15
    assert error(pixels, networks, 1) < 0.15


def test_a_cluster_does_not_see_the_others():
    """A step of a cluster is what it would be alone."""
    pixels = made(slopes=(1.0, 3.0))
    once = DeepSettings(steps=1, batch=64)
    both = Pixels(pixels.descriptors, pixels.chrominance, pixels.fitted, [NONE] * 2)
    swapped = Pixels(pixels.descriptors, pixels.chrominance, [pixels.fitted[0]] * 2, [NONE] * 2)
    one, other = learnt(both, once).state_dict(), learnt(swapped, once).state_dict()
    for key in one.keys() - {"centre", "scale"}:
        assert torch.equal(one[key][0], other[key][0])
    assert not torch.equal(one["first.weight"][1], other["first.weight"][1])


def test_what_gets_worse_is_not_kept():
    """The truth is noise to the network: early looks are the best ones."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(400, 40, generator=generator)
    y = torch.randn(400, 2, generator=generator) / 10
    fitted, held = torch.arange(400).split(200)
    settings = DeepSettings(steps=400, batch=256, learning_rate=1e-2, weight_decay=0.0)
    chosen = learnt(Pixels(x, y, [fitted], [held]), settings)
    last = learnt(Pixels(x, y, [fitted], [NONE]), settings)
    pixels = Pixels(x, y, [fitted], [held])
    assert error(pixels, last) > 1.5
    assert error(pixels, chosen) < 1.1


def test_copies_of_a_network_answer_alike():
    pixels = made(count=300)
    networks = learnt(pixels, DeepSettings(steps=5, batch=32))
    copies = repeated(networks, 3)
    x = pixels.descriptors[:50].T
    answers = copies.predict(x, torch.tensor([0, 1, 2]))
    assert torch.equal(answers[0], answers[2])
    assert torch.allclose(answers[0], networks.predict(x, torch.tensor([0]))[0], atol=1e-6)


def test_joined_networks_keep_their_order():
    pixels = made(count=300, slopes=(1.0, 2.0))
    settings = DeepSettings(steps=5, batch=32)
    pair = learnt(pixels, settings)
    single = learnt(made(count=300), settings)
    whole = joined([single, pair])
    x = pixels.descriptors[:50].T
    for place, (networks, number) in enumerate([(single, 0), (pair, 0), (pair, 1)]):
        networks.centre, networks.scale = single.centre, single.scale  # one standard for all
        asked = networks.predict(x, torch.tensor([number]))
        assert torch.allclose(whole.predict(x, torch.tensor([place])), asked, atol=1e-6)


def test_the_same_seed_gives_the_same_networks():
    pixels = made(count=500)
    short = DeepSettings(steps=20, batch=32)
    before = torch.random.get_rng_state()
    one, other = learnt(pixels, short).state_dict(), learnt(pixels, short).state_dict()
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert torch.equal(torch.random.get_rng_state(), before)  # nobody else's luck is changed


def test_it_can_be_stopped_between_two_steps():
    pixels = made(count=500)
    seen = []

    def tick(share):
        seen.append(share)
        if share > 0.1:
            raise KeyboardInterrupt

    networks = new_networks(1, pixels.descriptors, [24], 3, 0)
    with pytest.raises(KeyboardInterrupt):
        fit(networks, pixels, DeepSettings(steps=100, batch=16), tick=tick)
    assert len(seen) == 12


def test_a_number_that_never_varies_does_not_disturb():
    pixels = made()
    x = torch.cat([pixels.descriptors, torch.full((len(pixels.descriptors), 1), 0.02)], 1)
    pixels = Pixels(x, pixels.chrominance, pixels.fitted, pixels.checked)
    assert error(pixels, learnt(pixels)) < 0.1


def test_each_block_is_brought_to_one_measure():
    """A number that hardly varies stays small beside its block; a small block does not."""
    generator = torch.Generator().manual_seed(2)
    sizes = torch.tensor([1.0, 1.0, 1e-3, 0.01, 0.01])
    x = torch.randn(5000, 5, generator=generator) * sizes + 3
    networks = new_networks(1, x, [3, 2], 1, 0)
    seen = (x - networks.centre) * networks.scale
    assert seen.mean(0).abs().max() < 1e-3
    assert seen[:, :3].square().mean().sqrt() == pytest.approx(1, abs=1e-3)
    assert seen[:, 3:].square().mean().sqrt() == pytest.approx(1, abs=1e-3)
    assert seen[:, 2].abs().max() < 0.01
