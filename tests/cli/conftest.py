"""A command line with a small network behind it and a user folder of its own."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner
from PIL import Image

from napari_colorize.cli import app


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_COLORIZE_HOME", str(tmp_path / "home"))


@pytest.fixture
def run():
    """Run a command line in this process; give click's result."""

    def call(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return call


@pytest.fixture
def pictures(tmp_path):
    """A folder with a PNG, a JPEG, a 16-bit TIFF, and one of each below it."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "in"
    (folder / "below").mkdir(parents=True)
    grey = rng.integers(0, 256, (20, 30), dtype=np.uint8)
    Image.fromarray(grey).save(folder / "a.png")
    Image.fromarray(grey).save(folder / "b.jpg")
    tifffile.imwrite(folder / "c.tif", rng.integers(0, 4000, (20, 30), dtype=np.uint16))
    Image.fromarray(grey).save(folder / "below" / "a.png")
    (folder / "notes.txt").write_text("no picture")
    return folder


@pytest.fixture
def names():
    """List the names below a folder, hidden ones too."""

    def listed(folder):
        return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())

    return listed


@pytest.fixture
def local_server():
    """Serve some bytes on this machine; give the address."""

    @contextmanager
    def serve(content):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        server.server_close()
        thread.join()

    return serve
