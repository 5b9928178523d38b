"""Which method is trained by what: one table, of texts, so that reading it imports nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Training:
    """How a method is trained; both parts are ``module:name`` and are imported when used.

    Parameters
    ----------
    train
        ``train(data, settings, out, *, resume, licence) -> Path``: the whole training. `data` is a
        list of folders and archives, `out` the folder of the run, the result its finished weights.
    settings
        ``settings(name, table) -> settings``: checks a recipe's table, as TOML gives it, with the
        changes that were asked for already in it; raises a ``ValueError`` that names what is wrong.
    recipe
        Packaged recipe that is used where none is named; empty: `settings` gets an empty table.
    """

    train: str
    settings: str
    recipe: str = ""


TRAININGS: Mapping[str, Training] = {
    # Another method registers by one entry: where it is trained, and what checks its settings.
    "colorful": Training(
        train="napari_colorize.training.run:train_colorful",
        settings="napari_colorize.training.colorful_recipe:colorful_recipe",
        recipe="cpu-quick",
    ),
}
"""Method → its training."""


def training_of(method: str) -> Training:
    """Return the table's row of a method.

    Raises
    ------
    ValueError
        No training is known for it; those there are, are listed.
    """
    if method not in TRAININGS:
        raise ValueError(
            f"There is no trainer for the method {method!r}; there is one for "
            f"{', '.join(TRAININGS)}."
        )
    return TRAININGS[method]


def resolve(place: str) -> Any:
    """Import what a row of the table names as ``module:name``."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
