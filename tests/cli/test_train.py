"""``napari-colorize train``: options arrive, and what goes wrong is said in a sentence."""

import pytest
from click.testing import CliRunner

from napari_colorize.cli import app
from napari_colorize.training.network import NetworkTrainer


@pytest.fixture
def told(monkeypatch, tmp_path):
    """Put a trainer that only listens in the place of the real one; return what it is told."""
    calls = []

    def listen(trainer, data, recipe, out, resume, licence):
        calls.append((data, recipe, out, resume, licence))
        return out / "checkpoint" / "mine.safetensors"

    monkeypatch.setattr(NetworkTrainer, "train", listen)
    return calls


def run(*words):
    return CliRunner().invoke(app, ["train", *map(str, words)])


def test_all_that_is_said_arrives(told, tmp_path):
    result = run(
        *("colorful", "--data", tmp_path / "one", tmp_path / "two.tar", "--data", tmp_path / "3"),
        *("--recipe", "cpu", "--set", "epochs=2", "--set", "augmentation.fading=0"),
        *("--set", "precision=bf16-mixed", "--out", tmp_path / "run", "--resume"),
        *("--licence", "CC BY"),
    )
    assert result.exit_code == 0, result.output
    ((data, recipe, out, resume, licence),) = told
    assert sorted(path.name for path in data) == ["3", "one", "two.tar"]
    assert (recipe.name, recipe.epochs, recipe.augmentation.fading) == ("cpu", 2, 0)
    assert recipe.precision == "bf16-mixed"
    assert (out, resume, licence) == (tmp_path / "run", True, "CC BY")
    assert result.output.strip().endswith("mine.safetensors")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["greyful"], "no trainer for the method 'greyful'"),
        (["colorful", "--recipe", "fast"], "no recipe 'fast'"),
        (["colorful", "--recipe", "nowhere.toml"], "There is no recipe file nowhere.toml"),
        (["colorful", "--set", "epoch=1"], "Unknown recipe field epoch"),
        (["colorful", "--set", "epochs=many"], "epochs must be a whole number, not 'many'"),
        (["colorful", "--set", "epochs=0"], "epochs must be at least 1"),
        (["colorful", "--set", "epochs"], "not KEY=VALUE"),
        (["colorful", "--set", "epochs.x=1"], "epochs holds no fields"),
        (["colorful", "--set", "defaults.colour=1"], "not colour"),
    ],
)
def test_wrong_calls_are_told_in_a_sentence(told, tmp_path, words, sentence):
    result = run(*words, "--data", tmp_path, "--out", tmp_path / "run")
    assert result.exit_code != 0
    assert sentence in result.output
    assert not told


def test_a_missing_package_is_told_with_the_way_to_get_it(monkeypatch, tmp_path):
    def missing(*_, **__):
        raise ModuleNotFoundError("No module named 'lightning'", name="lightning")

    monkeypatch.setattr(NetworkTrainer, "train", missing)
    result = run("colorful", "--data", tmp_path, "--out", tmp_path / "run")
    assert result.exit_code == 1
    assert "package lightning" in result.output
    assert "napari-colorize[train]" in result.output


def test_being_stopped_says_how_to_go_on(told, monkeypatch, tmp_path):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(NetworkTrainer, "train", stopped)
    result = run("colorful", "--data", tmp_path, "--out", tmp_path / "run")
    assert result.exit_code == 130
    assert "--resume" in result.output
