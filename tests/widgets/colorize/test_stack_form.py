"""The rows of a stack: shown where there is one, quick to say what is wrong, kept for a layer."""

import numpy as np
import pytest

from napari_colorize.sequences.parameters import StackParameters
from napari_colorize.widgets.colorize.hold import NOTHING_HELD, Hold


@pytest.fixture
def panel(viewer, make_panel):
    return make_panel(viewer)


@pytest.fixture
def stack(viewer):
    return viewer.add_image(np.zeros((3, 5, 20, 30), np.uint8), name="stack")


def type_axes(panel, text):
    panel.ui.stack.axes.setText(text)
    panel.ui.stack.axes.textEdited.emit(text)


def all_planes(panel):
    panel.ui.planes.setCurrentIndex(panel.ui.planes.findData(True))


def rows_hidden(panel):
    rows = (panel.ui.stack.named, panel.ui.stack.along, panel.ui.stack.consistency.native)
    return [row.isHidden() for row in rows]


class TestRows:
    def test_are_there_only_for_all_planes(self, stack, panel):
        assert all(rows_hidden(panel))
        all_planes(panel)
        assert not any(rows_hidden(panel))
        panel.ui.planes.setCurrentIndex(0)
        assert all(rows_hidden(panel))

    def test_go_with_the_stack(self, viewer, stack, panel):
        all_planes(panel)
        panel.choose(viewer.add_image(np.zeros((9, 9))))

        assert all(rows_hidden(panel))
        assert panel.ui.hold is None

    def test_of_a_pyramid_of_one_picture_are_not_needed(self, viewer, panel):
        levels = [np.zeros((64, 64)), np.zeros((32, 32))]
        panel.choose(viewer.add_image(levels, multiscale=True))
        all_planes(panel)

        assert panel.ui.planes.currentText() == "All 2 levels, when looked at"
        assert all(rows_hidden(panel))
        assert panel.ui.hold == Hold()


class TestHold:
    def test_is_the_first_axis_behind_the_screen_with_the_library_s_strength(self, stack, panel):
        all_planes(panel)
        type_axes(panel, "tzyx")

        consistency = StackParameters().consistency
        assert panel.ui.hold == Hold(along=0, consistency=consistency, axes="tzyx")

    def test_is_what_was_chosen(self, stack, panel):
        all_planes(panel)
        panel.ui.stack.along.setCurrentIndex(panel.ui.stack.along.findData(1))
        panel.ui.stack.consistency.slider.setValue(0.25)
        assert panel.ui.hold == Hold(along=1, consistency=0.25)

        panel.ui.stack.along.setCurrentIndex(panel.ui.stack.along.count() - 1)
        assert panel.ui.stack.along.currentText() == NOTHING_HELD
        assert panel.ui.hold.along is None
        assert not panel.ui.stack.consistency.enabled

    def test_leaves_channels_out(self, stack, panel):
        all_planes(panel)
        type_axes(panel, "czyx")

        assert panel.ui.hold == Hold(along=1, channel=0, axes="czyx")

    def test_follows_the_view(self, viewer, stack, panel):
        all_planes(panel)
        viewer.dims.order = (2, 0, 1, 3)  # z and x on screen

        assert [panel.ui.stack.along.itemData(row) for row in range(3)] == [0, 2, None]

    def test_takes_the_labels_of_the_layer(self, viewer, panel):
        labels = ("time", "channel", "y", "x")
        panel.choose(viewer.add_image(np.zeros((4, 2, 8, 8)), axis_labels=labels))
        all_planes(panel)

        assert panel.ui.stack.axes.text() == "tcyx"
        assert panel.ui.hold == Hold(along=0, channel=1, axes="tcyx")


