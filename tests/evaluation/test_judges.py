"""The judge knows its classes, and any callable may be one."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from napari_colorize.evaluation import judges
from napari_colorize.evaluation.judges import (
    EfficientNetLite2,
    SqueezeNet,
    arrays_in,
    imagenet_wnids,
    judged,
)


class FixedJudge:
    """Sees the same in everything."""

    name = "fixed"
    wnids = tuple(f"n{index:08d}" for index in range(7))

    def __init__(self, scores):
        self.scores = np.array(scores, float)

    def __call__(self, rgb):
        return self.scores


PICTURE = np.zeros((4, 4, 3), np.uint8)


def test_the_1000_classes_are_in_the_order_classifiers_use():
    wnids = imagenet_wnids()
    assert len(set(wnids)) == 1000
    assert list(wnids) == sorted(wnids)
    known = {0: "n01440764", 281: "n02123045", 504: "n03063599", 999: "n15075141"}
    assert {index: wnids[index] for index in known} == known  # tench, tabby, mug, toilet tissue


@pytest.mark.parametrize(
    ("wnid", "top1", "top5"), [("n00000006", 1, 1), ("n00000002", 0, 1), ("n00000001", 0, 0)]
)
def test_top_1_and_top_5_count_the_better_classes(wnid, top1, top5):
    answer = judged(FixedJudge(range(7)), PICTURE, wnid)
    assert answer == {"top1": [top1, 1.0], "top5": [top5, 1.0]}


def test_a_class_the_judge_does_not_know_is_refused():
    with pytest.raises(ValueError, match="does not know the class n99999999"):
        judged(FixedJudge(range(7)), PICTURE, "n99999999")


@pytest.mark.parametrize("scores", [range(6), [0, 1, 2, np.nan, 4, 5, 6]])
def test_a_judge_that_breaks_its_promise_is_refused(scores):
    with pytest.raises(ValueError, match="fixed gave scores"):
        judged(FixedJudge(scores), PICTURE, "n00000003")


@pytest.mark.parametrize("kind", [EfficientNetLite2, SqueezeNet])
def test_a_judge_recognises_photographs_of_known_things(kind):
    judge = kind()
    cat = int(np.argmax(judge(data.chelsea())))
    coffee = judged(judge, data.coffee(), "n07920052")  # espresso
    assert cat in (281, 282, 283, 285, 287)  # a domestic cat or a lynx
    assert coffee["top5"][0] == 1


class Attack:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_file_of_weights_cannot_run_anything(tmp_path):
    bad = pickle.dumps({"conv1": Attack(tmp_path / "ran")})
    with pytest.raises(pickle.UnpicklingError, match="has no place"):
        arrays_in(bad)
    assert not (tmp_path / "ran").exists()


def test_other_weights_under_the_known_name_are_refused(monkeypatch):
    monkeypatch.setattr(judges, "SHA256", "0" * 64)
    with pytest.raises(ValueError, match="not the known file"):
        SqueezeNet()(PICTURE)
