"""Looking ahead of the slider in lazy layers: what is coloured when, and that it ends."""

import dask.array as da
import numpy as np
import pytest

from napari_colorize import colorize_stack
from napari_colorize.widgets.layers.look_ahead import is_lazy_result, planes_ahead
from napari_colorize.widgets.layers.planes import Plane
from napari_colorize.widgets.shared import executor as _executor


def at(number):
    return Plane((1, 2), ((0, number),))


def numbers(planes):
    return [dict(plane.at)[0] for plane in planes]


class TestPlanesAhead:
    @pytest.mark.parametrize(
        ("now", "before", "expected"),
        [
            (5, None, [6, 4]),
            (5, 5, [6, 4]),
            (5, 4, [6, 7]),
            (5, 6, [4, 3]),
            (5, 0, [6, 4]),
            (9, 8, []),
            (8, 7, [9]),
            (0, None, [1]),
        ],
    )
    def test_lie_where_the_slider_goes_or_around_it(self, now, before, expected):
        last = None if before is None else at(before)
        assert numbers(planes_ahead(at(now), last, (10, 4, 4))) == expected

    def test_lie_along_the_axis_that_was_moved(self):
        shape, shown = (5, 7, 4, 4), (2, 3)
        before, now = Plane(shown, ((0, 1), (1, 2))), Plane(shown, ((0, 1), (1, 3)))
        coming = planes_ahead(now, before, shape)

        assert [dict(plane.at) for plane in coming] == [{0: 1, 1: 4}, {0: 1, 1: 5}]

    def test_of_a_single_picture_there_are_none(self):
        assert planes_ahead(Plane((0, 1)), None, (4, 4)) == []

    def test_forget_the_way_when_the_stack_is_turned(self):
        turned = Plane((0, 2), ((1, 3),))
        assert [dict(p.at) for p in planes_ahead(turned, at(5), (10, 9, 4))] == [{1: 4}, {1: 2}]


@pytest.fixture
def stack():
    return np.random.default_rng(0).integers(0, 255, (30, 40, 40), dtype=np.uint8)


@pytest.fixture
def settled(qtbot):
    """Return a function that waits until nothing is awaited or under way."""

    def wait(panel):
        qtbot.waitUntil(lambda: not panel.ahead.waiting, timeout=20_000)
        _executor.submit(int).result(timeout=20)

    return wait


@pytest.fixture
def lazy(viewer, model, make_panel, finish, stack, settled):
    """Return a panel and its lazy layer, plane 10 on screen, neighbours ready."""
    data = da.from_array(stack, chunks=(1, 40, 40))
    viewer.add_image(data, name="stack", contrast_limits=(0, 255))
    viewer.dims.set_current_step(0, 10)
    panel = make_panel(viewer)
    panel.ui.planes.setCurrentIndex(panel.ui.planes.findData(True))
    panel.ui.stack.consistency.slider.setValue(0.25)
    panel.run()
    finish(panel)
    settled(panel)
    return panel, viewer.layers[-1]


