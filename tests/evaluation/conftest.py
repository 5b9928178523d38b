"""Small collections of pictures for the evaluation's tests, made by code."""

import io
import tarfile

import numpy as np
import pytest
from PIL import Image
from skimage import data


def encoded(rgb, kind="PNG"):
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def photographs():
    """Return six small colour crops, name → (H, W, 3) uint8, of different sizes."""
    sources = {"astronaut": data.astronaut(), "cat": data.chelsea(), "coffee": data.coffee()}
    crops = {}
    for name, rgb in sources.items():
        crops[f"{name}-left.png"] = np.ascontiguousarray(rgb[40:240:4, 30:230:4])
        crops[f"{name}-right.png"] = np.ascontiguousarray(rgb[60:280:4, 180:440:4])
    return crops


@pytest.fixture
def folder(tmp_path, photographs):
    """Return a folder that holds the photographs as PNG."""
    path = tmp_path / "pictures"
    path.mkdir()
    for name, rgb in photographs.items():
        (path / name).write_bytes(encoded(rgb))
    return path


@pytest.fixture
def tar(tmp_path, photographs):
    """Return a tar that holds the photographs as PNG, beside a text file."""
    path = tmp_path / "pictures.tar"
    with tarfile.open(path, "w") as archive:
        for name, body in [("notes.txt", b"not a picture")] + [
            (name, encoded(rgb)) for name, rgb in reversed(photographs.items())
        ]:
            member = tarfile.TarInfo(name)
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return path
