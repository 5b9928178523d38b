"""Errors with a remedy: one text for the command line, other words for a panel."""

import pickle

import pytest

from napari_colorize.checkpoints import CheckpointError, DownloadError, Remedy, registry


@pytest.mark.parametrize("remedy", Remedy)
def test_the_message_ends_with_the_command_lines_words(remedy):
    error = DownloadError("It is not here.", remedy, name="own-7")
    assert str(error) == f"It is not here. {remedy.value.replace('{name}', 'own-7')}"
    assert "{" not in str(error)


def test_a_panel_words_the_remedies_that_it_has_a_button_for():
    words = {Remedy.FETCH: "Choose {name} and press Fetch."}
    error = CheckpointError("It is not here.", Remedy.FETCH, name="own")
    assert error.in_words(words) == "It is not here. Choose own and press Fetch."
    assert CheckpointError("No.", Remedy.CONTINUE).in_words(words).endswith("to continue.")
    assert CheckpointError("It is damaged.").in_words(words) == "It is damaged."


def test_braces_of_a_file_name_are_no_place_for_words():
    error = CheckpointError("No record.", Remedy.IMPORT_FIRST, name="{0}.pth")
    assert str(error) == "No record. Import it first: `napari-colorize models import {0}.pth`."


def test_it_travels_to_another_process_whole():
    error = pickle.loads(pickle.dumps(CheckpointError("No.", Remedy.FETCH, name="own")))
    assert (error.problem, error.remedy, error.name) == ("No.", Remedy.FETCH, "own")
    assert str(error) == "No. Fetch them with `napari-colorize models fetch own`."


def test_weights_that_are_missing_say_which_could_be_fetched(monkeypatch):
    with pytest.raises(CheckpointError) as caught:
        registry.default_for("no-such-method")
    assert caught.value.remedy is Remedy.IMPORT
    assert "`napari-colorize models import FILE`" in str(caught.value)
