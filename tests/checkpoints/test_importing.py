"""Files that a user already has become checkpoints of the user's own folder."""

import copy
import hashlib
import json
import math
from pathlib import Path

import pytest
import safetensors.torch
import torch

from napari_colorize import checkpoints, methods
from napari_colorize.checkpoints import CheckpointError, import_file, load, registry
from napari_colorize.checkpoints.home import checkpoints_folder
from napari_colorize.checkpoints.record import CheckpointRecord
from napari_colorize.checkpoints.saving import _recognised

RECORDS_OF_THE_PACKAGE = Path(checkpoints.__file__).parent / "records"

# Zhang 2016, table of the facts sheet: block → (channels of its convolutions), norm at its end.
BLOCKS = ((64,) * 2, (128,) * 2, (256,) * 3, (512,) * 3, (512,) * 3, (512,) * 3, (512,) * 3)


def public_state(bins=None):
    """A state dict in the layout of the public file, written down from the paper's table."""

    def noise(*shape):
        # Different in every tensor and place, and far cheaper than 32 million random numbers.
        values = torch.arange(math.prod(shape), dtype=torch.float32) + len(state)
        return values.remainder(97).sub(48).div(2400).reshape(shape)

    state, channels = {}, 1
    for number, widths in enumerate(BLOCKS, start=1):
        for i, width in enumerate(widths):
            state[f"model{number}.{2 * i}.weight"] = noise(width, channels, 3, 3)
            state[f"model{number}.{2 * i}.bias"] = noise(width)
            channels = width
        norm = f"model{number}.{2 * len(widths)}"
        state[f"{norm}.weight"] = 1 + noise(channels)
        state[f"{norm}.bias"] = noise(channels)
        state[f"{norm}.running_mean"] = noise(channels)
        state[f"{norm}.running_var"] = 1 + noise(channels).abs()
        state[f"{norm}.num_batches_tracked"] = torch.tensor(9)
    state["model8.0.weight"] = noise(512, 256, 4, 4)
    state["model8.0.bias"] = noise(256)
    for i, width in ((2, 256), (4, 256), (6, 313)):
        side = 1 if width == 313 else 3
        state[f"model8.{i}.weight"] = noise(width, 256, side, side)
        state[f"model8.{i}.bias"] = noise(width)
    state["model_out.weight"] = noise(2, 313, 1, 1) if bins is None else bins
    return state


@pytest.fixture(scope="module")
def public_file(tmp_path_factory):
    """A ``.pth`` in the public layout, with the published colour bins."""
    from napari_colorize.ops.bins import bin_centres

    bins = torch.from_numpy(bin_centres() / 110.0).float().T[:, :, None, None].contiguous()
    path = tmp_path_factory.mktemp("public") / "colorization_release_v2-mine.pth"
    torch.save(public_state(bins), path)
    return path


@pytest.fixture(scope="module")
def paper_graph():
    return methods.ARCHITECTURES["colorful-paper"]()


@pytest.fixture
def _built_once(paper_graph, monkeypatch):
    """Copy the paper's network instead of drawing its 32 million numbers anew."""
    monkeypatch.setitem(
        methods.ARCHITECTURES, "colorful-paper", lambda **_: copy.deepcopy(paper_graph)
    )


@pytest.mark.usefixtures("_built_once")
class TestPublicFileOfThePaper:
    def test_has_the_papers_number_of_parameters(self):
        counted = [
            tensor.numel()
            for key, tensor in public_state().items()
            if not key.endswith(("running_mean", "running_var", "num_batches_tracked"))
        ]
        assert sum(counted) == 32_236_011

    def test_is_recognised_by_its_keys_and_loads(self, public_file):
        record = import_file(public_file)
        assert record.name == "colorization_release_v2-mine"
        assert record.architecture == "colorful-paper"
        assert record.source == "imported"
        model = load(record.name)
        state = torch.load(public_file, weights_only=True)
        loaded = model.graph.state_dict()
        for key, tensor in state.items():
            assert torch.equal(loaded[f"network.{key}"], tensor), key

    def test_colours_through_the_loaded_graph(self, public_file):
        record = import_file(public_file, name="papers")
        graph = load(record.name).graph
        luma = torch.linspace(0, 100, 32 * 24).reshape(1, 1, 32, 24)
        ab, uncertainty = graph(luma, torch.tensor(0.38), torch.tensor(1.0))
        assert ab.shape == (1, 2, 8, 6)
        assert ab.abs().max() <= 110
        assert ((uncertainty >= 0) & (uncertainty <= 1)).all()

    def test_gets_the_offers_record_when_the_hash_is_the_published_one(
        self, public_file, monkeypatch
    ):
        offer = json.loads((RECORDS_OF_THE_PACKAGE / "colorful-zhang2016.json").read_text())
        offer["sha256"] = hashlib.sha256(public_file.read_bytes()).hexdigest()[:8]
        registry.SHIPPED_RECORDS.mkdir(exist_ok=True)
        (registry.SHIPPED_RECORDS / "colorful-zhang2016.json").write_text(json.dumps(offer))
        record = import_file(public_file)
        assert record.name == "colorful-zhang2016"
        assert record.source == "download"
        assert record.licence.startswith("BSD-2-Clause")
        assert registry.record("colorful-zhang2016") == record

    def test_with_other_colour_bins_warns(self, tmp_path):
        path = tmp_path / "other.pth"
        torch.save(public_state(), path)
        with pytest.warns(UserWarning, match="colour bins"):
            import_file(path)

    def test_with_a_tensor_missing_or_of_another_shape_is_refused(self, tmp_path):
        state = public_state()
        del state["model3.0.bias"]
        state["model8.4.bias"] = torch.zeros(5)
        path = tmp_path / "cut.pth"
        torch.save(state, path)
        with (
            pytest.warns(UserWarning, match="colour bins"),
            pytest.raises(CheckpointError) as told,
        ):
            import_file(path)
        assert "network.model3.0.bias" in str(told.value)
        assert "network.model8.4.bias (file 5, network 256)" in str(told.value)


