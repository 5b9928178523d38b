"""Small collections of pictures for the evaluation's tests, made by code."""

import io
import tarfile

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from napari_colorize.evaluation.baselines import with_chroma
from napari_colorize.evaluation.colour import grey_of, to_lab
from napari_colorize.evaluation.metrics import colourfulness
from napari_colorize.evaluation.scoring import Coloured


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


class Colourer:
    """A colouring method for tests: knows the photographs and returns them a little wrong.

    The chroma is faded and blurred, as a cautious network's is, and uncertain where it is wrong.
    """

    def __init__(self, photographs, fade=0.8, wrong=4.0):
        self.fade, self.wrong, self.calls = fade, wrong, 0
        self.known = {grey_of(rgb).tobytes(): rgb for rgb in photographs.values()}

    def __call__(self, grey):
        self.calls += 1
        ab = to_lab(self.known[grey.tobytes()])[..., 1:]
        noise = np.random.default_rng(grey.size).normal(0, self.wrong, ab.shape)
        noise[:, ::2] *= 0.2
        result = with_chroma(grey, cv2.GaussianBlur(ab, (0, 0), 1) * self.fade + noise)
        uncertainty = np.full(grey.shape, 0.7, np.float32)
        uncertainty[:, ::2] = 0.3
        return Coloured(result.rgb, uncertainty, result.clipped)


@pytest.fixture
def colourer(photographs):
    """Return a sound method that counts how often it is asked."""
    return Colourer(photographs)


class ColourJudge:
    """Judges by colour alone, so that recolouring matters and the answer is known."""

    name = "colour judge"
    wnids = ("n00000001", "n00000002")

    def __call__(self, rgb):
        """See the first class in colourful pictures."""
        colourful = colourfulness(rgb) > 10
        return np.array([float(colourful), float(not colourful)])


@pytest.fixture
def colour_judge():
    """Return a judge that knows two classes."""
    return ColourJudge()
