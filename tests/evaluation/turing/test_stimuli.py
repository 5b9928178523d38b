"""Pairs are stored alike, once, and the sheet shows what was counted."""

import numpy as np
import pytest
from observer import simulated_observer, sit
from PIL import Image

from napari_colorize.evaluation.methods import GradedMethod
from napari_colorize.evaluation.turing.result import merge, write_sheet
from napari_colorize.evaluation.turing.session import Session
from napari_colorize.evaluation.turing.stimuli import Stimuli, prepare
from napari_colorize.files.pictures import read_pictures


def test_real_and_fake_are_stored_without_loss_and_found_again(folder, colourer, tmp_path):
    method = GradedMethod("known", colourer)
    made = prepare(read_pictures(folder), [method], tmp_path / "pairs")
    assert Stimuli.load(tmp_path / "pairs") == made
    for picture, source in zip(made.pictures, read_pictures(folder), strict=True):
        real = made.real(picture)
        assert np.array_equal(real, source.read())
        fake = made.fake(picture, "known")
        assert fake.shape == real.shape
        assert not np.array_equal(fake, real)


def test_what_is_there_is_not_made_again_and_other_settings_are(folder, colourer, tmp_path):
    prepare(read_pictures(folder), [GradedMethod("known", colourer)], tmp_path)
    prepare(read_pictures(folder), [GradedMethod("known", colourer)], tmp_path)
    assert colourer.calls == 6
    prepare(read_pictures(folder), [GradedMethod("known", colourer, {"T": 1})], tmp_path)
    assert colourer.calls == 12


def test_true_pictures_without_colour_are_left_out(folder, colourer, tmp_path):
    grey = np.full((20, 20, 3), 90, np.uint8)
    Image.fromarray(grey).save(folder / "grey.png")
    made = prepare(read_pictures(folder), [GradedMethod("known", colourer)], tmp_path)
    assert "grey.png" not in made.names
    assert len(made.pictures) == 6


def test_nothing_to_show_is_refused(tmp_path, colourer, folder):
    with pytest.raises(FileNotFoundError, match="turing prepare"):
        Stimuli.load(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="no method"):
        prepare(read_pictures(folder), [], tmp_path)
    with pytest.raises(ValueError, match="None of the pictures"):
        prepare([], [GradedMethod("known", colourer)], tmp_path)


def test_the_sheet_shows_count_and_pictures(folder, colourer, tmp_path):
    made = prepare(read_pictures(folder), [GradedMethod("known", colourer)], tmp_path)
    session = Session.plan(made, "p", seed=0, practice=1)
    sit(session, simulated_observer(1.0, seed=0))
    page = write_sheet(tmp_path / "sheet.html", merge([session]), made).read_text()
    assert "100.0 %" in page
    assert "known: most convincing" in page
    assert page.count("data:image/jpeg;base64,") == 2 * 2 * 5
    assert 'src="http' not in page


def test_pictures_are_drawn_by_chance_whatever_their_names_and_order(folder, tmp_path):
    from napari_colorize.evaluation.turing.stimuli import draw

    pictures = list(read_pictures(folder))
    drawn = [picture.sha256 for picture in draw(pictures, 2)]
    renamed = tmp_path / "renamed"
    renamed.mkdir()
    for number, picture in enumerate(reversed(pictures)):
        (renamed / f"{number}.png").write_bytes(picture.stored())
        (renamed / f"{number}-again.png").write_bytes(picture.stored())
    assert [picture.sha256 for picture in draw(read_pictures(renamed), 2)] == drawn
    others = {tuple(p.sha256 for p in draw(pictures, 2, seed=seed)) for seed in range(1, 9)}
    assert others - {tuple(drawn)}


def test_a_draw_takes_no_grey_picture_and_no_more_than_there_are(folder, tmp_path):
    from PIL import Image

    from napari_colorize.evaluation.turing.stimuli import draw

    Image.new("RGB", (16, 16), (90, 90, 90)).save(folder / "grey.png")
    pictures = list(read_pictures(folder))
    drawn = draw(pictures, 100)
    assert "grey.png" not in {picture.name for picture in drawn}
    assert 0 < len(drawn) < len(pictures)
