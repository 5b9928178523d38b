"""Recipes say what they hold, and refuse what they do not know."""

import pytest

from napari_colorize.training.recipe import Recipe
from napari_colorize.training.recipe_files import load_recipe, packaged_recipes


def test_a_packaged_recipe_loads_by_name():
    recipe = load_recipe("cpu")
    assert recipe.name == "cpu"
    assert recipe.crop % 32 == 0


def test_single_fields_can_be_changed_nested_ones_too():
    recipe = load_recipe("cpu", {"epochs": 1, "augmentation.noise_share": 0.9})
    assert recipe.epochs == 1
    assert recipe.augmentation.noise_share == 0.9
    assert recipe.augmentation.tone_share == Recipe("x").augmentation.tone_share


def test_a_file_of_ones_own_loads(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("epochs = 2\n[augmentation]\nfading = 0.0\n")
    recipe = load_recipe(path)
    assert (recipe.name, recipe.epochs, recipe.augmentation.fading) == ("mine", 2, 0.0)


def test_unknown_recipes_and_fields_are_named():
    with pytest.raises(ValueError, match=r"no recipe 'gpuu'.*Known: cpu"):
        load_recipe("gpuu")
    with pytest.raises(ValueError, match="Unknown recipe field epoch;"):
        load_recipe("cpu", {"epoch": 3})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("crop", 100),
        ("crop", 0),
        ("batch", 1),
        ("trunk", "melted"),
        ("calm_term", -1.0),
        ("calm_vividness", 1.5),
        ("include", "*.png"),
    ],
)
def test_impossible_values_are_refused(field, value):
    with pytest.raises(ValueError, match=field):
        load_recipe("cpu", {field: value})


@pytest.mark.parametrize("name", packaged_recipes())
def test_every_packaged_recipe_loads_and_names_its_method(name):
    recipe = load_recipe(name)
    assert name in packaged_recipes(recipe.method)


def test_a_recipe_of_another_method_is_refused():
    with pytest.raises(ValueError, match=r"cpu is for the method 'colorful', not for 'deep'"):
        load_recipe("cpu", method="deep")
