"""``propagate``: scribbles, walls, priors and previews; what it refuses, and the paper's YIQ."""

from __future__ import annotations

import levin_reference
import numpy as np
import pytest
import torch

from napari_colorize.guided.levin import colorize_yiq, propagate, unmarked_parts
from napari_colorize.results import Cancelled


def scene(height: int = 24, width: int = 30):
    """Return lightness of two halves with a slope and noise, and a scribble in each."""
    random = np.random.default_rng(0)
    luma = 30 + 40.0 * (np.arange(width) >= width // 2) + 5 * np.arange(height)[:, None] / height
    luma = luma + random.normal(0, 1, (height, width))
    chroma, mask = np.full((height, width, 2), np.nan), np.zeros((height, width), bool)
    mask[5:8, 3:9] = mask[15:17, 20:26] = True
    chroma[5:8, 3:9], chroma[15:17, 20:26] = (40, -10), (-25, 30)
    return luma, chroma, mask


def test_is_the_papers_system_under_a_lightness_of_0_to_100() -> None:
    """Colours of pixels that are not marked are not looked at: here they are NaN."""
    luma, chroma, mask = scene()
    wanted = levin_reference.solve(luma / 100, np.nan_to_num(chroma), mask)
    found = propagate(luma, chroma, mask, tolerance=1e-3)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, atol=8e-3)
    np.testing.assert_array_equal(found[mask], chroma[mask].astype(np.float32))


def test_tensors_give_a_tensor() -> None:
    luma, chroma, mask = scene()
    found = propagate(torch.from_numpy(luma), torch.from_numpy(chroma), torch.from_numpy(mask))
    assert isinstance(found, torch.Tensor)
    np.testing.assert_array_equal(found.numpy(), propagate(luma, chroma, mask))


def test_colour_does_not_pass_a_wall_which_takes_its_own_from_both_sides() -> None:
    luma, chroma, mask = scene()
    flat, walls = np.full_like(luma, 50.0), np.zeros_like(mask)
    walls[:, 14:16] = True
    found = propagate(flat, chroma, mask, walls=walls, tolerance=1e-3)
    assert np.abs(found[:, :14] - (40, -10)).max() < 0.05
    assert np.abs(found[:, 16:] - (-25, 30)).max() < 0.05
    assert np.abs(found[:, 14] - found[:, 13]).max() < 30
    assert (found[:, 14, 0] > found[:, 15, 0]).all()


def test_a_part_without_a_mark_has_its_prior_or_is_grey() -> None:
    luma, chroma, mask = scene()
    mask[15:17] = False
    walls = np.zeros_like(mask)
    walls[:, 15] = True
    lost = unmarked_parts(mask, walls)
    assert lost[:, 16:].all()
    assert not lost[:, :16].any()
    assert (propagate(luma, chroma, mask, walls=walls)[:, 16:] == 0).all()
    prior = np.random.default_rng(1).normal(0, 20, chroma.shape).astype(np.float32)
    found = propagate(luma, chroma, mask, walls=walls, prior=prior)
    np.testing.assert_array_equal(found[:, 16:], prior[:, 16:])
    assert np.abs(found[:, :15] - (40, -10)).max() < 0.5


def test_no_mark_gives_the_prior_bit_for_bit() -> None:
    luma, chroma, mask = scene()
    prior = np.random.default_rng(1).normal(0, 20, chroma.shape).astype(np.float32)
    certainty = np.full(luma.shape, 0.1)
    found = propagate(luma, chroma, mask & False, prior=prior, certainty=certainty)
    np.testing.assert_array_equal(found, prior)


def test_certainty_keeps_a_mark_from_reaching_far() -> None:
    luma, chroma, mask = scene()
    prior = np.zeros_like(chroma)
    free = propagate(luma, chroma, mask, prior=prior)
    held = propagate(luma, chroma, mask, prior=prior, certainty=np.full(luma.shape, 0.2))
    np.testing.assert_array_equal(held[mask], chroma[mask].astype(np.float32))
    assert np.abs(held[~mask]).mean() < 0.3 * np.abs(free[~mask]).mean()


