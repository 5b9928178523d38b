"""Before anyone sits down: photographs chosen, recoloured, found again. No window."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Event

import numpy as np
import pytest
from PIL import Image

from napari_colorize.api import Cancelled
from napari_colorize.evaluation.methods import GradedMethod
from napari_colorize.evaluation.turing.session import Session
from napari_colorize.evaluation.turing.stimuli import Stimuli
from napari_colorize.widgets.turing import prepare as _turing_prepare
from napari_colorize.widgets.turing.pairs import find_stimuli, free_path, kind_of, sit_down
from napari_colorize.widgets.turing.prepare import Wish
from napari_colorize.widgets.turing.tally import tally


def drain(work):
    """Do some work in this thread; return its result and what it told."""
    said = []
    return work(lambda share, text: said.append((share, text)), lambda: False), said


@pytest.fixture
def photographs(tmp_path):
    """Return a folder of eight photographs in colour and four without."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    generator = np.random.default_rng(0)
    for number in range(8):
        pixels = generator.integers(0, 255, (20, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"colour-{number}.png")
    for number in range(4):
        Image.fromarray(np.full((20, 30), 60 * number, np.uint8)).save(folder / f"a{number}.png")
    return folder


@pytest.fixture
def wish(photographs, tmp_path):
    return Wish(photographs, tmp_path / "results", "Ana", "mean chroma", trials=4, practice=2)


class TestSitDown:
    def test_recolours_as_many_as_are_shown_and_plans_them(self, wish):
        sitting, said = drain(partial(sit_down, wish))

        assert len(sitting.stimuli.pictures) == 6
        assert [trial.practice for trial in sitting.session.trials] == [True] * 2 + [False] * 4
        assert sitting.session.path == wish.results / "ana.json"
        assert Session.load(sitting.session.path) == sitting.session
        assert said
        assert [share for share, _ in said] == sorted(share for share, _ in said)

    def test_leaves_out_pictures_without_colour(self, wish):
        sitting, _ = drain(partial(sit_down, replace(wish, trials=6)))

        assert all(name.startswith("colour-") for name in sitting.stimuli.names)

    def test_says_how_many_there_are_when_there_are_too_few(self, wish):
        with pytest.raises(ValueError, match=r"9 are needed.*8 were found"):
            drain(partial(sit_down, replace(wish, trials=7)))

    def test_colours_with_the_library(self, wish, fake_model):
        from napari_colorize import colorize
        from napari_colorize.evaluation.colour import grey_of

        sitting, _ = drain(partial(sit_down, replace(wish, method="colorful")))
        picture = sitting.stimuli.pictures[0]
        grey = grey_of(sitting.stimuli.real(picture))
        expected = colorize(grey, window=(0, 255)).rgb

        np.testing.assert_array_equal(sitting.stimuli.fake(picture, "colorful"), expected)

    def test_gives_the_next_participant_the_same_pairs_in_another_file(self, wish):
        ana, _ = drain(partial(sit_down, wish))
        ben, _ = drain(partial(sit_down, replace(wish, participant="Ana")))

        assert ben.session.path.name == "ana-2.json"
        assert ben.session.stimuli == ana.session.stimuli
        assert ben.session.seed != ana.session.seed

    def test_goes_on_with_a_session_file(self, wish):
        begun, _ = drain(partial(sit_down, wish))
        begun.session.answer("left", 0.7)
        again, _ = drain(partial(sit_down, Wish(begun.session.path, wish.results)))

        assert again.session == begun.session
        assert again.session.answered == 1
        assert again.stimuli.fingerprint == begun.stimuli.fingerprint

    def test_takes_pairs_that_were_prepared_before(self, wish):
        made, _ = drain(partial(sit_down, wish))
        taken, _ = drain(partial(sit_down, replace(wish, pictures=made.stimuli.folder)))

        assert taken.stimuli == made.stimuli

    def test_refuses_a_results_folder_inside_the_photographs(self, wish, photographs):
        with pytest.raises(ValueError, match="inside the pictures"):
            drain(partial(sit_down, replace(wish, results=photographs / "results")))

    def test_refuses_a_participant_without_a_name_before_it_colours(self, wish):
        with pytest.raises(ValueError, match="no name"):
            drain(partial(sit_down, replace(wish, participant=" ")))
        assert not wish.results.exists()

    def test_stopped_half_way_ends_after_the_picture_and_leaves_no_session(self, wish, monkeypatch):
        gate, entered, stop = Event(), Event(), Event()

        def colour(grey):
            entered.set()
            assert gate.wait(20)
            return np.repeat(grey[..., None], 3, 2)

        monkeypatch.setattr(
            _turing_prepare, "graded_method", lambda *_: GradedMethod("slow", colour)
        )
        with ThreadPoolExecutor(1) as thread:
            future = thread.submit(sit_down, wish, lambda share, text: None, stop.is_set)
            assert entered.wait(20)
            stop.set()
            gate.set()
            with pytest.raises(Cancelled):
                future.result(timeout=20)

        assert not list(wish.results.glob("*/stimuli.json"))
        assert not list(wish.results.glob("*.json"))


def test_the_pairs_of_a_session_are_told_from_others(wish, tmp_path):
    small, _ = drain(partial(sit_down, replace(wish, trials=2)))
    large, _ = drain(partial(sit_down, wish))

    assert find_stimuli(small.session, wish.results) == small.stimuli
    assert find_stimuli(large.session, wish.results) == large.stimuli
    with pytest.raises(ValueError, match="choose the folder that holds them"):
        find_stimuli(small.session, tmp_path / "photographs")


def test_paths_are_known_for_what_they_are(wish, tmp_path):
    sitting, _ = drain(partial(sit_down, wish))

    assert kind_of(wish.pictures) == "pictures"
    assert kind_of(sitting.stimuli.folder) == "pairs"
    assert kind_of(sitting.session.path) == "session"
    assert kind_of(tmp_path / "absent") == "nothing"


def test_a_free_path_overwrites_nothing(tmp_path):
    first = free_path(tmp_path, "ana", ".json")
    first.touch()

    assert [first.name, free_path(tmp_path, "ana", ".json").name] == ["ana.json", "ana-2.json"]


class TestTally:
    def test_counts_all_but_the_practice_and_writes_the_sheet(self, wish):
        sitting, _ = drain(partial(sit_down, wish))
        for trial in sitting.session.trials:
            wrong = {"left": "right", "right": "left"}[trial.fake_side]
            sitting.session.answer(wrong if trial.practice else trial.fake_side)
        counted, _ = drain(partial(tally, [sitting.session.path], wish.results))

        [method] = counted.methods
        assert (method.fooled, method.trials, counted.participants) == (0, 4, 1)
        assert counted.sheet == wish.results / "ana-result.html"
        assert "mean chroma: most convincing" in counted.sheet.read_text("utf-8")

    def test_of_several_participants_is_one_result(self, wish):
        paths = []
        for name in ("Ana", "Ben"):
            sitting, _ = drain(partial(sit_down, replace(wish, participant=name)))
            for _ in sitting.session.trials:
                sitting.session.answer("left")
            paths.append(sitting.session.path)
        counted, _ = drain(partial(tally, paths, wish.results))

        [method] = counted.methods
        assert (method.trials, counted.participants) == (8, 2)
        assert method.sentence.endswith(f"{method.fooled} of 8 pairs")
        assert counted.sheet.name == "merged-2-result.html"

    def test_without_the_pairs_still_counts_and_says_so(self, wish, tmp_path):
        sitting, _ = drain(partial(sit_down, wish))
        for _ in sitting.session.trials:
            sitting.session.answer("right")
        moved = sitting.session.path.rename(tmp_path / "ana.json")
        Stimuli.load(sitting.stimuli.folder).folder.rename(tmp_path / "results" / "deeper")
        (tmp_path / "results" / "deeper" / "stimuli.json").unlink()
        counted, _ = drain(partial(tally, [moved], wish.results))

        assert counted.methods[0].trials == 4
        assert counted.sheet is None
        assert "choose the folder" in counted.why_no_sheet
