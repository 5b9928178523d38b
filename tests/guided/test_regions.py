"""Regions: colours by value, soft edges, an area to keep to, the frame of a print."""

import numpy as np
import pytest
from scipy import ndimage

from napari_colorize.guided.hints import Hints
from napari_colorize.guided.regions import kept_within, softened, table_by


def test_labels_take_colours_by_word_number_and_map():
    assert table_by({3: "b", 1: "a", 2: "b"}, ["red", "blue"]) == {
        1: "#ff0000",
        2: "#0000ff",
        3: "#0000ff",
    }
    ramp = table_by({1: 5, 2: 15, 3: None, 4: float("nan")}, lambda x: np.stack([x, x, x], 1))
    assert ramp == {1: "#000000", 2: "#ffffff", 3: "neutral", 4: "neutral"}
    assert table_by({1: 7.0, 2: 7}, ["#112233", "#445566"]) == {1: "#112233", 2: "#112233"}
    with pytest.raises(ValueError, match="no label"):
        table_by({}, ["red"])
    with pytest.raises(ValueError, match="no colour"):
        table_by({1: 1}, ["reddish"])


def test_soft_edges_free_what_a_window_of_another_label_reaches():
    random = np.random.default_rng(1)
    labels = ndimage.zoom(random.integers(0, 5, (6, 7)), 8, order=0) * 70_000
    for pixels in (0, 1, 3):
        size = 2 * pixels + 1
        border = ndimage.maximum_filter(labels, size, mode="nearest") != ndimage.minimum_filter(
            labels, size, mode="nearest"
        )
        assert np.array_equal(softened(labels, pixels), np.where(border, 0, labels))
    small = np.zeros((9, 9), int)
    small[4, 4], small[:3] = 1, 2
    assert softened(small, 2)[4, 4] == 1  # it would vanish
    with pytest.raises(ValueError, match="0 to 100"):
        softened(small, 101)


def test_an_area_is_closed_and_the_rest_neutral():
    inside = np.zeros((20, 30), bool)
    inside[5:15, 8:20] = True
    inside[9:11, 20:30] = True
    labels, table = kept_within(np.full((20, 30), 4), {4: "#ff0000"}, inside)
    hints = Hints.from_labels(labels, table)
    drawn = hints.drawn((20, 30))
    around = ndimage.binary_dilation(inside, np.ones((3, 3))) & ~inside
    assert (labels[inside] == 4).all()
    assert {table[int(n)] for n in np.unique(labels[around])} == {"wall"}
    assert {table[int(n)] for n in np.unique(labels[~inside & ~around])} == {"neutral"}
    pieces, _ = ndimage.label(labels != labels[4, 8], np.ones((3, 3)))  # colour flows over corners
    assert not set(np.unique(pieces[inside])) & set(np.unique(pieces[~inside & ~around]))
    assert drawn.held.sum() == (~around).sum()
    with pytest.raises(ValueError, match="empty"):
        kept_within(labels, {}, np.zeros((20, 30), bool))
    with pytest.raises(ValueError, match="2 × 2"):
        kept_within(labels, {}, np.ones((2, 2), bool))
