"""Only the weights that a record describes become a network; all else is refused and explained."""

import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import safetensors.torch
import torch

from napari_colorize import methods
from napari_colorize.checkpoints import (
    CheckpointError,
    load,
    loading,
    registry,
    save_checkpoint,
    verify,
)
from napari_colorize.checkpoints.weights import digest, parse

SETTINGS = (torch.tensor(0.38), torch.tensor(0.5))


@pytest.fixture
def saved(tiny_graph, make_record):
    """The record of a tiny checkpoint in the registry, and the path of its weights."""
    record = save_checkpoint(tiny_graph.state_dict(), make_record(), registry.SHIPPED_RECORDS)
    return record, registry.SHIPPED_WEIGHTS / record.file


def rewrite(path, content):
    """Put `content` in place of the weights, with a record that vouches for it."""
    path.write_bytes(content)
    record_path = path.with_suffix(".json")
    values = json.loads(record_path.read_text())
    values |= {"sha256": digest(content), "size_bytes": len(content), "file": path.name}
    record_path.write_text(json.dumps(values))


class TestGoodWeights:
    def test_give_the_network_that_was_saved(self, saved, tiny_graph):
        model = load("tiny-one")
        luma = torch.rand(1, 1, 9, 7) * 100
        with torch.inference_mode():
            ab, uncertainty = model.graph(luma, *SETTINGS)
            expected = tiny_graph(luma, *SETTINGS)
        # The kernels went through float16: 11 bits.
        torch.testing.assert_close(ab, expected[0], rtol=2e-3, atol=2e-3)
        torch.testing.assert_close(uncertainty, expected[1], rtol=2e-3, atol=2e-3)

    def test_are_single_precision_in_eval_mode_and_scripted(self, saved):
        model = load("tiny-one")
        assert isinstance(model.graph, torch.jit.ScriptModule)
        assert model.scripted
        assert not model.graph.training
        assert {p.dtype for p in model.graph.parameters()} == {torch.float32}
        assert not any(p.requires_grad for p in model.graph.parameters())
        assert model.record.defaults["network_size"] == 64

    @pytest.mark.parametrize("suffix", [".safetensors", ".json"])
    def test_can_be_named_by_path(self, saved, suffix):
        assert load(saved[1].with_suffix(suffix)).record.name == "tiny-one"
        assert load(str(saved[1].with_suffix(suffix))).record.name == "tiny-one"

    def test_may_be_a_plain_torch_state_dict(self, saved, tiny_graph):
        path = saved[1].with_suffix(".pth")
        torch.save(tiny_graph.state_dict(), path)
        rewrite(path, path.read_bytes())
        model = load(path)
        assert torch.equal(model.graph.state_dict()["first.weight"], tiny_graph.first.weight)

    def test_may_begin_like_a_pickle(self):
        """The first byte is the lowest of the length of the table of contents, whatever it is."""
        tensors = {"a": torch.ones(2)}
        for room in range(0, 512, 8):
            content = safetensors.torch.save(tensors, {"note": "x" * room})
            if content.startswith(b"\x80"):
                break
        assert content.startswith(b"\x80")
        assert torch.equal(parse(content, "file")["a"], tensors["a"])

    def test_are_verified_from_the_disk(self, saved):
        assert verify("tiny-one") == registry.record("tiny-one")


class TestCache:
    def test_returns_the_same_network(self, saved):
        assert load("tiny-one") is load(saved[1])

    def test_notices_a_changed_file(self, saved, tiny_graph, make_record):
        before = load("tiny-one")
        tiny_graph.first.weight.data += 1
        save_checkpoint(
            tiny_graph.state_dict(), make_record(), registry.SHIPPED_RECORDS, overwrite=True
        )
        after = load("tiny-one")
        assert not torch.equal(
            before.graph.state_dict()["first.weight"], after.graph.state_dict()["first.weight"]
        )

    def test_is_bounded(self, tiny_graph, make_record):
        for i in range(loading.CACHE_SIZE + 2):
            save_checkpoint(tiny_graph.state_dict(), make_record(f"n{i}"), registry.SHIPPED_RECORDS)
            load(f"n{i}")
        assert len(loading._cache) == loading.CACHE_SIZE

    def test_threads_share_one_network(self, saved, monkeypatch):
        built = []

        def counting(**options):
            graph = tiny(**options)
            # What a file asks for is measured first, on a network without memory.
            if not next(graph.parameters()).is_meta:
                built.append(options)
            return graph

        tiny = methods.ARCHITECTURES["tiny"]
        monkeypatch.setitem(methods.ARCHITECTURES, "tiny", counting)
        with ThreadPoolExecutor(4) as pool:
            models = list(pool.map(lambda _: load("tiny-one"), range(8)))
        assert len(built) == 1
        assert all(model is models[0] for model in models)


