"""Small colour pictures, in a folder and in a tar archive."""

import tarfile

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def folder(tmp_path):
    """Thirty PNG pictures, two of them in a subfolder."""
    where = tmp_path / "pictures"
    (where / "more").mkdir(parents=True)
    random = np.random.default_rng(0)
    for number in range(30):
        place = where / "more" if number >= 28 else where
        picture = random.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        Image.fromarray(picture).save(place / f"{number:03d}.png")
    return where


@pytest.fixture
def archive(folder, tmp_path):
    """The same pictures as an uncompressed tar archive."""
    path = tmp_path / "pictures.tar"
    with tarfile.open(path, "w") as tar:
        tar.add(folder, arcname=".")
    return path
