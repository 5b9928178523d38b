"""Hints as a value and as a file: made, drawn, written, read, refused."""

import json

import numpy as np
import pytest
from skimage.color import rgb2lab

from napari_colorize.guided.hints import (
    AS_PREDICTED,
    BARRIER,
    FREE,
    HELD,
    LOCK,
    Hints,
    Point,
    Polygon,
    checked_colour,
)


def some() -> Hints:
    labels = np.zeros((40, 50), np.uint8)
    labels[5:9, 5:9], labels[20:], labels[12, :] = 1, 3, 4
    return Hints(
        labels=labels,
        colours={1: "red", 3: "wall", 4: "locked", 9: "as predicted"},
        points=[Point(2, 2, "navy", 2)],
        polygons=[Polygon(((10, 10), (10, 20), (18, 20)), "neutral")],
    )


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("#abc", "#aabbcc"),
        ("Crimson", "#dc143c"),
        ((1, 2, 255), "#0102ff"),
        (np.array([1, 2, 3], np.uint8), "#010203"),
        (" Wall ", "wall"),
    ],
)
def test_colours_are_kept_in_one_form(given, kept):
    assert checked_colour(given) == kept


@pytest.mark.parametrize("wrong", ["reddish", (1, 2), (1, 2, 256), (0.5, 0, 0), None, 7])
def test_what_is_no_colour_is_refused(wrong):
    with pytest.raises((TypeError, ValueError), match="is no colour; give '#rrggbb'"):
        checked_colour(wrong)


def test_hints_are_laid_over_a_picture():
    drawn = some().drawn((40, 50))
    assert drawn.state[0, 30] == FREE
    assert drawn.state[30, 30] == BARRIER
    assert drawn.state[12, 40] == LOCK
    held = {(6, 6): "red", (2, 4): "navy", (11, 19): "neutral"}
    lab = {
        "red": rgb2lab(np.array([[[1.0, 0, 0]]])),
        "navy": rgb2lab(np.array([[[0, 0, 128 / 255]]])),
    }
    for place, colour in held.items():
        assert drawn.state[place] == HELD
        true = lab[colour][0, 0, 1:] if colour in lab else (0, 0)
        assert drawn.chroma[drawn.index[place]] == pytest.approx(true, abs=0.05)
    # The disc of radius 2: 13 pixels.
    assert np.count_nonzero(drawn.state[:5, :5]) == 13
    assert (
        Hints(points=[Point(3.4, 3.4, "as predicted", 0)]).drawn((9, 9)).state[3, 3] == AS_PREDICTED
    )


def test_a_file_says_the_same_again(tmp_path):
    hints = some()
    path = hints.save(tmp_path / "cells.hints.json")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cells.hints.json", "cells.hints.png"]
    again = Hints.from_file(path)
    assert again == hints
    assert again.file == str(path)
    assert Hints.from_dict(json.loads(json.dumps(hints.to_dict()))) == hints
    with pytest.raises(FileExistsError, match=r"cells.hints.png exists"):
        hints.save(path)
    hints.save(path, overwrite=True)


def test_strokes_points_and_labels_make_hints():
    rgba = np.zeros((6, 7, 4), np.uint8)
    rgba[1, 1], rgba[2, 2], rgba[3, 3] = (255, 0, 0, 255), (0, 0, 255, 200), (9, 9, 9, 100)
    drawn = Hints.from_strokes(rgba).drawn((6, 7))
    assert np.argwhere(drawn.state == HELD).tolist() == [[1, 1], [2, 2]]
    one = Hints.from_points([[1, 2], [3, 4]], "red", radius=0)
    assert one == Hints.from_points(np.array([[1, 2], [3, 4]]), ["#f00", (255, 0, 0)], radius=0)
    assert np.argwhere(one.drawn((5, 5)).state).tolist() == [[1, 2], [3, 4]]


def test_the_legend_counts():
    assert some().legend == "colours of 3 scribbles and 1 outline and 1 point set by hand"
    assert not Hints()
    assert not Hints(labels=np.zeros((3, 3), int))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: some().drawn((40, 51)), "picture of 40 × 50 pixels, this one has 40 × 51"),
        (lambda: Hints(points=[Point(9, 50, "red")]).drawn((10, 50)), "lies at row 9, column 50"),
        (lambda: Hints(labels=np.ones((3, 3), int)), "labels without a colour: 1"),
        (lambda: Hints(labels=np.ones(3, int)), r"must be \(height, width\)"),
        (lambda: Hints(labels=-np.ones((3, 3), int), colours={}), "below 0"),
        (lambda: Hints(colours={0: "red"}), "labels are whole numbers from 1"),
        (lambda: Point(float("nan"), 0, "red"), "finite number of pixels"),
        (lambda: Polygon(((0, 0), (1, 1)), "red"), "needs three or more"),
        (lambda: Hints.from_points([[1, 2]], ["red", "blue"]), "1 points and 2 colours"),
        (lambda: Hints.of(3), "give napari_colorize.Hints or the path"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(make, said):
    with pytest.raises((TypeError, ValueError), match=said):
        make()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "no JSON file of hints"),
        ("[]", "no file of hints"),
        ('{"schema": "napari-colorize/hints/1", "labels": "../x.png"}', "in the same folder"),
        ('{"schema": "napari-colorize/hints/1", "labels": "x.png"}', "is missing"),
        (
            '{"schema": "napari-colorize/hints/1", "labels": "data:image/png;base64,AA"}',
            "cannot be",
        ),
        ('{"schema": "napari-colorize/hints/1", "points": [{"at": [1]}]}', "needs"),
        ('{"schema": "napari-colorize/hints/1", "points": 3}', "list of objects"),
        ('{"schema": "napari-colorize/hints/1", "colours": {"a": "red"}}', "whole numbers"),
        ('{"schema": "napari-colorize/hints/1", "polygon": []}', '"polygon" is unknown'),
    ],
)
def test_files_from_strangers_are_refused_in_a_sentence(tmp_path, text, said):
    path = tmp_path / "a.hints.json"
    path.write_text(text)
    with pytest.raises((ValueError, FileNotFoundError), match=said):
        Hints.from_file(path)