def test_the_packages_offer_names_the_published_file():
    record = CheckpointRecord.from_json(RECORDS_OF_THE_PACKAGE / "colorful-zhang2016.json")
    assert record.is_offer
    assert record.url.endswith(f"colorization_release_v2-{record.sha256}.pth")
    assert record.architecture in methods.ARCHITECTURES


@pytest.fixture
def tiny_file(tiny_graph, tmp_path):
    path = tmp_path / "My Weights.safetensors"
    safetensors.torch.save_file(tiny_graph.state_dict(), path)
    return path


class TestOtherFiles:
    def test_are_kept_number_for_number(self, tiny_file, tiny_graph):
        record = import_file(tiny_file, architecture="tiny")
        assert record.name == "my-weights"
        loaded = load("my-weights").graph.state_dict()
        assert torch.equal(loaded["first.weight"], tiny_graph.first.weight)

    def test_go_to_the_users_folder(self, tiny_file):
        import_file(tiny_file, architecture="tiny", name="mine")
        assert {path.name for path in checkpoints_folder().iterdir()} == {
            "mine.json",
            "mine.safetensors",
        }

    def test_of_an_unknown_layout_need_the_architecture(self, tiny_file):
        with pytest.raises(CheckpointError, match=r"--architecture: colorful-compact"):
            import_file(tiny_file)
        with pytest.raises(CheckpointError, match="'nonesuch' is not known"):
            import_file(tiny_file, architecture="nonesuch")

    @pytest.mark.parametrize("architecture", sorted(methods.ARCHITECTURES))
    def test_belong_to_the_method_of_their_architecture(self, architecture):
        method, kept = _recognised("a.pth", architecture, set())

        assert kept == architecture
        assert method in methods.METHODS
        assert (method == "pix2pix") == ("pix2pix" in architecture)

    def test_keep_the_record_beside_them(self, tiny_graph, make_record, tmp_path):
        given = checkpoints.save_checkpoint(
            tiny_graph.state_dict(), make_record("shared", seed=5), tmp_path
        )
        record = import_file(tmp_path / given.file)
        assert (record.name, record.seed, record.source) == ("shared", 5, "imported")
        load("shared")

    def test_must_be_those_of_the_record_beside_them(self, tiny_graph, make_record, tmp_path):
        given = checkpoints.save_checkpoint(
            tiny_graph.state_dict(), make_record("shared"), tmp_path
        )
        tiny_graph.first.weight.data += 1
        safetensors.torch.save_file(tiny_graph.state_dict(), tmp_path / given.file)
        with pytest.raises(CheckpointError, match="not the file its record describes"):
            import_file(tmp_path / given.file)

    def test_never_take_a_shipped_name(self, tiny_file, tiny_graph, make_record):
        checkpoints.save_checkpoint(
            tiny_graph.state_dict(), make_record("house"), registry.SHIPPED_RECORDS
        )
        with pytest.raises(CheckpointError, match="come with napari-colorize"):
            import_file(tiny_file, architecture="tiny", name="house", overwrite=True)

    def test_replace_nothing_unasked(self, tiny_file):
        import_file(tiny_file, architecture="tiny", name="mine")
        with pytest.raises(CheckpointError, match="already"):
            import_file(tiny_file, architecture="tiny", name="mine")
        import_file(tiny_file, architecture="tiny", name="mine", overwrite=True)

    def test_with_a_name_that_is_none_are_refused(self, tiny_file):
        with pytest.raises(CheckpointError, match="cannot name a checkpoint"):
            import_file(tiny_file, architecture="tiny", name="../mine")

    def test_from_before_batch_counters_load(self, tiny_graph, tmp_path):
        state = tiny_graph.state_dict()
        del state["norm.num_batches_tracked"]
        torch.save(state, tmp_path / "old.pth")
        import_file(tmp_path / "old.pth", architecture="tiny")
        assert load("old").record.architecture == "tiny"

    def test_that_are_web_pages_or_code_are_refused(self, tmp_path):
        page = tmp_path / "page.pth"
        page.write_bytes(b"<html><body>moved</body></html>")
        with pytest.raises(CheckpointError, match="web page"):
            import_file(page)
        torch.save(torch.nn.Linear(2, 2), tmp_path / "module.pth")
        with pytest.raises(CheckpointError, match="run code"):
            import_file(tmp_path / "module.pth")
        assert not checkpoints_folder().exists()
