"""What several checkpoints have in common is stored once, and noticed when it is replaced."""

from dataclasses import replace

import pytest
import safetensors.torch
import torch

from napari_colorize.checkpoints import CheckpointError, load, save_checkpoint
from napari_colorize.checkpoints.record import CheckpointRecord
from napari_colorize.checkpoints.saving import import_file, update_record

LENDER = ("tiny-one.safetensors", "first.", "first.")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "shipped"


@pytest.fixture
def pair(tiny_graph, make_record, folder):
    """A whole checkpoint, and another that has its first layer from it."""
    save_checkpoint(tiny_graph.state_dict(), make_record(), folder)
    state = tiny_graph.state_dict()
    state["last.weight"] = state["last.weight"] * 2
    return state, save_checkpoint(state, make_record("tiny-two"), folder, lender=LENDER)


def test_the_common_tensors_are_stored_once(pair, folder):
    _, record = pair
    stored = safetensors.torch.load_file(folder / "tiny-two.safetensors")
    assert "last.weight" in stored
    assert not any(key.startswith("first.") for key in stored)
    assert record.borrowed["file"] == "tiny-one.safetensors"
    assert CheckpointRecord.from_json(folder / "tiny-two.json") == record


def test_the_network_is_whole_when_loaded(pair, tiny_graph):
    state, _ = pair
    loaded = load("tiny-two").graph.state_dict()
    assert loaded.keys() == state.keys()
    for key in state:
        torch.testing.assert_close(loaded[key], state[key], rtol=1e-3, atol=1e-4)
    assert torch.equal(loaded["first.weight"], load("tiny-one").graph.state_dict()["first.weight"])


def test_names_may_differ_there_and_here(tiny_graph, make_record, folder):
    other = {"trunk." + key: t for key, t in tiny_graph.state_dict().items()}
    save_checkpoint(other, make_record(), folder)
    lender = ("tiny-one.safetensors", "trunk.", "")
    record = save_checkpoint(
        tiny_graph.state_dict(), make_record("tiny-two"), folder, lender=lender
    )
    assert not safetensors.torch.load_file(folder / "tiny-two.safetensors")
    assert record.borrowed["lender_prefix"] == "trunk."
    loaded = load("tiny-two").graph.state_dict()
    torch.testing.assert_close(loaded["norm.weight"], tiny_graph.state_dict()["norm.weight"])


def test_other_tensors_are_not_lent(tiny_graph, make_record, folder):
    save_checkpoint(tiny_graph.state_dict(), make_record(), folder)
    state = tiny_graph.state_dict()
    state["first.weight"] = state["first.weight"] + 0.1
    with pytest.raises(CheckpointError, match="Store the weights whole"):
        save_checkpoint(state, make_record("tiny-two"), folder, lender=LENDER)
    assert not (folder / "tiny-two.json").exists()


def test_a_replaced_lender_is_noticed(pair, tiny_graph, make_record, folder):
    state = {key: tensor + 1 for key, tensor in tiny_graph.state_dict().items()}
    save_checkpoint(state, make_record(), folder, overwrite=True)
    with pytest.raises(CheckpointError, match=r"tiny-one\.safetensors is not the file"):
        load("tiny-two")


def test_a_missing_lender_is_named(pair, folder):
    (folder / "tiny-one.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"tiny-one\.safetensors does not exist"):
        load("tiny-two")


def test_a_borrower_cannot_be_imported_alone(pair, folder):
    with pytest.raises(CheckpointError, match="not whole"):
        import_file(folder / "tiny-two.safetensors", name="mine")


def test_what_is_borrowed_belongs_to_the_weights(pair):
    with pytest.raises(CheckpointError, match="borrowed belongs to the weights"):
        update_record("tiny-two", borrowed={})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"file": "../other.safetensors"}, "bare name"),
        ({"file": ".hidden.safetensors"}, "bare name"),
        ({"file": "other.pth"}, "bare name"),
        ({"sha256": "12"}, "64 hex digits"),
        ({"prefix": 3}, "must have the texts"),
        ({"colour": "red"}, "must have the texts"),
    ],
)
def test_a_record_from_a_stranger_is_checked(pair, change, said):
    _, record = pair
    with pytest.raises(CheckpointError, match=said):
        replace(record, borrowed={**record.borrowed, **change})
