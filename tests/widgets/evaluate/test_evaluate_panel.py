"""The panel *Evaluate*: scores, the map and its place, and what may go wrong meanwhile."""

from threading import Event

import numpy as np
import pytest
from qtpy.QtGui import QGuiApplication

from napari_colorize.evaluation import comparison as library
from napari_colorize.evaluation.comparison import compare
from napari_colorize.widgets.evaluate.job import ERROR_KEY
from napari_colorize.widgets.evaluate.panel import EvaluatePanel


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    """A coloured picture and its truth."""
    truth = np.random.default_rng(0).integers(0, 256, (30, 26, 3), dtype=np.uint8)
    return np.roll(truth, 1, axis=-1), truth


@pytest.fixture
def make(qtbot, viewer):
    """Return a function that opens the panel beside the viewer."""

    def make_panel() -> EvaluatePanel:
        panel = EvaluatePanel(viewer)
        qtbot.addWidget(panel)
        return panel

    return make_panel


@pytest.fixture
def wait(qtbot):
    """Return a function that waits until a panel is idle."""
    return lambda panel: qtbot.waitUntil(lambda: not panel.task.busy, timeout=30_000)


@pytest.fixture
def gate(monkeypatch):
    """Hold every comparison until the gate is open."""
    held, entered = Event(), Event()
    real = library.compare_planes

    def slow(*args, **kwargs):
        entered.set()
        assert held.wait(20), "the test forgot to open the gate"
        return real(*args, **kwargs)

    monkeypatch.setattr(library, "compare_planes", slow)
    held.entered = entered
    yield held
    held.set()


def add_pair(viewer, pair, **place) -> list:
    coloured, truth = pair
    first = viewer.add_image(truth, rgb=True, name="photograph", **place)
    predicted = {"napari_colorize": {"method": "colorful"}}
    second = viewer.add_image(coloured, rgb=True, name="guess", metadata=predicted, **place)
    return [second, first]


def table(panel) -> dict[str, str]:
    widget = panel.ui.table
    texts = [[widget.item(row, n).text() for n in (0, 1)] for row in range(widget.rowCount())]
    return dict(texts)


class TestChoice:
    def test_is_a_predicted_layer_against_a_photograph(self, viewer, make, pair):
        coloured, truth = add_pair(viewer, pair)
        viewer.add_image(pair[0][..., 0], name="grey")
        panel = make()

        assert panel.ui.coloured.layer is coloured
        assert panel.ui.truth.layer is truth
        assert [panel.ui.coloured.itemText(i) for i in range(panel.ui.coloured.count())] == [
            "photograph",
            "guess",
        ]

    def test_is_made_as_soon_as_there_is_a_pair(self, viewer, make, pair):
        panel = make()
        assert not panel.ui.run.isEnabled()
        coloured, truth = add_pair(viewer, pair)

        assert (panel.ui.coloured.layer, panel.ui.truth.layer) == (coloured, truth)
        assert panel.ui.run.isEnabled()
        viewer.layers.remove(truth)
        assert not panel.ui.run.isEnabled()


class TestScores:
    def test_are_those_of_compare(self, viewer, make, wait, pair):
        add_pair(viewer, pair)
        panel = make()
        panel.ui.run.click()
        wait(panel)
        expected = compare(*pair)

        assert panel.comparison.scores == expected.scores
        assert table(panel) == {row[0]: row[1] for row in expected.rows()}

    def test_can_be_pasted_into_a_spreadsheet(self, viewer, make, wait, pair):
        add_pair(viewer, pair)
        panel = make()
        assert not panel.ui.copy.isEnabled()
        panel.run()
        wait(panel)
        panel.ui.copy.click()
        lines = QGuiApplication.clipboard().text().splitlines()

        assert lines[0] == "Score\tValue\tUnit\tBetter"
        assert lines[1] == f"PSNR\t{panel.comparison.scores['psnr']:.2f}\tdB\thigher"
        assert len(lines) == 1 + len(panel.comparison.scores)


