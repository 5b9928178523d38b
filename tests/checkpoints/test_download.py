"""Downloads are streamed, continued, checked, and never leave a wrong file behind."""

import hashlib
import io
import socket
import threading
import time

import pytest
import torch
from misbehaving_server import continuing, serving, whole

from napari_colorize.checkpoints import (
    CheckpointError,
    DownloadCancelled,
    DownloadError,
    fetch,
    load,
    registry,
)
from napari_colorize.checkpoints import receiver as receiving
from napari_colorize.checkpoints.home import checkpoints_folder, downloads_folder


@pytest.fixture
def published(tiny_graph):
    """The bytes of a published state dict of the tiny network."""
    buffer = io.BytesIO()
    torch.save(tiny_graph.state_dict(), buffer)
    return buffer.getvalue()


@pytest.fixture
def offered(published, make_record):
    """Put an offer of those bytes into the registry; only a prefix of the hash is known."""

    def put(url="https://example.invalid/weights.pth", **fields):
        fields = {"sha256": hashlib.sha256(published).hexdigest()[:8]} | fields
        record = make_record("paper", source="download", url=url, **fields)
        registry.SHIPPED_RECORDS.mkdir(exist_ok=True)
        (registry.SHIPPED_RECORDS / "paper.json").write_text(record.to_json())

    put()
    return put


def left_over():
    return [path.name for path in downloads_folder().glob("*")]


def test_fetched_weights_load(offered, published, tiny_graph):
    with serving(whole(published)) as (url, _):
        record = fetch("paper", url=f"{url}/weights.pth")
    assert record.source == "download"
    assert record.url.startswith(url)
    assert len(record.sha256) == 64
    assert record.recipe["imported_from"]["sha256"] == hashlib.sha256(published).hexdigest()
    assert torch.equal(load("paper").graph.state_dict()["last.bias"], tiny_graph.last.bias)
    assert left_over() == []


def test_nothing_is_written_into_the_package(offered, published):
    before = set(registry.SHIPPED_RECORDS.iterdir())
    with serving(whole(published)) as (url, _):
        fetch("paper", url=url)
    assert set(registry.SHIPPED_RECORDS.iterdir()) == before
    assert {path.name for path in checkpoints_folder().iterdir()} == {
        "paper.json",
        "paper.safetensors",
    }


def test_the_records_own_address_is_used(offered, published):
    with serving(whole(published)) as (url, requests):
        offered(url=url)
        fetch("paper")
    assert len(requests) == 1
    assert requests[0]["User-Agent"].startswith("napari-colorize/")


def test_weights_that_are_here_are_not_downloaded_again(offered, published):
    with serving(whole(published)) as (url, requests):
        first = fetch("paper", url=url)
        assert fetch("paper", url=url).sha256 == first.sha256
    assert len(requests) == 1


def test_progress_ends_at_the_whole(offered, published, monkeypatch):
    monkeypatch.setattr(receiving, "CHUNK", 1000)
    seen = []
    with serving(whole(published)) as (url, _):
        fetch("paper", url=url, progress=lambda done, total: seen.append((done, total)))
    assert seen[0] == (0, len(published))
    assert seen[-1] == (len(published), len(published))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert len(seen) > 3


def test_a_full_hash_is_compared_in_full(offered, published):
    right = hashlib.sha256(published).hexdigest()
    wrong_at_the_end = right[:-1] + ("0" if right[-1] != "0" else "1")
    with serving(whole(published)) as (url, _):
        offered(sha256=wrong_at_the_end)
        with pytest.raises(CheckpointError, match="not the published file"):
            fetch("paper", url=url)
        offered(sha256=right)
        fetch("paper", url=url)


def test_wrong_content_is_deleted(offered, published):
    with (
        serving(whole(published + b"x")) as (url, _),
        pytest.raises(CheckpointError, match=r"SHA-256.*deleted"),
    ):
        fetch("paper", url=url)
    assert left_over() == []
    assert registry.available() == ()


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/octet-stream"])
def test_a_web_page_is_refused(offered, kind):
    page = b"<!DOCTYPE html><html><title>Sign in</title></html>"
    with serving(whole(page, kind)) as (url, _), pytest.raises(CheckpointError, match="web page"):
        fetch("paper", url=url)
    assert left_over() == []


def test_a_missing_file_is_told(offered):
    with (
        serving(lambda request: request.send_error(404)) as (url, _),
        pytest.raises(DownloadError, match=r"answered 404.*models import"),
    ):
        fetch("paper", url=url)


def test_a_cut_connection_is_told_and_continued(offered, published):
    with serving(continuing(published, cut_first_at=1500)) as (url, requests):
        with pytest.raises(DownloadError, match=r"cut after 1,500 of .* again to continue"):
            fetch("paper", url=url)
        assert registry.available() == ()
        fetch("paper", url=url)
    assert "Range" not in requests[0]
    assert requests[1]["Range"] == "bytes=1500-"
    assert load("paper").record.name == "paper"
    assert left_over() == []