class TestRefusals:
    def test_wrong_hash_is_told_before_anything_is_deserialised(self, saved, monkeypatch):
        content = bytearray(saved[1].read_bytes())
        content[-1] ^= 1
        saved[1].write_bytes(content)
        monkeypatch.setattr(loading.weights, "parse", lambda *_: pytest.fail("deserialised"))
        with pytest.raises(CheckpointError, match="SHA-256 starts with"):
            load("tiny-one")

    def test_cut_file(self, saved):
        saved[1].write_bytes(saved[1].read_bytes()[:-10])
        with pytest.raises(CheckpointError, match="cut short"):
            load("tiny-one")

    @pytest.mark.parametrize("keep", [0, 4, 20, 400])
    def test_cut_file_with_a_record_of_its_own(self, saved, keep):
        rewrite(saved[1], saved[1].read_bytes()[:keep])
        with pytest.raises(CheckpointError, match=r"cut short|empty|neither"):
            load("tiny-one")

    def test_web_page_saved_as_weights(self, saved):
        saved[1].write_bytes(b"\n<!DOCTYPE html><html><body>Sign in</body></html>")
        with pytest.raises(CheckpointError, match="web page"):
            load("tiny-one")

    def test_git_lfs_pointer(self, saved):
        saved[1].write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n")
        with pytest.raises(CheckpointError, match="Git LFS"):
            load("tiny-one")

    def test_pickle_with_code_never_runs(self, saved, tmp_path):
        mark = tmp_path / "ran"

        class Bomb:
            def __reduce__(self):
                return (open, (str(mark), "w"))

        for content in (_torch_saved({"w": Bomb()}), pickle.dumps({"w": Bomb()}, protocol=2)):
            rewrite(saved[1].with_suffix(".pth"), content)
            with pytest.raises(CheckpointError, match=r"run code|cannot be read"):
                load(saved[1].with_suffix(".pth"))
        assert not mark.exists()

    def test_whole_pickled_module(self, saved):
        rewrite(saved[1].with_suffix(".pth"), _torch_saved(torch.nn.Linear(2, 2)))
        with pytest.raises(CheckpointError, match="run code"):
            load(saved[1].with_suffix(".pth"))

    def test_cut_torch_file(self, saved, tiny_graph):
        rewrite(saved[1].with_suffix(".pth"), _torch_saved(tiny_graph.state_dict())[:-50])
        with pytest.raises(CheckpointError, match="cut short"):
            load(saved[1].with_suffix(".pth"))

    def test_training_state_instead_of_a_state_dict(self, saved):
        rewrite(saved[1].with_suffix(".pth"), _torch_saved({"epoch": 3, "w": torch.ones(2)}))
        with pytest.raises(CheckpointError, match="epoch"):
            load(saved[1].with_suffix(".pth"))

    def test_layout_differences_are_listed(self, saved, tiny_graph):
        state = tiny_graph.state_dict()
        del state["last.bias"]
        state["stray"] = torch.ones(1)
        state["first.weight"] = torch.ones(5, 1, 3, 3)
        rewrite(saved[1], safetensors.torch.save(state))
        with pytest.raises(CheckpointError) as told:
            load("tiny-one")
        message = str(told.value)
        assert "'tiny'" in message
        assert "1 tensor missing: last.bias" in message
        assert "1 tensor not part of it: stray" in message
        assert "first.weight (file 5×1×3×3, network 3×1×3×3)" in message

    def test_not_finite_weights(self, saved, tiny_graph):
        state = tiny_graph.state_dict()
        state["last.bias"] = torch.full((3,), float("inf"))
        rewrite(saved[1], safetensors.torch.save(state))
        with pytest.raises(CheckpointError, match="NaN or infinite"):
            load("tiny-one")

    def test_unknown_architecture(self, tiny_graph, make_record):
        record = make_record(architecture="colorful-giant")
        save_checkpoint(tiny_graph.state_dict(), record, registry.SHIPPED_RECORDS)
        with pytest.raises(CheckpointError, match=r"'colorful-giant'.*colorful-paper"):
            load("tiny-one")

    def test_unknown_options(self, tiny_graph, make_record):
        record = make_record(options={"depth": 3})
        save_checkpoint(tiny_graph.state_dict(), record, registry.SHIPPED_RECORDS)
        with pytest.raises(CheckpointError, match="depth"):
            load("tiny-one")

    def test_names_and_paths_that_are_not_there(self, saved, tmp_path):
        with pytest.raises(CheckpointError, match="no checkpoint called"):
            load("nothing")
        with pytest.raises(CheckpointError, match="does not exist"):
            load(tmp_path / "nothing.safetensors")

    def test_file_without_a_record(self, saved):
        saved[1].with_suffix(".json").unlink()
        with pytest.raises(CheckpointError, match="models import"):
            load(saved[1])

    def test_offer_that_was_not_fetched(self, make_record):
        offer = make_record(
            "paper", source="download", url="https://example.org/w.pth", sha256="9b330a0b"
        )
        registry.SHIPPED_RECORDS.mkdir()
        (registry.SHIPPED_RECORDS / "paper.json").write_text(offer.to_json())
        with pytest.raises(CheckpointError, match="models fetch paper"):
            load("paper")

    @pytest.mark.parametrize("device", ["gpu", "cuda:99"])
    def test_device_that_is_not_there(self, saved, device):
        with pytest.raises(CheckpointError, match=device):
            load("tiny-one", device=device)


def test_without_torchscript_the_eager_network_runs(saved, monkeypatch):
    def unsupported(_):
        raise RuntimeError("torch.jit.script is not supported in Python 3.14+")

    monkeypatch.setattr(torch.jit, "script", unsupported)
    with pytest.warns(RuntimeWarning, match=r"not supported.*runs eagerly"):
        model = load("tiny-one")
    assert not model.scripted
    ab, _ = model.graph(torch.rand(1, 1, 4, 4), *SETTINGS)
    assert ab.shape == (1, 2, 4, 4)


def test_record_of_a_path_is_about_that_file(saved, tmp_path):
    moved = tmp_path / "renamed.safetensors"
    moved.write_bytes(saved[1].read_bytes())
    moved.with_suffix(".json").write_text(saved[1].with_suffix(".json").read_text())
    assert load(moved).record == replace(saved[0], file="renamed.safetensors")


def _torch_saved(thing):
    import io

    buffer = io.BytesIO()
    torch.save(thing, buffer)
    return buffer.getvalue()