class TestErrorMap:
    def test_lies_over_the_coloured_layer(self, viewer, make, wait, pair):
        place = {"scale": (0.3, 0.2), "translate": (7, 5), "units": ("um", "um"), "rotate": 20}
        coloured, _ = add_pair(viewer, pair, **place)
        panel = make()
        panel.run()
        wait(panel)
        error = viewer.layers[-1]

        np.testing.assert_array_equal(error.data, compare(*pair).errors[0])
        assert not error.rgb
        np.testing.assert_allclose(error.data_to_world((3, 4)), coloured.data_to_world((3, 4)))
        assert error.units == coloured.units
        assert error.name == "guess (colour error against photograph)"
        assert error.metadata[ERROR_KEY]["unit"] == "Lab"
        assert tuple(error.contrast_limits) == (0, 50), "the same for every method"

    def test_is_only_made_where_it_is_wanted(self, viewer, make, wait, pair):
        add_pair(viewer, pair)
        panel = make()
        panel.ui.error_map.setChecked(False)
        panel.run()
        wait(panel)

        assert len(viewer.layers) == 2
        assert panel.comparison is not None

    def test_of_a_slice_lies_in_its_slice(self, viewer, make, wait, pair):
        stacks = [np.stack([picture] * 4) for picture in pair]
        stacks[0][2] = 255 - stacks[0][2]
        coloured, _ = add_pair(viewer, stacks, scale=(5, 1, 1))
        viewer.dims.set_current_step(0, 2)
        panel = make()
        panel.run()
        wait(panel)
        error = viewer.layers[-1]

        assert error.data.shape == (1, 30, 26)
        np.testing.assert_array_equal(error.data[0], compare(stacks[0][2], stacks[1][2]).errors[0])
        np.testing.assert_allclose(
            error.data_to_world((0, 1, 2)), coloured.data_to_world((2, 1, 2))
        )

    def test_of_all_planes_has_the_stack_s_shape(self, viewer, make, wait, pair):
        stacks = [np.stack([picture, picture[::-1], 255 - picture]) for picture in pair]
        stacks[0][1] = 128
        add_pair(viewer, stacks, scale=(5, 1, 1))
        panel = make()
        panel.ui.planes.setCurrentIndex(1)
        panel.run()
        wait(panel)
        expected = compare(*stacks)

        np.testing.assert_array_equal(viewer.layers[-1].data, expected.errors)
        assert panel.comparison.scores == expected.scores

    def test_of_a_pyramid_takes_the_level_of_the_same_size(self, viewer, make, wait, pair):
        coloured, truth = pair
        big = truth.repeat(2, axis=0).repeat(2, axis=1)
        viewer.add_image([big, truth], multiscale=True, rgb=True, name="photograph")
        guess = viewer.add_image(
            coloured, rgb=True, name="guess", scale=(2, 2), translate=(0.5, 0.5)
        )
        panel = make()
        panel.choose(guess, viewer.layers["photograph"])
        panel.run()
        wait(panel)

        assert panel.comparison.scores == compare(coloured, truth).scores
        assert "do not lie over each other" not in panel.ui.status.text()


class TestSentences:
    def test_of_different_sizes(self, viewer, make, pair):
        add_pair(viewer, (pair[0][2:], pair[1]))
        panel = make()
        panel.run()

        assert "'guess' shows 28 × 26 pixels and 'photograph' 30 × 26" in panel.ui.status.text()
        assert not panel.task.busy

    def test_of_one_layer_twice(self, viewer, make, pair):
        _, truth = add_pair(viewer, pair)
        panel = make()
        panel.choose(truth, truth)
        panel.run()

        assert "choose another one as ground truth" in panel.ui.status.text()

    def test_of_stacks_of_different_shapes(self, viewer, make, pair):
        add_pair(viewer, (np.stack([pair[0]] * 3), np.stack([pair[1]] * 2)))
        panel = make()
        panel.ui.planes.setCurrentIndex(1)
        panel.run()

        assert "Compare the current slice instead" in panel.ui.status.text()

    def test_of_values_that_are_no_colours(self, viewer, make, wait, pair):
        coloured, truth = pair
        add_pair(viewer, (coloured.astype(np.float32) / 100, truth))
        panel = make()
        panel.run()
        wait(panel)

        assert "float pictures go from 0 to 1" in panel.ui.status.text()

    def test_of_layers_that_lie_apart(self, viewer, make, wait, pair):
        coloured, _ = add_pair(viewer, pair)
        coloured.scale = (2, 2)
        panel = make()
        panel.run()
        wait(panel)

        assert "do not lie over each other" in panel.ui.status.text()
        np.testing.assert_allclose(viewer.layers[-1].scale, (2, 2))

    def test_of_an_empty_viewer(self, make):
        panel = make()
        panel.run()

        assert "colour an image first" in panel.ui.status.text()


class TestMeanwhile:
    def test_cancelling_adds_nothing(self, viewer, make, pair, gate, qtbot):
        add_pair(viewer, pair)
        panel = make()
        panel.run()
        assert gate.entered.wait(10)
        assert panel.ui.progress.maximum() == 0, "a single plane has no share to show"
        panel.ui.cancel.click()
        qtbot.waitUntil(lambda: not panel.task.busy, timeout=1000)

        assert panel.ui.status.text() == "Cancelled; nothing was added."
        assert len(viewer.layers) == 2
        assert panel.ui.run.isEnabled()

    @pytest.mark.parametrize("number", [0, 1])
    def test_a_layer_that_is_removed_stops_it(self, viewer, make, pair, gate, qtbot, number):
        layers = add_pair(viewer, pair)
        panel = make()
        panel.run()
        assert gate.entered.wait(10)
        name = layers[number].name
        viewer.layers.remove(layers[number])
        qtbot.waitUntil(lambda: not panel.task.busy, timeout=1000)

        assert panel.ui.status.text() == f"Stopped, because layer '{name}' was removed."
        assert len(viewer.layers) == 1

    def test_a_second_run_waits_its_turn(self, viewer, make, wait, pair, gate):
        add_pair(viewer, pair)
        panel = make()
        panel.run()
        panel.run()
        gate.set()
        wait(panel)

        assert len(viewer.layers) == 3, "one map"

    def test_the_end_of_the_panel_is_the_end_of_the_work(self, viewer, make, pair, gate, qtbot):
        add_pair(viewer, pair)
        panel = make()
        panel.run()
        assert gate.entered.wait(10)
        stop = panel.task._stop
        panel.deleteLater()
        qtbot.waitUntil(stop.is_set, timeout=5000)
        gate.set()
        qtbot.wait(100)

        assert len(viewer.layers) == 2
