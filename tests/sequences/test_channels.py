"""Channels of a stack are stacks of their own."""

import numpy as np
import pytest
from films import glide, noisy, scene

from napari_colorize import (
    colorize_channels,
    colorize_lazy,
    colorize_multiscale,
    colorize_stack,
)

pytestmark = pytest.mark.usefixtures("moody_model")


@pytest.fixture
def stack():
    """Two channels (axis 1) of four planes, of very different brightness."""
    one, other = (noisy(glide(scene(seed), 4)[0], 4).astype(np.uint16) for seed in (1, 2))
    return np.stack([one * 10, other * 150], axis=1)


def test_each_channel_is_coloured_as_a_stack_with_its_own_window(stack):
    result = colorize_channels(stack, channel_axis=1, axis=0)
    for channel in range(2):
        alone = colorize_stack(stack[:, channel], axis=0)
        assert (result.rgb[:, channel] == alone.rgb).all()
        assert (result.uncertainty[:, channel] == alone.uncertainty).all()
        assert (result.clipped[:, channel] == alone.clipped).all()
        assert result.record["stack"]["windows"][channel] == alone.record["input"]["window"]


def test_given_windows_are_used(stack):
    result = colorize_channels(stack, channel_axis=-3, axis=0, windows=[(0, 999), None])
    assert (result.rgb[:, 0] == colorize_stack(stack[:, 0], window=(0, 999)).rgb).all()
    assert (result.rgb[:, 1] == colorize_stack(stack[:, 1]).rgb).all()


def test_the_axis_is_counted_with_the_channels(stack):
    behind = stack.swapaxes(0, 1)  # channels first
    result = colorize_channels(behind, channel_axis=0, axis=1)
    assert result.record["stack"]["axis"] == 1
    assert (result.rgb[1] == colorize_stack(behind[1], axis=0).rgb).all()


def test_the_record_speaks_of_the_whole(stack):
    result = colorize_channels(stack, channel_axis=1, axis=0)
    parts = [colorize_stack(stack[:, channel]).record for channel in range(2)]
    record = result.record
    assert record["input"]["shape"] == [4, 2, 96, 96]
    assert record["output"]["shape"] == [4, 2, 96, 96, 3]
    assert record["stack"]["planes"] == 8
    shares = [part["output"]["clipped_share"] for part in parts]
    assert record["output"]["clipped_share"] == pytest.approx(np.mean(shares))
    assert "all 4 planes of each channel" in result.legend
    assert result.legend.count(" to ") >= 3, "both windows and the planes to either side"


@pytest.mark.parametrize("how", [colorize_stack, colorize_lazy])
def test_its_python_makes_it_again(stack, how):
    result = colorize_channels(stack, channel_axis=1, axis=0, how=how, consistency=0.5, radius=2)
    namespace = {"image": stack}
    exec(result.as_python(), namespace)
    assert (np.asarray(namespace["rgb"]) == np.asarray(result.rgb)).all()


def test_pyramids_keep_their_levels(stack):
    levels = [stack, stack[..., ::2, ::2]]
    result = colorize_channels(levels, channel_axis=1, axis=0, how=colorize_multiscale)
    assert [level.shape for level in result.rgb] == [(4, 2, 96, 96, 3), (4, 2, 48, 48, 3)]
    alone = colorize_multiscale([level[:, 1] for level in levels], axis=0)
    assert (result.rgb[1][:, 1].compute() == alone.rgb[1].compute()).all()
    namespace = {"image": levels}
    exec(result.as_python(), namespace)
    assert (namespace["rgb"][0].compute() == result.rgb[0].compute()).all()


def test_progress_runs_once_from_0_to_1(stack):
    told = []
    colorize_channels(
        stack, channel_axis=1, axis=0, progress=lambda share, stage: told.append((share, stage))
    )
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    assert any(stage.startswith("channel 2 of 2: plane 3 of 4") for _, stage in told)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"channel_axis": 2}, "before a plane's own two"),
        ({"channel_axis": 1, "axis": 1}, "not held from channel to channel"),
        ({"channel_axis": 1, "windows": [(0, 1)]}, "2 channels and 1 windows"),
    ],
)
def test_what_makes_no_sense_is_refused(stack, wrong, said):
    with pytest.raises(ValueError, match=said):
        colorize_channels(stack, **wrong)


def test_an_axis_that_is_no_number_is_refused(stack):
    with pytest.raises(TypeError, match="the axis of the channels"):
        colorize_channels(stack, channel_axis="c")
