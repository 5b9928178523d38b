"""Where structure lies in the next plane: shifts are found, and other scenes are not followed."""

import numpy as np
import pytest
from films import glide, noisy, scene

from napari_colorize.sequences.motion import (
    find_motion,
    global_shift,
    joined,
    lands_inside,
    warped,
)

GRID = (24, 24)


def lightness(codes):
    return codes.astype(np.float32) / 2.55


def middle(flow):
    return np.median(flow[4:-4, 4:-4].reshape(-1, 2), axis=0)


@pytest.mark.parametrize("step", [(0, 0), (1, 2), (3, -2), (-10, 17), (0, 30)])
@pytest.mark.parametrize("sigma", [0, 8])
def test_a_pan_is_followed_both_ways(step, sigma):
    top = (40, 40)
    picture = scene(1, 200)
    one = picture[40:136, 40:136]
    two = picture[top[0] + step[0] :, top[1] + step[1] :][:96, :96]
    link = find_motion(*lightness(noisy(np.stack([one, two]), sigma)), GRID)
    scale = GRID[0] / 96
    assert middle(link.forward) == pytest.approx([-step[1] * scale, -step[0] * scale], abs=0.15)
    assert middle(link.backward) == pytest.approx([step[1] * scale, step[0] * scale], abs=0.15)


def test_what_moves_on_its_own_is_followed_on_its_own():
    ground, thing = lightness(scene(2)[:96, :96]), lightness(scene(3))
    one, two = ground.copy(), ground.copy()
    one[32:64, 32:64] = thing[:32, :32]
    two[32:64, 36:68] = thing[:32, :32]
    flow = find_motion(one, two, (96, 96)).forward
    assert np.median(flow[40:56, 40:56, 0]) == pytest.approx(4, abs=0.5)
    assert np.abs(np.median(flow[:24].reshape(-1, 2), axis=0)) == pytest.approx([0, 0], abs=0.1)


def test_noise_alone_is_not_taken_for_motion():
    frames = noisy(np.stack([scene(4)[:96, :96]] * 2), 8)
    link = find_motion(*lightness(frames), GRID)
    assert np.abs(link.forward).mean() < 0.05


def test_a_lamp_that_flickers_is_noticed_and_does_not_hide_the_motion():
    frames, _ = glide(scene(5), 2, (2, 3))
    one, two = lightness(frames)
    link = find_motion(one, two + 7, GRID)
    assert link.brighter == pytest.approx(7, abs=0.7)
    assert middle(link.forward) == pytest.approx([-0.75, -0.5], abs=0.1)


@pytest.mark.parametrize("seed", range(12))
def test_another_scene_is_a_cut(seed):
    one, two = (lightness(scene(100 + 2 * seed + k)[:96, :96]) for k in (0, 1))
    assert find_motion(one, two, GRID) is None


def test_another_size_is_a_cut():
    assert find_motion(np.zeros((64, 64), np.float32), np.zeros((64, 32), np.float32), GRID) is None


@pytest.mark.parametrize("sigma", [0, 3])
def test_blank_planes_are_no_cut(sigma):
    frames = noisy(np.full((2, 96, 96), 90, np.uint8), sigma)
    link = find_motion(*lightness(frames), GRID)
    assert link is not None
    assert np.abs(link.forward).mean() < 0.05


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 5), (32, 32)])
def test_planes_may_be_small(shape):
    plane = np.random.default_rng(0).random(shape).astype(np.float32) * 100
    link = find_motion(plane, plane, shape)
    assert link.forward.shape == (*shape, 2)
    assert not link.forward.any()


def test_the_planes_are_left_alone():
    one, two = lightness(glide(scene(6), 2)[0])
    before = one.copy(), two.copy()
    find_motion(one, two, GRID)
    global_shift(one, two)
    assert (one == before[0]).all()
    assert (two == before[1]).all()


def test_ways_lead_where_they_say():
    plane = np.arange(12, dtype=np.float32).reshape(3, 4)
    flow = np.zeros((3, 4, 2), np.float32)
    flow[..., 0] = 1
    assert (warped(plane, flow)[:, :3] == plane[:, 1:]).all()
    assert (lands_inside(flow) == [[True, True, True, False]] * 3).all()
    assert (joined(flow, flow)[..., 0] == 2).all()
