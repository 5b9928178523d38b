"""Data that cannot teach colour are refused before any time is spent, with a sentence."""

import cv2
import numpy as np
import pytest

pytest.importorskip("lightning")

from napari_colorize.files.pictures import find_pictures
from napari_colorize.ops.bins import bin_centres
from napari_colorize.training.recipe import Recipe
from napari_colorize.training.run import _chosen
from napari_colorize.training.survey import look_at

RECIPE = Recipe("test", crop=32, batch=4, workers=0)


def chosen(folder, **changes):
    from dataclasses import replace

    return _chosen(find_pictures([folder]), replace(RECIPE, **changes))


def test_too_few_pictures_are_refused(folder):
    for path in sorted(folder.rglob("*.png"))[5:]:
        path.unlink()
    with pytest.raises(ValueError, match="too few to learn colour from; at least 22"):
        chosen(folder)


def test_pictures_that_are_all_grey_are_refused(folder):
    for path in folder.rglob("*.png"):
        cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
    with pytest.raises(ValueError, match="27 pictures looked at are grey"):
        chosen(folder)


def test_too_little_colour_is_refused(folder):
    for path in sorted(folder.rglob("*.png"))[10:]:
        cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
    with pytest.raises(ValueError, match=r"Only .* have colour; at least 20"):
        chosen(folder)


def test_some_damaged_pictures_are_left_out_and_counted(folder):
    (folder / "005.png").write_bytes(b"damaged")
    training, holdout, _, damaged = chosen(folder)
    assert damaged == ["005.png"]
    assert len(training) + len(holdout) == 29


def test_many_damaged_pictures_are_refused_by_name(folder):
    for number in range(8):
        (folder / f"{number:03d}.png").write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"pictures cannot be read \(.*\d\d\d\.png.*Copy them"):
        chosen(folder)


def test_fewer_pictures_than_a_batch_are_refused(folder):
    with pytest.raises(ValueError, match=r"do not fill one batch of 64\. Set batch to"):
        chosen(folder, batch=64)


def test_the_prior_is_the_share_of_each_colour(tmp_path):
    """Three pictures of one colour, one of another: their bins hold ¾ and ¼."""
    from skimage.color import rgb2lab

    colours = [(200, 60, 60)] * 3 + [(60, 60, 200)]
    for number, colour in enumerate(colours):
        picture = np.broadcast_to(np.array(colour[::-1], np.uint8), (40, 50, 3))
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture)
    prior = look_at(find_pictures([tmp_path]), 32).prior
    for colour, share in ((colours[0], 0.75), (colours[3], 0.25)):
        ab = rgb2lab(np.array([[colour]], np.uint8))[0, 0, 1:]
        nearest = np.square(bin_centres() - ab).sum(1).argmin()
        assert prior[nearest] == pytest.approx(share)