def test_a_server_that_cannot_continue_sends_all_again(offered, published):
    with (
        serving(continuing(published, cut_first_at=1500)) as (url, _),
        pytest.raises(DownloadError),
    ):
        fetch("paper", url=url)
    with serving(whole(published)) as (url, requests):
        fetch("paper", url=f"{url}")
    assert requests[0]["Range"] == "bytes=1500-"
    assert load("paper").record.name == "paper"


@pytest.mark.parametrize("stale", [b"something else" * 20, b"x" * 100_000])
def test_a_stale_beginning_is_thrown_away(offered, published, stale):
    with (
        serving(continuing(published, cut_first_at=10)) as (url, _),
        pytest.raises(DownloadError),
    ):
        fetch("paper", url=url)
    (part,) = downloads_folder().glob("*.part")
    part.write_bytes(stale)
    with serving(continuing(published)) as (url, _):
        fetch("paper", url=url)
    assert load("paper").record.name == "paper"


def test_cancelling_stops_between_pieces(offered, published, monkeypatch):
    monkeypatch.setattr(receiving, "CHUNK", 500)
    pieces = []
    with serving(whole(published)) as (url, _), pytest.raises(DownloadCancelled, match="stopped"):
        fetch(
            "paper",
            url=url,
            progress=lambda done, _: pieces.append(done),
            should_stop=lambda: len(pieces) > 2,
        )
    assert pieces[-1] == 1000
    assert registry.available() == ()


def test_more_bytes_than_expected_are_refused(offered, published):
    offered(size_bytes=100)
    with serving(whole(published)) as (url, _), pytest.raises(DownloadError, match="more than"):
        fetch("paper", url=url)


def test_a_machine_that_does_not_answer_is_told(offered):
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        with pytest.raises(DownloadError, match=r"127.0.0.1 cannot be reached.*models import"):
            fetch("paper", url=f"http://127.0.0.1:{port}/weights.pth")


@pytest.mark.parametrize(
    "url", ["http://example.org/w.pth", "ftp://example.org/w", "file:///etc/passwd", "w.pth", ""]
)
def test_only_https_is_followed(offered, url):
    offered(url=url or "nowhere")
    with pytest.raises(DownloadError, match="https"):
        fetch("paper", url=url or None)


def test_a_redirect_to_plain_http_is_refused(offered):
    def elsewhere(request):
        request.send_response(302)
        request.send_header("Location", "file:///etc/passwd")
        request.end_headers()

    with serving(elsewhere) as (url, _), pytest.raises(DownloadError):
        fetch("paper", url=url)


@pytest.mark.parametrize(
    ("target", "said"),
    [("/again", "one address to the next"), ("ftp://127.0.0.1:1/x", "https:// addresses only")],
)
def test_circles_and_odd_schemes_are_refused_by_name(offered, target, said):
    def elsewhere(request):
        request.send_response(302)
        request.send_header("Location", target)
        request.end_headers()

    with serving(elsewhere) as (url, _), pytest.raises(DownloadError, match=said):
        fetch("paper", url=url)


@pytest.mark.parametrize("how", ["dripping", "silent", "no answer"])
def test_a_slow_server_is_left_within_a_second(offered, published, how):
    stopped, asked = threading.Event(), []

    def slowly(request):
        if how == "no answer":
            stopped.wait(20)
            return
        request.send_response(200)
        request.send_header("Content-Length", str(len(published)))
        request.end_headers()
        for byte in published if how == "dripping" else b"":
            request.wfile.write(bytes([byte]))
            if stopped.wait(0.05):
                return
        stopped.wait(20)

    def should_stop():
        asked.append(time.monotonic())
        return len(asked) > 3

    with serving(slowly) as (url, _):
        with pytest.raises(DownloadCancelled):
            fetch("paper", url=url, should_stop=should_stop)
        waited = time.monotonic() - asked[-1]
        stopped.set()
    assert waited < 1


def test_a_server_that_brings_nothing_is_given_up(offered, published, monkeypatch):
    monkeypatch.setattr(receiving, "TIMEOUT_SECONDS", 0.5)
    stopped = threading.Event()

    def silent(request):
        request.send_response(200)
        request.send_header("Content-Length", str(len(published)))
        request.end_headers()
        stopped.wait(20)

    with serving(silent) as (url, _):
        with pytest.raises(DownloadError, match="cannot be reached"):
            fetch("paper", url=url)
        stopped.set()


def test_downloads_of_unknown_size_are_bounded(offered, published, monkeypatch):
    monkeypatch.setattr(receiving, "LARGEST", 100)
    with serving(whole(published)) as (url, _), pytest.raises(DownloadError, match="more than"):
        fetch("paper", url=url)


def test_weights_of_another_network_are_not_installed(offered, make_record, published):
    offered(options={"channels": 5})
    with (
        serving(whole(published)) as (url, _),
        pytest.raises(CheckpointError, match="does not fit the architecture"),
    ):
        fetch("paper", url=url)
    assert registry.available() == ()
    assert left_over() == []
