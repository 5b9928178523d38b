"""The part that listens, against a Gaussian process written out in float64."""

import numpy as np
import pytest
import torch

from napari_colorize.methods.colorful.listening import (
    REACHES,
    UNIT,
    Listener,
    Seen,
    listening_graph,
)

PLACES, HIDDEN = 40, 24


@pytest.fixture
def seen() -> Seen:
    random = torch.Generator().manual_seed(1)
    return Seen(
        torch.randn(1, PLACES, HIDDEN, generator=random),
        2 * torch.randn(1, PLACES, 313, generator=random),
        100 * torch.rand(1, PLACES, generator=random),
        torch.rand(1, PLACES, 2, generator=random),
    )


@pytest.fixture
def listener() -> Listener:
    torch.manual_seed(2)
    return Listener(HIDDEN, width=4, narrow=8).eval().requires_grad_(False)


def _heard(listener: Listener, seen: Seen, at: list[int], colours: list, valid: list | None = None):
    return listener(
        seen,
        listener.compare(seen),
        torch.tensor([at]),
        torch.tensor([colours], dtype=torch.float32),
        torch.zeros(1, len(at)),
        torch.tensor([valid or [True] * len(at)]),
    )


def test_hints_that_do_not_count_add_nothing(listener: Listener, seen: Seen) -> None:
    logits = _heard(listener, seen, [3, 7], [[40, 20], [-9, 60]], [False, False])
    assert torch.equal(logits, seen.logits)


def test_filled_up_hints_change_nothing(listener: Listener, seen: Seen) -> None:
    few = _heard(listener, seen, [3], [[40, 20]])
    filled = _heard(listener, seen, [3, 7, 7], [[40, 20], [-9, 60], [1, 1]], [True, False, False])
    torch.testing.assert_close(few, filled, rtol=1e-5, atol=1e-4)


def test_the_distribution_is_multiplied_by_the_posterior_of_a_gaussian_process(
    listener: Listener, seen: Seen
) -> None:
    at, colours = [3, 11, 25], [[40.0, 20], [-9, 60], [5, -30]]
    found = (_heard(listener, seen, at, colours) - seen.logits)[0].double().numpy()

    alike = listener.compare(seen)
    point, strength, mean = (x[0].double().numpy() for x in alike[:3])
    news = np.array(colours) / UNIT - mean[at]
    size = np.sqrt((news**2).sum(1, keepdims=True) + 1e-4)
    spread, own = alike.spread[0].numpy(), alike.own[0].numpy()
    about = [own[at], news, size, size / spread[at, None], np.log(spread[at, None])]
    inputs = torch.from_numpy(np.concatenate(about, 1)).float()
    gate = listener.gate(inputs).sigmoid().double().numpy()
    saturation = float(listener.saturation.exp()) ** 2
    between = saturation * mean[at] @ mean[at].T
    across = saturation * mean @ mean[at].T
    alone = saturation * (mean**2).sum(1)
    for k in range(len(REACHES)):
        apart = ((point[:, None, k] - point[None, at, k]) ** 2).sum(-1)
        kernel = np.exp(-0.5 * apart)
        loud = strength[at, k] * gate[:, k]
        between += loud[:, None] * loud * kernel[at]
        across += strength[:, k, None] * loud * kernel
        alone += strength[:, k] ** 2
    between += float(listener.noise.exp()) * np.eye(3)
    expected = across @ np.linalg.solve(between, news)
    known = np.einsum("ij,ji->i", across, np.linalg.solve(between, across.T)) / alone
    variance = alone * (1 - np.minimum(known, 0.9999))
    sure = 1 / variance - 1 / alone
    bins = listener.bins.double().numpy()
    towards = sure[:, None] * mean + expected / variance[:, None]
    wanted = towards @ bins.T - 0.5 * sure[:, None] * (bins**2).sum(1)
    np.testing.assert_allclose(found, wanted, rtol=5e-3, atol=5e-3)


def test_a_picture_without_hints_is_predicted_as_without_the_listener() -> None:
    torch.manual_seed(3)
    graph = listening_graph(widths=(32, 16)).eval().requires_grad_(False)
    luma = 100 * torch.rand(1, 1, 40, 70)
    chroma, _ = graph(luma, torch.tensor(0.8), torch.tensor(0.5))
    seen, alike = graph.look(luma)
    height, width = 64 // 4, 96 // 4
    logits = seen.logits.reshape(1, height, width, 313).permute(0, 3, 1, 2)
    torch.testing.assert_close(logits[:, :, :10, :18], graph.distribution(luma, torch.tensor(0.0)))
    assert chroma.shape == (1, 2, 10, 18)
    assert alike.mean.shape == (1, height * width, 2)
