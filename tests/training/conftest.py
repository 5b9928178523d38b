"""Small colour pictures made by code, in a folder and in a tar archive."""

import tarfile

import cv2
import numpy as np
import pytest


def painted(seed, height=48, width=64):
    """A picture of coloured discs on a graded background."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    picture = np.stack([rows * 2, columns * 2, rows + columns], -1).astype(np.uint8)
    for _ in range(4):
        centre = random.integers(0, width), random.integers(0, height)
        colour = [int(c) for c in random.integers(0, 256, 3)]
        cv2.circle(picture, [int(c) for c in centre], int(random.integers(5, 15)), colour, -1)
    return picture


@pytest.fixture
def folder(tmp_path):
    """Thirty PNG pictures, two of them in a subfolder."""
    where = tmp_path / "pictures"
    (where / "more").mkdir(parents=True)
    for number in range(30):
        place = where / "more" if number >= 28 else where
        cv2.imwrite(str(place / f"{number:03d}.png"), painted(number))
    return where


@pytest.fixture
def archive(folder, tmp_path):
    """The same pictures as an uncompressed tar archive."""
    path = tmp_path / "pictures.tar"
    with tarfile.open(path, "w") as tar:
        tar.add(folder, arcname=".")
    return path


@pytest.fixture(scope="session")
def photographs(tmp_path_factory):
    """Thirty PNG pictures that no test changes."""
    where = tmp_path_factory.mktemp("photographs")
    for number in range(30):
        cv2.imwrite(str(where / f"{number:03d}.png"), painted(number))
    return where
