"""Colouring only what is in view: which pixels, where they lie, and what is said of them."""

import dask.array as da
import numpy as np
import pytest
from qtpy.QtGui import QGuiApplication

from napari_colorize import colorize


@pytest.fixture
def picture():
    rows, columns = np.mgrid[:120, :160]
    return ((rows * 5 + columns * 3) % 256).astype(np.uint8)


@pytest.fixture
def colour(viewer, make_panel, finish):
    """Return a function that colours what is in view of a layer; the last layer is the result."""

    def start(layer):
        panel = make_panel(viewer)
        panel.choose(layer)
        panel.ui.view.setChecked(True)
        panel.run()
        finish(panel)
        return panel

    return start


def look_at(layer, first, last):
    """Say, as the canvas does, which pixels are in view: the first and the last."""
    layer.corner_pixels = np.array([first, last])


class TestPixels:
    def test_are_those_of_the_part_alone(self, viewer, model, colour, picture):
        layer = viewer.add_image(picture, contrast_limits=(0, 255))
        look_at(layer, (20, 30), (79, 129))
        colour(layer)

        expected = colorize(picture[20:80, 30:130], window=(0, 255)).rgb
        np.testing.assert_array_equal(viewer.layers[-1].data, expected)

    def test_of_a_lazy_stack_are_read_alone(self, viewer, model, colour, picture):
        stack = da.from_array(np.stack([picture, picture[::-1]]), chunks=(1, 60, 80))
        layer = viewer.add_image(stack, contrast_limits=(0, 255))
        viewer.dims.set_current_step(0, 1)
        look_at(layer, (0, 20, 30), (0, 79, 129))
        colour(layer)

        expected = colorize(picture[::-1][20:80, 30:130], window=(0, 255)).rgb
        np.testing.assert_array_equal(viewer.layers[-1].data, expected[None])

    def test_of_a_transposed_view_are_as_seen(self, viewer, model, colour, picture):
        layer = viewer.add_image(picture, contrast_limits=(0, 255))
        viewer.dims.order = (1, 0)
        look_at(layer, (20, 30), (79, 129))
        colour(layer)

        expected = colorize(picture[20:80, 30:130].T, window=(0, 255)).rgb
        np.testing.assert_array_equal(viewer.layers[-1].data, expected.swapaxes(0, 1))

    def test_of_a_pyramid_are_of_the_finest_level_whose_part_fits(
        self, viewer, model, colour, picture, monkeypatch
    ):
        monkeypatch.setattr("napari_colorize.widgets.layers.planes.MAX_LEVEL_PIXELS", 2500)
        levels = [picture, picture[::2, ::2], picture[::4, ::4]]
        layer = viewer.add_image(levels, multiscale=True, contrast_limits=(0, 255))
        assert layer.data_level == 2
        look_at(layer, (5, 5), (14, 24))  # 40 × 80 of the finest level's pixels: too many
        colour(layer)
        result = viewer.layers[-1]

        expected = colorize(levels[1][10:30, 10:50], window=(0, 255)).rgb
        np.testing.assert_array_equal(result.data, expected)
        np.testing.assert_allclose(result.data_to_world((-0.5, -0.5)), (19.5, 19.5))
        np.testing.assert_allclose(result.data_to_world((19.5, 39.5)), (59.5, 99.5))


def test_they_lie_where_they_came_from(viewer, model, colour, picture):
    layer = viewer.add_image(
        np.stack([picture] * 3),
        scale=(2, 0.3, 0.4),
        rotate=np.array([[1, 0, 0], [0, 0.8, -0.6], [0, 0.6, 0.8]]),
        shear=(0, 0, 0.3),
        translate=(5, 1, 2),
        affine=np.diag([1.0, 2.0, 1.0, 1.0]),
        units=("um",) * 3,
        axis_labels=("z", "y", "x"),
    )
    viewer.dims.set_current_step(0, 1)
    look_at(layer, (0, 20, 30), (0, 79, 129))
    panel = colour(layer)
    assert panel.record["source"]["plane"] == {"0": 1}
    result = viewer.layers[-1]

    for corner in ((0, 0, 0), (0, 59, 99)):
        source = np.add(corner, (1, 20, 30))
        np.testing.assert_allclose(result.data_to_world(corner), layer.data_to_world(source))
    assert (result.units, result.axis_labels) == (layer.units, layer.axis_labels)


def test_the_record_says_which_part_and_its_python_makes_it_again(viewer, model, colour, picture):
    layer = viewer.add_image(picture, name="cells", contrast_limits=(0, 255))
    look_at(layer, (20, 30), (79, 129))
    panel = colour(layer)
    panel.copy_python()
    scope = {"image": picture[20:80, 30:130]}
    exec(QGuiApplication.clipboard().text(), scope)

    assert panel.record["source"]["name"] == "cells[20:80, 30:130]"
    assert panel.record["source"]["part"] == [[20, 80], [30, 130]]
    assert "path" not in panel.record["source"]
    np.testing.assert_array_equal(scope["rgb"], viewer.layers[-1].data)


def test_where_nothing_is_in_view_it_says_so(viewer, model, colour, picture):
    layer = viewer.add_image(picture, name="cells")
    look_at(layer, (0, 0), (0, 0))
    panel = colour(layer)

    assert "Nothing of layer 'cells' is in view" in panel.ui.status.text()
    assert model.calls == 0


def test_in_three_dimensions_it_says_what_to_do(viewer, model, colour, picture):
    viewer.add_image(np.stack([picture] * 3))
    viewer.dims.ndisplay = 3
    panel = colour(viewer.layers[0])

    assert "In 3-D display no slice is in view. Switch to 2-D" in panel.ui.status.text()
    assert model.calls == 0


