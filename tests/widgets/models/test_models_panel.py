"""The panel *Models*: lists, cards, verify, fetch and import, without a viewer."""

import hashlib
import io
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from torch import nn

from napari_colorize import checkpoints, methods
from napari_colorize.checkpoints import CheckpointRecord, registry, save_checkpoint
from napari_colorize.checkpoints.home import checkpoints_folder, downloads_folder
from napari_colorize.checkpoints.registry import remove
from napari_colorize.widgets.colorize.panel import ColorizePanel
from napari_colorize.widgets.models.panel import ModelsPanel


class Tiny(nn.Module):
    """One convolution with the signature of a method's graph."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Conv2d(1, 3, 1)

    def forward(self, luma: torch.Tensor, temperature: torch.Tensor, vividness: torch.Tensor):
        """Return chroma and uncertainty."""
        out = self.last(luma / 100)
        return out[:, :2] * vividness, torch.sigmoid(out[:, 2:] * temperature)


def record_of(name: str, **fields) -> CheckpointRecord:
    return CheckpointRecord(
        **{
            "name": name,
            "method": "colorful",
            "architecture": "tiny",
            "data": [{"name": "Nobody's photographs", "licence": "CC0-1.0"}],
            "defaults": {"temperature": 0.38, "vividness": 0.5, "network_size": 64},
            "known_failures": ["It has seen nothing."],
            **fields,
        }
    )


@pytest.fixture
def content() -> bytes:
    """The bytes of a published state dict."""
    buffer = io.BytesIO()
    torch.save(Tiny().state_dict(), buffer)
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def world(tmp_path, monkeypatch, content):
    """A package that ships one set of weights and knows where to fetch another."""
    shipped = tmp_path / "shipped"
    monkeypatch.setenv("NAPARI_COLORIZE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(registry, "SHIPPED_RECORDS", shipped)
    monkeypatch.setattr(registry, "SHIPPED_WEIGHTS", shipped)
    monkeypatch.setitem(methods.ARCHITECTURES, "tiny", Tiny)
    checkpoints.clear_cache()
    scores = {"psnr": [22.5, 22.0, 23.0], "pictures": "twelve pictures", "version": "0"}
    save_checkpoint(Tiny().state_dict(), record_of("shipped-one", scores=scores), shipped)
    yield shipped
    checkpoints.clear_cache()


@pytest.fixture
def offer(world, content):
    """Return a function that offers `content` for download at an address."""

    def put(url: str) -> None:
        digest = hashlib.sha256(content).hexdigest()
        known = record_of(
            "paper", source="download", url=url, sha256=digest, size_bytes=len(content)
        )
        (world / "paper.json").write_text(known.to_json())

    put("https://example.invalid/paper.pth")
    return put


@contextmanager
def serving(content: bytes, first: int, gate: threading.Event):
    """Serve `content`; after the `first` bytes wait for the gate."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            start = int(self.headers.get("Range", "bytes=0-")[6:-1])
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            try:
                self.wfile.write(content[start:first])
                self.wfile.flush()
                gate.wait(20)
                self.wfile.write(content[max(first, start) :])
            except OSError:  # the other side has gone, as after a cancel
                pass

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/paper.pth"
    finally:
        gate.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def make(qtbot):
    """Return a function that opens the panel."""

    def make_panel() -> ModelsPanel:
        panel = ModelsPanel()
        qtbot.addWidget(panel)
        return panel

    return make_panel


@pytest.fixture
def wait(qtbot):
    """Return a function that waits until a panel is idle."""
    return lambda panel: qtbot.waitUntil(lambda: not panel.task.busy, timeout=20_000)


def rows(panel) -> list[list[str]]:
    tree = panel.ui.models
    items = [tree.topLevelItem(row) for row in range(tree.topLevelItemCount())]
    return [[item.text(column) for column in range(3)] for item in items]


class TestList:
    def test_has_weights_here_before_those_to_be_fetched(self, make, offer):
        panel = make()

        assert rows(panel) == [
            ["shipped-one", "Colorful", "shipped"],
            ["paper", "Colorful", "to be fetched"],
        ]

    def test_says_where_a_file_is_missing(self, make, world):
        (world / "shipped-one.safetensors").unlink()
        panel = make()

        assert rows(panel)[0][2] == "file missing"
        assert not panel.ui.verify.isEnabled()
        assert not panel.ui.fetch.isEnabled(), "there is no address"

    def test_leaves_out_what_cannot_be_read_and_says_so(self, make, world):
        (world / "broken.json").write_text("{")
        panel = make()

        assert [row[0] for row in rows(panel)] == ["shipped-one"]
        assert "broken.json is not valid JSON" in panel.ui.status.text()

    def test_may_be_empty(self, make, world):
        (world / "shipped-one.json").unlink()
        panel = make()

        assert rows(panel) == []
        assert "There are no weights here" in panel.ui.card.toPlainText()
        panel.verify(), panel.fetch(), panel.cancel()
        assert not panel.task.busy


