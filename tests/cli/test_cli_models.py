"""``models`` and ``info``: what weights there are, whether they are whole, and how to get more."""

import hashlib
import io
import json

import pytest
import torch

from napari_colorize import ColorizeParameters, checkpoints, methods
from napari_colorize.checkpoints import registry
from napari_colorize.checkpoints.record import CheckpointRecord
from napari_colorize.evaluation.summary import FORMAT


def _tiny(**_):
    return torch.nn.Linear(3, 2)


@pytest.fixture(autouse=True)
def _own_registry(tmp_path, monkeypatch):
    folder = tmp_path / "shipped"
    folder.mkdir()
    monkeypatch.setattr(registry, "SHIPPED_RECORDS", folder)
    monkeypatch.setattr(registry, "SHIPPED_WEIGHTS", folder)
    monkeypatch.setitem(methods.ARCHITECTURES, "tiny", _tiny)


def _record(name, **fields):
    given = {
        "method": "colorful",
        "architecture": "tiny",
        "defaults": {"temperature": 0.38, "vividness": 0.5, "network_size": 64},
    }
    return CheckpointRecord(name=name, **(given | fields))


@pytest.fixture
def house():
    """Shipped weights called `house`; the path of their file."""
    record = checkpoints.save_checkpoint(
        _tiny().state_dict(),
        _record("house", known_failures=["Snow turns yellow."]),
        registry.SHIPPED_RECORDS,
    )
    return registry.SHIPPED_WEIGHTS / record.file


@pytest.fixture
def offer():
    """An offer called `paper`; the bytes that it is about."""
    buffer = io.BytesIO()
    torch.save(_tiny().state_dict(), buffer)
    record = _record(
        "paper",
        source="download",
        url="https://example.invalid/w.pth",
        sha256=hashlib.sha256(buffer.getvalue()).hexdigest()[:8],
    )
    (registry.SHIPPED_RECORDS / "paper.json").write_text(record.to_json())
    return buffer.getvalue()


class TestList:
    def test_with_nothing_at_all_says_so(self, run):
        result = run("models", "list")
        assert result.exit_code == 0
        assert result.stdout == ""
        assert "no weights on this machine" in result.stderr

    def test_tells_what_is_here_from_what_can_be_fetched(self, run, house, offer):
        lines = run("models", "list").stdout.splitlines()
        assert lines[0].split() == ["NAME", "METHOD", "SOURCE", "SIZE", "STATE"]
        assert lines[1].startswith("house")
        assert lines[1].endswith("on this machine")
        assert lines[2].startswith("paper")
        assert lines[2].endswith("to be fetched")

    def test_names_records_that_cannot_be_read(self, run, house):
        (registry.SHIPPED_RECORDS / "bad.json").write_text("{")
        result = run("models", "list")
        assert "house" in result.stdout
        assert "bad.json" in result.stderr


class TestShow:
    def test_prints_what_is_known(self, run, house):
        output = run("models", "show", "house").stdout
        assert "Snow turns yellow." in output
        assert str(house) in output
        assert "temperature 0.38" in output
        assert output.startswith("# house\n")
        assert "Never measure predicted colour" in output

    def test_prints_the_record_as_json(self, run, house):
        given = json.loads(run("models", "show", "house", "--json").stdout)
        assert CheckpointRecord.from_dict(given) == registry.record("house")

    def test_prints_the_card_of_a_file_and_of_an_offer(self, run, house, offer):
        assert run("models", "show", house).stdout == run("models", "show", "house").stdout
        assert run("models", "show", "paper").stdout.endswith("\nTo be fetched\n")

    def test_of_an_unknown_name_lists_the_known_ones(self, run, house):
        result = run("models", "show", "hut")
        assert result.exit_code == 1
        assert "Error: There is no checkpoint called 'hut'. Known: house." in result.stderr


class TestVerify:
    def test_says_intact(self, run, house):
        result = run("models", "verify")
        assert result.exit_code == 0
        assert result.stdout.startswith("house: intact")

    def test_of_damaged_weights_fails_and_goes_on(self, run, house):
        checkpoints.save_checkpoint(
            _tiny().state_dict(), _record("annex"), registry.SHIPPED_RECORDS
        )
        content = bytearray(house.read_bytes())
        content[-1] ^= 1
        house.write_bytes(content)
        result = run("models", "verify")
        assert result.exit_code == 1
        assert "house: house.safetensors is not the file" in result.stderr
        assert "annex: intact" in result.stdout
        assert run("models", "verify", "annex").exit_code == 0


class TestGrade:
    def test_writes_a_report_into_the_record_and_the_card(self, run, house, tmp_path):
        estimate = {"value": 23.125, "low": 22.5, "high": 24.0, "pictures": 3}
        settings = ColorizeParameters().resolved(registry.record("house").defaults).to_dict()
        settings |= {"checkpoint": "house", "sha256": registry.record("house").sha256}
        method = {"kind": "method", "settings": settings, "scores": {"psnr": estimate}}
        scores = {
            "format": FORMAT,
            "settings": {},
            "versions": {"napari-colorize": "0.1.0"},
            "pictures": {"count": 3, "fingerprint": "ab" * 32},
            "methods": {"colorful": method},
        }
        (tmp_path / "scores.json").write_text(json.dumps(scores))
        result = run("models", "grade", "house", "--from", tmp_path, "--pictures", "three gardens")
        assert result.exit_code == 0, result.output
        assert result.stdout == "Recorded the scores of house on 3 pictures.\n"
        card = run("models", "show", "house").stdout
        assert "On three gardens;" in card
        assert "| 23.12 (22.50 … 24.00) |" in card
        assert registry.record("house").scores["psnr"] == [23.125, 22.5, 24.0]

    def test_without_a_report_is_a_sentence(self, run, house, tmp_path):
        result = run("models", "grade", "house", "--from", tmp_path)
        assert result.exit_code == 1
        assert "make a report with evaluate first" in result.stderr


class TestGettingMore:
    def test_import_installs_a_file(self, run, tmp_path):
        path = tmp_path / "mine.pth"
        torch.save(_tiny().state_dict(), path)
        result = run("models", "import", path, "--architecture", "tiny", "--name", "own")
        assert result.exit_code == 0, result.output
        assert result.stdout.startswith("Imported own (tiny,")
        assert registry.record("own").source == "imported"
        assert run("models", "import", path, "--architecture", "tiny", "--name", "own").exit_code

    def test_import_of_a_web_page_is_told(self, run, tmp_path):
        path = tmp_path / "mine.pth"
        path.write_text("<html>")
        result = run("models", "import", path)
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: mine.pth is a web page")

    def test_fetch_downloads(self, run, offer, local_server):
        with local_server(offer) as url:
            result = run("models", "fetch", "paper", "--url", f"{url}/w.pth")
        assert result.exit_code == 0, result.output
        assert "paper is on this machine" in result.stdout
        assert registry.find("paper").installed

    def test_fetch_without_a_connection_is_a_sentence(self, run, offer):
        result = run("models", "fetch", "paper")
        assert "a weak check" in result.stderr
        assert result.exit_code == 1
        assert "example.invalid cannot be reached" in result.stderr
        assert "Traceback" not in result.output


def test_info_names_versions_backend_devices_and_folder(run, tmp_path):
    result = run("info")
    assert result.exit_code == 0, result.output
    titles = {line[:24].strip(): line[24:] for line in result.stdout.splitlines()}
    assert titles["torch"] == torch.__version__
    assert titles["operators"].split()[0] in ("native", "twin")
    assert titles["cpu"].endswith("threads")
    assert titles["user folder"] == str(tmp_path / "home")
