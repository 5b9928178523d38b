"""A plane's colour as a mean over its neighbours: of those that agree, and of no others."""

import numpy as np
import pytest

from napari_colorize.sequences.motion import Motion
from napari_colorize.sequences.parameters import MAX_REACH, reach_of, weights_of
from napari_colorize.sequences.series import TOLERANCE, PlanePrediction, smoothed

SHAPE = (4, 5)


def predicted(light, value):
    guide = np.full(SHAPE, light, np.float32)
    return PlanePrediction(guide, guide, np.full((*SHAPE, 3), value, np.float32))


def still(brighter=0.0):
    flow = np.zeros((*SHAPE, 2), np.float32)
    return Motion(flow, flow, brighter)


def smoothed_of(planes, links, number, weights):
    """Work out a plane of a list; `links[i]` lies between planes i and i + 1."""
    known = dict(enumerate(links))
    return smoothed(number, planes.__getitem__, known.get, weights)


def test_planes_that_agree_count_by_their_distance():
    planes = [predicted(50, value) for value in (1.0, 2.0, 4.0, 8.0, 16.0)]
    weights = [1, 0.5, 0.25]
    expected = (4 + 0.5 * (2 + 8) + 0.25 * (1 + 16)) / 2.5
    assert smoothed_of(planes, [still()] * 4, 2, weights) == pytest.approx(expected)


def test_ends_have_one_side():
    planes = [predicted(50, 2.0), predicted(50, 8.0)]
    assert smoothed_of(planes, [still()], 0, [1, 0.5, 0.25]) == pytest.approx((2 + 4) / 1.5)


def test_a_cut_is_never_crossed():
    planes = [predicted(50, 1.0), predicted(50, 2.0), predicted(50, 100.0), predicted(50, 100.0)]
    assert smoothed_of(planes, [still(), None, still()], 1, [1, 1, 1]) == pytest.approx(1.5)


def test_trust_falls_as_a_gaussian_of_the_difference_in_lightness():
    planes = [predicted(50, 0.0), predicted(50 + TOLERANCE, 1.0)]
    trust = np.exp(-0.5)
    assert smoothed_of(planes, [still()], 0, [1, 1]) == pytest.approx(trust / (1 + trust))


def test_where_structure_ends_the_planes_own_colour_stands():
    planes = [predicted(20, 1.0), predicted(90, 50.0)]
    assert smoothed_of(planes, [still()], 0, [1, 1]) == pytest.approx(1.0, abs=1e-3)


def test_structure_that_ended_is_not_trusted_again():
    planes = [predicted(20, 1.0), predicted(90, 50.0), predicted(20, 50.0)]
    assert smoothed_of(planes, [still(), still()], 0, [1, 1, 1]) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("number", [0, 1])
def test_a_plane_that_is_brighter_as_a_whole_is_trusted(number):
    planes = [predicted(40, 1.0), predicted(70, 3.0)]
    assert smoothed_of(planes, [still(30.0)], number, [1, 1]) == pytest.approx(2.0)


def test_colour_comes_along_the_motion_and_not_from_outside():
    flow = np.zeros((*SHAPE, 2), np.float32)
    flow[..., 0] = 2
    ramp = np.broadcast_to(np.arange(5, dtype=np.float32), SHAPE)
    planes = [
        predicted(50, 0.0),
        PlanePrediction(*[np.full(SHAPE, 50, np.float32)] * 2, np.stack([ramp] * 3, -1)),
    ]
    result = smoothed_of(planes, [Motion(flow, -flow, 0.0)], 0, [1, 1])[..., 0]
    assert result == pytest.approx(np.broadcast_to([1, 1.5, 2, 0, 0], SHAPE))


class TestWeights:
    def test_no_consistency_asks_no_neighbour(self):
        assert weights_of(0) == [1]

    def test_full_consistency_asks_as_far_as_promised(self):
        assert reach_of(1) == MAX_REACH

    @pytest.mark.parametrize("consistency", np.linspace(0, 1, 41))
    def test_weights_fall_from_one_and_never_reach_nothing(self, consistency):
        weights = weights_of(consistency)
        assert weights[0] == 1
        assert (np.diff(weights) < 0).all()
        assert weights[-1] > 0

    @pytest.mark.parametrize("consistency", [0.125, 0.5, 1])
    def test_no_other_weights_of_their_reach_change_less_from_plane_to_plane(self, consistency):
        """Against the solution of the discrete problem: second difference constant."""
        reach = reach_of(consistency)
        count = 2 * reach + 1
        second = 2 * np.eye(count) - np.eye(count, k=1) - np.eye(count, k=-1)
        best = np.linalg.solve(second, np.ones(count))
        ours = np.array(weights_of(consistency))[np.abs(np.arange(-reach, reach + 1))]
        assert ours / ours.sum() == pytest.approx(best / best.sum())