class TestLazyLayers:
    def test_have_their_next_planes_ready(self, viewer, model, lazy, settled):
        panel, _ = lazy
        before = model.calls
        for plane in (11, 12, 13):
            viewer.dims.set_current_step(0, plane)
            assert model.calls == before, f"plane {plane} was predicted when it was looked at"
            settled(panel)
            assert model.calls > before
            before = model.calls

    def test_show_and_give_the_pixels_of_the_stack(self, viewer, model, lazy, settled, stack):
        panel, layer = lazy
        expected = colorize_stack(stack, window=(0, 255), consistency=0.25).rgb
        for plane in (11, 12, 25, 24, 0, 1):
            viewer.dims.set_current_step(0, plane)
            settled(panel)
            np.testing.assert_array_equal(layer._slice.image.raw, expected[plane])
        np.testing.assert_array_equal(np.asarray(layer.data), expected)

    def test_are_not_worked_on_once_they_are_gone(self, viewer, model, lazy, settled):
        panel, layer = lazy
        viewer.layers.remove(layer)
        before = model.calls
        viewer.dims.set_current_step(0, 20)
        settled(panel)
        assert model.calls == before

    def test_are_left_alone_while_they_are_hidden(self, viewer, model, lazy, settled):
        panel, layer = lazy
        layer.visible = False
        before = model.calls
        viewer.dims.set_current_step(0, 20)
        settled(panel)
        assert model.calls == before

    def test_are_left_alone_when_the_slider_has_left_them(self, viewer, model, lazy, settled):
        panel, _ = lazy
        viewer.add_image(np.zeros((60, 4, 4), np.uint8))
        before = model.calls
        viewer.dims.set_current_step(0, 50)
        settled(panel)
        assert model.calls == before

    def test_wait_for_a_run(self, viewer, model, lazy, settled, finish):
        panel, _ = lazy
        panel.ui.planes.setCurrentIndex(0)
        model.gate.clear()
        panel.run()
        viewer.layers[-1].visible = False
        viewer.dims.set_current_step(0, 20)
        assert not panel.ahead.waiting
        model.gate.set()
        finish(panel)
        assert panel.ahead.waiting

    def test_end_with_the_panel(self, viewer, model, lazy, settled):
        panel, layer = lazy
        panel.leave()
        layer.visible = False
        before = model.calls
        layer.visible = True
        viewer.dims.set_current_step(0, 11)
        settled(panel)
        assert model.calls == before, "plane 11 was there, and 12 and 13 are not asked for"

    def test_are_taken_on_by_a_panel_that_is_opened_later(
        self, viewer, model, lazy, settled, make_panel
    ):
        panel, _ = lazy
        panel.leave()
        other = make_panel(viewer)
        viewer.dims.set_current_step(0, 11)
        before = model.calls
        settled(other)
        assert model.calls > before

    def test_that_cannot_be_read_there_say_so_only_when_looked_at(
        self, viewer, model, make_panel, finish, settled
    ):
        def block(block_info=None):
            number = block_info[None]["chunk-location"][0]
            if number > 4:
                raise OSError("this part of the disk is gone")
            return np.full((1, 40, 40), 10 * number, np.uint8)

        data = da.map_blocks(
            block,
            chunks=((1,) * 8, (40,), (40,)),
            dtype=np.uint8,
            meta=np.empty((0,) * 3, np.uint8),
        )
        viewer.add_image(data, contrast_limits=(0, 255))
        viewer.dims.set_current_step(0, 4)
        panel = make_panel(viewer)
        panel.ui.planes.setCurrentIndex(1)
        panel.ui.stack.consistency.slider.setValue(0)
        panel.run()
        finish(panel)
        settled(panel)
        with pytest.raises(OSError, match="disk is gone"):
            viewer.dims.set_current_step(0, 5)

    def test_of_a_pyramid_are_ready_at_the_level_on_screen(
        self, viewer, model, make_panel, finish, settled, stack
    ):
        levels = [
            da.from_array(level, chunks=(1, *level.shape[1:]))
            for level in (stack, stack[:, ::2, ::2])
        ]
        viewer.add_image(levels, multiscale=True, contrast_limits=(0, 255))
        viewer.dims.set_current_step(0, 10)
        panel = make_panel(viewer)
        panel.ui.planes.setCurrentIndex(1)
        panel.run()
        finish(panel)
        settled(panel)
        before = model.calls
        viewer.dims.set_current_step(0, 11)
        assert model.calls == before


def test_what_counts_as_lazy(viewer, model, lazy):
    _, layer = lazy
    uncertainty = viewer.add_image(
        np.zeros((30, 40, 40)), metadata=dict(layer.metadata), name="a map"
    )
    assert is_lazy_result(layer)
    assert not is_lazy_result(uncertainty)
    assert not is_lazy_result(viewer.layers["stack"])


class TestOffer:
    """Asynchronous rendering is napari's setting and the user's: it is offered, never taken."""

    @pytest.fixture
    def settings(self, monkeypatch):
        from napari.settings import get_settings

        settings = get_settings()
        monkeypatch.setattr(type(settings), "save", lambda *_, **__: None)
        settings.experimental.async_ = False
        yield settings.experimental
        settings.experimental.async_ = False

    def test_is_made_once_a_layer_is_lazy(self, settings, lazy):
        panel, _ = lazy
        assert not panel.ui.background.isHidden()
        assert settings.async_ is False

    def test_is_taken_by_a_click(self, settings, lazy):
        panel, _ = lazy
        panel.ui.background.click()
        assert settings.async_ is True
        assert panel.ui.background.isHidden()
        assert "Preferences" in panel.ui.status.text()

    def test_is_not_made_where_it_is_on_or_nothing_is_lazy(
        self, settings, viewer, model, make_panel, finish, stack
    ):
        settings.async_ = True
        viewer.add_image(da.from_array(stack, chunks=(1, 40, 40)), contrast_limits=(0, 255))
        viewer.add_image(stack)
        for layer in list(viewer.layers):
            panel = make_panel(viewer)
            panel.choose(layer)
            panel.ui.planes.setCurrentIndex(1)
            panel.run()
            finish(panel)
            assert panel.ui.background.isHidden()
            settings.async_ = False
