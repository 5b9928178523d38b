"""What got worse is found, and what only wobbles is not."""

import numpy as np
import pytest

from napari_colorize.evaluation.bootstrap import compare


def scores(psnr, auc, names=None, settings=None):
    names = names or [f"{index:03d}" for index in range(len(psnr))]
    ones = [1.0] * len(names)
    return {
        "settings": {"version": 1, "epsilon": 2.0, "prior": "p", "judge": None, **(settings or {})},
        "pictures": {"sha256": names},
        "methods": {
            "m": {
                "per_picture": {
                    "psnr": {"value": list(psnr), "weight": ones},
                    "auc": {"value": list(auc), "weight": ones},
                    "colourfulness": {"value": list(psnr), "weight": ones},
                }
            }
        },
    }


@pytest.fixture
def before():
    generator = np.random.default_rng(0)
    return generator.normal(23, 3, 200), generator.uniform(0.8, 0.95, 200)


def verdicts(changes):
    return {change.score: change.verdict for change in changes}


def test_a_small_but_steady_loss_is_flagged_though_the_intervals_overlap(before):
    psnr, auc = before
    wobble = np.random.default_rng(1).normal(0, 0.2, 200)
    changes = compare(scores(psnr, auc), scores(psnr - 0.1 + wobble, auc))
    assert verdicts(changes) == {"psnr": "worse", "auc": "same", "colourfulness": "changed"}
    assert changes[0].score == "psnr"
    assert changes[0].after - changes[0].before == pytest.approx(-0.1 + wobble.mean())


def test_noise_alone_is_flagged_about_once_in_twenty(before):
    psnr, auc = before
    generator = np.random.default_rng(5)
    old = scores(psnr, auc)
    noisy = [scores(psnr + generator.normal(0, 1, 200), auc) for _ in range(40)]
    flagged = sum(verdicts(compare(old, new))["psnr"] != "same" for new in noisy)
    assert flagged <= 6


def test_a_gain_is_a_gain_in_the_score_s_own_direction(before):
    psnr, auc = before
    assert verdicts(compare(scores(psnr, auc), scores(psnr, auc + 0.01)))["auc"] == "better"


def test_only_shared_pictures_count_whatever_their_order(before):
    psnr, auc = before
    names = [f"{index:03d}" for index in range(200)]
    turned = scores(psnr[::-1], auc[::-1], names[::-1])
    assert set(verdicts(compare(scores(psnr, auc), turned)).values()) == {"same"}
    part = scores(psnr[50:], auc[50:], names[50:])
    assert compare(scores(psnr, auc), part)[0].pictures == 150


def test_methods_of_other_names_are_paired_on_request(before):
    old, new = scores(*before), scores(*before)
    new["methods"]["n"] = new["methods"].pop("m")
    with pytest.raises(ValueError, match="share no method"):
        compare(old, new)
    assert compare(old, new, pairs={"m": "n"})[0].method == "m → n"
    with pytest.raises(ValueError, match="No such method"):
        compare(old, new, pairs={"m": "other"})


def test_reports_scored_differently_or_on_other_pictures_are_refused(before):
    psnr, auc = before
    with pytest.raises(ValueError, match="another epsilon"):
        compare(scores(psnr, auc), scores(psnr, auc, settings={"epsilon": 5.0}))
    with pytest.raises(ValueError, match="share no picture"):
        compare(scores(psnr, auc), scores(psnr, auc, [f"x{i}" for i in range(200)]))
