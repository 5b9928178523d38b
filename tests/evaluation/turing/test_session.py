"""A sitting is planned fairly, stored after every answer, and goes on after a break."""

import json
from collections import Counter

import numpy as np
import pytest
from observer import simulated_observer, sit

from napari_colorize.evaluation.turing.session import Session, Trial
from napari_colorize.evaluation.turing.stimuli import Stimuli


@pytest.fixture
def stimuli(tmp_path):
    ids = tuple(f"p{index:03d}" for index in range(65))
    return Stimuli(tmp_path, ids, tuple(f"{i}.jpg" for i in ids), ("one", "two"), ("k1", "k2"))


def test_practice_comes_first_with_pictures_of_its_own(stimuli):
    session = Session.plan(stimuli, "p1", seed=1, practice=5)
    assert [trial.practice for trial in session.trials] == [True] * 5 + [False] * 60
    assert len({trial.picture for trial in session.trials}) == 65


def test_sides_and_methods_are_balanced_and_do_not_predict_each_other(stimuli):
    session = Session.plan(stimuli, "p1", seed=2, practice=5)
    counted = session.trials[5:]
    assert set(Counter(t.fake_side for t in counted).values()) == {30}
    assert set(Counter(t.method for t in counted).values()) == {30}
    together = Counter((t.method, t.fake_side) for t in counted)
    assert min(together.values()) >= 5


def test_sides_are_random_over_plans(stimuli):
    first = [Session.plan(stimuli, "p", seed=s).trials[0].fake_side == "left" for s in range(200)]
    assert 0.35 < np.mean(first) < 0.65


def test_the_seed_decides_the_plan(stimuli):
    one, same, other = (Session.plan(stimuli, "p", seed=seed).trials for seed in (4, 4, 5))
    assert one == same != other


def test_a_broken_off_sitting_goes_on_with_the_next_pair(stimuli, tmp_path):
    path = tmp_path / "p1.json"
    session = Session.plan(stimuli, "p1", seed=3, path=path)
    observer = simulated_observer(0.3, seed=0)
    sit(session, observer, at_most=20)
    resumed = Session.load(path)
    assert resumed == session
    assert resumed.answered == 20
    assert resumed.next_trial() == session.trials[20]
    sit(resumed, observer)
    assert resumed.next_trial() is None
    assert Session.load(path).answered == 65


def test_being_fooled_is_to_point_at_the_real_picture():
    trial = Trial("p", "m", "left", False)
    assert trial.fooled is None
    assert Trial("p", "m", "left", False, "right").fooled is True
    assert Trial("p", "m", "left", False, "left").fooled is False


def test_reaction_times_are_kept(stimuli, tmp_path):
    session = Session.plan(stimuli, "p1", seed=3, path=tmp_path / "s.json")
    session.answer("left", 0.82)
    assert Session.load(tmp_path / "s.json").trials[0].seconds == 0.82


def test_an_existing_sitting_is_not_overwritten(stimuli, tmp_path):
    Session.plan(stimuli, "p1", seed=3, path=tmp_path / "s.json")
    with pytest.raises(FileExistsError, match="load it to go on"):
        Session.plan(stimuli, "p2", seed=4, path=tmp_path / "s.json")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"practice": 66}, "there are 65"),
        ({"trials": 61, "practice": 5}, "there are 65"),
        ({"practice": -1}, "there are 65"),
        ({"seconds_shown": 0}, "more than 0"),
    ],
)
def test_plans_that_cannot_be_are_refused(stimuli, wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        Session.plan(stimuli, "p", seed=0, **wrong)


def test_a_participant_needs_a_name_and_an_answer_a_side(stimuli):
    with pytest.raises(ValueError, match="no name"):
        Session.plan(stimuli, " ", seed=0)
    session = Session.plan(stimuli, "p", seed=0)
    with pytest.raises(ValueError, match="'left' or 'right'"):
        session.answer("up")
    sit(session, simulated_observer(0, seed=0))
    with pytest.raises(ValueError, match="All trials are answered"):
        session.answer("left")


@pytest.mark.parametrize("body", ["", "[]", '{"format": "x"}', '{"trials": []}'])
def test_a_file_that_is_no_session_is_refused(tmp_path, body):
    (tmp_path / "s.json").write_text(body)
    with pytest.raises(ValueError, match="no session"):
        Session.load(tmp_path / "s.json")


def test_a_session_with_an_unknown_side_is_refused(stimuli, tmp_path):
    path = tmp_path / "s.json"
    Session.plan(stimuli, "p", seed=0, path=path)
    body = json.loads(path.read_text())
    body["trials"][3]["answer"] = "middle"
    path.write_text(json.dumps(body))
    with pytest.raises(ValueError, match="unknown side"):
        Session.load(path)