def test_the_legend_says_which_part(viewer, model, colour, picture):
    layer = viewer.add_image(picture)
    look_at(layer, (20, 30), (59, 79))
    legend = colour(layer).record["legend"]

    assert "of rows 20 to 59 and columns 30 to 79 of the picture," in legend


def test_all_planes_know_no_view(viewer, model, make_panel, picture):
    layer = viewer.add_image(np.stack([picture] * 3))
    panel = make_panel(viewer)
    panel.choose(layer)
    panel.ui.view.setChecked(True)
    assert panel.ui.only_view
    panel.ui.planes.setCurrentIndex(1)

    assert not panel.ui.only_view
    assert panel.ui.view.isHidden()


def test_the_preview_is_of_the_part_and_in_its_place(viewer, model, make_panel, picture, qtbot):
    layer = viewer.add_image(picture, contrast_limits=(0, 255), scale=(0.5, 0.5))
    look_at(layer, (20, 30), (79, 129))
    panel = make_panel(viewer)
    panel.choose(layer)
    panel.ui.view.setChecked(True)
    panel.ui.preview.setChecked(True)
    qtbot.waitUntil(lambda: panel.live.layer.layer is not None, timeout=20_000)
    shown = panel.live.layer.layer
    expected = colorize(picture[20:80, 30:130], window=(0, 255)).rgb

    np.testing.assert_array_equal(shown.data, expected)
    np.testing.assert_allclose(shown.data_to_world((0, 0)), layer.data_to_world((20, 30)))

    look_at(layer, (0, 0), (59, 99))
    viewer.camera.center = (0, 10, 10)
    qtbot.waitUntil(lambda: not panel.live.busy, timeout=20_000)
    np.testing.assert_allclose(
        panel.live.layer.layer.data_to_world((0, 0)), layer.data_to_world((0, 0))
    )


def test_a_reduced_preview_of_a_part_lies_in_its_place(viewer, picture, monkeypatch):
    from napari.layers import Image

    from napari_colorize import ColorizeParameters
    from napari_colorize.widgets.colorize import preview as _preview

    monkeypatch.setattr(_preview, "MAX_PIXELS", 1500)
    layer = viewer.add_image(picture, contrast_limits=(0, 255), scale=(0.5, 0.5))
    look_at(layer, (20, 30), (79, 129))
    look = _preview.plan_preview(layer, viewer.dims, ColorizeParameters(), view=True)
    shown = Image(np.zeros((*look.size, 3), np.uint8), rgb=True, **look.placement)
    corner = np.subtract(look.size, 0.5)

    assert look.size == (30, 50)
    np.testing.assert_allclose(shown.data_to_world((-0.5, -0.5)), layer.data_to_world((19.5, 29.5)))
    np.testing.assert_allclose(shown.data_to_world(corner), layer.data_to_world((79.5, 129.5)))


@pytest.mark.qt
def test_zooming_in_a_window_makes_the_part_smaller(
    make_napari_viewer, qapp, model, finish, picture, qtbot
):
    viewer = make_napari_viewer(show=True)
    layer = viewer.add_image(picture, name="cells")
    _, panel = viewer.window.add_plugin_dock_widget("napari-colorize", "Colorize")
    panel.ui.view.setChecked(True)
    viewer.camera.zoom *= 4
    qtbot.wait(300)
    panel.run()
    finish(panel)
    result = viewer.layers[-1]
    height, width = result.data.shape[:2]

    assert 20 < height < 60
    assert 20 < width < 160
    middle = (np.array([height, width]) - 1) / 2
    np.testing.assert_allclose(
        result.data_to_world(middle), layer.data_to_world((59.5, 79.5)), atol=1.5
    )
    top, left = (int(i) for i in np.rint(layer.world_to_data(result.data_to_world((0, 0)))))
    low, high = layer.contrast_limits
    expected = colorize(
        picture[top : top + height, left : left + width], window=(float(low), float(high))
    )
    np.testing.assert_array_equal(result.data, expected.rgb)


@pytest.mark.qt
def test_of_a_pyramid_no_more_is_coloured_than_is_in_view(
    make_napari_viewer, qapp, model, finish, qtbot
):
    fine = np.random.default_rng(0).integers(0, 256, (2048, 1500), dtype=np.uint8)
    viewer = make_napari_viewer(show=True)
    levels = [fine, fine[::2, ::2], fine[::4, ::4]]
    layer = viewer.add_image(levels, multiscale=True, scale=(0.5, 0.5), rotate=90)
    _, panel = viewer.window.add_plugin_dock_widget("napari-colorize", "Colorize")
    panel.ui.view.setChecked(True)
    for zoom in (16, 1.25):  # the second within what napari has cut out for the first
        viewer.camera.zoom *= zoom
        qtbot.wait(300)
    assert layer.data_level == 0
    cut = np.ptp(layer.corner_pixels, axis=0)
    canvas = viewer.window._qt_viewer.canvas._viewbox_corners_in_world
    panel.run()
    finish(panel)
    result = viewer.layers[-1]
    seen = np.abs(np.diff([layer.world_to_data(corner) for corner in canvas], axis=0))[0]

    height, width = result.data.shape[:2]
    assert (np.abs(np.subtract((height, width), seen)) <= 3).all()
    assert (np.array([height, width]) < cut).all()
    corners = np.array([layer.world_to_data(result.data_to_world(at)) for at in ((0, 0), (9, 9))])
    np.testing.assert_allclose(corners[1] - corners[0], 9)
    top, left = np.rint(corners[0]).astype(int)
    low, high = (float(limit) for limit in layer.contrast_limits)
    part = fine[top : top + height, left : left + width]
    np.testing.assert_array_equal(result.data, colorize(part, window=(low, high)).rgb)
