"""High level: what is where, as scores of a classifier applied to every part of the picture.

Cheng et al. ask a scene-parsing network trained on 47 annotated classes. None is public under free
terms, so by default EfficientNet-lite0, an ImageNet classifier, takes its place: applied fully
convolutionally (Long, Shelhamer, Darrell, CVPR 2015, section 3.1), its last stride taken back by
dilation so that its map has stride 16, the probabilities of its 1000 classes summed over groups
(`grouping.py`). Any module of the same signature can be used instead.
"""

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_colorize import ops
from napari_colorize.methods.trunks import (
    BATCH_NORM_EPS,
    LITE0_CHANNELS,
    EfficientNetLite0,
    InvertedResidual,
    SamePadConv2d,
)

CLASSES = 1000
"""Of ImageNet."""

SIDE = 256
"""The picture is brought to SIDE × SIDE pixels for the semantic network, whatever its shape."""

FINE_SIDE = 128
"""Side of the map to which scores are brought along the edges of the picture."""

_FEATURES = 1280


class SemanticNetwork(nn.Module):
    """EfficientNet-lite0 as a map of grouped class probabilities.

    ``forward(luma (N, 1, H, W) L*) → (N, groups, H/16, W/16)``, H and W multiples of 32; scores
    are ≥ 0 and sum to 1 at every place.

    Parameters
    ----------
    groups
        Number of groups.

    Attributes
    ----------
    channels : int
        Number of groups: what every semantic network must say.
    group_of_class : (1000,) int64 buffer
        The group of each ImageNet class, in the order in which classifiers number them.
    """

    group_of_class: Tensor

    def __init__(self, groups: int = 47) -> None:
        super().__init__()
        ops.load()
        if not 1 <= groups <= CLASSES:
            raise ValueError(
                f"The semantic scores can have 1 to {CLASSES} groups; {groups} were asked for."
            )
        self.channels = groups
        self.trunk = EfficientNetLite0()
        _undo_last_stride(self.trunk)
        self.head = nn.Conv2d(LITE0_CHANNELS[-1], _FEATURES, 1)
        self.classify = nn.Conv2d(_FEATURES, CLASSES, 1)
        self.register_buffer("group_of_class", torch.arange(CLASSES) % groups)

    def forward(self, luma: Tensor) -> Tensor:
        """Scores (N, groups, H/16, W/16) of lightness (N, 1, H, W)."""
        nothing = torch.zeros_like(luma)
        lab = torch.cat((luma, nothing, nothing), 1)
        grey = torch.ops.napari_colorize.lab_to_rgb(lab, 1, False)
        # What the weights' authors trained with: (code − 127) / 128.
        x = (grey * 255.0 - 127.0) / 128.0
        x = x.contiguous(memory_format=torch.channels_last)
        x = self.trunk.stem(x)
        for block in self.trunk.blocks:
            x = block(x)
        x = F.relu6(self.head(x))
        probability = self.classify(x).softmax(1)
        shape = (x.shape[0], self.channels, x.shape[2], x.shape[3])
        scores = torch.zeros(shape, dtype=x.dtype, device=x.device)
        return scores.index_add(1, self.group_of_class, probability)


def fold_classifier(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Last layers of the public EfficientNet-lite0 weights, batch norm folded in.

    Parameters
    ----------
    state
        State dict of ``efficientnet_lite_pytorch``'s ``efficientnet-lite0``.

    Returns
    -------
    dict
        ``"head"`` and ``"classify"`` → state dict of that layer of `SemanticNetwork`.
    """
    scale = state["_bn1.weight"] * torch.rsqrt(state["_bn1.running_var"] + BATCH_NORM_EPS)
    return {
        "head": {
            "weight": state["_conv_head.weight"] * scale[:, None, None, None],
            "bias": state["_bn1.bias"] - state["_bn1.running_mean"] * scale,
        },
        "classify": {"weight": state["_fc.weight"][:, :, None, None], "bias": state["_fc.bias"]},
    }


def fine_scores(scores: Tensor, luma: Tensor, side: int = FINE_SIDE) -> Tensor:
    """Smooth scores and bring them to 128 × 128 along the edges of the grey picture.

    By joint bilateral upsampling (Kopf et al. 2007), which is an edge-preserving filter guided by
    grey; a range of 10 L* and a reach of one coarse pixel are ours, the paper names none.

    Parameters
    ----------
    scores
        (N, S, h, w) float.
    luma
        (N, 1, 256, 256) L*, the picture at the size the semantic network saw.

    Returns
    -------
    Tensor
        (N, S, 128, 128).
    """
    guide = F.adaptive_avg_pool2d(luma, (side, side))
    guide_small = F.adaptive_avg_pool2d(luma, (scores.shape[2], scores.shape[3]))
    return torch.ops.napari_colorize.joint_bilateral_upsample(
        scores.contiguous(), guide_small, guide, 2, 1.0, 10.0
    )


def score_columns(fine: Tensor, width: int) -> Tensor:
    """Bring scores to the picture's columns, linearly: (N, S, h, w) → (N, S, h, width).

    Worth doing once where `score_rows` is asked for many bands.
    """
    left, _, share = _between(torch.arange(width, device=fine.device), width, fine.shape[3])
    steps = torch.arange(fine.shape[3], device=fine.device)
    # A product with a matrix of two numbers a column: gathering columns takes ten times as long.
    matrix = (1.0 - (left + share - steps[:, None]).abs()).clamp(min=0.0)
    return fine @ matrix.to(fine.dtype)


def score_rows(fine: Tensor, first: int, last: int, height: int, width: int) -> Tensor:
    """Rows ``first … last − 1`` of the scores at ``height × width``, bilinearly.

    Parameters
    ----------
    fine
        (N, S, h, w), pixel centres aligned with those of the picture; w may be the width of the
        picture already (`score_columns`).

    Returns
    -------
    Tensor
        (N, S, last − first, width).
    """
    if fine.shape[3] != width:
        fine = score_columns(fine, width)
    rows = torch.arange(first, last, device=fine.device)
    above, below, share = _between(rows, height, fine.shape[2])
    return torch.lerp(fine.index_select(2, above), fine.index_select(2, below), share[:, None])


def _between(positions: Tensor, size: int, small: int) -> tuple[Tensor, Tensor, Tensor]:
    """Two neighbours on an axis of `small` pixels for pixels of `size`, and the second's share."""
    where = (positions.to(torch.float32) + 0.5) * small / size - 0.5
    where = where.clamp(0.0, float(small - 1))
    before = where.floor().to(torch.int64)
    return before, (before + 1).clamp(max=small - 1), where - before


def _undo_last_stride(trunk: EfficientNetLite0) -> None:
    """Let the last map have stride 16: no step there, and holes in the filters after it.

    At even places the features are then those of the network as it was trained (à trous, Chen et
    al., ICLR 2015, section 3.1).
    """
    convolutions = [
        cast(SamePadConv2d, cast(InvertedResidual, block).depthwise[0]) for block in trunk.blocks
    ]
    last_step = max(i for i, layer in enumerate(convolutions) if layer.stride[0] == 2)
    step, *after = convolutions[last_step:]
    kernel, before = step.kernel_size[0], step.same[0]
    step.stride = (1, 1)
    step.same = [before, kernel - 1 - before] * 2
    for layer in after:
        layer.dilation = (2, 2)
        layer.same = [layer.kernel_size[0] - 1] * 4
