"""The count finds an observer's known skill again, alone and merged."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from observer import simulated_observer, sit

from napari_colorize.evaluation.turing.result import Share, merge
from napari_colorize.evaluation.turing.session import Session
from napari_colorize.evaluation.turing.stimuli import Stimuli

IDS = tuple(f"p{index:03d}" for index in range(105))


@pytest.fixture
def stimuli(tmp_path):
    return Stimuli(tmp_path, IDS, tuple(f"{i}.jpg" for i in IDS), ("one", "two"), ("k1", "k2"))


def sitting(stimuli, participant, seed, fooled, **plan):
    session = Session.plan(stimuli, participant, seed=seed, **plan)
    sit(session, simulated_observer(fooled, seed=seed))
    return session


@pytest.mark.parametrize("skill", [0.0, 0.13, 0.32, 0.5])
def test_an_observer_of_known_skill_comes_back_within_the_interval(stimuli, skill):
    one = Stimuli(stimuli.folder, IDS, stimuli.names, ("one",), ("k1",))
    held = 0
    for seed in range(60):
        interval = merge([sitting(one, "p", seed, skill)]).intervals["one"]
        assert interval.made_by == "Wilson"
        held += interval.low <= skill <= interval.high
    assert held >= 54  # 95 % of 60 is 57


def test_practice_does_not_count(stimuli):
    session = Session.plan(stimuli, "p", seed=0, practice=5)
    observer = simulated_observer(0.0, seed=0)
    for _ in range(5):
        wrong = "left" if session.next_trial().fake_side == "right" else "right"
        session.answer(wrong)
    with pytest.raises(ValueError, match="No answer counts yet"):
        merge([session])
    sit(session, observer)
    result = merge([session])
    assert sum(share.fooled for share in result.methods.values()) == 0
    assert sum(share.trials for share in result.methods.values()) == 100


def test_several_participants_add_up(stimuli):
    sessions = [sitting(stimuli, f"p{seed}", seed, 0.3) for seed in range(4)]
    merged = merge(sessions)
    alone = [merge([session]) for session in sessions]
    assert merged.participants == 4
    for method in ("one", "two"):
        assert merged.methods[method] == Share(
            sum(result.methods[method].fooled for result in alone),
            sum(result.methods[method].trials for result in alone),
        )
    assert sum(share.trials for share in merged.pictures.values()) == 400
    assert alone[0].intervals["one"].made_by == "Wilson"


def test_people_who_differ_widen_the_resampled_interval_beyond_wilson(stimuli):
    differing = [sitting(stimuli, f"p{seed}", seed, (seed % 2) * 0.6) for seed in range(6)]
    result = merge(differing)
    wilson_low, wilson_high = result.methods["one"].wilson
    interval = result.intervals["one"]
    assert interval.made_by == "over people and pictures"
    assert interval.high - interval.low > 1.5 * (wilson_high - wilson_low)
    assert interval.low < 0.3 < interval.high


def test_several_who_find_every_fake_leave_some_doubt(stimuli):
    """Drawn anew, answers that are all the same would say 0 … 0 %."""
    result = merge([sitting(stimuli, f"p{seed}", seed, 0.0) for seed in range(3)])
    interval = result.intervals["one"]
    assert interval.made_by == "Wilson"
    assert interval.low == 0
    assert 0.01 < interval.high < 0.05


def test_wilson_gives_published_intervals():
    """Newcombe (1998), table 1: 81 of 263 and 0 of 20."""
    assert Share(81, 263).wilson == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert Share(0, 20).wilson == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert Share(0, 0).wilson == (0.0, 1.0)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 500), st.integers(0, 500))
def test_wilson_stays_within_0_and_1_and_holds_the_share(fooled, found):
    low, high = Share(fooled, fooled + found).wilson
    assert 0 <= low <= high <= 1
    if fooled + found:
        assert low - 1e-12 <= fooled / (fooled + found) <= high + 1e-12


def test_more_successes_than_trials_are_refused():
    with pytest.raises(ValueError, match="n"):
        assert Share(3, 2).wilson


def test_pictures_are_ranked_by_how_convincing_they_were(stimuli):
    def look(trial):  # one picture always fools, one never does, the rest now and then
        fooled = trial.picture == "p007" or (trial.picture != "p008" and hash_of(trial) % 4 == 0)
        other = {"left": "right", "right": "left"}[trial.fake_side]
        return other if fooled else trial.fake_side

    def hash_of(trial):
        return int(trial.picture[1:]) + len(sessions)

    one = Stimuli(stimuli.folder, IDS, stimuli.names, ("one",), ("k1",))
    sessions = []
    for seed in range(8):
        session = Session.plan(one, f"p{seed}", seed=seed, practice=0)
        sit(session, look)
        sessions.append(session)
    ranked = merge(sessions).ranked("one")
    assert ranked[0][0] == "p007"
    assert ranked[0][1] == Share(8, 8)
    assert dict(ranked)["p008"] == Share(0, 8)
    shares = [share.share for _, share in ranked]
    assert shares == sorted(shares, reverse=True)


def test_sittings_that_do_not_belong_together_are_refused(stimuli):
    one = sitting(stimuli, "p", 0, 0.3)
    with pytest.raises(ValueError, match="given twice"):
        merge([one, one])
    other = Stimuli(stimuli.folder, IDS[:50], stimuli.names[:50], ("one",), ("k1",))
    with pytest.raises(ValueError, match="different stimuli"):
        merge([one, sitting(other, "q", 0, 0.3)])
    with pytest.raises(ValueError, match="no session to count"):
        merge([])


def test_an_observer_is_fooled_with_a_probability():
    with pytest.raises(ValueError, match="between 0 and 1"):
        simulated_observer(1.1, seed=0)
