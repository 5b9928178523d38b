"""Weights and record are written whole, in half precision, with their hash."""

import hashlib
import os
from dataclasses import replace

import pytest
import safetensors.torch
import torch

from napari_colorize.checkpoints import CheckpointError, registry, save_checkpoint
from napari_colorize.checkpoints.record import CheckpointRecord
from napari_colorize.checkpoints.saving import update_record


def test_fills_in_hash_size_and_file(tiny_graph, make_record, tmp_path):
    record = save_checkpoint(tiny_graph.state_dict(), make_record(created=""), tmp_path)
    content = (tmp_path / "tiny-one.safetensors").read_bytes()
    assert record.sha256 == hashlib.sha256(content).hexdigest()
    assert record.size_bytes == len(content)
    assert record.file == "tiny-one.safetensors"
    assert record.created
    assert CheckpointRecord.from_json(tmp_path / "tiny-one.json").to_dict() == record.to_dict()


def test_kernels_are_half_vectors_single_and_counters_whole(tiny_graph, make_record, tmp_path):
    save_checkpoint(tiny_graph.state_dict(), make_record(), tmp_path)
    stored = safetensors.torch.load_file(tmp_path / "tiny-one.safetensors")
    assert stored["first.weight"].dtype == torch.float16
    assert stored["norm.running_var"].dtype == torch.float32
    assert stored["index"].dtype == torch.int64


def test_what_half_precision_cannot_hold_stays_single(make_record, tmp_path):
    state = {"a": torch.full((2, 2), 1e6), "b": torch.full((2, 2), 1e3)}
    save_checkpoint(state, make_record(), tmp_path)
    stored = safetensors.torch.load_file(tmp_path / "tiny-one.safetensors")
    assert torch.equal(stored["a"], state["a"])
    assert stored["b"].dtype == torch.float16


def test_shared_and_strided_tensors_are_saved(make_record, tmp_path):
    base = torch.arange(12.0).reshape(3, 4)
    save_checkpoint({"a": base.T, "b": base, "c": base[:, 1]}, make_record(), tmp_path)
    stored = safetensors.torch.load_file(tmp_path / "tiny-one.safetensors")
    assert torch.equal(stored["a"].float(), base.T)
    assert torch.equal(stored["c"], base[:, 1])


def test_diverged_weights_are_not_saved(make_record, tmp_path):
    with pytest.raises(CheckpointError, match="diverged"):
        save_checkpoint({"w": torch.tensor([1.0, float("nan")])}, make_record(), tmp_path)
    assert not list(tmp_path.glob("*"))


def test_nothing_is_replaced_unasked(tiny_graph, make_record, tmp_path):
    save_checkpoint(tiny_graph.state_dict(), make_record(), tmp_path)
    with pytest.raises(CheckpointError, match="already"):
        save_checkpoint(tiny_graph.state_dict(), make_record(), tmp_path)
    save_checkpoint(tiny_graph.state_dict(), make_record(seed=2), tmp_path, overwrite=True)
    assert CheckpointRecord.from_json(tmp_path / "tiny-one.json").seed == 2


def test_an_interrupted_write_leaves_nothing(tiny_graph, make_record, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(tiny_graph.state_dict(), make_record(), tmp_path)
    assert not list(tmp_path.glob("*"))
    assert not list(tmp_path.glob(".*"))


def test_weights_may_live_apart_from_records(tiny_graph, make_record, tmp_path):
    save_checkpoint(
        tiny_graph.state_dict(),
        make_record(),
        tmp_path / "records",
        weights_directory=tmp_path / "weights",
    )
    assert [p.name for p in (tmp_path / "records").iterdir()] == ["tiny-one.json"]
    assert [p.name for p in (tmp_path / "weights").iterdir()] == ["tiny-one.safetensors"]


def test_a_record_is_changed_where_it_lies_and_the_weights_stay(tiny_graph, make_record, tmp_path):
    folder = registry.SHIPPED_RECORDS
    written = save_checkpoint(tiny_graph.state_dict(), make_record(), folder)
    weights = (folder / written.file).read_bytes()
    changed = update_record("tiny-one", intended_use="tests", scores={"psnr": [20.0, 19.0, 21.0]})
    assert registry.record("tiny-one") == changed
    assert changed == replace(written, intended_use="tests", scores={"psnr": [20.0, 19.0, 21.0]})
    assert (folder / written.file).read_bytes() == weights


def test_what_belongs_to_the_weights_is_not_changed_without_them(tiny_graph, make_record):
    save_checkpoint(tiny_graph.state_dict(), make_record(), registry.SHIPPED_RECORDS)
    with pytest.raises(CheckpointError, match="sha256, trained_rebalancing"):
        update_record("tiny-one", sha256="0" * 64, trained_rebalancing=1.0, seed=3)
    with pytest.raises(CheckpointError, match="must be text"):
        update_record("tiny-one", licence=3)
