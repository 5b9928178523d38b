"""The plane that is read is the plane that is on screen."""

import re

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_colorize.widgets.layers.planes import (
    Plane,
    all_planes,
    at_level,
    choose_level,
    count_planes,
    into_plane,
    plane_on_screen,
    read_plane,
    spatial_shape,
)


def shown_by_napari(layer) -> np.ndarray:
    """Return the pixels that napari itself sliced out for its canvas."""
    return np.asarray(layer._slice.image.raw)


@pytest.fixture
def stack() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (3, 4, 5, 6), dtype=np.uint8)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 3, 0, 1), (0, 2, 1, 3), (0, 1, 3, 2)])
@pytest.mark.parametrize("scale", [(1, 1, 1, 1), (0.5, 3, 0.1, 0.1)])
def test_reads_what_napari_shows_for_any_axis_order_and_scale(viewer, stack, order, scale):
    layer = viewer.add_image(stack, scale=scale, translate=(7, -2, 0, 1))
    viewer.dims.order = order
    for axis in range(4):
        viewer.dims.set_current_step(axis, 1 if axis % 2 else 2)

    picture = read_plane(layer.data, plane_on_screen(layer, viewer.dims))

    np.testing.assert_array_equal(picture, shown_by_napari(layer))


def test_follows_a_slider_that_counts_in_other_units_than_the_layer(viewer):
    data = np.arange(10, dtype=np.uint8)[:, None, None] * np.ones((1, 4, 4), np.uint8)
    layer = viewer.add_image(data, scale=(1, 1, 1), units=("um", "um", "um"))
    viewer.add_image(data, scale=(1000, 1000, 1000), units=("nm", "nm", "nm"))
    viewer.dims.set_current_step(0, 3)

    plane = plane_on_screen(layer, viewer.dims)

    np.testing.assert_array_equal(read_plane(layer.data, plane), shown_by_napari(layer))


def test_a_2d_layer_in_an_nd_viewer_is_its_own_plane(viewer, stack):
    viewer.add_image(stack)
    flat = viewer.add_image(stack[0, 0])

    assert plane_on_screen(flat, viewer.dims) == Plane((0, 1))


def test_3d_display_takes_the_plane_that_2d_display_would_show(viewer, stack):
    layer = viewer.add_image(stack[0])
    flat = plane_on_screen(layer, viewer.dims)
    viewer.dims.ndisplay = 3

    assert plane_on_screen(layer, viewer.dims) == flat


@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")
@pytest.mark.parametrize(
    "placed",
    [
        {"rotate": [20, 0, 0]},
        {"translate": (100, 0, 0), "scale": (0.5, 1, 1)},
        {"translate": (-40, 3, 2), "scale": (3, 1, 1)},
    ],
)
def test_the_advice_about_a_slider_leads_to_the_layer(viewer, placed):
    layer = viewer.add_image(np.zeros((6, 100, 120), np.uint8), **placed)
    viewer.add_image(np.zeros((90, 9, 9)), translate=(-45, 0, 0))
    advised = 0
    for step in range(0, viewer.dims.nsteps[0], 5):
        viewer.dims.set_current_step(0, step)
        advice = refusal(layer, viewer.dims)
        if advice:
            advised += 1
            found = re.search(r"slider '-3' from (\d+) to (?:between )?(-?\d+)", advice)
            assert found is not None
            assert int(found[1]) == step
            viewer.dims.set_current_step(0, int(found[2]))
            assert not refusal(layer, viewer.dims)
    assert advised


def refusal(layer, dims) -> str:
    try:
        plane_on_screen(layer, dims)
    except ValueError as error:
        return str(error)
    return ""


def test_the_nearest_plane_is_taken_where_any_will_do(viewer, stack):
    layer = viewer.add_image(stack[0], translate=(100, 0, 0))
    viewer.add_image(stack[0])
    viewer.dims.set_current_step(0, 1)
    assert plane_on_screen(layer, viewer.dims, nearest=True).at == ((0, 0),)
    viewer.dims.set_current_step(0, 102)
    assert plane_on_screen(layer, viewer.dims, nearest=True).at == ((0, 2),)


