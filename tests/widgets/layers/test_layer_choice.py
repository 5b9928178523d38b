"""The layer box follows the viewer and keeps what was chosen."""

import numpy as np
import pytest

from napari_colorize.widgets.layers.choice import LayerChoice


@pytest.fixture
def choice(viewer, qtbot) -> LayerChoice:
    box = LayerChoice(viewer.layers)
    qtbot.addWidget(box)
    return box


def offered(choice: LayerChoice) -> list[str]:
    return [choice.itemText(row) for row in range(choice.count())]


def test_is_empty_without_images(viewer, choice):
    viewer.add_points(np.zeros((2, 2)))
    viewer.add_labels(np.zeros((5, 5), int))

    assert choice.layer is None
    assert offered(choice) == []


def test_offers_images_as_they_come_and_go(viewer, choice):
    first = viewer.add_image(np.zeros((5, 5)), name="first")
    second = viewer.add_image(np.zeros((5, 5)), name="second")
    assert offered(choice) == ["first", "second"]

    viewer.layers.remove(first)
    assert offered(choice) == ["second"]
    assert choice.layer is second


def test_starts_with_the_active_image(viewer, qtbot):
    chosen = viewer.add_image(np.zeros((5, 5)))
    viewer.add_image(np.zeros((5, 5)))
    viewer.layers.selection.active = chosen
    box = LayerChoice(viewer.layers)
    qtbot.addWidget(box)

    assert box.layer is chosen


def test_keeps_its_layer_when_others_move_around_it(viewer, choice):
    chosen = viewer.add_image(np.zeros((5, 5)), name="chosen")
    choice.choose(chosen)
    viewer.add_image(np.zeros((5, 5)), name="other")
    viewer.layers.reverse()

    assert choice.layer is chosen
    assert choice.currentText() == "chosen"


def test_tells_two_layers_of_one_name_apart(viewer, choice):
    first = viewer.add_image(np.zeros((5, 5)), name="same")
    second = viewer.add_image(np.zeros((5, 5)), name="same")
    choice.choose(first)
    assert choice.layer is first
    choice.choose(second)
    assert choice.layer is second


def test_announces_a_change_once(viewer, choice, qtbot):
    first = viewer.add_image(np.zeros((5, 5)))
    viewer.add_image(np.zeros((5, 5)))
    choice.choose(viewer.layers[1])
    told: list = []
    choice.layer_changed.connect(lambda: told.append(choice.layer))
    choice.choose(first)
    viewer.add_image(np.zeros((5, 5)))

    assert told == [first]