class TestCard:
    def test_has_scores_provenance_and_failures_of_the_chosen(self, make):
        panel = make()
        text = panel.ui.card.toPlainText()

        for said in ("shipped-one", "22.50 (22.00 … 23.00)", "PSNR", "CC0-1.0", "It has seen"):
            assert said in text
        assert registry.find("shipped-one").record.sha256 in text

    def test_follows_the_choice(self, make, offer):
        panel = make()
        panel.ui.models.choose("paper")

        assert "example.invalid" in panel.ui.card.toPlainText()
        assert panel.ui.fetch.isEnabled()
        assert not panel.ui.verify.isEnabled()


class TestOwn:
    """Weights of the user's own can be used, renamed and deleted; others stay as they are."""

    @pytest.fixture
    def own(self, world):
        recipe = {"name": "deep-quick", "training_pictures": 7}
        scores = {"psnr": 25.31, "psnr_of_grey": 22.0}
        for name in ("mine", "other"):
            record = record_of(
                name, source="imported", recipe=recipe, scores=scores, created="2026-01-31"
            )
            save_checkpoint(Tiny().state_dict(), record, checkpoints_folder())

    def test_card_shows_their_scores_and_that_they_were_trained_here(self, make, own):
        panel = make()
        panel.ui.models.choose("mine")
        text = panel.ui.card.toPlainText()

        for said in ("trained here on 2026-01-31", "PSNR", "25.31", "psnr of grey", "22.00"):
            assert said in text
        assert "not been graded" not in text
        assert ["mine", "Colorful", "trained here"] in rows(panel)

    def test_can_be_renamed(self, make, own, monkeypatch):
        panel = make()
        panel.ui.models.choose("mine")
        sha = registry.find("mine").record.sha256
        asked = "napari_colorize.widgets.models.panel.QInputDialog.getText"
        monkeypatch.setattr(asked, lambda *_, **__: ("better", True))
        panel.ui.rename.click()

        assert panel.ui.models.entry.record.name == "better"
        assert checkpoints.verify("better").sha256 == sha
        assert not list(checkpoints_folder().glob("mine.*"))

    def test_keep_their_name_where_the_new_one_is_taken(self, make, own, monkeypatch):
        panel = make()
        panel.ui.models.choose("mine")
        asked = "napari_colorize.widgets.models.panel.QInputDialog.getText"
        monkeypatch.setattr(asked, lambda *_, **__: ("other", True))
        panel.ui.rename.click()

        assert "weights called 'other' already" in panel.ui.status.text()
        assert registry.find("mine").installed

    @pytest.mark.parametrize("agreed", [True, False])
    def test_are_deleted_only_when_somebody_agrees(self, make, own, monkeypatch, agreed):
        from napari_colorize.widgets.models.panel import QMessageBox

        buttons = QMessageBox.StandardButton
        answer = buttons.Yes if agreed else buttons.No
        monkeypatch.setattr(QMessageBox, "question", lambda *_, **__: answer)
        panel = make()
        panel.ui.models.choose("mine")
        panel.ui.delete.click()

        assert len(list(checkpoints_folder().glob("mine.*"))) == (0 if agreed else 2)

    def test_lenders_of_a_trunk_stay(self, make, own):
        lender = registry.find("mine").record
        borrowed = {
            "file": lender.file,
            "sha256": lender.sha256,
            "lender_prefix": "a",
            "prefix": "b",
        }
        changed = replace(registry.find("other").record, borrowed=borrowed)
        (checkpoints_folder() / "other.json").write_text(changed.to_json())

        with pytest.raises(checkpoints.CheckpointError, match="other borrow their trunk"):
            remove("mine")
        assert registry.find("mine").installed

    def test_are_not_those_that_come_with_the_package(self, make):
        panel = make()
        panel.ui.models.choose("shipped-one")

        assert panel.ui.use.isEnabled()
        assert not panel.ui.delete.isEnabled()
        assert not panel.ui.rename.isEnabled()
        with pytest.raises(checkpoints.CheckpointError, match="comes with the package"):
            remove("shipped-one")


class TestVerify:
    def test_says_that_weights_are_intact(self, make, wait):
        panel = make()
        panel.ui.verify.click()
        wait(panel)

        assert panel.ui.status.text().startswith("'shipped-one' is intact: SHA-256 ")

    def test_says_what_is_wrong_with_damaged_ones(self, make, wait, world):
        path = world / "shipped-one.safetensors"
        path.write_bytes(path.read_bytes()[:-1] + b"!")
        panel = make()
        panel.verify()
        wait(panel)

        assert "It was changed or damaged" in panel.ui.status.text()


