"""Planes one by one out of anything."""

import numpy as np
import pytest

from napari_colorize.sequences.planes import Pile, Recent, Stack, Streamed

RNG = np.random.default_rng(5)


class Counted:
    """An array that knows which planes were read."""

    def __init__(self, array):
        self.array, self.shape, self.read = array, array.shape, []

    def __getitem__(self, index):
        self.read.append(index)
        return self.array[index]


class TestStack:
    @pytest.mark.parametrize(("axis", "found"), [(0, 0), (1, 1), (-3, 1), (-4, 0), (None, None)])
    def test_axes_count_like_numpys(self, axis, found):
        assert Stack(np.zeros((2, 3, 4, 5)), axis).axis == found

    def test_every_plane_belongs_to_one_series(self):
        stack = Stack(np.zeros((2, 3, 4, 5, 6)), 1)
        planes = [stack.at(first, n) for first in stack.series() for n in range(stack.length)]
        assert sorted(planes) == list(np.ndindex(2, 3, 4))
        assert all(stack.at(*stack.split(index)) == index for index in planes)

    def test_without_an_axis_each_plane_is_a_series(self):
        stack = Stack(np.zeros((2, 3, 4, 5)), None)
        assert list(stack.series()) == list(np.ndindex(2, 3))
        assert stack.length == 1

    def test_only_the_plane_is_read(self):
        counted = Counted(RNG.random((3, 4, 5, 6)))
        assert (Stack(counted, 0).read((1, 2)) == counted.array[1, 2]).all()
        assert counted.read == [(1, 2)]

    @pytest.mark.parametrize(
        ("shape", "axis", "rgb", "said"),
        [
            ((5, 6), 0, False, "a single plane takes axis=None"),
            ((5, 6, 3), 0, True, "a single plane takes axis=None"),
            ((4, 5, 6), 1, False, "accepted are 0 and None"),
            ((4, 5, 6), -1, False, "accepted are 0 and None"),
            ((4, 5, 6, 7), 0, True, "3 or 4"),
            ((6,), None, False, "height, width"),
            ((0, 5, 6), 0, False, "no pixels"),
        ],
    )
    def test_what_is_no_stack_is_refused(self, shape, axis, rgb, said):
        with pytest.raises(ValueError, match=said):
            Stack(np.zeros(shape), axis, rgb)

    def test_an_axis_is_a_number(self):
        with pytest.raises(TypeError, match="number of the axis"):
            Stack(np.zeros((3, 4, 5)), "z")

    def test_dask_reads_the_plane_alone(self):
        da = pytest.importorskip("dask.array")
        read = []

        def block(block_id):
            read.append(block_id)
            return np.full((1, 4, 5), block_id[0])

        array = da.map_blocks(
            block, chunks=((1,) * 6, (4,), (5,)), dtype=int, meta=np.empty((0, 0, 0))
        )
        assert (Stack(array).read((3,)) == 3).all()
        assert read == [(3, 0, 0)]


def test_pictures_of_one_shape_make_a_pile():
    pictures = [RNG.random((4, 5)) for _ in range(3)]
    pile = Pile(pictures)
    assert pile.shape == (3, 4, 5)
    assert pile[(2,)] is pictures[2]


@pytest.mark.parametrize("pictures", [[], [np.zeros((2, 3)), np.zeros((3, 2))]])
def test_a_pile_of_nothing_or_of_many_shapes_is_refused(pictures):
    with pytest.raises(ValueError, match="one shape"):
        Pile(pictures)


def test_recent_makes_once_and_forgets_the_oldest():
    made = []
    recent = Recent(2)

    def make(number):
        made.append(number)
        return number * 10

    assert [recent.get(n, make) for n in (1, 2, 1, 3, 1, 2)] == [10, 20, 10, 30, 10, 20]
    assert len(recent) == 2
    assert made == [1, 2, 3, 2]


def test_a_stream_is_read_no_further_than_asked_and_kept_for_a_while():
    pulled = []

    def planes():
        for n in range(9):
            pulled.append(n)
            yield np.full((2, 2), n)

    streamed = Streamed(planes(), keep=3)
    assert (streamed.read(4) == 4).all()
    assert pulled == [0, 1, 2, 3, 4]
    assert (streamed.read(2) == 2).all()
    assert streamed.read(9) is None
    with pytest.raises(KeyError):
        streamed.read(0)
