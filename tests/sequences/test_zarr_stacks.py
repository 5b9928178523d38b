"""Stacks in zarr: read plane by plane, coloured into zarr, and written there lazily."""

import numpy as np
import pytest
from films import glide, noisy, scene

from napari_colorize import colorize_lazy, colorize_multiscale, colorize_stack

zarr = pytest.importorskip("zarr", reason="zarr comes with the extra napari-colorize[dev]")

pytestmark = pytest.mark.usefixtures("moody_model")


@pytest.fixture
def frames():
    return noisy(glide(scene(1), 6)[0], 4)


@pytest.mark.parametrize("chunks", [(1, 96, 96), (4, 40, 56)])
def test_are_coloured_as_in_memory(frames, chunks, tmp_path):
    stored = zarr.create_array(
        str(tmp_path / "film.zarr"), shape=frames.shape, chunks=chunks, dtype=frames.dtype
    )
    stored[:] = frames
    expected = colorize_stack(frames)

    assert (colorize_stack(stored).rgb == expected.rgb).all()
    assert (colorize_lazy(stored).rgb.compute() == expected.rgb).all()
    pyramid = colorize_multiscale([stored, frames[:, ::2, ::2]], axis=0)
    assert (pyramid.rgb[0].compute() == expected.rgb).all()


def test_can_be_filled_plane_by_plane(frames, tmp_path):
    out = zarr.create_array(
        str(tmp_path / "colour.zarr"), shape=(6, 96, 96, 3), chunks=(1, 96, 96, 3), dtype=np.uint8
    )
    result = colorize_stack(frames, out=out)

    assert result.rgb is out
    assert (out[:] == colorize_stack(frames).rgb).all()


def test_take_a_lazy_result(frames, tmp_path):
    colorize_lazy(frames).rgb.to_zarr(str(tmp_path / "colour.zarr"))

    stored = zarr.open_array(str(tmp_path / "colour.zarr"), mode="r")
    assert (stored[:] == colorize_stack(frames).rgb).all()
