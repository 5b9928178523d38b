"""``levin_propagate`` against the same system solved directly by scipy, and what must hold."""

from __future__ import annotations

import levin_reference
import numpy as np
import pytest
import torch
from torch import Tensor
from torch.library import opcheck

from napari_colorize import ops
from napari_colorize.ops.twins import levin as twins

TIGHT = {"float32": 1e-3, "float64": 1e-8}


def scene(height: int, width: int, seed: int = 0, planes: int = 2):
    """Return luma with soft and hard edges and noise, colours of ±60 and some scribbles."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / max(height, width)
    luma = 0.5 + 0.2 * np.sin(9 * x * y + 4 * y) + 0.25 * (x + 0.5 * y > 0.6)
    luma = (luma + random.normal(0, 0.02, luma.shape)).clip(0, 1)
    mask = np.zeros((height, width), bool)
    chroma = np.zeros((height, width, planes))
    for _ in range(4):
        v, u = random.integers(0, height), random.integers(0, width)
        mask[v : v + 2, u : u + 5] = True
        chroma[v : v + 2, u : u + 5] = random.uniform(-60, 60, planes)
    return luma, chroma, mask


def batch(plane: np.ndarray, dtype: torch.dtype | None = None) -> Tensor:
    """Return (1, C, H, W) of (H, W) or (H, W, C)."""
    tensor = torch.from_numpy(plane)
    tensor = tensor[None] if plane.ndim == 2 else tensor.permute(2, 0, 1)
    return tensor[None].to(dtype or tensor.dtype)


def propagated(function, luma, chroma, mask, dtype, **options) -> np.ndarray:
    found, _ = function(batch(luma, dtype), batch(chroma, dtype), batch(mask), **options)
    return found[0].permute(1, 2, 0).double().numpy()


def twin(luma, chroma, mask, *, walls=None, prior=None, certainty=None, **options):
    return twins.levin_propagate(luma, chroma, mask, walls, prior, certainty, **options)


FUNCTIONS = pytest.mark.parametrize("function", [ops.levin_propagate, twin], ids=["ops", "twin"])


@FUNCTIONS
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("size", [(24, 37), (1, 12), (13, 1), (2, 2), (33, 16)])
def test_equals_the_direct_solution(function, size, dtype: torch.dtype) -> None:
    """A ten-thousandth of the range, in float64 a hundred-millionth."""
    luma, chroma, mask = scene(*size)
    wanted = levin_reference.solve(luma, chroma, mask)
    tight = TIGHT[str(dtype).removeprefix("torch.")]
    found = propagated(function, luma, chroma, mask, dtype, tolerance=tight, cycles=100)
    allowed = 120 * (1e-4 if dtype == torch.float32 else 1e-8)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=allowed)
    np.testing.assert_allclose(found[mask], chroma[mask], atol=1e-5)


@FUNCTIONS
def test_walls_prior_and_certainty_too(function) -> None:
    luma, chroma, mask = scene(25, 30, seed=2)
    random = np.random.default_rng(1)
    walls = np.zeros_like(mask)
    walls[:, 14], walls[3, 14] = True, False
    walls &= ~mask
    prior = random.uniform(-60, 60, chroma.shape)
    certainty = random.uniform(0, 0.2, luma.shape) * (random.random(luma.shape) < 0.7)
    wanted = levin_reference.solve(luma, chroma, mask, walls, prior, certainty)
    found = propagated(
        function,
        luma,
        chroma,
        mask,
        torch.float64,
        walls=batch(walls),
        prior=batch(prior),
        certainty=batch(certainty),
        tolerance=1e-8,
    )
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6)


def hard_pictures() -> dict[str, np.ndarray]:
    """Return luma that is slow to solve: islands, thin and winding areas, noise; 64 x 64."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:64, :64]
    flats = np.full((64, 64), 0.3)
    flats[:, 32:] = 0.7
    grid = np.full((64, 64), 0.4)
    grid[::4], grid[:, ::7] = 0.8, 0.1
    rings = np.where(np.hypot(y - 32, x - 32) // 3 % 2 == 0, 0.55, 0.5)
    # As the sky of a photograph of 8 bits: areas of equal codes wind about each other.
    codes = np.round(200 + y / 40 + x / 60 + random.normal(0, 0.35, (64, 64))) / 255
    return {
        "two flats": flats,
        "grid": grid,
        "rings": rings,
        "codes": codes,
        "noise": random.uniform(0, 1, (64, 64)),
        "edges": (scene(64, 64)[0] * 4).round() / 4,
        "smooth": 0.5 + 0.3 * np.sin(5 * x * y / 4096 + 3 * y / 64),
    }


@pytest.mark.parametrize("scribbles", [1, 5])
@pytest.mark.parametrize("picture", hard_pictures())
def test_the_tolerance_is_kept_everywhere(picture: str, scribbles: int) -> None:
    """No pixel is further from the direct solution than promised."""
    luma = hard_pictures()[picture]
    random = np.random.default_rng(3)
    mask, chroma = np.zeros((64, 64), bool), np.zeros((64, 64, 2))
    mask[0, 0], chroma[0, 0] = True, (-60, 60)
    for _ in range(scribbles):
        v, u = random.integers(0, 56, 2)
        mask[v : v + 2, u : u + 7] = True
        chroma[v : v + 2, u : u + 7] = random.uniform(-60, 60, 2)
    exact = levin_reference.solve(luma, chroma, mask)
    for tolerance in (1.0, 0.25):
        found, left = ops.levin_propagate(
            batch(luma, torch.float32),
            batch(chroma, torch.float32),
            batch(mask),
            tolerance=tolerance,
            cycles=200,
        )
        assert left.max() <= tolerance
        assert np.abs(found[0].permute(1, 2, 0).numpy() - exact).max() <= tolerance


@FUNCTIONS
def test_a_stop_from_outside_is_heard(function) -> None:
    luma, chroma, mask = scene(24, 24)
    found = propagated(
        function, luma, chroma, mask, torch.float32, tolerance=0.0, stop=torch.tensor([True])
    )
    np.testing.assert_allclose(found, chroma, atol=1e-5)


def test_a_start_near_the_solution_saves_cycles() -> None:
    luma, chroma, mask = scene(64, 64, seed=9)
    exact, _ = ops.levin_propagate(batch(luma), batch(chroma), batch(mask), tolerance=1e-6)
    cold, near = (
        (ops.levin_propagate(batch(luma), begin, batch(mask), cycles=1)[0] - exact).abs().max()
        for begin in (batch(chroma), exact + 0.01)
    )
    assert near < 0.02 < cold


@FUNCTIONS
def test_stays_within_the_scribbles_and_keeps_one_colour(function) -> None:
    luma, chroma, mask = scene(40, 31, seed=3)
    found = propagated(function, luma, chroma, mask, torch.float32, cycles=1)
    marked = chroma[mask]
    assert (found >= marked.min(0) - 1e-4).all()
    assert (found <= marked.max(0) + 1e-4).all()
    chroma[mask] = (12.5, -7.25)
    found = propagated(function, luma, chroma, mask, torch.float32, tolerance=1e-3)
    np.testing.assert_allclose(found, np.broadcast_to((12.5, -7.25), found.shape), atol=2e-3)


@pytest.mark.parametrize("turn", [np.flipud, np.fliplr, lambda a: np.swapaxes(a, 0, 1)])
def test_turned_pictures_have_turned_colours(turn) -> None:
    luma, chroma, mask = scene(30, 41, seed=5)
    found = propagated(ops.levin_propagate, luma, chroma, mask, torch.float64, tolerance=1e-9)
    turned = propagated(
        ops.levin_propagate,
        np.ascontiguousarray(turn(luma)),
        np.ascontiguousarray(turn(chroma)),
        np.ascontiguousarray(turn(mask)),
        torch.float64,
        tolerance=1e-9,
    )
    np.testing.assert_allclose(turned, turn(found), atol=1e-7)


def test_two_flat_halves_have_their_scribbles_colours() -> None:
    luma, mask = np.full((20, 30), 0.2), np.zeros((20, 30), bool)
    luma[:, 15:] = 0.8
    chroma = np.zeros((20, 30, 2))
    mask[:, 2] = mask[:, 27] = True
    chroma[:, 2], chroma[:, 27] = (40, 10), (-30, 5)
    found = propagated(ops.levin_propagate, luma, chroma, mask, torch.float32, tolerance=1e-3)
    assert np.abs(found[:, :15] - (40, 10)).max() < 1
    assert np.abs(found[:, 15:] - (-30, 5)).max() < 1


def test_images_of_a_batch_and_strides_do_not_matter() -> None:
    scenes = [scene(19, 23, seed=k, planes=3) for k in (6, 7)]
    luma, chroma, mask = (torch.cat([batch(s[k]) for s in scenes]) for k in range(3))
    together, left = ops.levin_propagate(luma, chroma, mask, tolerance=1e-6)
    assert left.shape == (2, 3)
    strided = chroma.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    assert torch.equal(ops.levin_propagate(luma, strided, mask, tolerance=1e-6)[0], together)
    for k in range(2):
        alone = ops.levin_propagate(
            luma[k : k + 1], chroma[k : k + 1], mask[k : k + 1], tolerance=1e-6
        )
        assert torch.equal(alone[0][0], together[k])


def test_the_number_of_threads_does_not_matter() -> None:
    luma, chroma, mask = scene(70, 90, seed=8)
    threads = torch.get_num_threads()
    results = []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            results.append(propagated(ops.levin_propagate, luma, chroma, mask, torch.float32))
    finally:
        torch.set_num_threads(threads)
    assert (results[0] == results[1]).all()
    assert (results[0] == results[2]).all()


def test_torch_is_content_with_the_operator() -> None:
    luma, chroma, mask = (batch(a) for a in scene(9, 8))
    ops.load()
    operator = torch.ops.napari_colorize.levin_propagate.default
    opcheck(operator, (luma, chroma, mask, None, None, None), {"tolerance": 1e-6})


REFUSED = {
    "an empty mask": ({"mask": torch.zeros(1, 1, 4, 4, dtype=torch.bool)}, "marked pixel"),
    "NaN in luma": ({"luma": torch.full((1, 1, 4, 4), torch.nan)}, "finite luma"),
    "NaN in chroma": ({"chroma": torch.full((1, 2, 4, 4), torch.nan)}, "finite chroma"),
    "another size": ({"luma": torch.zeros(1, 1, 4, 5)}, "shape"),
    "a prior alone": ({"prior": torch.zeros(1, 2, 4, 4)}, "together"),
    "no cycle": ({"cycles": 0}, "1 cycle"),
    "a stop of two": ({"stop": torch.zeros(2, dtype=torch.bool)}, "one bool"),
    "a tolerance below 0": ({"tolerance": -1.0}, "tolerance"),
    "a gradient": ({"chroma": torch.zeros(1, 2, 4, 4, requires_grad=True)}, "no gradient"),
}


@pytest.mark.parametrize(("change", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_in_a_sentence(change, words: str) -> None:
    given = {
        "luma": torch.zeros(1, 1, 4, 4),
        "chroma": torch.zeros(1, 2, 4, 4),
        "mask": torch.ones(1, 1, 4, 4, dtype=torch.bool),
    } | change
    with pytest.raises(ValueError, match=words):
        ops.levin_propagate(**given)
    with pytest.raises(TypeError, match="bool"):
        ops.levin_propagate(given["luma"], given["chroma"], torch.zeros(1, 1, 4, 4))
