"""The axes of a layer by letter, and along which colour can be held."""

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image

from napari_colorize.widgets.colorize.hold import (
    NOTHING_HELD,
    axes_to_hold,
    channel_axis,
    checked_axes,
    is_lazy,
    suggested_axes,
)


class TestSuggestion:
    @pytest.mark.parametrize(
        ("labels", "axes"),
        [
            (("z", "y", "x"), "zyx"),
            (("T", "C", "Z", "Y", "X"), "tczyx"),
            (("time", "channel", "row", "column"), "tcyx"),
            (("-3", "-2", "-1"), "zyx"),
            (("-4", "-3", "-2", "-1"), "tzyx"),
            (("-5", "-4", "-3", "-2", "-1"), "ptzyx"),
            (("z", "z", "x"), "zyx"),
            (("y", "x"), "yx"),
        ],
    )
    def test_takes_over_names_and_else_counts_from_the_plane(self, labels, axes):
        assert suggested_axes(labels) == axes

    @pytest.mark.parametrize("ndim", range(2, 9))
    def test_is_always_accepted(self, ndim):
        labels = Image(np.zeros((1,) * ndim)).axis_labels
        axes = suggested_axes(labels)

        assert checked_axes(axes, ndim, (ndim - 2, ndim - 1)) == axes


class TestCheck:
    def test_forgives_case_and_spaces(self):
        assert checked_axes(" Z y X", 3, (1, 2)) == "zyx"

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "one letter each, for example zyx"),
            ("z1x", "one letter each"),
            ("zy", "3 axes, and 2 are named"),
            ("z", "3 axes, and 1 is named"),
            ("zzx", "'z' is there twice"),
            ("zcx", "channels, is on screen"),
        ],
    )
    def test_says_what_is_wrong(self, text, said):
        with pytest.raises(ValueError, match=said):
            checked_axes(text, 3, (1, 2))


class TestAxesToHold:
    def test_are_those_that_are_not_on_screen_but_channels(self):
        assert axes_to_hold("tczyx", (5, 2, 9, 40, 50), (3, 4)) == {
            0: "t (time): 5 planes",
            2: "z (depth): 9 planes",
            None: NOTHING_HELD,
        }

    def test_have_more_than_one_plane(self):
        assert axes_to_hold("tzyx", (1, 9, 40, 50), (2, 3)) == {
            1: "z (depth): 9 planes",
            None: NOTHING_HELD,
        }

    def test_of_a_side_view_are_what_is_behind_the_screen(self):
        offered = axes_to_hold("zyx", (9, 40, 50), (0, 2))

        assert offered == {1: "y (rows): 40 planes", None: NOTHING_HELD}

    def test_may_have_any_letter(self):
        offered = axes_to_hold("pyx", (4, 40, 50), (1, 2))

        assert offered == {0: "p: 4 planes", None: NOTHING_HELD}


def test_channels_are_the_axis_c():
    assert channel_axis("tczyx") == 1
    assert channel_axis("zyx") is None


class TestLaziness:
    def test_arrays_and_their_views_are_in_memory(self):
        stack = np.zeros((4, 8, 8))

        assert not is_lazy(Image(stack))
        assert not is_lazy(Image(stack[::2].transpose(0, 2, 1)))

    def test_memory_maps_and_their_views_are_not(self, tmp_path):
        mapped = np.memmap(tmp_path / "stack.raw", np.uint8, "w+", shape=(4, 8, 8))

        assert is_lazy(Image(mapped))
        assert is_lazy(Image(np.asarray(mapped)[1:]))

    def test_dask_and_pyramids_are_not(self):
        assert is_lazy(Image(da.zeros((4, 8, 8))))
        assert is_lazy(Image([np.zeros((8, 8)), np.zeros((4, 4))], multiscale=True))
