"""One picture's row holds what every later sum needs."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from napari_colorize.evaluation import metrics
from napari_colorize.evaluation.baselines import baselines, grey, random_chroma
from napari_colorize.evaluation.colour import to_lab
from napari_colorize.evaluation.prior import load_prior
from napari_colorize.evaluation.scoring import Coloured, ScoringOptions, Truth, score_picture


@pytest.fixture
def truth(photographs):
    return Truth(photographs["coffee-left.png"])


def test_a_row_is_json_and_agrees_with_the_metrics(truth):
    coloured = grey(truth.grey)
    row = json.loads(json.dumps(score_picture(truth, coloured, ScoringOptions())))
    error = metrics.ab_error(truth.lab, to_lab(coloured.rgb))
    assert row["scores"]["auc"] == [pytest.approx(metrics.auc(error)), error.size]
    value, weight = row["scores"]["auc_rebalanced"]
    weights = load_prior().weights()[truth.bins]
    assert (value, weight) == pytest.approx((metrics.auc(error, weights), weights.sum()))
    within = np.cumsum(row["errors"])[:-1] / error.size
    assert within.mean() == pytest.approx(metrics.auc(error))
    assert sum(row["errors"]) == error.size
    assert row["calibration"] is None
    assert "uncertainty_spearman" not in row["scores"]


def test_the_truth_itself_scores_perfectly_but_finitely(truth):
    scores = score_picture(truth, Coloured(truth.rgb), ScoringOptions())["scores"]
    assert scores["psnr"][0] == 60
    assert scores["auc"][0] == scores["auc_rebalanced"][0] == scores["accuracy"][0] == 1
    assert scores["colourfulness_error"][0] == scores["rmse_ab"][0] == 0


def test_uncertainty_and_clipping_are_graded_where_a_method_gives_them(truth):
    error = metrics.ab_error(truth.lab, to_lab(grey(truth.grey).rgb))
    clipped = np.zeros(error.shape, bool)
    clipped[:5] = True
    coloured = Coloured(grey(truth.grey).rgb, error / error.max(), clipped)
    row = score_picture(truth, coloured, ScoringOptions())
    assert row["scores"]["uncertainty_spearman"][0] == pytest.approx(1)
    assert row["scores"]["clipped"][0] == pytest.approx(5 / error.shape[0])
    assert sum(row["calibration"]["pixels"]) == error.size


def test_any_result_with_rgb_is_taken(truth):
    rgb = grey(truth.grey).rgb
    shape = truth.grey.shape
    rgba = np.dstack([rgb, np.full(shape, 255, np.uint8)])
    assert np.array_equal(Coloured.of(SimpleNamespace(rgb=rgba), shape).rgb, rgb)
    assert np.array_equal(Coloured.of(rgb, shape).rgb, rgb)


def test_a_method_that_changes_the_size_is_refused(truth):
    with pytest.raises(ValueError, match="must return the size"):
        Coloured.of(np.zeros((3, 3, 3), np.uint8), truth.grey.shape)


def test_the_baseline_welsh_takes_its_colours_from_the_likest_photograph(tmp_path):
    import skimage.data
    from PIL import Image

    for name in ("coffee", "astronaut", "rocket"):
        Image.fromarray(getattr(skimage.data, name)()[::4, ::4]).save(tmp_path / f"{name}.png")
    graded = baselines(references=[tmp_path])[-1]
    assert graded.name == "Welsh"
    assert graded.settings["count"] == 3
    truth = skimage.data.coffee()[2::4, 2::4]
    light = np.rint(to_lab(truth)[..., 0] * 2.55).astype(np.uint8)
    error = np.abs(to_lab(graded.colour(light).rgb)[..., 1:] - to_lab(truth)[..., 1:]).mean()
    assert error < 0.7 * np.abs(to_lab(truth)[..., 1:]).mean()  # grey's own error


def test_baselines_keep_the_lightness_and_their_colours(truth):
    plain, mean, random = (m.colour(truth.grey) for m in baselines())
    shown = to_lab(plain.rgb)[..., 0]
    for coloured in (mean, random):
        assert np.abs(to_lab(coloured.rgb)[..., 0] - shown).max() < 1.0
    inside = ~mean.clipped & (shown > 20)
    expected = load_prior().mean_ab
    assert to_lab(mean.rgb)[inside][:, 1:].mean(axis=0) == pytest.approx(expected, abs=0.3)


def test_random_chroma_follows_the_prior_and_comes_again():
    picture = np.arange(640 * 640, dtype=np.uint32).astype(np.uint8).reshape(640, 640)
    prior = load_prior()
    drawn = random_chroma(picture, prior, 0)
    assert np.array_equal(drawn, random_chroma(picture, prior, 0))
    assert not np.array_equal(drawn, random_chroma(picture, prior, 1))
    assert drawn[::16, ::16].reshape(-1, 2).mean(axis=0) == pytest.approx(prior.mean_ab, abs=2)


def test_the_share_of_moved_colours_is_that_of_the_record_where_there_is_one():
    clipped = np.zeros((4, 5), bool)
    clipped[0, 0] = True
    rgb = np.zeros((4, 5, 3), np.uint8)
    own = SimpleNamespace(rgb=rgb, clipped=clipped, record={"output": {"moved_share": 0.4}})
    assert Coloured.of(own, (4, 5)).moved_share == 0.4
    assert Coloured.of(SimpleNamespace(rgb=rgb, clipped=clipped), (4, 5)).moved_share is None


def test_a_moved_share_is_scored_before_the_mask(truth):
    clipped = np.zeros(truth.grey.shape, bool)
    coloured = Coloured(grey(truth.grey).rgb, clipped=clipped, moved_share=0.25)
    assert score_picture(truth, coloured, ScoringOptions())["scores"]["clipped"][0] == 0.25
