"""Files of strangers: damaged records block nothing, and nothing swells."""

import io
import json
import os
import zipfile
from pathlib import Path

import pytest
import torch

from napari_colorize.checkpoints import CheckpointError, registry, weights
from napari_colorize.checkpoints.loading import refuse_larger
from napari_colorize.checkpoints.record import CheckpointRecord

DAMAGED = {
    "nested": '{"name":' + "[" * 100_000 + "]" * 100_000 + "}",
    "huge number": '{"name":"a","method":"b","architecture":"c","seed":' + "9" * 6000 + "}",
    "list": "[]",
    "text": '"x"',
    "nothing": "",
    "nul": "\0",
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_record_is_named(tmp_path, content):
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(CheckpointError, match=r"x\.json"):
        CheckpointRecord.from_json(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.json")
    with pytest.raises(CheckpointError, match=r"x\.json: it is not a file"):
        CheckpointRecord.from_json(tmp_path / "x.json")


@pytest.fixture
def shipped(monkeypatch):
    """What the package brings, which the other tests of this folder put aside."""
    package = Path(registry.__file__).parent
    monkeypatch.setattr(registry, "SHIPPED_RECORDS", package / "records")
    monkeypatch.setattr(registry, "SHIPPED_WEIGHTS", package / "weights")


@pytest.mark.usefixtures("shipped")
def test_the_others_are_found_beside_a_damaged_one(tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_COLORIZE_HOME", str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "x.json").write_text(DAMAGED["nested"])
    assert "colorful" in [entry.record.name for entry in registry.entries()]
    assert any("x.json" in problem for problem in registry.problems())


@pytest.mark.parametrize("larger", [False, True])
def test_zipped_weights_that_swell_are_refused_before_they_do(larger):
    plain = io.BytesIO()
    torch.save({"a": torch.zeros(1000)}, plain)
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(plain.getvalue())) as stored,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file,
    ):
        for name in stored.namelist():
            file.writestr(name, stored.read(name) * (1000 if larger else 1))
    with pytest.raises(CheckpointError, match="compressed archive"):
        weights.parse(packed.getvalue(), "w.pth")
    assert torch.equal(weights.parse(plain.getvalue(), "w.pth")["a"], torch.zeros(1000))


@pytest.mark.usefixtures("shipped")
def test_a_network_larger_than_its_file_is_not_built():
    entry = registry.find("colorful")
    state = weights.parse(entry.weights.read_bytes(), "w")
    refuse_larger(entry.record.architecture, entry.record.options, state, "w")
    huge = json.loads(json.dumps(entry.record.options)) | {"widths": [60000] * 4}
    with pytest.raises(CheckpointError, match=r"numbers, the file|cannot be built"):
        refuse_larger(entry.record.architecture, huge, state, "w")
