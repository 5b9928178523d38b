"""Scores reach a record from a report of these weights at these settings, and no other way."""

import json

import pytest
import torch
from torch import Tensor, nn

from napari_colorize import methods
from napari_colorize.checkpoints import CheckpointRecord, clear_cache, registry, save_checkpoint
from napari_colorize.checkpoints.record import UNGRADED
from napari_colorize.evaluation.baselines import baselines
from napari_colorize.evaluation.methods import colorize_method
from napari_colorize.evaluation.recording import record_scores
from napari_colorize.evaluation.report import write_scores
from napari_colorize.evaluation.runner import Grading, grade
from napari_colorize.evaluation.summary import summarise


class TinyGraph(nn.Module):
    """Signature and stride of a method's graph, and two weights."""

    def __init__(self) -> None:
        super().__init__()
        self.colour = nn.Conv2d(1, 2, 1)

    def forward(
        self, luma: Tensor, temperature: Tensor, vividness: Tensor
    ) -> tuple[Tensor, Tensor]:
        small = nn.functional.avg_pool2d(luma, 4, ceil_mode=True)
        return self.colour(small) * vividness, torch.sigmoid(small / 50.0 - 1.0) * temperature


def saved(folder, name, seed=0, **fields):
    torch.manual_seed(seed)
    record = CheckpointRecord(
        name=name,
        method="colorful",
        architecture="tiny",
        defaults={"temperature": 0.4, "vividness": 0.5, "network_size": 64},
        **fields,
    )
    return save_checkpoint(TinyGraph().state_dict(), record, folder)


@pytest.fixture(autouse=True)
def house(tmp_path, monkeypatch):
    """Small shipped weights called `house`, fresh from a training."""
    monkeypatch.setenv("NAPARI_COLORIZE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(registry, "SHIPPED_RECORDS", tmp_path / "shipped")
    monkeypatch.setattr(registry, "SHIPPED_WEIGHTS", tmp_path / "shipped")
    monkeypatch.setitem(methods.ARCHITECTURES, "tiny", TinyGraph)
    clear_cache()
    yield saved(tmp_path / "shipped", "house", known_failures=(UNGRADED, "Snow turns yellow."))
    clear_cache()


@pytest.fixture
def report(folder, tmp_path):
    """Make a report: ``report(name, *settings)``; an empty setting is the defaults."""

    def make(name, *settings, images=folder, checkpoint="house", plain=True):
        graded = [colorize_method(checkpoint=checkpoint, **setting) for setting in settings]
        grading = Grading([*graded, *(baselines() if plain else [])], [images])
        where = tmp_path / name
        where.mkdir()
        scores = summarise(grading, grade(grading, where))
        write_scores(where, scores)
        return where, scores

    return make


def test_the_record_holds_what_the_report_says(report, house, photographs):
    where, scores = report("a", {})
    record_scores("house", [where], pictures="six photographs")
    told = registry.record("house").scores
    [subject] = [m for m in scores["methods"].values() if m["kind"] == "method"]
    for key, estimate in subject["scores"].items():
        for number, part in zip(told[key], ("value", "low", "high"), strict=True):
            assert number == pytest.approx(estimate[part], abs=6e-5)
    assert told["fingerprint"] == scores["pictures"]["fingerprint"]
    assert told["count"] == len(photographs)
    assert told["pictures"] == "six photographs"
    assert "judge" not in told


def test_other_settings_and_baselines_stand_beside(report):
    where, scores = report("a", {}, {"vividness": 1.0}, {"temperature": 1.0, "radius": 2})
    told = record_scores("house", [where]).scores
    changed = [other["changed"] for other in told["other_settings"]]
    assert changed == [{"vividness": 1.0}, {"temperature": 1.0, "radius": 2}]
    grey = scores["methods"]["grey"]["scores"]["psnr"]["value"]
    assert told["compared_with"]["grey"]["psnr"][0] == pytest.approx(grey, abs=6e-5)
    assert set(told["compared_with"]) == {"grey", "mean chroma", "random chroma"}


def test_several_reports_on_the_same_pictures_are_joined(report):
    usual, _ = report("a", {})
    vivid, _ = report("b", {"vividness": 1.0}, plain=False)
    told = record_scores("house", [usual, vivid]).scores
    assert [other["changed"] for other in told["other_settings"]] == [{"vividness": 1.0}]


def test_what_another_judge_said_of_the_baselines_is_left_out(report):
    first, _ = report("a", {}, plain=False)
    second, _ = report("b", {"vividness": 1.0})
    path = second / "scores.json"
    told = json.loads(path.read_text())
    told["settings"]["judge"] = "another"
    for method in told["methods"].values():
        method["scores"]["top1"] = {"value": 0.5, "low": 0.4, "high": 0.6}
    path.write_text(json.dumps(told))
    beside = record_scores("house", [first, second]).scores["compared_with"]
    assert {"grey", "mean chroma"} < set(beside)
    assert all("top1" not in scores and "psnr" in scores for scores in beside.values())


def test_recording_leaves_all_else_but_that_it_was_not_graded(report, house, tmp_path):
    where, _ = report("a", {})
    weights = (tmp_path / "shipped" / house.file).read_bytes()
    before = registry.record("house").to_dict()
    record_scores("house", [where])
    after = registry.record("house").to_dict()
    assert after.pop("known_failures") == ["Snow turns yellow."]
    assert {key for key in after if after[key] != before[key]} == {"scores"}
    assert (tmp_path / "shipped" / house.file).read_bytes() == weights


def test_the_same_pictures_keep_their_description(report):
    where, _ = report("a", {})
    record_scores("house", [where], pictures="six photographs")
    assert record_scores("house", [where]).scores["pictures"] == "six photographs"


def test_weights_are_told_by_their_hash_not_by_their_name(report, tmp_path):
    where, _ = report("a", {})
    saved(tmp_path / "shipped", "hut", seed=1)
    with pytest.raises(
        ValueError, match=r"did not grade 'hut'.*evaluate --method colorful --checkpoint hut"
    ):
        record_scores("hut", [where])


def test_a_report_at_other_settings_alone_is_refused(report, house):
    where, _ = report("a", {"vividness": 1.0})
    with pytest.raises(ValueError, match=r"only at vividness=1\.0"):
        record_scores("house", [where])
    assert registry.record("house").scores == house.scores


def test_reports_on_different_pictures_are_refused(report, tar, folder):
    (folder / "coffee-left.png").unlink()
    one, _ = report("a", {}, plain=False)
    other, _ = report("b", {}, images=tar, plain=False)
    with pytest.raises(ValueError, match="different pictures"):
        record_scores("house", [one, other])


def test_weights_may_be_given_by_their_file(report, tmp_path):
    record = saved(tmp_path / "run", "mine", seed=2)
    path = tmp_path / "run" / record.file
    where, scores = report("a", {}, checkpoint=str(path))
    assert str(tmp_path) not in json.dumps(scores["methods"])
    record_scores(path, [where])
    told = json.loads((tmp_path / "run" / "mine.json").read_text())
    assert told["scores"]["count"] == scores["pictures"]["count"]