def test_a_preview_of_a_large_picture_is_near_the_solution() -> None:
    random = np.random.default_rng(2)
    luma = np.kron(random.uniform(20, 80, (6, 8)), np.ones((64, 64)))
    luma += random.normal(0, 0.5, luma.shape)
    mask, chroma = np.zeros(luma.shape, bool), np.zeros((*luma.shape, 2))
    for y in range(20, 384, 64):
        for x in range(10, 512, 64):
            mask[y : y + 4, x : x + 40] = True
            chroma[y : y + 4, x : x + 40] = random.uniform(-50, 50, 2)
    exact = propagate(luma, chroma, mask)
    preview = propagate(luma, chroma, mask, preview=True)
    assert np.median(np.abs(preview - exact)) < 1
    assert np.quantile(np.abs(preview - exact), 0.9) < 10
    np.testing.assert_array_equal(preview[mask], chroma[mask].astype(np.float32))


def test_a_result_that_is_not_finite_is_refused_not_shown(monkeypatch) -> None:
    from napari_colorize import ops

    solve = ops.levin_propagate

    def broken(*arguments, **options):
        found, last = solve(*arguments, **options)
        return found * float("nan"), last

    monkeypatch.setattr(ops, "levin_propagate", broken)
    with pytest.raises(RuntimeError, match="nothing was coloured"):
        propagate(*scene())


def test_can_be_stopped_and_says_how_far_it_is() -> None:
    luma, chroma, mask = scene()
    with pytest.raises(Cancelled):
        propagate(luma, chroma, mask, should_stop=lambda: True)
    shares = []
    propagate(luma, chroma, mask, progress=lambda share, stage: shares.append(share))
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_is_asked_whether_to_stop_while_colours_spread() -> None:
    random = np.random.default_rng(0)
    luma = random.uniform(0, 100, (300, 300)).round()
    mask, chroma = np.zeros(luma.shape, bool), np.zeros((*luma.shape, 2))
    mask[10:20, 10:20], chroma[10:20, 10:20] = True, (40, -20)
    asked = []

    def should_stop() -> bool:
        asked.append(True)
        return len(asked) > 3

    with pytest.raises(Cancelled):
        propagate(luma, chroma, mask, tolerance=0, should_stop=should_stop)
    assert len(asked) == 4


def test_the_papers_pipeline_keeps_luma_and_the_scribbles() -> None:
    luma, _, mask = scene()
    grey = luma / 100
    marked = grey[..., None] + np.array([0.08, -0.02, -0.05])
    found = colorize_yiq(grey, marked, mask, tolerance=1e-5)
    y = found @ (0.299, 0.587, 0.114)
    np.testing.assert_allclose(y, grey, atol=2e-3)
    steps = found - grey[..., None]
    assert np.ptp(steps, (0, 1)).max() < 1e-3


LUMA, CHROMA, MASK = scene()


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((LUMA, CHROMA, MASK & False), {}, "no marked pixel"),
        ((LUMA, CHROMA[:5], MASK), {}, "chroma must have the shape"),
        ((LUMA, CHROMA, MASK[:, :5]), {}, "mask must be as large"),
        ((LUMA[0], CHROMA, MASK), {}, "luma must have the shape"),
        ((LUMA * np.nan, CHROMA, MASK), {}, "luma must be finite"),
        ((LUMA, CHROMA * np.nan, MASK), {}, "colours of marked pixels must be finite"),
        ((LUMA, CHROMA, MASK), {"certainty": LUMA}, "no prior was given"),
        ((LUMA, CHROMA, MASK), {"prior": CHROMA[..., :1]}, "as many planes"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(arguments, options, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        propagate(*arguments, **options)
