"""A record says what weights are; a wrong one is refused with the field's name."""

import json

import pytest

from napari_colorize.checkpoints import CheckpointError, CheckpointRecord


def test_survives_the_way_through_json(make_record, tmp_path):
    record = make_record(
        options={"channels": 3}, seed=7, hours=1.5, scores={"auc": 0.9}, known_failures=["snow"]
    )
    path = tmp_path / "r.json"
    path.write_text(record.to_json(), encoding="utf-8")
    assert CheckpointRecord.from_json(path) == CheckpointRecord.from_dict(record.to_dict())
    assert CheckpointRecord.from_json(path).known_failures == ("snow",)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "../evil"}, "cannot name a checkpoint"),
        ({"name": "Big Name"}, "cannot name a checkpoint"),
        ({"architecture": ""}, "architecture is empty"),
        ({"method": 3}, "method must be text"),
        ({"source": "found"}, "source is 'found'"),
        ({"file": "../../etc/passwd", "sha256": "0" * 64}, "bare file name"),
        ({"file": "C:weights.safetensors", "sha256": "0" * 64}, "bare file name"),
        ({"file": "weights.exe", "sha256": "0" * 64}, "must end in"),
        ({"file": "w.safetensors"}, "sha256 must be 64"),
        ({"file": "w.safetensors", "sha256": "9b330a0b"}, "sha256 must be 64"),
        ({"sha256": "XY" * 32}, "sha256 must be 64"),
        ({"source": "download", "sha256": "0" * 8}, "needs their url"),
        ({"source": "download", "url": "https://x.org/a", "sha256": "0" * 7}, "at least 8"),
        ({"size_bytes": -1}, "size_bytes"),
        ({"size_bytes": True}, "size_bytes"),
        ({"seed": 1.5}, "seed"),
        ({"hours": float("nan")}, "hours"),
        ({"trained_rebalancing": 1.5}, "trained_rebalancing"),
        ({"defaults": {"temperature": 0.38}}, "defaults must be exactly"),
        ({"created": "yesterday"}, "YYYY-MM-DD"),
        ({"data": [{"name": "no licence"}]}, "licence"),
        ({"known_failures": "one sentence"}, "known_failures"),
        ({"scores": {"auc": float("inf")}}, "JSON cannot carry"),
        ({"options": {"x": object()}}, "JSON cannot carry"),
    ],
)
def test_refuses_by_name(make_record, fields, said):
    with pytest.raises(CheckpointError, match=said):
        make_record(**fields)


@pytest.mark.parametrize(
    ("key", "value"),
    [("temperature", 0), ("vividness", 2), ("network_size", 0), ("network_size", 64.5)],
)
def test_refuses_defaults_out_of_range(make_record, key, value):
    defaults = {"temperature": 0.38, "vividness": 0.5, "network_size": 64, key: value}
    with pytest.raises(CheckpointError, match=key):
        make_record(defaults=defaults)


def test_unknown_and_missing_fields_are_named(make_record):
    values = make_record().to_dict()
    with pytest.raises(CheckpointError, match="unknown fields: colour"):
        CheckpointRecord.from_dict({**values, "colour": "blue"})
    del values["architecture"]
    with pytest.raises(CheckpointError, match="lacks architecture"):
        CheckpointRecord.from_dict(values)


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", '"text"'])
def test_a_file_that_is_no_record_is_named(tmp_path, text):
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(CheckpointError, match=r"broken\.json"):
        CheckpointRecord.from_json(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"name":"a","method":"b","architecture":"c","seed":' + "9" * 6000 + "}", "too large"),
        ("[" * 200_000 + "]" * 200_000, "too deeply"),
    ],
)
def test_absurd_records_are_told_in_plain_words(tmp_path, text, said):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(CheckpointError, match=f"x.json .*{said}") as caught:
        CheckpointRecord.from_json(tmp_path / "x.json")
    assert "sys." not in str(caught.value)


def test_the_json_is_plain(make_record):
    assert json.loads(make_record().to_json())["defaults"]["network_size"] == 64