class TestFetch:
    def test_brings_weights_here_and_tells_the_other_panels(
        self, make, wait, offer, content, viewer, qtbot
    ):
        gate = threading.Event()
        gate.set()
        other = ColorizePanel(viewer)
        qtbot.addWidget(other)
        with serving(content, 100, gate) as url:
            offer(url)
            panel = make()
            panel.ui.models.choose("paper")
            panel.ui.fetch.click()
            wait(panel)

        assert panel.ui.status.text() == "'paper' is on this machine, and its hash is right."
        assert rows(panel)[1] == ["paper", "Colorful", "downloaded"]
        assert panel.ui.models.entry.record.name == "paper"
        assert "paper" in other.ui.form.checkpoint.choices
        assert checkpoints.verify("paper").source == "download"

    def test_shows_how_far_it_is_and_can_be_cancelled_while_the_server_is_silent(
        self, make, offer, content, qtbot
    ):
        gate = threading.Event()
        with serving(content, len(content) // 2, gate) as url:
            offer(url)
            panel = make()
            panel.ui.models.choose("paper")
            panel.fetch()
            qtbot.waitUntil(lambda: "Fetching" in panel.ui.status.text(), timeout=20_000)
            assert panel.ui.progress.maximum() > 0, "a share is shown"
            panel.ui.cancel.click()
            qtbot.waitUntil(lambda: not panel.task.busy, timeout=1000)

            assert "Fetch goes on there" in panel.ui.status.text()
            assert panel.ui.fetch.isEnabled()
            assert not checkpoints_folder().exists()

    def test_of_a_wrong_file_keeps_nothing(self, make, wait, offer, content):
        gate = threading.Event()
        gate.set()
        with serving(content[:-1] + b"!", 100, gate) as url:
            offer(url)
            panel = make()
            panel.ui.models.choose("paper")
            panel.fetch()
            wait(panel)

        assert "is not the published file" in panel.ui.status.text()
        assert "--url" not in panel.ui.status.text()
        assert not list(downloads_folder().iterdir())
        assert rows(panel)[1][2] == "to be fetched"

    def test_goes_away_with_its_panel(self, make, offer, content, qtbot):
        gate = threading.Event()
        with serving(content, 10, gate) as url:
            offer(url)
            panel = make()
            panel.ui.models.choose("paper")
            panel.fetch()
            qtbot.wait(100)
            stop = panel.task._stop
            panel.deleteLater()
            qtbot.waitUntil(stop.is_set, timeout=5000)
            gate.set()
            qtbot.wait(200)

        assert not checkpoints_folder().exists()


class TestImport:
    def test_makes_weights_of_a_file_under_the_chosen_name(self, make, wait, content, tmp_path):
        path = tmp_path / "Mine 3.pth"
        path.write_bytes(content)
        panel = make()
        panel.ui.architecture.addItem("tiny", "tiny")
        panel.ui.architecture.setCurrentText("tiny")
        panel.ui.name.setText(" of-mine ")
        panel.import_file(path)
        wait(panel)

        assert panel.ui.status.text() == "Imported Mine 3.pth as 'of-mine'."
        assert panel.ui.models.entry.record.name == "of-mine"
        assert panel.ui.name.text() == ""
        assert checkpoints.verify("of-mine").source == "imported"

    @pytest.mark.parametrize(
        ("name", "architecture", "said"),
        [
            ("shipped-one", "tiny", "Choose another name under Name."),
            ("", None, "Choose it below, under When importing, Network"),
        ],
    )
    def test_says_which_control_helps(
        self, make, wait, content, tmp_path, name, architecture, said
    ):
        path = tmp_path / "mine.pth"
        path.write_bytes(content)
        panel = make()
        if architecture:
            panel.ui.architecture.addItem(architecture, architecture)
            panel.ui.architecture.setCurrentText(architecture)
        panel.ui.name.setText(name)
        panel.import_file(path)
        wait(panel)

        assert said in panel.ui.status.text()
        assert not checkpoints_folder().exists()

    def test_of_something_else_says_what_it_is(self, make, wait, tmp_path):
        path = tmp_path / "page.pth"
        path.write_text("<!DOCTYPE html><p>Not found")
        panel = make()
        panel.import_file(path)
        wait(panel)

        assert "is a web page, not weights" in panel.ui.status.text()

    def test_a_second_action_meanwhile_is_refused(self, make, wait, tmp_path, content):
        path = tmp_path / "mine.pth"
        path.write_bytes(content)
        panel = make()
        panel.verify()
        panel.import_file(path)
        wait(panel)

        assert panel.ui.status.text().startswith("'shipped-one' is intact")
        assert not checkpoints_folder().exists()
