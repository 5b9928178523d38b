"""What a run leaves as it was: labels and other layers, and the memory of the device."""

import numpy as np
import pytest

from napari_colorize.pipeline import memory
from napari_colorize.widgets.shared import executor as _executor


def test_labels_are_never_touched_nor_coloured(viewer, model, make_panel, finish, grey):
    labels = viewer.add_labels((grey > 99).astype(np.int32), name="cells")
    points = viewer.add_points(np.ones((3, 2)))
    image = viewer.add_image(grey, name="cells")
    before = labels.data.copy()
    panel = make_panel(viewer)
    panel.choose(image)
    panel.ui.clipped.setChecked(True)
    viewer.layers.selection = {labels}
    panel.run()
    finish(panel)

    np.testing.assert_array_equal(labels.data, before)
    assert labels.data.dtype == np.int32
    assert labels.name == "cells"
    assert "napari_colorize" not in labels.metadata
    np.testing.assert_array_equal(points.data, np.ones((3, 2)))
    assert list(viewer.layers)[:2] == [labels, points]
    assert len(viewer.layers) == 5


def test_labels_alone_cannot_be_coloured(viewer, model, make_panel, grey):
    viewer.add_labels(grey.astype(int))
    panel = make_panel(viewer)
    panel.run()

    assert not panel.task.busy
    assert model.calls == 0
    assert len(viewer.layers) == 1


@pytest.mark.parametrize("fails", [False, True])
def test_the_device_s_memory_is_released_after_every_piece_of_work(monkeypatch, fails):
    released = []
    monkeypatch.setattr(memory, "release", lambda: released.append(1))

    def work():
        assert not released
        return 1 / (not fails)

    future = _executor.submit(work)
    assert (future.exception(timeout=20) is not None) == fails
    assert released == [1]
