"""A run grades every picture once, survives being killed, and comes out the same again."""

import numpy as np
import pytest

from napari_colorize.evaluation.baselines import baselines, blind_scores, damaged
from napari_colorize.evaluation.catalogue import BY_KEY
from napari_colorize.evaluation.colour import grey_of
from napari_colorize.evaluation.methods import GradedMethod
from napari_colorize.evaluation.metrics import psnr
from napari_colorize.evaluation.runner import Grading, grade
from napari_colorize.evaluation.scoring import ScoringOptions
from napari_colorize.evaluation.summary import summarise


@pytest.fixture
def grading(colourer, tar):
    return Grading([GradedMethod("known", colourer), *baselines()], [tar])


def test_every_picture_is_coloured_once_and_a_second_run_colours_nothing(
    grading, colourer, photographs, tmp_path
):
    ticks = []
    graded = grade(grading, tmp_path, tick=lambda *done: ticks.append(done))
    assert colourer.calls == len(photographs)
    assert ticks == [(i + 1, len(photographs)) for i in range(len(photographs))]
    again = grade(grading, tmp_path)
    assert colourer.calls == len(photographs)
    assert summarise(grading, graded) == summarise(grading, again)


def test_a_killed_run_goes_on_where_it_stopped(grading, colourer, photographs, tmp_path):
    def kill(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        grade(grading, tmp_path / "broken", tick=kill)
    resumed = grade(grading, tmp_path / "broken")
    assert colourer.calls == len(photographs)
    whole = grade(grading, tmp_path / "whole")
    assert summarise(grading, resumed) == summarise(grading, whole)


def test_changed_settings_do_not_reuse_old_results(grading, colourer, photographs, tmp_path):
    grade(grading, tmp_path)
    other = GradedMethod("known", colourer, {"temperature": 0.5})
    grade(Grading([other], grading.images), tmp_path)
    grade(Grading(grading.methods, grading.images, ScoringOptions(epsilon=5)), tmp_path)
    assert colourer.calls == 3 * len(photographs)


def test_a_damaged_ledger_is_named(grading, tmp_path):
    grade(grading, tmp_path)
    spoilt = next((tmp_path / "ledger").glob("*/*.json"))
    spoilt.write_text('{"scores"')
    with pytest.raises(ValueError, match=spoilt.name):
        grade(grading, tmp_path)


def test_a_limit_takes_pictures_from_the_whole_collection(grading, photographs, tmp_path):
    few = Grading(grading.methods, grading.images, limit=3)
    names = [entry["name"] for entry in grade(few, tmp_path).pictures]
    assert names == sorted(photographs)[::2]


def test_what_a_method_does_wrong_is_told_with_its_name_and_the_picture(tar, tmp_path):
    small = GradedMethod("small", lambda grey: np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(ValueError, match=r"small could not colour astronaut-left\.png"):
        grade(Grading([small], [tar]), tmp_path)


def test_a_method_cannot_spoil_the_grey_of_the_next(tar, colourer, photographs, tmp_path):
    def vandal(grey):
        rgb = np.repeat(grey[..., None], 3, axis=2)
        grey[:] = 0
        return rgb

    methods = [GradedMethod("vandal", vandal), GradedMethod("known", colourer)]
    grade(Grading(methods, [tar]), tmp_path)
    assert colourer.calls == len(photographs)  # it knew every grey


def test_two_methods_of_one_name_are_refused(tar, colourer):
    with pytest.raises(ValueError, match="Two methods are called known"):
        Grading([GradedMethod("known", colourer)] * 2, [tar])


def test_the_summary_gathers_as_the_catalogue_says(grading, photographs, tmp_path):
    graded = grade(grading, tmp_path)
    summary = summarise(grading, graded)
    grey = summary["methods"]["grey"]
    plain = grading.methods[1]
    assert plain.name == "grey"
    expected = np.mean([psnr(rgb, plain.colour(grey_of(rgb)).rgb) for rgb in photographs.values()])
    assert grey["scores"]["psnr"]["value"] == pytest.approx(expected)
    column = grey["per_picture"]["rmse_ab"]
    assert grey["scores"]["rmse_ab"]["value"] == pytest.approx(
        np.sqrt(np.average(column["value"], weights=column["weight"]))
    )
    assert np.mean(grey["curves"]["share_within"]) == pytest.approx(
        grey["scores"]["auc"]["value"], abs=1e-6
    )
    for estimate in grey["scores"].values():
        assert estimate["low"] <= estimate["value"] + 1e-12
        assert estimate["value"] <= estimate["high"] + 1e-12


def test_calibration_is_found_where_the_method_knows_its_weak_places(grading, colourer, tmp_path):
    colourer.fade, colourer.wrong = 1.0, 10.0
    known = summarise(grading, grade(grading, tmp_path))["methods"]["known"]
    assert known["scores"]["uncertainty_spearman"]["low"] > 0.3
    assert known["scores"]["rejection_gain"]["low"] > 0.2


def test_recovery_is_the_regained_share_of_what_greying_loses(
    tar, colourer, colour_judge, photographs, tmp_path
):
    labels = dict.fromkeys(photographs, "n00000001")

    def half(grey):
        rgb = colourer(grey).rgb
        regained = sorted(colourer.known).index(grey.tobytes()) % 2 == 0
        return rgb if regained else np.repeat(grey[..., None], 3, axis=2)

    grading = Grading([GradedMethod("half", half)], [tar], judge=colour_judge, labels=labels)
    summary = summarise(grading, grade(grading, tmp_path))
    assert summary["truth"]["top1_colour"]["value"] == 1
    assert summary["truth"]["top1_grey"]["value"] == 0
    recovery = summary["methods"]["half"]["scores"]["recovery"]
    assert recovery["value"] == pytest.approx(0.5)
    assert 0 <= recovery["low"] < 0.5 < recovery["high"] <= 1
    assert recovery["pictures"] == len(photographs)


def test_every_score_sees_the_damage_it_claims_to_see(tar, colourer, tmp_path):
    sound = GradedMethod("known", colourer)
    grading = Grading([sound, *damaged(sound)], [tar])
    summary = summarise(grading, grade(grading, tmp_path))
    values = {
        name: {key: estimate["value"] for key, estimate in method["scores"].items()}
        for name, method in summary["methods"].items()
    }
    claimed = {key for key, score in BY_KEY.items() if score.sees}
    assert claimed - set(values["known"]) == {"top1", "top5", "feature_distance", "frechet"}
    assert blind_scores(values, "known") == []


def test_a_score_that_does_not_see_its_damage_is_reported():
    values = {"m": {"psnr": 25.0}, "m · shuffled": {"psnr": 26.0}, "m · hue": {"psnr": 20.0}}
    values["m · grey"] = {"psnr": 30.0}  # PSNR does not claim to see missing colour
    assert blind_scores(values, "m") == [("psnr", "shuffled")]
