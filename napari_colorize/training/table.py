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
    learner
        ``learner()`` makes the `learner.Learner` of a network that `run.train_network` trains;
        empty: the method's training is its own.
    recipe
        Packaged recipe that is used where none is named; empty: `settings` gets an empty table.
    """

    train: str
    settings: str
    learner: str = ""
    recipe: str = ""


_NETWORK = "napari_colorize.training.run:train_network"

TRAININGS: Mapping[str, Training] = {
    # Another method registers by one entry: where it is trained, and what checks its settings.
    "colorful": Training(
        train=_NETWORK,
        settings="napari_colorize.training.colorful.recipe:colorful_recipe",
        learner="napari_colorize.training.colorful.start:ColorfulLearner",
        recipe="cpu-quick",
    ),
    "unet": Training(
        train=_NETWORK,
        settings="napari_colorize.training.gan.recipe:unet_recipe",
        learner="napari_colorize.training.gan.start:GanLearner",
        recipe="unet-cpu",
    ),
    "gan": Training(
        train=_NETWORK,
        settings="napari_colorize.training.gan.recipe:gan_recipe",
        learner="napari_colorize.training.gan.start:GanLearner",
        recipe="gan-cpu",
    ),
    "pix2pix": Training(
        train=_NETWORK,
        settings="napari_colorize.training.gan.recipe:pix2pix_recipe",
        learner="napari_colorize.training.gan.start:GanLearner",
        recipe="pix2pix",
    ),
    "deep": Training(
        train="napari_colorize.training.deep.run:train_deep",
        settings="napari_colorize.training.deep.settings:deep_settings",
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
