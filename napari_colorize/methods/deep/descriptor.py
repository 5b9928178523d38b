"""A pixel in three levels, a picture in two summaries: all that the networks get to know."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_colorize import ops
from napari_colorize.methods.deep.daisy import DAISY_DIMENSIONS, Daisy
from napari_colorize.methods.deep.gist import Gist
from napari_colorize.methods.deep.patch import PATCH_DIMENSIONS, patch_rows
from napari_colorize.methods.deep.semantic import SIDE, fine_scores, score_rows
from napari_colorize.methods.deep.yuv import luma_to_grey

BLOCKS = ("low", "mid", "high")
"""Parts of a pixel's descriptor: patch, DAISY, semantic scores (Cheng 2015, section 3.2)."""


class DeepDescriptor(nn.Module):
    """Patch, DAISY and semantic scores for pixels; GIST and a semantic histogram for pictures.

    Parameters
    ----------
    semantic
        Module ``(N, 1, 256, 256) L* → (N, S, h, w)`` of scores ≥ 0 that sum to 1 over S, with an
        integer attribute ``channels`` = S: `semantic.SemanticNetwork`, or a segmentation network
        of your own (scriptable, if the graph is to be).
    blocks
        Which of `BLOCKS` a pixel's descriptor consists of. The semantic network is asked in any
        case, since the choice of the cluster needs its histogram.

    Attributes
    ----------
    dimensions : int
        Size D of a pixel's descriptor: 49 + 32 + S with all blocks.
    channels : int
        S.
    """

    def __init__(self, semantic: nn.Module, blocks: Sequence[str] = BLOCKS) -> None:
        super().__init__()
        ops.load()
        unknown = [block for block in blocks if block not in BLOCKS]
        if unknown or not blocks or len(set(blocks)) != len(blocks):
            raise ValueError(
                f"blocks is {list(blocks)!r}; name one or more of {', '.join(BLOCKS)}, each once."
            )
        self.side = SIDE
        self.semantic = semantic
        self.daisy = Daisy()
        self.gist = Gist()
        self.low, self.mid, self.high = (block in blocks for block in BLOCKS)
        self.channels = int(getattr(semantic, "channels"))  # noqa: B009
        sizes = dict(zip(BLOCKS, (PATCH_DIMENSIONS, DAISY_DIMENSIONS, self.channels), strict=True))
        self.dimensions = sum(sizes[block] for block in blocks)

    def forward(self, luma: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Look at whole pictures.

        Parameters
        ----------
        luma
            (N, 1, H, W) float32, L* 0…100; any H, W ≥ 1.

        Returns
        -------
        gist
            (N, 512).
        histogram
            (N, S): the mean score of each semantic group; sums to 1.
        fine
            (N, S, 128, 128): the scores along the picture's edges; what `rows` wants.
        """
        square = F.interpolate(
            luma, (self.side, self.side), mode="bilinear", align_corners=False, antialias=True
        )
        scores = self.semantic(square)
        gist = self.gist(luma_to_grey(square))
        return gist, scores.mean((2, 3)), fine_scores(scores, square)

    @torch.jit.export
    def rows(self, grey: Tensor, fine: Tensor, first: int, last: int) -> Tensor:
        """Describe the pixels of the rows ``first … last − 1``.

        Parameters
        ----------
        grey
            (N, 1, H, W): the whole picture, `yuv.luma_to_grey` of its lightness.
        fine
            (N, S, 128, 128), third result of `forward`.

        Returns
        -------
        Tensor
            (N, D, last − first, W): the blocks in the order low, mid, high.
        """
        parts = []
        if self.low:
            parts.append(patch_rows(grey, first, last))
        if self.mid:
            parts.append(self.daisy.rows(grey, first, last))
        if self.high:
            parts.append(score_rows(fine, first, last, grey.shape[2], grey.shape[3]))
        return torch.cat(parts, 1)

    @torch.jit.export
    def dense(self, luma: Tensor) -> Tensor:
        """Describe all pixels at once: (N, 1, H, W) L* → (N, D, H, W). 0.5 KB a pixel."""
        _, _, fine = self.forward(luma)
        return self.rows(luma_to_grey(luma), fine, 0, luma.shape[2])
