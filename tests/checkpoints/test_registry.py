"""The registry knows shipped and own weights, works with none, and survives broken records."""

from pathlib import Path

import platformdirs
import pytest
from platformdirs import windows
from platformdirs.macos import MacOS
from platformdirs.unix import Unix

from napari_colorize.checkpoints import CheckpointError, registry, save_checkpoint
from napari_colorize.checkpoints.home import checkpoints_folder, home


@pytest.fixture
def ship(tiny_graph, make_record):
    def put(name, **fields):
        return save_checkpoint(
            tiny_graph.state_dict(), make_record(name, **fields), registry.SHIPPED_RECORDS
        )

    return put


@pytest.fixture
def own(tiny_graph, make_record):
    def put(name, **fields):
        fields = {"source": "imported"} | fields
        return save_checkpoint(
            tiny_graph.state_dict(), make_record(name, **fields), checkpoints_folder()
        )

    return put


@pytest.fixture
def offer(make_record):
    def put(name):
        record = make_record(
            name, source="download", url="https://example.org/w.pth", sha256="9b330a0b"
        )
        registry.SHIPPED_RECORDS.mkdir(exist_ok=True)
        (registry.SHIPPED_RECORDS / f"{name}.json").write_text(record.to_json())

    return put


def test_works_with_no_records_at_all():
    assert registry.available() == ()
    assert registry.known() == ()
    with pytest.raises(CheckpointError, match=r"no weights for the method 'colorful'.*import"):
        registry.default_for("colorful")
    with pytest.raises(CheckpointError, match="No checkpoints are known"):
        registry.record("any")


def test_lists_shipped_before_own_and_new_before_old(ship, own):
    own("mine", created="2026-03-01")
    ship("old", created="2025-12-31")
    ship("new", created="2026-02-01")
    assert [r.name for r in registry.available()] == ["new", "old", "mine"]
    assert registry.default_for("colorful").name == "new"


def test_default_is_of_the_method_asked_for(ship):
    ship("first", created="2026-02-01", method="gan")
    ship("second", created="2026-01-01")
    assert registry.default_for("colorful").name == "second"


def test_special_weights_never_become_the_default_by_being_newer(ship):
    ship("colorful", created="2026-01-01")
    ship("colorful-stain", created="2026-02-01")
    assert registry.default_for("colorful").name == "colorful"


def test_an_offer_is_known_but_not_available(offer):
    offer("paper")
    assert registry.available() == ()
    assert registry.record("paper").is_offer
    with pytest.raises(CheckpointError, match="models fetch paper"):
        registry.default_for("colorful")


def test_own_weights_take_the_place_of_an_offer_but_not_of_shipped_ones(offer, ship, own):
    offer("paper")
    own("paper")
    assert registry.record("paper").source == "imported"
    ship("house")
    own("house")
    assert registry.record("house").source == "shipped"


def test_weights_whose_file_is_gone_are_not_available(ship):
    record = ship("gone")
    (registry.SHIPPED_WEIGHTS / record.file).unlink()
    assert registry.available() == ()
    assert registry.record("gone").name == "gone"


def test_one_broken_record_does_not_hide_the_others(ship):
    ship("good")
    (registry.SHIPPED_RECORDS / "bad.json").write_text("{")
    assert [r.name for r in registry.available()] == ["good"]
    assert any("bad.json" in problem for problem in registry.problems())
    with pytest.raises(CheckpointError, match="not valid JSON"):
        registry.record("bad")


def test_a_record_must_carry_the_name_of_its_file(ship):
    ship("good")
    (registry.SHIPPED_RECORDS / "good.json").rename(registry.SHIPPED_RECORDS / "other.json")
    assert registry.available() == ()
    assert "calls itself 'good'" in registry.problems()[0]


def test_unknown_names_are_answered_with_the_known_ones(ship):
    ship("good")
    with pytest.raises(CheckpointError, match=r"'bad'. Known: good"):
        registry.record("bad")


def test_user_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("NAPARI_COLORIZE_HOME", str(tmp_path / "elsewhere"))
    assert home() == tmp_path / "elsewhere"
    monkeypatch.delenv("NAPARI_COLORIZE_HOME")
    monkeypatch.setattr(platformdirs, "PlatformDirs", Unix)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert home() == tmp_path / "xdg" / "napari-colorize"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert home() == Path.home() / ".local" / "share" / "napari-colorize"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setattr(platformdirs, "PlatformDirs", MacOS)
    assert home() == Path.home() / "Library" / "Application Support" / "napari-colorize"
    monkeypatch.setattr(windows, "get_win_folder", lambda name: f"{tmp_path}/{name}")
    monkeypatch.setattr(platformdirs, "PlatformDirs", windows.Windows)
    assert home() == tmp_path / "CSIDL_LOCAL_APPDATA" / "napari-colorize"


def test_a_record_is_read_again_only_after_its_file_changed(ship, monkeypatch):
    ship("weights", licence="CC0-1.0")
    assert registry.record("weights").licence == "CC0-1.0"
    read = []
    from_json = registry.CheckpointRecord.from_json
    monkeypatch.setattr(
        registry.CheckpointRecord, "from_json", lambda path: read.append(path) or from_json(path)
    )
    registry.available()
    assert read == []
    path = registry.SHIPPED_RECORDS / "weights.json"
    path.write_text(path.read_text().replace("CC0-1.0", "CC-BY-4.0"))
    assert registry.record("weights").licence == "CC-BY-4.0"
    assert read == [path]
