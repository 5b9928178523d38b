"""Whole trainings of Deep Colorization: what they leave, what they refuse, how they stop."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from skimage import data

pytest.importorskip("sklearn")

import napari_colorize
from napari_colorize import checkpoints
from napari_colorize.api import Cancelled
from napari_colorize.training.deep import learning, run
from napari_colorize.training.deep.run import train_deep, train_on_arrays
from napari_colorize.training.deep.settings import DeepSettings

SHORT = DeepSettings(
    steps=4, batch=16, samples=3000, layers=2, pictures_a_cluster=8, threshold=-90.0
)


@pytest.fixture(autouse=True)
def _no_pretrained_weights(untrained_semantic, monkeypatch):
    monkeypatch.setattr(learning, "trained_semantic", untrained_semantic)


@pytest.fixture(scope="module")
def crops():
    """Return twenty-two small RGB pictures by name."""
    astronaut, coffee = data.astronaut(), data.coffee()
    found = {}
    for number in range(11):
        y = 30 * number
        found[f"astronaut {number}"] = np.ascontiguousarray(astronaut[y : y + 64, y : y + 80])
        found[f"coffee {number}"] = np.ascontiguousarray(coffee[y : y + 64, y : y + 80])
    return found


@pytest.fixture(scope="module")
def folder(crops, tmp_path_factory):
    where = tmp_path_factory.mktemp("references")
    for name, picture in crops.items():
        cv2.imwrite(str(where / f"{name}.png"), picture[..., ::-1])
    return where


@pytest.fixture(scope="module")
def finished(folder, untrained_semantic, tmp_path_factory):
    """Return the folder of a run and its weights."""
    out = tmp_path_factory.mktemp("runs") / "My stain"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(learning, "trained_semantic", untrained_semantic)
        weights = train_deep([folder], SHORT, out, licence="CC0")
    return out, weights


def test_the_checkpoint_colours_at_once(finished, crops):
    out, weights = finished
    assert weights == out / "checkpoint" / "my-stain.safetensors"
    grey = crops["coffee 3"][..., 1]
    result = napari_colorize.colorize(grey, method="deep", checkpoint=str(weights))
    assert result.rgb.shape == (64, 80, 3)
    again = napari_colorize.colorize(grey, method="deep", checkpoint=str(weights))
    assert np.array_equal(result.rgb, again.rgb)


def test_the_record_tells_the_tree(finished):
    _, weights = finished
    record = checkpoints.load(weights).record
    tree = record.recipe["tree"]
    assert [len(layer["clusters"]) for layer in tree] == [1, 2]  # 20 pictures, about 8 a cluster
    assert [layer["pictures"] for layer in tree] == [20, 20]
    assert all(layer["learnt"] == 0 for layer in tree)
    for layer in tree:
        assert sum(cluster["pictures"] for cluster in layer["clusters"]) == layer["pictures"]
        for cluster in layer["clusters"]:
            assert 0 < cluster["lowest_psnr"] <= cluster["median_psnr"] < 60
    assert record.options["clusters"] == 3
    assert record.defaults["network_size"] == 64
    assert record.data[0]["licence"] == "CC0"
    assert record.scores["pictures"].startswith("2 set aside")
    assert record.scores["psnr_of_grey"] > 5


def test_the_tree_is_drawn_with_pictures_of_every_cluster(finished):
    pytest.importorskip("matplotlib")
    out, _ = finished
    drawn = cv2.imread(str(out / "tree.png"))
    assert drawn is not None
    saturated = np.ptp(drawn.astype(int), axis=2) > 40
    assert saturated.mean() > 0.05  # photographs, not only lines
    assert not list(out.rglob("*.part"))


def test_the_description_says_what_was_done(finished):
    out, _ = finished
    told = json.loads((out / "run.json").read_text())
    assert (told["training_pictures"], told["holdout_pictures"]) == (20, 2)
    assert told["recipe"]["steps"] == 4
    assert told["sessions"]


def test_a_run_is_not_trained_over(finished, folder):
    out, weights = finished
    with pytest.raises(ValueError, match=r"holds a training already.*--resume"):
        train_deep([folder], SHORT, out)
    assert train_deep([folder], SHORT, out, resume=True) == weights
    with pytest.raises(ValueError, match="started with other settings"):
        train_deep([folder], replace(SHORT, steps=5), out, resume=True)


def test_a_stopped_run_goes_on_from_what_was_described_and_ends_the_same(
    finished, folder, tmp_path, monkeypatch
):
    _, weights = finished
    out = tmp_path / "My stain"

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(learning, "grow", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train_deep([folder], SHORT, out)
    assert not (out / "checkpoint").exists()
    monkeypatch.setattr(learning, "sample", lambda *_, **__: pytest.fail("described again"))
    again = train_deep([folder], SHORT, out, resume=True)
    assert again.read_bytes() == weights.read_bytes()
    assert not (out / "described.safetensors").exists()


def test_of_many_pictures_some_are_drawn(folder, tmp_path):
    few = replace(SHORT, most_pictures=5, include=("coffee*",), layers=1)
    weights = train_deep([folder], few, tmp_path / "few")
    recipe = checkpoints.load(weights).record.recipe
    assert recipe["training_pictures"] == 5
    assert recipe["include"] == ["coffee*"]


def test_one_layer_in_a_viewer_is_enough(crops, tmp_path):
    told = []
    weights = train_on_arrays(
        {"cells": crops["coffee 2"]},
        "one",
        settings=SHORT,
        directory=tmp_path,
        progress=lambda share, stage: told.append((share, stage)),
    )
    record = checkpoints.load(weights).record
    assert record.options["clusters"] == 1
    assert record.data == ({"name": "cells", "licence": "not stated"},)
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert told[-1] == (1.0, "done")
    grey = crops["coffee 2"][..., 0]
    result = napari_colorize.colorize(grey, method="deep", checkpoint=str(weights))
    assert (result.uncertainty == 1).all()  # one network: nobody to disagree


def test_it_stops_when_told_to_and_leaves_nothing(crops, tmp_path):
    asked = []

    def should_stop():
        asked.append(None)
        return len(asked) > 12

    with pytest.raises(Cancelled, match="nothing was written"):
        train_on_arrays(crops, "mine", settings=SHORT, directory=tmp_path, should_stop=should_stop)
    assert not list(tmp_path.iterdir())


def test_disagreement_that_is_usual_is_an_uncertainty_of_one_half(finished, crops):
    _, weights = finished
    graph = checkpoints.load(weights).graph
    values = []
    for picture in crops.values():
        luma = torch.from_numpy(picture[..., 1].astype(np.float32) / 2.55)[None, None]
        values.append(graph(luma, torch.ones(()), torch.ones(()))[1].flatten())
    assert 0.3 < float(torch.cat(values).median()) < 0.7


@pytest.mark.parametrize(
    ("pictures", "name", "sentence"),
    [
        ({}, "mine", "no picture to learn from"),
        ({"grey": np.full((40, 40, 3), 90, np.uint8)}, "mine", "All of the 1 pictures are grey"),
        ({"stack": np.zeros((3, 40, 40), np.uint8)}, "mine", "stack has shape"),
        ({"a": np.zeros((40, 40, 3), np.uint8)}, "My stain", "such as 'my-stain'"),
    ],
)
def test_what_cannot_be_learnt_from_is_said_at_once(tmp_path, pictures, name, sentence):
    with pytest.raises(ValueError, match=sentence):
        train_on_arrays(pictures, name, settings=SHORT, directory=tmp_path)


def test_a_name_that_is_taken_is_refused_before_the_work(crops, tmp_path, monkeypatch):
    (tmp_path / "mine.safetensors").write_bytes(b"")
    monkeypatch.setattr(run, "learn", lambda *_, **__: pytest.fail("it began"))
    with pytest.raises(ValueError, match="called 'mine' already"):
        train_on_arrays(crops, "mine", settings=SHORT, directory=tmp_path)
