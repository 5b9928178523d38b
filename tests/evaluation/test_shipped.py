"""The weights that ship pass through the whole evaluation, and their damage is noticed."""

import numpy as np
import pytest
from PIL import Image
from skimage import data

from napari_colorize import checkpoints
from napari_colorize.checkpoints import CheckpointError
from napari_colorize.evaluation.baselines import blind_scores, damaged
from napari_colorize.evaluation.methods import colorize_method, methods_of
from napari_colorize.evaluation.runner import Grading, grade
from napari_colorize.evaluation.summary import summarise


@pytest.fixture
def method():
    try:
        checkpoints.load(checkpoints.default_for("colorful").name, "cpu")
    except (CheckpointError, FileNotFoundError, ValueError) as error:
        pytest.skip(f"no weights here: {error}")
    return colorize_method("colorful")


@pytest.fixture
def photographs_of_skimage(tmp_path):
    folder = tmp_path / "photographs"
    folder.mkdir()
    sources = {"astronaut": data.astronaut(), "cat": data.chelsea(), "coffee": data.coffee()}
    for name, rgb in sources.items():
        Image.fromarray(np.ascontiguousarray(rgb[::2, ::2])).save(folder / f"{name}.png")
    return folder


def test_shipped_weights_are_graded_with_uncertainty_and_provenance(
    method, photographs_of_skimage, tmp_path
):
    grading = Grading([method], [photographs_of_skimage])
    scores = summarise(grading, grade(grading, tmp_path))["methods"][method.name]
    assert scores["settings"]["sha256"] == checkpoints.default_for("colorful").sha256
    assert {"uncertainty_spearman", "rejection_gain", "clipped"} <= set(scores["scores"])


def test_weights_that_are_named_alone_are_graded_by_their_own_method():
    assert [record.method for record in checkpoints.available()].count("deep")
    (method,) = methods_of((), ("deep",), ("radius=2",))
    assert method.name == "deep (checkpoint=deep, radius=2)"
    assert (method.settings["method"], method.settings["radius"]) == ("deep", 2)
    assert method.settings["sha256"] == checkpoints.default_for("deep").sha256


def test_weights_of_another_method_than_the_one_named_are_refused():
    (method,) = methods_of(("colorful",), ("deep",), ())
    with pytest.raises(ValueError, match="belong to the method 'deep'"):
        method.colour(np.zeros((40, 40), np.uint8))


@pytest.mark.slow
def test_damaged_shipped_weights_rank_below_the_sound_ones(
    method, photographs_of_skimage, tmp_path
):
    """Three pictures show misplaced and missing colour; `evaluate --damaged` does it on hundreds.

    A hue turned by 30 degrees and the share of exact hits (accuracy) need those hundreds.
    """
    grading = Grading([method, *damaged(method)], [photographs_of_skimage])
    summary = summarise(grading, grade(grading, tmp_path))
    values = {
        name: {key: estimate["value"] for key, estimate in one["scores"].items()}
        for name, one in summary["methods"].items()
    }
    blind = blind_scores(values, method.name)
    assert [claim for claim in blind if claim[1] != "hue" and claim[0] != "accuracy"] == []