def test_sliders_outside_of_the_layer_are_refused_with_advice(viewer, stack):
    layer = viewer.add_image(stack[0], translate=(100, 0, 0))
    viewer.add_image(stack[0])
    viewer.dims.set_current_step(0, 1)

    with pytest.raises(ValueError, match="move slider '-3' from 1 to between 100 and 103"):
        plane_on_screen(layer, viewer.dims)


def test_the_colour_axis_is_no_plane_axis(viewer):
    layer = viewer.add_image(np.zeros((5, 6, 7, 3), np.uint8), rgb=True)
    viewer.dims.set_current_step(0, 4)
    plane = plane_on_screen(layer, viewer.dims)

    assert plane == Plane((1, 2), ((0, 4),))
    assert read_plane(layer.data, plane).shape == (6, 7, 3)
    assert spatial_shape(layer) == (5, 6, 7)


def test_a_transposed_view_is_read_as_seen_and_written_back_as_stored():
    data = np.random.default_rng(0).random((4, 5, 3))
    plane = Plane((1, 0))
    seen = read_plane(data, plane)
    back = np.zeros_like(data)
    into_plane(back, plane, seen)

    assert seen.shape == (5, 4, 3)
    np.testing.assert_array_equal(back, data)


def test_all_planes_cover_a_stack_exactly_once(stack):
    plane = Plane((1, 3), ((0, 0), (2, 2)))
    covered = np.zeros(stack.shape, int)
    planes = list(all_planes(stack.shape, plane))
    for each in planes:
        covered[each.slicing] += 1

    assert len(planes) == count_planes(stack.shape, plane.shown) == 3 * 5
    assert (covered == 1).all()


def test_of_a_lazy_stack_only_the_blocks_of_the_plane_are_computed():
    computed = []

    def block(block_info=None):
        computed.append(block_info[None]["chunk-location"])
        return np.ones((1, 8, 8), np.uint8)

    data = da.map_blocks(block, chunks=((1,) * 20, (8,) * 2, (8,) * 2), dtype=np.uint8)
    computed.clear()
    read_plane(data, Plane((1, 2), ((0, 7),)))

    assert sorted(set(computed)) == [(7, 0, 0), (7, 0, 1), (7, 1, 0), (7, 1, 1)]
    assert len(computed) == 4


class TestPyramids:
    def pyramid(self) -> Image:
        full = np.zeros((8, 64, 96), np.uint8)
        return Image([full, full[::2, ::2, ::2], full[::4, ::4, ::4]], multiscale=True)

    @pytest.mark.parametrize(
        ("most", "level"), [(64 * 96, 0), (64 * 96 - 1, 1), (32 * 48 - 1, 2), (1, 2)]
    )
    def test_the_finest_level_within_the_limit_is_taken(self, most, level):
        assert choose_level(self.pyramid(), Plane((1, 2), ((0, 0),)), most) == level

    def test_a_plain_layer_is_its_own_only_level(self):
        assert choose_level(Image(np.zeros((9, 9))), Plane((0, 1)), 1) == 0

    @pytest.mark.parametrize(("fine", "coarse"), [(0, 0), (1, 0), (2, 1), (7, 3)])
    def test_an_index_of_level_0_finds_the_coarse_plane_over_it(self, fine, coarse):
        plane = at_level(Plane((1, 2), ((0, fine),)), (2, 2, 2), (4, 32, 48))

        assert plane.at == ((0, coarse),)


def test_a_viewer_of_more_dimensions_than_the_layer_uses_its_last_sliders():
    viewer = ViewerModel()
    viewer.add_image(np.zeros((2, 9, 5, 5)))
    layer = viewer.add_image(np.zeros((9, 5, 5)))
    viewer.dims.set_current_step(1, 6)

    assert plane_on_screen(layer, viewer.dims).at == ((0, 6),)
