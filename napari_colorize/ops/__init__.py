"""The compiled operations, one documented Python function each.

Each is also an operator of ``torch.ops.napari_colorize``, for use inside TorchScript and exported
graphs; those of `edge_aware` are plain torch and are not. The names load on first use: importing
this package imports no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_colorize.ops.bilateral import (
        joint_bilateral,
        joint_bilateral_approximate,
        joint_bilateral_upsample,
    )
    from napari_colorize.ops.colour import gamut_clip, lab_to_rgb, rgb_to_lab
    from napari_colorize.ops.edge_aware import domain_transform, guided_filter, guided_upsample
    from napari_colorize.ops.encoding import annealed_mean, soft_encode, soft_encode_dense
    from napari_colorize.ops.finishing import finish
    from napari_colorize.ops.levin import levin_propagate
    from napari_colorize.ops.library import backend, load

_HOME_OF = {
    "annealed_mean": "encoding",
    "backend": "library",
    "domain_transform": "edge_aware",
    "finish": "finishing",
    "gamut_clip": "colour",
    "guided_filter": "edge_aware",
    "guided_upsample": "edge_aware",
    "joint_bilateral": "bilateral",
    "joint_bilateral_approximate": "bilateral",
    "joint_bilateral_upsample": "bilateral",
    "lab_to_rgb": "colour",
    "levin_propagate": "levin",
    "load": "library",
    "rgb_to_lab": "colour",
    "soft_encode": "encoding",
    "soft_encode_dense": "encoding",
}

__all__ = [
    "annealed_mean",
    "backend",
    "domain_transform",
    "finish",
    "gamut_clip",
    "guided_filter",
    "guided_upsample",
    "joint_bilateral",
    "joint_bilateral_approximate",
    "joint_bilateral_upsample",
    "lab_to_rgb",
    "levin_propagate",
    "load",
    "rgb_to_lab",
    "soft_encode",
    "soft_encode_dense",
]


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        return getattr(import_module(f"napari_colorize.ops.{_HOME_OF[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
