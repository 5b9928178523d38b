"""Contact sheets show the same pictures every time, and the subject's worst apart."""

import random

import numpy as np
import pytest
from PIL import Image

from napari_colorize.evaluation import sheets
from napari_colorize.evaluation.methods import GradedMethod
from napari_colorize.evaluation.runner import Grading, grade
from napari_colorize.evaluation.scoring import Coloured
from napari_colorize.evaluation.sheets import fixed_choice, worst_first, write_sheets
from napari_colorize.evaluation.summary import summarise

NAMES = [f"{number:04d}.jpg" for number in range(500)]


def test_the_choice_depends_on_the_names_alone():
    shuffled = random.Random(0).sample(NAMES, len(NAMES))
    chosen = fixed_choice(NAMES, 48)
    assert fixed_choice(shuffled, 48) == chosen
    assert len(set(chosen)) == 48
    assert chosen == sorted(chosen)


def test_what_was_chosen_stays_when_other_pictures_go():
    chosen = fixed_choice(NAMES, 48)
    rest = [name for name in NAMES if name not in chosen]
    assert fixed_choice([*chosen, *rest[::2]], 48) == chosen


def test_the_choice_is_spread_and_takes_what_there_is():
    assert min(NAMES.index(name) for name in fixed_choice(NAMES, 48)) < 100
    assert max(NAMES.index(name) for name in fixed_choice(NAMES, 48)) > 400
    assert fixed_choice(["b", "a"], 48) == ["a", "b"]


@pytest.fixture
def few_of_scikit_image(monkeypatch):
    monkeypatch.setattr(sheets, "IN_COLOUR", ("cat",))
    monkeypatch.setattr(sheets, "GREY", ("coins",))


class Painter:
    """Paints everything in one colour and remembers what it was shown."""

    def __init__(self, colour):
        self.colour, self.shown = colour, []

    def __call__(self, grey):
        self.shown.append(grey.shape)
        return Coloured(np.broadcast_to(np.uint8(self.colour), (*grey.shape, 3)))


def holds(path, colour):
    return bool((np.asarray(Image.open(path)) == colour).all(2).any())


def test_every_method_stands_on_every_sheet(folder, tmp_path, few_of_scikit_image):
    red, blue = Painter((200, 20, 20)), Painter((20, 20, 200))
    methods = [GradedMethod("red", red), GradedMethod("blue", blue)]
    grading = Grading(methods, [folder])
    scores = summarise(grading, grade(grading, tmp_path))
    written = write_sheets(tmp_path, methods, [folder], 4, scores=scores)
    names = [path.name for path in written]
    assert names == ["sheet-1.png", "sheet-worst.png", "sheet-scikit-image.png"]
    for path in written:
        assert holds(path, red.colour)
        assert holds(path, blue.colour)


def test_a_picture_on_two_sheets_is_coloured_once(folder, tmp_path, few_of_scikit_image):
    painter = Painter((200, 20, 20))
    methods = [GradedMethod("red", painter)]
    grading = Grading(methods, [folder])
    scores = summarise(grading, grade(grading, tmp_path))
    painter.shown.clear()
    write_sheets(tmp_path, methods, [folder], 6, scores=scores)
    assert len(painter.shown) == 6 + 2


def test_many_pictures_fill_several_sheets(folder, tmp_path, few_of_scikit_image, monkeypatch):
    monkeypatch.setattr(sheets, "ON_A_SHEET", 4)
    methods = [GradedMethod("red", Painter((200, 20, 20)))]
    written = write_sheets(tmp_path, methods, [folder], 6)
    assert [p.name for p in written] == ["sheet-1.png", "sheet-2.png", "sheet-scikit-image.png"]


def test_the_worst_come_first(tar, tmp_path, colourer, photographs):
    def colour(grey):
        coloured = colourer(grey)
        spoilt = grey.shape == photographs["cat-left.png"].shape[:2]
        return Coloured(255 - coloured.rgb) if spoilt else coloured

    grading = Grading([GradedMethod("mine", colour)], [tar])
    scores = summarise(grading, grade(grading, tmp_path))
    listed = worst_first(scores)
    errors = [error for _, error in listed]
    assert len(listed) == len(photographs)
    assert errors == sorted(errors, reverse=True)
    assert "left" in listed[0][0]
    best_first = [name for name, _ in worst_first(scores, by="psnr")][::-1]
    assert set(best_first) == set(photographs)


def test_pictures_of_scikit_image_are_grey_at_equal_lightness():
    shown = {name: (grey, truth) for name, grey, truth in sheets.pictures_of_scikit_image()}
    assert len(shown) == len(sheets.IN_COLOUR) + len(sheets.GREY)
    grey, truth = shown["cat"]
    assert truth.shape == (*grey.shape, 3)
    assert shown["camera (a grey original)"][1] is None
