"""Every picture gets a place of its own, and no result is taken for a picture."""

from pathlib import Path

import click
import pytest

from napari_colorize.cli.jobs import plan


def targets(jobs, output):
    return [(job.source.name, str(job.target.relative_to(output))) for job in jobs]


def test_a_folders_pictures_are_taken_in_order(pictures, tmp_path):
    jobs = plan([pictures], tmp_path / "out", recursive=False)
    assert targets(jobs, tmp_path / "out") == [
        ("a.png", "a_colorized"),
        ("b.jpg", "b_colorized"),
        ("c.tif", "c_colorized"),
    ]


def test_subfolders_keep_their_structure(pictures, tmp_path):
    jobs = plan([pictures], tmp_path / "out", recursive=True)
    assert ("a.png", str(Path("below") / "a_colorized")) in targets(jobs, tmp_path / "out")
    assert len(jobs) == 4


def test_results_and_hidden_files_of_a_folder_are_not_coloured(pictures):
    for name in ("a_colorized.png", "c_colorized_uncertainty.tif", ".hidden.png"):
        (pictures / name).write_bytes(b"x")
    jobs = plan([pictures], pictures, recursive=False)
    assert [job.source.name for job in jobs] == ["a.png", "b.jpg", "c.tif"]


def test_an_output_folder_below_the_input_is_not_searched(pictures):
    output = pictures / "below"
    jobs = plan([pictures], output, recursive=True)
    assert [job.source for job in jobs] == [pictures / n for n in ("a.png", "b.jpg", "c.tif")]


def test_pictures_that_differ_in_their_suffix_only_keep_it(pictures, tmp_path):
    (pictures / "a.jpg").write_bytes(b"x")
    jobs = plan([pictures], tmp_path, recursive=False)
    assert targets(jobs, tmp_path)[:2] == [
        ("a.jpg", "a.jpg_colorized"),
        ("a.png", "a.png_colorized"),
    ]


def test_results_that_would_meet_are_refused(pictures, tmp_path):
    with pytest.raises(click.UsageError, match=r"called a\.png"):
        plan([pictures / "a.png", pictures / "below" / "a.png"], tmp_path, recursive=False)


def test_a_picture_named_twice_is_coloured_once(pictures, tmp_path):
    assert len(plan([pictures / "a.png", pictures / "a.png"], tmp_path, recursive=False)) == 1


def test_one_picture_may_have_a_file_name(pictures, tmp_path):
    (job,) = plan([pictures / "a.png"], tmp_path / "result.tif", recursive=False)
    assert (job.target, job.suffix) == (tmp_path / "result", ".tif")
    with pytest.raises(click.UsageError, match="give a folder"):
        plan([pictures], tmp_path / "result.tif", recursive=False)
    with pytest.raises(click.UsageError, match="JPEG compression"):
        plan([pictures / "a.png"], tmp_path / "result.jpg", recursive=False)


def test_a_folder_without_pictures_is_told(tmp_path):
    with pytest.raises(click.UsageError, match="--recursive"):
        plan([tmp_path], tmp_path / "out", recursive=False)
