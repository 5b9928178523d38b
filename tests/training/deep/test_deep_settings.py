"""What decides a training of Deep Colorization, and what is refused."""

import json

import pytest

from napari_colorize.training.deep.settings import DeepSettings, chosen_blocks, deep_settings
from napari_colorize.training.recipe_files import load_recipe


def test_settings_survive_the_record():
    settings = DeepSettings(blocks=["low", "mid"], steps=7)
    told = json.loads(json.dumps(settings.to_dict()))
    assert deep_settings("deep", told) == settings


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"blocks": ["low", "low"]}, "each once"),
        ({"blocks": "low"}, "blocks must be a list of texts"),
        ({"threshold": float("nan")}, "threshold must be a number from -100 to 0"),
        ({"blocks": ["colour"]}, "they are colour"),
        ({"size": 16}, "32…2048"),
        ({"size": 4000}, "32…2048"),
        ({"layers": 0}, "layers must be a whole number of at least 1"),
        ({"steps": 2.5}, "steps must be a whole number"),
        ({"check_share": 0.9}, "check_share must be a number from 0 to 0.5"),
        ({"learning_rate": 0}, "learning_rate must be a number"),
        ({"leyers": 2}, "Unknown recipe field leyers; known are batch"),
    ],
)
def test_wrong_settings_are_refused_in_a_sentence(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        deep_settings("deep", changes)


def test_few_pictures_go_without_semantic_scores_unless_asked_for():
    assert chosen_blocks(DeepSettings(), 20) == ("low", "mid")
    assert chosen_blocks(DeepSettings(), 2000) == ("low", "mid", "high")
    assert chosen_blocks(DeepSettings(blocks=["high"]), 20) == ("high",)


def test_it_is_chosen_by_the_methods_name():
    settings = load_recipe("", {"steps": 9}, "deep")
    assert settings == DeepSettings(steps=9)
    assert load_recipe("deep-photos").most_pictures == 2100
    with pytest.raises(ValueError, match="is for the method 'colorful', not for 'deep'"):
        load_recipe("cpu", method="deep")