class TestGuess:
    """Axes that neither the layer nor a person has named."""

    def test_of_a_z_stack_is_told_with_what_would_be_held(self, viewer, panel):
        panel.choose(viewer.add_image(np.zeros((24, 20, 30), np.uint8)))
        all_planes(panel)
        told = panel.ui.stack.guess

        assert not told.isHidden()
        assert "'zyx' is a guess" in told.text()
        assert "held along z (depth), 24 planes" in told.text()
        assert "Channels must be called c" in told.text()
        assert panel.ui.hold == Hold(along=0, axes="")

    @pytest.mark.parametrize("shape", [(2, 4, 20, 30), (3, 20, 30), (5, 20, 30)])
    def test_holds_nothing_along_an_axis_that_may_be_of_channels(self, viewer, panel, shape):
        panel.choose(viewer.add_image(np.zeros(shape, np.uint8), rgb=False))
        all_planes(panel)

        assert panel.ui.hold.along is None
        assert panel.ui.stack.along.currentText() == NOTHING_HELD
        assert "Each plane is coloured for itself" in panel.ui.stack.guess.text()

    def test_passes_over_a_short_axis_for_a_long_one(self, viewer, panel):
        panel.choose(viewer.add_image(np.zeros((2, 24, 20, 30), np.uint8)))
        all_planes(panel)

        assert panel.ui.hold.along == 1

    def test_of_five_axes_holds_nothing_before_somebody_has_named_them(self, viewer, panel):
        panel.choose(viewer.add_image(np.zeros((30, 12, 9, 20, 30), np.uint8)))
        all_planes(panel)
        assert panel.ui.hold.along is None

        type_axes(panel, "tzcyx")
        assert panel.ui.hold == Hold(along=0, channel=2, axes="tzcyx")
        assert panel.ui.stack.guess.isHidden()

    def test_becomes_knowledge_when_somebody_says_that_it_is_right(self, viewer, panel):
        layer = viewer.add_image(np.zeros((24, 20, 30), np.uint8))
        panel.choose(layer)
        all_planes(panel)
        panel.ui.stack.confirm()

        assert panel.ui.stack.guess.isHidden()
        assert panel.ui.hold == Hold(along=0, axes="zyx")
        panel.choose(viewer.add_image(np.zeros((24, 20, 30), np.uint8)))
        assert panel.ui.hold.axes == "", "it is said of one layer alone"
        panel.choose(layer)
        assert panel.ui.hold.axes == "zyx"

    def test_is_none_where_the_layer_names_its_axes(self, viewer, panel):
        labels = ("time", "y", "x")
        panel.choose(viewer.add_image(np.zeros((3, 20, 30)), axis_labels=labels, rgb=False))
        all_planes(panel)

        assert panel.ui.stack.guess.isHidden()
        assert panel.ui.hold == Hold(along=0, axes="tyx")


class TestValidation:
    def test_says_at_once_what_is_wrong_and_stops_the_run(self, stack, panel):
        all_planes(panel)
        type_axes(panel, "tzy")

        assert "4 axes, and 3 are named" in panel.ui.stack.problem.text()
        assert not panel.ui.stack.problem.isHidden()
        assert not panel.ui.run.isEnabled()
        assert not panel.ui.stack.along.isEnabled()

    def test_is_content_as_soon_as_it_is_right(self, stack, panel):
        all_planes(panel)
        type_axes(panel, "tzy")
        type_axes(panel, "tzyx")

        assert panel.ui.stack.problem.isHidden()
        assert panel.ui.run.isEnabled()

    def test_does_not_hold_up_a_single_plane(self, stack, panel):
        all_planes(panel)
        type_axes(panel, "??")
        panel.ui.planes.setCurrentIndex(0)

        assert panel.ui.run.isEnabled()

    def test_is_told_again_by_a_run_from_elsewhere(self, stack, panel, model, monkeypatch):
        shown: list[str] = []
        monkeypatch.setattr("napari.utils.notifications.show_error", shown.append)
        all_planes(panel)
        type_axes(panel, "tzzx")
        panel.run()

        assert "'z' is there twice" in shown[0]
        assert model.calls == 0


def test_each_layer_keeps_what_was_chosen_for_it(viewer, stack, panel):
    all_planes(panel)
    type_axes(panel, "czyx")
    panel.ui.stack.along.setCurrentIndex(panel.ui.stack.along.count() - 1)
    chosen = panel.ui.hold
    other = viewer.add_image(np.zeros((7, 20, 30), np.uint8))
    panel.choose(other)
    assert panel.ui.hold == Hold(along=0)
    panel.choose(stack)

    assert panel.ui.hold == chosen == Hold(along=None, channel=0, axes="czyx")


def test_reset_goes_back_to_the_library_s_strength(stack, panel):
    type_axes(panel, "tzyx")
    panel.ui.stack.consistency.slider.setValue(1)
    panel.ui.stack.consistency.reset_button.click()

    assert panel.ui.stack.hold.consistency == StackParameters().consistency
