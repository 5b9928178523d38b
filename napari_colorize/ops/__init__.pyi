from .bilateral import joint_bilateral, joint_bilateral_approximate, joint_bilateral_upsample
from .colour import gamut_clip, lab_to_rgb, rgb_to_lab
from .edge_aware import domain_transform, guided_filter, guided_upsample
from .encoding import annealed_mean, soft_encode, soft_encode_dense
from .finishing import finish
from .levin import levin_propagate
from .library import backend, load

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
