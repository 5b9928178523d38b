"""Recipes as TOML: those that come with the package, and files of one's own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from napari_colorize.training.trainers import trainer_of

_FOLDER = resources.files("napari_colorize.training") / "recipes"
_UNNAMED = "colorful"
"""Method of a recipe that names none, where none is asked for either."""


def load_recipe(
    name_or_path: str | Path, changes: Mapping[str, Any] | None = None, method: str = ""
) -> Any:
    """Read a recipe that comes with the package, or a TOML file.

    Parameters
    ----------
    name_or_path
        A name such as ``"cpu"``, or a path that ends in ``.toml``; empty: the method's own
        defaults.
    changes
        Fields to replace; ``"augmentation.noise_share"`` reaches the nested ones.
    method
        What is to be trained; empty: the method that the recipe names.

    Returns
    -------
    The settings that the method's training takes: a `recipe.Recipe` for networks.

    Raises
    ------
    ValueError
        Unknown recipe or field, a value that cannot be, or a recipe of another method.
    """
    path = Path(name_or_path or method)
    try:
        table = tomllib.loads(_text(path)) if name_or_path else {}
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"The recipe {path} is not valid TOML: {error}.") from error
    table = changed(table, changes or {})
    made_for = table.pop("method", method or _UNNAMED)
    if method and made_for != method:
        raise ValueError(
            f"The recipe {path} is for the method {made_for!r}, not for {method!r}; recipes for "
            f"it: {', '.join(packaged_recipes(method)) or 'none'}."
        )
    return trainer_of(made_for).settings(table.pop("name", path.stem), table)


def changed(table: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe's table with fields replaced, nested ones by a dot in their name.

    Raises
    ------
    ValueError
        A field that holds a single value was taken for a table.
    """
    result = dict(table)
    for key, value in changes.items():
        target, _, nested = key.partition(".")
        if nested:
            inner = result.get(target, {})
            if not isinstance(inner, Mapping):
                raise ValueError(f"The recipe field {target} holds no fields; {key} was given.")
            result[target] = {**inner, nested: value}
        else:
            result[target] = value
    return result


def packaged_recipes(method: str = "") -> list[str]:
    """Names of the recipes that come with the package, of one method or of all."""
    names = sorted(Path(item.name).stem for item in _FOLDER.iterdir())
    return [name for name in names if not method or _method_of(name) == method]


def _method_of(name: str) -> str:
    table = tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    return str(table.get("method", _UNNAMED))


def _text(path: Path) -> str:
    if path.suffix == ".toml":
        if not path.is_file():
            raise ValueError(f"There is no recipe file {path}.")
        return path.read_text(encoding="utf-8")
    if str(path) not in packaged_recipes():
        raise ValueError(
            f"There is no recipe '{path}'. Known: {', '.join(packaged_recipes())}; "
            "or give the path of a .toml file."
        )
    return (_FOLDER / f"{path}.toml").read_text(encoding="utf-8")
